"""Clients that speak HTTP and WebSocket byte by byte, so that they can also misbehave."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Event, Request, TextMessage
from wsproto.extensions import PerMessageDeflate

PATIENCE_S = 10.0
"""How long a test waits for what must come; nothing here waits for what must not."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer as read from the wire."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value under `name`, or None."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(": ")
            if key.lower() == name.lower():
                return value
        return None

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class RawClient:
    """A TCP connection to a server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.socket = socket.create_connection((parts.hostname, parts.port or 80), PATIENCE_S)
        self.received = b""

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def ask(
        self, target: str, *, method: str = "GET", headers: str = "", body: bytes = b""
    ) -> None:
        """Send a well-formed request."""
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        head = f"{method} {target} HTTP/1.1\r\nHost: test\r\n{headers}{length}\r\n"
        self.send(head.encode("latin-1") + body)

    def answer(self, *, to_head: bool = False) -> Answer:
        """Read one answer (interim ones too)."""
        while b"\r\n\r\n" not in self.received:
            self._receive()
        head, _, rest = self.received.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        answer = Answer(status, head, b"")
        length = 0 if to_head or status < 200 else int(answer.header("Content-Length") or "0")
        while len(rest) < length:
            self._receive()
            rest = self.received.partition(b"\r\n\r\n")[2]
        self.received = rest[length:]
        return Answer(status, head, rest[:length])

    def get(self, target: str, *, headers: str = "") -> Answer:
        """Send a GET and read its answer."""
        self.ask(target, headers=headers)
        return self.answer()

    def read(self, size: int) -> bytes:
        """So many bytes."""
        while len(self.received) < size:
            self._receive()
        data, self.received = self.received[:size], self.received[size:]
        return data

    def send_until_refused(self, data: bytes, pause_s: float = 0.0) -> None:
        """Send the same again and again until the server has had enough."""
        give_up_s = time.monotonic() + PATIENCE_S
        try:
            while time.monotonic() < give_up_s:
                self.send(data)
                time.sleep(pause_s)
        except OSError:
            return
        raise AssertionError("the server took everything")

    def rest(self) -> bytes:
        """Everything until the server closes."""
        try:
            while data := self.socket.recv(65536):
                self.received += data
        except ConnectionResetError:
            pass
        rest, self.received = self.received, b""
        return rest

    def half_close(self) -> None:
        """Say that nothing more will be sent."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Vanish without a goodbye (RST)."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        """Close, orderly."""
        self.socket.close()

    def _receive(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(f"the server closed after {self.received[:300]!r}")
        self.received += data


@contextmanager
def connected(url: str) -> Iterator[RawClient]:
    """A client that is closed in the end."""
    client = RawClient(url)
    try:
        yield client
    finally:
        client.close()


class WebSocketClient:
    """A WebSocket over a `RawClient`."""

    def __init__(
        self,
        url: str,
        path: str = "/ws",
        *,
        compress: bool = False,
        raw: RawClient | None = None,
    ) -> None:
        """`raw` is a connection made before, a tunnel perhaps."""
        self.raw = raw or RawClient(url)
        self.wire = WSConnection(ConnectionType.CLIENT)
        extensions = [PerMessageDeflate()] if compress else []
        self.send_event(Request(host="test", target=path, extensions=list(extensions)))
        self._events: list[Event] = []
        self.greeting = self.next_event()

    def send_event(self, event: Event) -> None:
        """Send any wsproto event."""
        self.raw.send(self.wire.send(event))

    def send(self, text: str) -> None:
        """Send a text message."""
        self.send_event(TextMessage(data=text))

    def next_event(self) -> Event:
        """The next event, whatever it is."""
        while not self._events:
            data = self.raw.socket.recv(65536)
            self.wire.receive_data(data or None)
            self._events += self.wire.events()
        return self._events.pop(0)

    def text(self) -> str:
        """The next text message, whole."""
        text = ""
        while True:
            event = self.next_event()
            assert isinstance(event, TextMessage), event
            text += event.data
            if event.message_finished:
                return text

    def closed(self) -> CloseConnection:
        """The closing of the server, skipping what comes before."""
        while True:
            event = self.next_event()
            if isinstance(event, CloseConnection):
                return event


@contextmanager
def websocket(url: str, path: str = "/ws", *, compress: bool = False) -> Iterator[WebSocketClient]:
    """An accepted WebSocket that is closed in the end."""
    client = WebSocketClient(url, path, compress=compress)
    try:
        assert isinstance(client.greeting, AcceptConnection), client.greeting
        yield client
    finally:
        client.raw.close()
