"""Thousands of Bayeux clients over long-polling that do nothing but wait, in one thread."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

ANSWERED = re.compile(rb"HTTP/1\.1 200 .*?\r\n\r\n(\[.*\])", re.DOTALL)
AT_ONCE = 200
"""So many connections are opened at a time: the backlog of a listener is bounded."""


class WaitingClient(asyncio.Protocol):
    """Shakes hands, connects once to be told its advice, and connects to be held."""

    def __init__(self, authority: str, path: str, user: str) -> None:
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n"
            f"Authorization: Basic {base64.b64encode(f'{user}:x'.encode()).decode()}\r\n"
        )
        self._received = b""
        self._told = 0
        self.waits: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.disturbed = False
        """Whether anything came, or the connection went, once it waited."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        fields = {"version": "1.0", "supportedConnectionTypes": ["long-polling"]}
        self._send({"channel": "/meta/handshake", **fields})

    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = ANSWERED.fullmatch(self._received)
        self.disturbed = self._told == 2
        if answer is None:
            return
        self._received = b""
        self._told += 1
        if self._told == 1:
            self._client_id = json.loads(answer[1])[0]["clientId"]
        self._connect()
        if self._told == 2:
            self.waits.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.disturbed = True
        if not self.waits.done():
            self.waits.set_exception(exc or ConnectionError("closed by the server"))

    def _connect(self) -> None:
        client_id = {"clientId": self._client_id, "connectionType": "long-polling"}
        self._send({"channel": "/meta/connect", **client_id})

    def _send(self, message: dict[str, object]) -> None:
        body = json.dumps([message])
        request = f"{self._head}Content-Length: {len(body)}\r\n\r\n{body}"
        self.transport.write(request.encode())


def _itself(client: WaitingClient) -> WaitingClient:
    return client


@contextlib.contextmanager
def waiting_crowd(url: str, path: str, count: int) -> Iterator[list[WaitingClient]]:
    """So many clients, each held by the server while inside; they are gone afterwards."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    clients: list[WaitingClient] = []

    async def come() -> None:
        address = urlsplit(url)
        for first in range(0, count, AT_ONCE):
            some = [
                WaitingClient(address.netloc, path, f"agent{number}")
                for number in range(first, min(first + AT_ONCE, count))
            ]
            clients.extend(some)
            for client in some:
                protocol = partial(_itself, client)
                await loop.create_connection(protocol, "127.0.0.1", address.port or 80)
            await asyncio.gather(*(client.waits for client in some))

    async def go() -> None:
        for client in clients:
            client.transport.abort()

    try:
        asyncio.run_coroutine_threadsafe(come(), loop).result(240)
        yield clients
    finally:
        asyncio.run_coroutine_threadsafe(go(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
