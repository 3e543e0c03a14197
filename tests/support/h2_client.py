"""A client that speaks HTTP/2 over TLS, with any number of requests at once on its connection."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from h2.config import H2Configuration  # type: ignore[import-untyped]
from h2.connection import H2Connection  # type: ignore[import-untyped]


class H2Client:
    """A connection to `host:port`, or through an open tunnel; `protocol` is what ALPN agreed on."""

    def __init__(
        self, address: tuple[str, int], ca: Path, *, name: str = "localhost", tunnel: str = ""
    ) -> None:
        plain = socket.create_connection(address, 10)
        if tunnel:
            plain.sendall(f"CONNECT {tunnel} HTTP/1.1\r\nHost: {tunnel}\r\n\r\n".encode())
            assert b" 200 " in plain.recv(4096)
        context = ssl.create_default_context(cafile=str(ca))
        context.set_alpn_protocols(["h2", "http/1.1"])
        self.socket = context.wrap_socket(plain, server_hostname=name)
        self.protocol = self.socket.selected_alpn_protocol()
        self._h2: Any = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.heads: dict[int, dict[str, str]] = {}
        self.bodies: dict[int, bytes] = {}
        self._ended: set[int] = set()
        if self.protocol == "h2":
            self._h2.initiate_connection()
            self._flush()

    def ask(self, path: str, *, authority: str, method: str = "GET", body: bytes = b"") -> int:
        """Send a request; the number of its stream."""
        stream: int = self._h2.get_next_available_stream_id()
        headers = [
            (":method", method),
            (":scheme", "https"),
            (":authority", authority),
            (":path", path),
        ]
        if body:
            headers.append(("content-type", "application/json"))
        self._h2.send_headers(stream, headers, end_stream=not body)
        if body:
            self._h2.send_data(stream, body, end_stream=True)
        self._flush()
        return stream

    def answer(self, stream: int) -> tuple[int, bytes]:
        """Status and body of the answer to one request."""
        while stream not in self._ended:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            events = self._h2.receive_data(data)
            for event in events:
                kind = type(event).__name__  # of h2.events, typed in newer versions alone
                if kind == "ResponseReceived":
                    self.heads[event.stream_id] = dict(event.headers)
                elif kind == "DataReceived":
                    self.bodies[event.stream_id] = (
                        self.bodies.get(event.stream_id, b"") + event.data
                    )
                    self._h2.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id
                    )
                elif kind in ("StreamEnded", "StreamReset"):
                    self._ended.add(event.stream_id)
            self._flush()
        return int(self.heads[stream][":status"]), self.bodies.get(stream, b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def _flush(self) -> None:
        self.socket.sendall(self._h2.data_to_send())
