"""The operation that causes an event, asked for by any session over one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from measuring.replay_servers import BODY, TARGET


class Operation(asyncio.Protocol):
    """One keep-alive connection; `on_answer` is told when something has come over it."""

    def __init__(self, on_answer: Callable[[], None] = lambda: None) -> None:
        self._on_answer = on_answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._on_answer()

    def ask(self, authority: str, headers: str, cookie: str) -> None:
        """As the session that has this cookie."""
        self.transport.write(
            f"POST {TARGET} HTTP/1.1\r\nHost: {authority}\r\n{headers}Cookie: {cookie}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}".encode()
        )
