"""One session: the server's state for one client id."""

from __future__ import annotations

from collections.abc import Sequence

from ..json_value import JsonObject
from .ack import AckState
from .message import Outgoing
from .states import State
from .timers import Timer

_NONE: Sequence[Outgoing] = ()
_NAMES: dict[tuple[str, ...], tuple[str, ...]] = {}
"""The few sets of fields that replies to connects have."""


class Hold:
    """A held connect: an answer that waits for an event, for its time, or for the session's end."""

    __slots__ = (
        "_names",
        "_values",
        "browser",
        "carrier_id",
        "message",
        "over_socket",
        "received_s",
        "session",
        "until_s",
    )

    def __init__(
        self,
        session: Session,
        *,
        carrier_id: int,
        over_socket: bool,
        browser: str | None,
        message: JsonObject | None,
        reply: JsonObject,
        received_s: float,
        until_s: float,
    ) -> None:
        self.session = session
        self.carrier_id = carrier_id
        self.over_socket = over_socket
        self.browser = browser
        self.message = message
        """The request, where an extension looks at it when it is answered; there are thousands."""
        names = tuple(reply)
        self._names = _NAMES.setdefault(names, names)
        self._values = tuple(reply.values())
        self.received_s = received_s
        self.until_s = until_s
        """When it is answered at the latest."""

    @property
    def reply(self) -> JsonObject:
        """The reply as it is if nothing happens. A dictionary would be twice as large."""
        return dict(zip(self._names, self._values, strict=True))


class Session:
    """What the server knows of one client. Read it freely; only the server changes it."""

    __slots__ = (
        "ack",
        "advised_for",
        "client_id",
        "connection_type",
        "context",
        "delivery_only",
        "expire_at_s",
        "hold",
        "interval_ms",
        "left",
        "look",
        "queue",
        "resend",
        "socket",
        "state",
        "subscriptions",
    )

    def __init__(self, client_id: str, *, connection_type: str, context: object = None) -> None:
        self.client_id = client_id
        self.state = State.NEW
        self.connection_type = connection_type
        """Of the handshake, then of the last connect."""
        self.context = context
        """Whatever the application put there; the server never looks at it."""
        self.subscriptions: tuple[str, ...] = ()
        """Channels and patterns, in the order of subscription, each once."""
        self.queue: Sequence[Outgoing] = _NONE
        """Events waiting to be sent, oldest first."""
        self.resend: Sequence[Outgoing] = _NONE
        """Events the last connect did not acknowledge; they go before the queue."""
        self.ack: AckState | None = None
        """Present when the acknowledgement extension was negotiated."""
        self.hold: Hold | None = None
        """The held connect."""
        self.socket: int | None = None
        """The WebSocket that events are pushed over."""
        self.left = False
        """Its client closed the connection that its connect was held on, or the WebSocket, and
        has not been heard of since: a page that is loaded again, a process that has ended."""
        self.delivery_only = False
        """Whether events travel on connect replies alone (CometD: metaConnectDeliveryOnly)."""
        self.advised_for = ""
        """The connection type for which the client has been told the advice."""
        self.interval_ms = 0
        """The interval that holds until the next connect: the client's wish, or the server's."""
        self.expire_at_s: float | None = None
        """When silence ends the session; None while a connect is held."""
        self.look: Timer[Session] | None = None
        """When the server looks at it the next time: its hold, or its life, may be over then."""

    def __repr__(self) -> str:
        return f"Session({self.client_id!r}, {self.state.value})"

    @property
    def is_alive(self) -> bool:
        """Whether messages that name the session are still accepted."""
        return self.state is State.CONNECTED or self.state is State.HANDSHAKEN

    @property
    def unfetched(self) -> int:
        """How many of the latest events its client may not have: queued, or not acknowledged."""
        return len(self.queue) + (len(self.ack) if self.ack is not None else 0)

    def add(self, events: Sequence[Outgoing]) -> None:
        """Events wait to be sent."""
        if isinstance(self.queue, list):
            self.queue += events
        else:  # who waits for events has no list
            self.queue = [*events]

    def take_queue(self) -> Sequence[Outgoing]:
        """Empty the queue; its events are about to be sent."""
        events, self.queue = self.queue, _NONE
        return events

    def drop_events(self) -> None:
        """Whatever waits to be sent is not."""
        self.queue = self.resend = _NONE
