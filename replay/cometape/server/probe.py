"""Whether a client that sends no more is still there to read.

TCP does not tell `close` from `shutdown(SHUT_WR)` until something is sent. An interim answer is
harmless to a client that waits (RFC 9110 §15.2) and is answered with a reset by one that has gone,
whose held connect must not swallow events.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from .outgoing import CONTINUE

FIRST_LOOK_S = 0.001
"""How long after a probe its effect is looked for again, if it was not there at once; then after
twice as long, and so on, until the next probe is near."""


class Probe:
    """Asks the client of one connection, as often as it is told to."""

    __slots__ = ("_every_s", "_gone", "_loop", "_transport")

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        every_s: float,
        gone: Callable[[], None],
    ) -> None:
        """`gone` is called when the client turns out to have gone; it ends the transport."""
        self._transport = transport
        self._loop = loop
        self._every_s = every_s
        self._gone = gone

    def ask(self) -> None:
        """Send an interim answer, and see what comes back.

        It is sent past the transport, which may do so at the end of the turn only: over loopback
        the reset is there when `send` returns, before any event that is to come. Over a network it
        takes a round trip; an event that is due meanwhile is lost with the connection, as any that
        is sent while a client closes (the ack extension is for that).
        """
        transport = self._transport
        if transport.is_closing():
            return
        unsent = CONTINUE
        if not transport.get_write_buffer_size():
            found = transport.get_extra_info("socket")
            sock = socket.socket(found.family, found.type, found.proto, found.fileno())
            try:
                unsent = unsent[sock.send(unsent) :]
            except BlockingIOError:
                pass  # the transport waits until there is room for it
            except OSError:
                self._gone()
                return
            finally:
                sock.detach()
        if unsent:
            transport.write(unsent)
        self._look(FIRST_LOOK_S)

    def _look(self, again_s: float) -> None:
        """See whether there was a reset; if not, see once more `again_s` later."""
        if self._transport.is_closing():
            return
        sock = self._transport.get_extra_info("socket")
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._gone()
        elif again_s <= self._every_s / 2:
            self._loop.call_later(again_s, self._look, 2 * again_s)
