"""What the protocol leaves open, and how the server asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ..json_value import JsonObject
from .session import Session

ConnectionType = Literal["long-polling", "callback-polling", "websocket"]
"""The Bayeux transports a carrier may be of (Bayeux: supportedConnectionTypes)."""

Reason = Literal["disconnect", "expired", "server"]
"""Why a session ended: the client's disconnect, silence (or a forced expiry), the server's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """What brought messages and can take an answer: an HTTP exchange or a WebSocket."""

    id: int
    """Id of the exchange or socket, never reused."""
    connection_type: ConnectionType = "long-polling"
    browser: str | None = None
    """The value of the `BAYEUX_BROWSER` cookie. Never needed; limits long polls per browser."""
    context: object = None
    """Whatever the endpoint passes on: the HTTP request, by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A handshake that makes a session."""

    client_id: str
    context: object = None
    """Kept as `Session.context`."""
    extra: JsonObject | None = None
    """Fields added to the reply (`ext` is merged with what extensions put there)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A handshake that makes none."""

    error: str | None = None
    """The Bayeux error; None: the dialect's `403::Handshake denied`."""
    advice: JsonObject | None = None
    """The advice of the reply; None: `{"reconnect": "none"}`, which tells a client to stop."""
    extra: JsonObject | None = None
    """Fields added to the reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event for one session, subscribed to its channel or not."""

    client_id: str
    message: JsonObject
    """`channel`, `data` and whatever else; sent as it is, never copied: do not change it later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What becomes of a published message."""

    error: str | None = None
    """Refuses the publish when given."""
    deliveries: Sequence[Delivery] = ()
    """Events it causes; `BayeuxServer.broadcast` may be called instead, or as well."""
    extra: JsonObject | None = None
    """Fields added to the reply."""


PUBLISHED = Published()
"""Accepted, and nothing more."""


class Application(Protocol):
    """Decides what the protocol leaves open.

    The server calls it while it handles messages. It may call the server's `deliver`, `broadcast`,
    `disconnect` and `expire` from within: they take effect in the same call of the server, which
    returns their actions with its own (they return an empty list themselves).
    """

    def handshake(self, message: JsonObject, carrier: Carrier, now_s: float) -> Accepted | Refused:
        """Make a session, or refuse to."""
        ...

    def connected(self, session: Session, message: JsonObject, now_s: float) -> None:
        """The session's first connect has come (it is about to be answered, at once)."""
        ...

    def subscribe(
        self, session: Session, channel: str, message: JsonObject, now_s: float
    ) -> str | None:
        """Allow a subscription, to one channel or pattern, by None; an error string refuses it.

        Called for every one asked for, also for one the session has already.
        """
        ...

    def unsubscribe(
        self, session: Session, channel: str, message: JsonObject, now_s: float
    ) -> str | None:
        """Allow the end of a subscription by None; an error string refuses it."""
        ...

    def publish(self, session: Session, message: JsonObject, now_s: float) -> Published:
        """A message arrived on a broadcast or service channel; nothing is sent but by this."""
        ...

    def removed(self, session: Session, reason: Reason, now_s: float) -> None:
        """The session has ended; its subscriptions are still to be read in it."""
        ...

    def parted(self, session: Session, told: bool, now_s: float) -> None:
        """After `removed`, of a session that the server has ended: its client was told so, and
        was given with that what waited for it; or has not come for it (`told` is false).
        """
        ...
