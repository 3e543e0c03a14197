"""One connection that speaks WebSocket: wsproto frames, a `ServiceHost` decides.

Imported when the first client asks for a WebSocket, because wsproto and h11 take 50 ms to import.
"""

from __future__ import annotations

import asyncio
from math import inf

import h11
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import RemoteProtocolError

from cometape.core.exchange import Headers, Request
from cometape.core.service import Manner

from .problem import Refusal
from .service_host import ServiceHost
from .spoiled import SpoiledWriting, reset

PIECE_BYTES = 4096
"""Frames are decoded in pieces of this size, because a compressed piece can grow 1,032-fold
(zlib's limit) before its size is known."""

_SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\n"
"""The status line with the words that RFC 6455 §4.2.2 prints: Ruby's Faye insists on some, and
wsproto writes none."""


class Handshake:
    """A request to become a WebSocket that RFC 6455 §4.2.1 finds in order.

    Raises:
        Refusal: it is not in order (400), or of another version (426).
    """

    def __init__(self, request: Request) -> None:
        self.wire = WSConnection(ConnectionType.SERVER)
        headers = [(b"Host", b"localhost")]  # ours to check, and done
        headers += [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in request.headers
            if name.lower() in ("connection", "upgrade")
            or name.lower().startswith("sec-websocket-")
        ]
        try:
            self.wire.initiate_upgrade_connection(headers, "/")
        except RemoteProtocolError as error:
            hint = error.event_hint
            status = hint.status_code if isinstance(hint, RejectConnection) else 400
            raise Refusal(
                status, "bad-upgrade", str(error), ("Sec-WebSocket-Version", "13")
            ) from None
        except h11.ProtocolError as error:
            raise Refusal(400, "bad-upgrade", str(error)) from None

    def accept(self, headers: Headers) -> bytes:
        """The 101 answer; `permessage-deflate` is agreed to if offered.

        Without context takeover: a compressor that outlives its message holds 300 KB for each
        WebSocket, and the bytes of a message would depend on those before it.
        """
        for _request in self.wire.events():
            pass
        extra = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        deflate = PerMessageDeflate(
            client_no_context_takeover=True, server_no_context_takeover=True
        )
        try:
            answer = self.wire.send(AcceptConnection(extensions=[deflate], extra_headers=extra))
        except ValueError:  # a malformed offer: RFC 7692 §5.1 declines it
            answer = self.wire.send(AcceptConnection(extra_headers=extra))
        return _SWITCHING + answer.partition(b"\r\n")[2]


class WebSocketConnection(asyncio.Protocol):
    """The protocol of one connection after its handshake; see the module."""

    __slots__ = (
        "_closing",
        "_deaf",
        "_host",
        "_number",
        "_parts",
        "_pinged",
        "_queued",
        "_size",
        "_transport",
        "_wire",
        "deadline_s",
    )

    def __init__(
        self, host: ServiceHost, transport: asyncio.Transport, number: int, handshake: Handshake
    ) -> None:
        self._host = host
        self._transport = transport
        self._number = number
        self._wire = handshake.wire
        self._parts: list[str] = []
        self._size = 0
        self._pinged = False
        self._closing = False
        """Our close frame is sent; what the client still sends is only looked at for its own."""
        self._queued: list[bytes] | None = None
        """Frames that wait until one that is written badly is through."""
        self._deaf = False
        """The client broke a rule: what it still sends is not looked at."""
        self.deadline_s = host.time() + host.limits.idle_timeout_s

    # Called by asyncio

    def data_received(self, data: bytes) -> None:
        if self._deaf or self._transport.is_closing():
            return
        if not self._closing:
            self._pinged = False
            self.deadline_s = self._host.time() + self._host.limits.idle_timeout_s
        for start in range(0, len(data), PIECE_BYTES):
            self._wire.receive_data(data[start : start + PIECE_BYTES])
            for event in self._wire.events():
                if isinstance(event, CloseConnection):
                    self._closed_by_client(event)
                    return
                if self._closing:
                    continue
                if isinstance(event, TextMessage):
                    self._text(event)
                elif isinstance(event, BytesMessage):
                    self._refuse(CloseReason.UNSUPPORTED_DATA, "text messages only")
                elif isinstance(event, Ping):
                    self._write(self._wire.send(event.response()))
                if self._deaf:
                    return

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.closed(self)
        self._closing = True
        self._host.gone(self._number)

    # Called by the host

    def send_text(self, text: str) -> None:
        """Send one text message."""
        if not self._closing:
            self._write(self._wire.send(TextMessage(data=text)))

    def spoil_text(self, text: str, manner: Manner) -> None:
        """Send one text message badly."""
        if self._closing:
            return
        data = self._wire.send(TextMessage(data=text))
        if self._queued is not None:  # one at a time
            self._write(data)
            return
        self._queued = []

        def done() -> None:
            queued, self._queued = self._queued or [], None
            for later in queued:
                self._write(later)

        SpoiledWriting(self._number, self._transport, self._host, data, manner, done).begin()

    def close(self, code: int, reason: str) -> None:
        """Start the closing handshake (RFC 6455 §7.1.2); nothing is received after."""
        if self._closing:
            return
        self._closing = True
        self._parts.clear()
        self.deadline_s = self._host.time() + self._host.limits.linger_s
        self._write(self._wire.send(CloseConnection(code=code, reason=reason)))

    def abort(self) -> None:
        """Close the connection without a word."""
        self._transport.abort()

    def reset(self) -> None:
        """Reset the connection."""
        reset(self._transport)

    def expire(self, now_s: float) -> None:
        """`deadline_s` has passed: ask a quiet client whether it is there, drop a dead one."""
        if self._closing or self._pinged:
            self._transport.abort()
        else:
            self._pinged = True
            self.deadline_s = now_s + self._host.limits.idle_timeout_s
            self._write(self._wire.send(Ping()))

    def shut_down(self) -> None:
        """The server ends."""
        self.close(CloseReason.GOING_AWAY, "")
        self._transport.close()

    # Steps

    def _text(self, event: TextMessage) -> None:
        limit = self._host.limits.max_message_bytes
        data = event.data
        self._size += len(data) if data.isascii() else len(data.encode())
        if self._size > limit:
            self._refuse(CloseReason.MESSAGE_TOO_BIG, f"a message may have {limit} bytes")
            return
        if not event.message_finished:
            if data:
                self._parts.append(data)
            return
        if self._parts:
            self._parts.append(data)
            data = "".join(self._parts)
            self._parts.clear()
        self._size = 0
        self._host.text(self._number, data)

    def _closed_by_client(self, event: CloseConnection) -> None:
        state = self._wire.state
        if state is ConnectionState.OPEN:  # the frames were wrong; the event says how
            self._refuse(event.code, event.reason or "")
            return
        if state is ConnectionState.REMOTE_CLOSING:
            self._closing = True
            self._write(self._wire.send(event.response()))
        self._transport.close()

    def _refuse(self, code: int, reason: str) -> None:
        """Close because of what the client sent, and give it a moment to read why."""
        self.close(code, reason)
        self._deaf = True
        if not self._transport.is_closing():
            self._transport.write_eof()

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if transport.is_closing():
            return
        if self._queued is not None:
            self._queued.append(data)
            return
        if transport.get_write_buffer_size() > self._host.limits.max_buffered_bytes:
            self.deadline_s = inf
            transport.abort()
            return
        transport.write(data)
