"""An HTTP(S) proxy in front of a replay server, for clients that insist on the real host name.

mitmproxy opens the TLS of its clients; every request for a recorded host goes to the replay server,
every other one, tunnels included, is refused. The only connection it can open is that to the replay
server: the `server_connect` hook, which mitmproxy calls before each, refuses all others.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from weakref import WeakSet

from mitmproxy import ctx, http
from mitmproxy.connection import Client
from mitmproxy.net.http.url import hostport
from mitmproxy.options import Options
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from cometape.core.report.miss import STATUS
from cometape.server.spoiled import LINGER_NONE

from .authority import DEFAULT_CONFDIR, usable_confdir
from .embedding import Address, run_mitmproxy
from .held_polls import allow_long_holds

REASON = "host-not-recorded"
BODY_LIMIT = "8m"
"""As `server.limits` has it: a longer request is refused by the proxy itself."""
_FOR_REPLAY = "cometape_for_replay"
"""Key in a flow's metadata: it is for a recorded host."""
_HOP_BY_HOP = ("Proxy-Authorization", "Proxy-Connection", "Forwarded")
"""What a client says to a proxy, or could say in a proxy's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayProxy:
    """A proxy in front of a replay server; a `server.listener.Front`."""

    hosts: frozenset[str]
    """Names (or addresses) of the recorded hosts, in lower case; at any port."""
    address: Address
    confdir: Path = DEFAULT_CONFDIR
    """Where the certificate authority is."""
    refused: Callable[[str], None] = lambda host: None
    """Is told the host of each request that is refused."""

    async def run(
        self, behind: str, *, listening: Callable[[str], None], stop: asyncio.Event
    ) -> None:
        """Pass on what comes for the recorded hosts to the URL `behind` until `stop` is set.

        Raises ConfigurationError when the address cannot be listened on.
        """
        allow_long_holds()
        options = {"upstream_cert": False, "body_size_limit": BODY_LIMIT}
        with usable_confdir(self.confdir) as confdir:
            await run_mitmproxy(
                self.address,
                # As for the recorder, all clients are kept to HTTP/1.1 and to HTTP.
                Options(
                    mode=["regular"], confdir=str(confdir), http2=False, http3=False, rawtcp=False
                ),
                [ToReplay(behind, self.hosts, self.refused)],
                addon_options=options,
                listening=listening,
                stop=stop,
            )


class ToReplay:
    """The addon: requests for recorded hosts to the replay server, everything else refused."""

    name = "cometape-to-replay"

    def __init__(self, behind: str, hosts: Collection[str], refused: Callable[[str], None]) -> None:
        parts = urlsplit(behind)
        self._replay = (str(parts.hostname), int(parts.port or 80))
        self._hosts = hosts
        self._refused = refused
        self._tunnels: WeakSet[Client] = WeakSet()
        """Clients that have asked for a tunnel."""

    def server_connect(self, data: ServerConnectionHookData) -> None:
        """The one place where a connection can be let out: none but to the replay server."""
        if data.server.address != self._replay:
            data.server.error = f"a replay opens no connection to {data.server.address}"

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """A tunnel, which is TLS or a WebSocket."""
        if not self._is_recorded(flow.request.host):
            flow.response = self._refusal(flow.request)
        else:
            self._tunnels.add(flow.client_conn)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Where a request goes is changed; what the client called it stays in `Host`."""
        request = flow.request
        if not self._is_recorded(request.host):
            return
        for name in _HOP_BY_HOP:
            request.headers.pop(name, None)
        host = hostport(request.scheme, request.host, request.port)
        if flow.client_conn in self._tunnels:
            host = request.host_header or host
        # Else the target was absolute, and its host counts alone (RFC 9112, 3.2.2), or there was
        # no other than that of `Host`.
        if request.scheme == "https":
            request.headers["Forwarded"] = "proto=https"
        flow.metadata[_FOR_REPLAY] = True
        request.scheme = "http"
        request.host, request.port = self._replay
        request.host_header = host

    def request(self, flow: http.HTTPFlow) -> None:
        """A request for another host than the recorded ones."""
        if not flow.metadata.get(_FOR_REPLAY):
            flow.response = self._refusal(flow.request)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Answers pass as they come."""
        if flow.response is not None:
            flow.response.stream = True

    def error(self, flow: http.HTTPFlow) -> None:
        """What the replay has reset or cut is so for its client, which else would get a 502."""
        server = flow.server_conn
        is_ended = server.timestamp_start is not None and not server.connected
        if is_ended and flow.metadata.get(_FOR_REPLAY) and flow.killable:
            _reset_at_the_end(flow.client_conn)
            flow.kill()

    def _is_recorded(self, host: str) -> bool:
        return host.lower().rstrip(".") in self._hosts

    def _refusal(self, request: http.Request) -> http.Response:
        host = request.host.lower()
        self._refused(host)
        recorded = ", ".join(sorted(self._hosts))
        body = {
            "type": "about:blank",
            "title": "Not a recorded host",
            "status": STATUS,
            "reason": REASON,
            "detail": f"{host} is not in the cassette, which is of {recorded}; a replay reaches"
            " nobody else",
            "hint": f"record traffic with {host} too, or give --origin if it is another name"
            " of the recorded system",
        }
        return http.Response.make(
            STATUS, json.dumps(body), {"Content-Type": "application/problem+json"}
        )


def _reset_at_the_end(client: Client) -> None:
    """Let the connection of a client end by a TCP reset when mitmproxy closes it."""
    proxy = ctx.master.addons.get("proxyserver")
    handler = proxy.connections.get(client.id) if proxy is not None else None
    writer = handler.transports[client].writer if handler is not None else None
    sock = writer.get_extra_info("socket") if writer is not None else None
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
