"""Bytes put on the wire in a bad manner: in pieces, cut short, with a reset at their end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from math import ceil
from typing import Protocol

from cometape.core.service import Manner

LINGER_NONE = struct.pack("ii", 1, 0)
"""SO_LINGER on, with no time: closing sends a reset instead of an end (socket(7), tcp(7))."""
DRAIN_S = 0.005
"""How often it is looked whether what was written has left, before a reset would discard it."""
MAX_DRAINS = 400
"""How often at most: two seconds for a client that does not read."""


def reset(transport: asyncio.Transport) -> None:
    """Close a connection by a TCP reset, where the system can; else without a word."""
    sock = transport.get_extra_info("socket")
    if sock is not None and not transport.is_closing():
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
    transport.abort()


class Pacing(Protocol):
    """What a writing asks of the host."""

    loop: asyncio.AbstractEventLoop

    def trickle(self, writing: SpoiledWriting, every_s: float, pieces: int) -> None:
        """Let so many pieces of a writing go, one every so often."""
        ...

    def dried_up(self, number: int) -> None:
        """A writing has ended before its end."""
        ...


class SpoiledWriting:
    """Writes some bytes as a `Manner` says, in pieces as the host has them go; then calls `done`,
    or resets.
    """

    __slots__ = ("_data", "_done", "_drains", "_host", "_manner", "_transport", "number")

    def __init__(
        self,
        number: int,
        transport: asyncio.Transport,
        host: Pacing,
        data: bytes,
        manner: Manner,
        done: Callable[[], None],
    ) -> None:
        """`number` is that of the exchange or the socket."""
        self.number = number
        self._transport = transport
        self._host = host
        self._manner = manner
        self._done = done
        self._drains = 0
        size = len(data)
        if manner.share < 1.0:  # at least a byte is missing: what is cut is never whole
            size = max(0, min(ceil(size * manner.share), size - 1))
        self._data = memoryview(data)[:size]

    @property
    def is_going(self) -> bool:
        """Whether there is more to write."""
        return len(self._data) > 0

    def begin(self) -> None:
        """Write the first piece; the others go when the host says so."""
        self.go_on()
        if self._data:
            pieces = ceil(len(self._data) / (self._manner.piece_bytes or len(self._data)))
            self._host.trickle(self, self._manner.every_s, pieces)

    def go_on(self) -> None:
        """Write the next piece."""
        transport, size = self._transport, self._manner.piece_bytes
        if transport.is_closing():
            self._data = self._data[:0]
            self._host.dried_up(self.number)
            return
        if self._data:
            piece = self._data if size is None else self._data[:size]
            transport.write(bytes(piece))
            self._data = self._data[len(piece) :]
        if self._data:
            return
        if self._manner.resets:
            self._drain()
        else:
            self._done()

    def _drain(self) -> None:
        if self._transport.is_closing():
            return
        self._drains += 1
        if self._transport.get_write_buffer_size() and self._drains < MAX_DRAINS:
            self._host.loop.call_later(DRAIN_S, self._drain)
        else:
            reset(self._transport)
