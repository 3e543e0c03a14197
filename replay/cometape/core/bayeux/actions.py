"""What a Bayeux server wants done, as values; the endpoint turns them into HTTP and WebSocket."""

from __future__ import annotations

from dataclasses import dataclass

from .message import Outgoing


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer an HTTP exchange with these messages, status 200."""

    carrier_id: int
    messages: tuple[Outgoing, ...]
    set_browser: bool = False
    """Whether a `BAYEUX_BROWSER` cookie goes with it: a handshake from a client without one."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send these messages over a WebSocket, as one frame."""

    carrier_id: int
    messages: tuple[Outgoing, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """End an HTTP exchange with an error status and an empty body."""

    carrier_id: int
    status: int


@dataclass(frozen=True, slots=True)
class Close:
    """Close a WebSocket with a code of RFC 6455 §7.4.1."""

    carrier_id: int
    code: int


BayeuxAction = Answer | Send | Refuse | Close
