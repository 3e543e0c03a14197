"""mitmproxy in process, with only the addons a recorder needs.

mitmdump's 31 addons cost as much as the proxying itself (measured: half of all CPU time is spent in
asking them), so here run `Core`, `Proxyserver`, `NextLayer` and `TlsConfig`, and ours.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import logging
import socket
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mitmproxy import http
from mitmproxy.addons.core import Core
from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.connection import Client, Server
from mitmproxy.master import Master
from mitmproxy.net.http.url import hostport
from mitmproxy.net.server_spec import ServerSpec
from mitmproxy.options import Options
from mitmproxy.proxy.mode_specs import ReverseMode

from ..core.errors import ConfigurationError
from .addon import HOLD_LIMIT_S, Recorder
from .authority import DEFAULT_CONFDIR, usable_confdir
from .lean_master import LeanMaster
from .reverse_view import reverse_view

FAREWELL_S = 2.0
"""How long ending waits for open connections to be closed."""
UPSTREAM_CONNECTIONS = 1000
"""Per client connection; mitmproxy's own limit is 5, which as many held polls use up."""


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


class _ManyUpstreamConnections:
    """Lets the held polls of one HTTP/2 client each have their own upstream connection."""

    name = "cometape-many-connections"

    def __init__(self, proxyserver: Proxyserver) -> None:
        self._proxyserver = proxyserver

    def client_connected(self, client: Client) -> None:
        handler = self._proxyserver.connections.get(client.id)
        if handler is not None:
            handler.max_conns = defaultdict(lambda: asyncio.Semaphore(UPSTREAM_CONNECTIONS))


class _Startup:
    """Tells when connections are accepted, or that they cannot be."""

    name = "cometape-startup"

    def __init__(self, listening: Callable[[str, int], None]) -> None:
        self._listening = listening
        self.failure: BaseException | None = None
        self.master: Master | None = None

    def running(self) -> None:
        assert self.master is not None
        proxyserver: Any = self.master.addons.get("proxyserver")
        servers = proxyserver.servers
        addresses = [address for server in servers for address in server.listen_addrs]
        failures = [server.last_exception for server in servers if server.last_exception]
        if failures or not addresses:
            self.failure = failures[0] if failures else OSError("the proxy does not listen")
            self.master.shutdown()
            return
        self._listening(addresses[0][0], addresses[0][1])


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
    startup = _Startup(lambda host, port: listening(f"http://{_authority(settings, host, port)}"))
    with _quiet_logs(recorder), usable_confdir(settings.confdir) as confdir:
        master = LeanMaster(_options(settings, confdir))
        startup.master = master
        proxyserver = Proxyserver()
        master.addons.add(Core(), proxyserver, NextLayer(), TlsConfig())
        master.addons.add(*reverse_view(recorder, settings.public), startup)
        if settings.upstream_proxy is not None:
            master.addons.add(_ViaProxy(settings.upstream_proxy))
        if settings.http2:
            master.addons.add(_ManyUpstreamConnections(proxyserver))
        # Options that the addons declare are known only now.
        master.options.update(**_addon_options(settings, master.options))
        stopping = asyncio.create_task(_shut_down(master, stop))
        try:
            await master.run()
        finally:
            stopping.cancel()
            await _close_connections(master)
    if startup.failure is not None:
        raise _cannot_listen(settings, startup.failure) from startup.failure


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
        raise _cannot_listen(settings, error) from error


async def _shut_down(master: Master, stop: asyncio.Event) -> None:
    await stop.wait()
    master.shutdown()


async def _close_connections(master: Master) -> None:
    """End what mitmproxy leaves to the loop's end: listeners first, then open connections."""
    proxyserver: Any = master.addons.get("proxyserver")
    for instance in list(proxyserver.servers):
        if instance.is_running:
            await instance.stop()
    for handler in list(proxyserver.connections.values()):
        await handler.on_timeout()  # as after a long silence: the one way to end it from outside
    deadline_s = asyncio.get_running_loop().time() + FAREWELL_S
    while proxyserver.connections and asyncio.get_running_loop().time() < deadline_s:
        await asyncio.sleep(0.01)


def _options(settings: ProxySettings, confdir: Path) -> Options:
    return Options(
        mode=[_mode(settings)],
        listen_host=settings.host,
        listen_port=settings.port,
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


def _addon_options(settings: ProxySettings, options: Options) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        # Eager would close the client's connection, without a word, when the upstream is down.
        "connection_strategy": "lazy",
        "keep_host_header": True,  # `reverse_view` sees to it
    }
    if settings.http2:  # requests of undeclared length; all others `Recorder` lets stream itself
        chosen["stream_large_bodies"] = "64m"
    if "tcp_timeout" in options:  # from 12.2.1; before it is a constant (addon.allow_long_holds)
        chosen["tcp_timeout"] = HOLD_LIMIT_S
    return chosen


@contextlib.contextmanager
def _quiet_logs(recorder: Recorder) -> Iterator[None]:
    """mitmproxy's and asyncio's warnings go to stderr without secrets; the rest nowhere."""
    handler = _ScrubbedWarnings(recorder)
    loggers = [logging.getLogger(name) for name in ("mitmproxy", "asyncio")]
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, propagate in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.propagate = propagate


class _ScrubbedWarnings(logging.StreamHandler[Any]):
    """Writes warnings to standard error, scrubbed: mitmproxy quotes traffic in some of them."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.setLevel(logging.WARNING)
        self._recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr  # as it is now: while a table is drawn, this prints above it
        super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        text = f"mitmproxy: {record.getMessage()}"
        if record.exc_info and record.exc_info[1] is not None:
            text += f" ({type(record.exc_info[1]).__name__})"
        recording = self._recorder.recording
        return recording.observer.scrubber.text(text) if recording is not None else text


def _authority(settings: ProxySettings, host: str, port: int) -> str:
    shown = settings.host or host
    return f"[{shown}]:{port}" if ":" in shown else f"{shown}:{port}"


def _cannot_listen(settings: ProxySettings, error: BaseException) -> ConfigurationError:
    in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
    why = "the port is in use" if in_use else str(error)
    return ConfigurationError(
        f"cannot listen on {settings.host}:{settings.port}: {why}",
        hint="Choose another --port, or none for a free one.",
        reason="port-in-use" if in_use else "cannot-listen",
    )
