"""The recorder as a proxy: how it listens, whom it talks to, by which addons."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mitmproxy import http
from mitmproxy.connection import Server
from mitmproxy.net.http.url import hostport
from mitmproxy.net.server_spec import ServerSpec
from mitmproxy.options import Options
from mitmproxy.proxy.mode_specs import ReverseMode

from ..mitm.authority import DEFAULT_CONFDIR, usable_confdir
from ..mitm.embedding import Address, run_mitmproxy
from ..mitm.held_polls import ManyUpstreamConnections
from .addon import Recorder
from .reverse_view import reverse_view


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamProxy:
    """Another proxy between the recorder and the world."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    credentials: str | None = None
    """`user:password` for its Basic authentication."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """How the recorder listens, and whom it talks to."""

    upstream: str | None = None
    """Origin of the system to record; None: a regular proxy, the client says whom it wants."""
    host: str = "127.0.0.1"
    port: int = 0
    """0: a free one."""
    insecure: bool = False
    """Do not verify the upstream's certificate."""
    trusted_ca: Path | None = None
    """PEM file with the authority that signed the upstream's certificate."""
    confdir: Path = DEFAULT_CONFDIR
    http2: bool = False
    """Let clients and upstreams speak HTTP/2 where both sides of a TLS connection can."""
    public: tuple[str, ...] = ()
    """Other origins by which the upstream calls itself; what it puts into URIs is learnt."""
    upstream_proxy: UpstreamProxy | None = None
    """The proxy through which everything goes out."""

    @property
    def address(self) -> Address:
        """Where it listens."""
        return Address(host=self.host, port=self.port)


class _ViaProxy:
    """Sends what goes out through another proxy; comes after the recorder, so is not recorded."""

    name = "cometape-via-proxy"

    def __init__(self, proxy: UpstreamProxy) -> None:
        self._server: ServerSpec = (proxy.scheme, (proxy.host, proxy.port))
        self._authorization: bytes | None = None
        if proxy.credentials is not None:
            self._authorization = b"Basic " + base64.b64encode(proxy.credentials.encode())

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if isinstance(flow.client_conn.proxy_mode, ReverseMode):
            if flow.server_conn.via is None:  # mitmproxy knows no reverse mode by way of a proxy
                flow.server_conn = Server(address=flow.server_conn.address)
                flow.server_conn.via = self._server
        elif flow.request.scheme == "http" and self._authorization is not None:
            flow.request.headers["Proxy-Authorization"] = self._authorization

    def http_connect_upstream(self, flow: http.HTTPFlow) -> None:
        if self._authorization is not None:
            flow.request.headers["Proxy-Authorization"] = self._authorization


async def run(
    recorder: Recorder,
    settings: ProxySettings,
    *,
    listening: Callable[[str], None],
    stop: asyncio.Event,
) -> None:
    """Proxy and record until `stop` is set or the recorder fails.

    `listening` is called once, with the URL of the recorder, when connections are accepted. Raises
    ConfigurationError when the address cannot be listened on.
    """

    def clean(text: str) -> str:
        recording = recorder.recording
        return recording.observer.scrubber.text(text) if recording is not None else text

    addons = list(reverse_view(recorder, settings.public))
    if settings.upstream_proxy is not None:
        addons.append(_ViaProxy(settings.upstream_proxy))
    if settings.http2:
        addons.append(ManyUpstreamConnections())
    with usable_confdir(settings.confdir) as confdir:
        await run_mitmproxy(
            settings.address,
            _options(settings, confdir),
            addons,
            addon_options=_addon_options(settings),
            listening=listening,
            stop=stop,
            clean=clean,
        )


def check_port_is_free(settings: ProxySettings) -> None:
    """Raises ConfigurationError when the address is taken: before any file is touched."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host or None, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise settings.address.cannot_listen(error) from error


def _options(settings: ProxySettings, confdir: Path) -> Options:
    return Options(
        mode=[_mode(settings)],
        confdir=str(confdir),
        # Off by default: browsers then send all over one connection, and what is held up or lost
        # on it is so for every tab and poll. HTTP/1.1 is what the recorded servers speak.
        http2=settings.http2,
        http3=False,
        rawtcp=False,
        ssl_insecure=settings.insecure,
        ssl_verify_upstream_trusted_ca=(
            str(settings.trusted_ca) if settings.trusted_ca is not None else None
        ),
    )


def _mode(settings: ProxySettings) -> str:
    if settings.upstream is not None:
        return f"reverse:{settings.upstream}"
    proxy = settings.upstream_proxy
    return (
        f"upstream:{proxy.scheme}://{hostport('', proxy.host, proxy.port)}" if proxy else "regular"
    )


def _addon_options(settings: ProxySettings) -> dict[str, Any]:
    chosen: dict[str, Any] = {"keep_host_header": True}  # `reverse_view` sees to it
    if settings.http2:  # requests of undeclared length; all others `Recorder` lets stream itself
        chosen["stream_large_bodies"] = "64m"
    return chosen
