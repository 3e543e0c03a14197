"""What an HTTP and WebSocket server asks of the thing it serves, without I/O.

The shell (`cometape.server`) parses bytes and keeps sockets; a `Service` decides. The shell calls
a method with what arrived and the current time, and carries out the actions that come back, in
their order. The broker, the simulated Workbins system and the replay server are services; the tests
talk to them directly, in memory (`tests/support/conversation.py`).

An *exchange id* names one request until it is answered; the id of an exchange that was upgraded
goes on as the *socket id* of the WebSocket. The shell never reuses an id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .exchange import NO_HEADERS, Headers, Request, Response


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer an exchange. The shell adds `Content-Length` (and nothing else)."""

    exchange: int
    response: Response


@dataclass(frozen=True, slots=True)
class Abort:
    """Close the connection of an exchange without an answer."""

    exchange: int


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Accept an exchange as a WebSocket; from now on its id is a socket id."""

    exchange: int
    headers: Headers = NO_HEADERS
    """Additional headers of the 101 answer."""


@dataclass(frozen=True, slots=True)
class SendText:
    """Send one text message over a WebSocket."""

    socket: int
    text: str


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """Close a WebSocket with a code of RFC 6455 §7.4."""

    socket: int
    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection of an exchange or a WebSocket (TCP RST), with nothing more said."""

    exchange: int
    """Or the id of a socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How bytes are put on the wire when something goes wrong on purpose."""

    share: float = 1.0
    """How much of them is sent, from the beginning: 1 is all."""
    resets: bool = False
    """Whether the connection is reset afterwards."""
    piece_bytes: int | None = None
    """They are sent in pieces of this size; None: all at once."""
    every_s: float = 0.0
    """Seconds from one piece to the next."""


@dataclass(frozen=True, slots=True)
class Spoil:
    """Carry out an answer or a text message, in a bad manner."""

    action: Respond | SendText
    manner: Manner


@dataclass(frozen=True, slots=True)
class Proceed:
    """Put the next piece of what trickles on the wire."""

    number: int
    """The exchange or socket that `Trickling.trickle` named."""


Action = Respond | Abort | Upgrade | SendText | CloseSocket | Reset | Spoil | Proceed


class Service(Protocol):
    """Something that can be served. Times are seconds on any monotonic clock, the same throughout.

    An exchange may be answered by the call that brings it or by any later call (a held connect is
    answered by `tick` or by somebody else's `request`); every method may return actions for any
    open exchange or socket.
    """

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """A complete request arrived on a connection (ids are never reused)."""
        ...

    def upgrade(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """A request to become a WebSocket arrived: answer with `Upgrade` or `Respond`."""
        ...

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        """A whole text message arrived over a WebSocket."""
        ...

    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        """The client closed before the exchange was answered, or the WebSocket ended.

        Called once, and never after `Respond`, `Abort`, `Reset` or `Spoil` for that exchange.
        """
        ...

    def tick(self, now_s: float) -> Sequence[Action]:
        """The time that `deadline_s` named has come (or passed)."""
        ...

    def deadline_s(self) -> float | None:
        """When `tick` is wanted next, or None. The shell asks after every call."""
        ...


@runtime_checkable
class Prompt(Protocol):
    """A service that may know an answer at once, without anything that is to be done elsewhere."""

    def at_once(self, connection: int, request: Request, now_s: float) -> Response | None:
        """The answer to a request, where that is all there is to do now.

        None: nothing has happened, and `request` is to be called. The shell asks for the next
        deadline as after every call, but may do so once for many.
        """
        ...


@runtime_checkable
class Accountable(Protocol):
    """A service that answers for what went wrong while it was served."""

    def failed(self, what: str) -> None:
        """A client was not served, or not right, because of a fault of ours."""
        ...


@runtime_checkable
class Trickling(Protocol):
    """A service that may have a time of its own, by which the pieces of a bad manner go, too."""

    def trickle(self, number: int, every_s: float, pieces: int) -> int | None:
        """The first piece of an answer is on the wire, so many are to come, one every so often.

        How many of them may go now; `Proceed` tells of each of the others. None: they go by the
        time of the shell.
        """
        ...

    def dried_up(self, number: int) -> None:
        """The client has gone: no further piece is wanted."""
        ...
