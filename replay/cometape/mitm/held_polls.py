"""What mitmproxy must be told so that it holds polls as long, and as many, as a server does."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from mitmproxy import ctx
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Client
from mitmproxy.proxy import server

HOLD_LIMIT_S = 24 * 60 * 60
"""How long a connection may be silent; mitmproxy's own limit, ten minutes, would end long polls."""
UPSTREAM_CONNECTIONS = 1000
"""Per client connection; mitmproxy's own limit is 5, which as many held polls use up."""


def allow_long_holds() -> None:
    """Let a held poll last: until 12.2.1 the limit is a constant, then an option."""
    server.TCP_TIMEOUT = HOLD_LIMIT_S


class ManyUpstreamConnections:
    """An addon that lets the held polls of one HTTP/2 client each have an upstream connection."""

    name = "cometape-many-connections"

    def client_connected(self, client: Client) -> None:
        """A client's connection begins."""
        proxyserver = ctx.master.addons.get("proxyserver")
        assert isinstance(proxyserver, Proxyserver)
        handler = proxyserver.connections.get(client.id)
        if handler is not None:
            handler.max_conns = defaultdict(lambda: asyncio.Semaphore(UPSTREAM_CONNECTIONS))
