"""What goes out: events in their order, held connects when they are answered.

Events are queued while a call lasts and sent when it ends, so that all that one call brings to a
session goes out together, after the answer to whoever made the call.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..json_value import JsonObject
from . import ack, timestamp, timesync
from .actions import Answer, BayeuxAction, Send
from .application import Application, Carrier
from .channel import META_CONNECT, META_DISCONNECT
from .holds import Holds
from .lifetimes import Lifetimes
from .message import Outgoing
from .reply import add_ext, fail_unknown, succeed
from .session import Hold, Session
from .settings import Settings
from .sockets import Sockets
from .states import Input, State, next_state

_FAREWELL: JsonObject = {"channel": META_DISCONNECT, "successful": True}


class Outbox:
    """The ways to every session, and what is to be done at the end of the call."""

    def __init__(self, settings: Settings, application: Application) -> None:
        self.lifetimes = Lifetimes(
            max_interval_ms=settings.max_interval_ms,
            sweep_ms=settings.sweep_ms,
            timeout_ms=settings.timeout_ms,
        )
        self.holds = Holds(self.lifetimes, max_per_browser=settings.max_sessions_per_browser)
        self.sockets = Sockets()
        self.actions: list[BayeuxAction] = []
        self._application = application
        self._farewells: dict[str, Session] = {}
        """Sessions the server has ended and whose next connect will be told so."""
        self._settings = settings
        self._words = settings.words
        self._woken: dict[Session, None] = {}
        """Sessions that were given events since the outermost call began."""

    def attach(self, session: Session, socket: int, now_s: float) -> None:
        """A message came over a WebSocket: from now on that one is the session's (C66, C68)."""
        if session.socket == socket:
            return
        hold = session.hold
        if hold is not None and hold.over_socket:  # held over the socket that it comes from
            self.holds.drop(hold)
            self.lifetimes.expect(session, now_s)
        self.sockets.attach(session, socket)

    def enqueue(self, session: Session, messages: Sequence[Outgoing]) -> bool:
        """Give a living session events; False when it has more of them than it may."""
        session.state = next_state(session.state, Input.DELIVER)
        session.add(messages)
        self._woken[session] = None
        limit = self._settings.max_queue
        return limit is None or session.unfetched <= limit

    def release(self, hold: Hold, now_s: float) -> None:
        """Answer a held connect with whatever waits for the session."""
        session, reply = hold.session, hold.reply
        self.holds.drop(hold)
        if hold.message is not None:
            self.add_times(reply, hold.message, hold.received_s, now_s)
        if session.state is State.DISCONNECTED:
            reply["advice"] = {"reconnect": "none"}
        elif session.state is State.EXPIRED:
            asked: JsonObject = {"channel": META_CONNECT, "clientId": session.client_id}
            fail_unknown(reply, asked, self._words)
        messages = (*self.take_events(session, [reply]), reply)
        action = Send if hold.over_socket else Answer
        self.actions.append(action(hold.carrier_id, messages))
        if session.is_alive:
            self.lifetimes.expect(session, now_s)

    def part(self, session: Session, now_s: float) -> None:
        """The server has ended a session: its client is told, now or by its next connect (D02)."""
        session.add([_FAREWELL])
        told = session.hold is not None or session.socket is not None
        if session.hold is not None:
            self.release(session.hold, now_s)
        elif session.socket is not None:
            self.actions.append(Send(session.socket, tuple(session.take_queue())))
        else:
            self._farewells[session.client_id] = session
            self.lifetimes.expect(session, now_s)
        self.sockets.detach(session)
        if told:
            self._application.parted(session, True, now_s)

    def farewell_to(
        self, message: JsonObject, reply: JsonObject, now_s: float
    ) -> Sequence[Outgoing] | None:
        """What the last connect of a session that the server has ended brings home (D02)."""
        if not self._farewells or message.get("channel") != META_CONNECT:
            return None
        session = self._farewells.pop(str(message.get("clientId")), None)
        if session is None:
            return None
        self.lifetimes.forget(session)
        succeed(reply)
        reply["advice"] = {"reconnect": "none"}
        if session.ack is not None:
            session.resend = session.ack.acknowledge(ack.acknowledged(message))
        events = self.take_events(session, [reply])
        self._application.parted(session, True, now_s)
        return events

    def keep_back(self, client_id: str) -> None:
        """What waits for a session that the server has ended is not sent with its farewell."""
        session = self._farewells.get(client_id)
        if session is not None:
            session.drop_events()
            session.ack = None
            session.add([_FAREWELL])

    def give_up(self, session: Session, now_s: float) -> None:
        """Nobody has come for the farewell of a session."""
        if self._farewells.pop(session.client_id, None) is not None:
            self._application.parted(session, False, now_s)

    def take_events(self, session: Session, connects: Sequence[JsonObject]) -> Sequence[Outgoing]:
        """What waits for the session, with the batch number of the connect replies it goes with."""
        events = session.take_queue()
        if session.ack is not None and connects:
            batch = session.ack.send(events)
            for reply in connects:
                add_ext(reply, "ack", batch)
            events = [*session.resend, *events]
            session.resend = ()
        return events

    def write(
        self, carrier: Carrier, events: Sequence[Outgoing], replies: Sequence[Outgoing]
    ) -> None:
        """Events first. Over a WebSocket they have a frame of their own, as with CometD."""
        if carrier.connection_type != "websocket":
            if events or replies:
                self.actions.append(Answer(carrier.id, (*events, *replies)))
            return
        for messages in (events, replies):
            if messages:
                self.actions.append(Send(carrier.id, tuple(messages)))

    def flush(self, now_s: float) -> list[BayeuxAction]:
        """At the end of the outermost call: send what sessions were given, and give what to do."""
        while self._woken:
            woken, self._woken = self._woken, {}
            for session in woken:
                if not session.queue:
                    continue
                if session.socket is not None and not session.delivery_only:
                    self.actions.append(Send(session.socket, tuple(session.take_queue())))
                elif session.hold is not None:
                    self.release(session.hold, now_s)
        actions, self.actions = self.actions, []
        return actions

    def add_times(
        self, reply: JsonObject, message: JsonObject, received_s: float, now_s: float
    ) -> None:
        """What a reply says of time, to those who ask for it."""
        offset_s = self._settings.wall_offset_s
        timesync.add(reply, message, received_s + offset_s, now_s + offset_s)
        timestamp.add(reply, message, now_s + offset_s)
