"""The Bayeux server: messages and the time in, answers out (CometD's semantics, made kinder).

Where it is kinder than CometD Java, no client can be harmed by it:

* sessions are found by client id alone, no cookie is needed, on any connection type;
* the connect of a client that vanished is dropped, and its events wait for the next one;
* a connect held over a WebSocket does not hold the other replies of its batch;
* a session the server has ended is remembered until its client has been told.

Order: events before replies in one HTTP answer, a publisher's own answer before the events that
others get by it, and to one session always the order in which its events came to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

from ..errors import ConfigurationError
from ..json_value import JsonObject
from . import ack, timesync
from .actions import Answer, BayeuxAction, Close, Refuse, Send
from .application import (
    PUBLISHED,
    Accepted,
    Application,
    Carrier,
    ConnectionType,
    Delivery,
    Published,
    Reason,
    Refused,
)
from .channel import (
    META_CONNECT,
    META_DISCONNECT,
    META_HANDSHAKE,
    META_SUBSCRIBE,
    META_UNSUBSCRIBE,
    is_meta,
    is_valid,
)
from .reply import (
    add_ext,
    fail,
    fail_unknown,
    fault_of,
    is_unknown_meta,
    merge,
    reply_to,
    succeed,
    wished_ms,
)
from .session import Hold, Session
from .settings import Settings
from .states import Input, State, next_state
from .subscriptions import Subscriptions
from .timers import Timers

__all__ = [
    "PUBLISHED",
    "Accepted",
    "Answer",
    "Application",
    "BayeuxAction",
    "BayeuxServer",
    "Carrier",
    "Close",
    "ConnectionType",
    "Delivery",
    "Published",
    "Reason",
    "Refuse",
    "Refused",
    "Send",
    "Session",
    "Settings",
]

PROTOCOL_VERSION = "1.0"
CLOSE_VIOLATION = 1011
"""What CometD closes a WebSocket with after a frame it cannot use (C71)."""
REFUSE_VIOLATION = 500
"""What CometD answers to a handshake batched with other messages (C05)."""


class BayeuxServer:
    """Sessions, subscriptions and held connects; its methods return what is to be done.

    Not to be called by two threads at once. `now_s` never goes back.
    """

    def __init__(self, application: Application, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._application = application
        self._words = self.settings.words
        self._sessions: dict[str, Session] = {}
        self._farewells: dict[str, Session] = {}
        """Sessions the server has ended and whose next connect will be told so."""
        self._subscriptions = Subscriptions()
        self._holds: dict[int, Hold] = {}
        """Connects held over HTTP, by exchange id."""
        self._sockets: dict[int, dict[Session, None]] = {}
        """Sessions pushed to over a WebSocket, by socket id."""
        self._browsers: dict[str, int] = {}
        """Connects held for each browser, where their number is limited."""
        self._timers: Timers[Session | Hold] = Timers()
        self._actions: list[BayeuxAction] = []
        self._woken: dict[Session, None] = {}
        """Sessions that were given events since the outermost call began."""
        self._depth = 0
        """Calls of the application under way; calls of ours within them add to the outer one."""

    # -- what a shell may ask

    @property
    def sessions(self) -> Iterator[Session]:
        """Living sessions, oldest first."""
        return iter(tuple(self._sessions.values()))

    def session(self, client_id: str) -> Session | None:
        """The living session of that client id."""
        return self._sessions.get(client_id)

    def subscribers(self, channel: str) -> list[Session]:
        """Sessions that `broadcast` on `channel` would reach."""
        return self._subscriptions.of(channel)

    def held(self, client_id: str) -> bool:
        """Whether a connect of that session is being held."""
        session = self._sessions.get(client_id)
        return session is not None and session.hold is not None

    def deadline_s(self) -> float | None:
        """When `tick` is wanted next."""
        return self._timers.next_s()

    # -- what happens

    def receive(
        self, carrier: Carrier, messages: Sequence[JsonObject], now_s: float
    ) -> list[BayeuxAction]:
        """The messages of one request body or one WebSocket frame.

        An HTTP exchange is answered by the actions returned, or its connect is held and a later
        call answers it. Messages are kept, not copied: do not change them afterwards.
        """
        handshake = any(message.get("channel") == META_HANDSHAKE for message in messages)
        if not messages or (handshake and len(messages) > 1):
            if carrier.connection_type == "websocket":
                return [Close(carrier.id, CLOSE_VIOLATION)]
            return [Refuse(carrier.id, REFUSE_VIOLATION)]
        self._depth += 1
        try:
            if handshake:
                self._receive_handshake(carrier, messages[0], now_s)
            else:
                self._receive_batch(carrier, messages, now_s)
        finally:
            self._depth -= 1
        return self._done(now_s)

    def deliver(self, client_id: str, message: JsonObject, now_s: float) -> list[BayeuxAction]:
        """Send an event to one session, subscribed or not; nothing happens if it has ended."""
        session = self._sessions.get(client_id)
        if session is not None:
            self._enqueue(session, message, now_s)
        return self._done(now_s)

    def broadcast(self, message: JsonObject, now_s: float) -> list[BayeuxAction]:
        """Send an event, once, to every session with a subscription that matches its channel."""
        for session in self._subscriptions.of(str(message["channel"])):
            self._enqueue(session, message, now_s)
        return self._done(now_s)

    def disconnect(self, client_id: str, now_s: float) -> list[BayeuxAction]:
        """End a session from the server's side: its client is told so, and to stop (D02)."""
        session = self._sessions.get(client_id)
        if session is not None:
            self._remove(session, Input.SERVER_DISCONNECT, "server", now_s)
            session.queue.append({"channel": META_DISCONNECT, "successful": True})
            if session.hold is None and session.socket is not None:
                self._actions.append(Send(session.socket, tuple(session.take_queue())))
            elif session.hold is None:
                self._farewells[client_id] = session
                self._expect_sign_of_life(session, now_s)
            self._end(session, now_s)
        return self._done(now_s)

    def expire(self, client_id: str, now_s: float) -> list[BayeuxAction]:
        """End a session as silence does; a held connect gets `402` and shall handshake (D03)."""
        session = self._sessions.get(client_id)
        if session is not None:
            self._expire(session, now_s)
        return self._done(now_s)

    def gone(self, carrier_id: int, now_s: float) -> list[BayeuxAction]:
        """An exchange was left by its client before its answer, or a socket has ended.

        Sessions survive both; what waits for them waits for the next connect (C17, C68).
        """
        hold = self._holds.get(carrier_id)
        if hold is not None:
            self._drop(hold)
            self._expect_sign_of_life(hold.session, now_s)
        for session in self._sockets.pop(carrier_id, ()):
            session.socket = None
            if session.hold is not None and session.hold.over_socket:
                self._drop(session.hold)
            if session.hold is None:
                self._expect_sign_of_life(session, now_s)
        return self._done(now_s)

    def tick(self, now_s: float) -> list[BayeuxAction]:
        """Answer connects that were held long enough; end sessions that were silent too long."""
        while (due := self._timers.pop_due(now_s)) is not None:
            if isinstance(due, Hold):
                self._release(due, now_s)
            else:
                self._look_for_life(due, now_s)
        return self._done(now_s)

    # -- handshake

    def _receive_handshake(self, carrier: Carrier, message: JsonObject, now_s: float) -> None:
        reply = reply_to(message)
        decision = self._application.handshake(message, carrier, now_s)
        if isinstance(decision, Accepted):
            self._open(carrier, message, decision, reply, now_s)
        else:
            next_state(State.NEW, Input.REFUSED_HANDSHAKE)
            fail(reply, decision.error or self._words.handshake_denied)
            reply["advice"] = decision.advice or {"reconnect": "none"}
        self._add_timesync(reply, message, now_s, now_s)
        merge(reply, decision.extra)
        if carrier.connection_type == "websocket":
            self._actions.append(Send(carrier.id, (reply,)))
        else:
            set_browser = isinstance(decision, Accepted) and carrier.browser is None
            self._actions.append(Answer(carrier.id, (reply,), set_browser))

    def _open(
        self,
        carrier: Carrier,
        message: JsonObject,
        accepted: Accepted,
        reply: JsonObject,
        now_s: float,
    ) -> None:
        client_id = accepted.client_id
        if client_id in self._sessions:
            raise ConfigurationError(
                f"client id {client_id!r} was issued twice",
                hint="An application must give every session an id of its own.",
                reason="duplicate-client-id",
            )
        session = Session(
            client_id, connection_type=carrier.connection_type, context=accepted.context
        )
        session.state = next_state(session.state, Input.HANDSHAKE)
        session.interval_ms = self.settings.interval_ms
        session.advised_for = carrier.connection_type
        if self.settings.ack and ack.is_wanted(message):
            session.ack = ack.AckState()
            add_ext(reply, "ack", True)
        self._choose_delivery(session, carrier)
        self._sessions[client_id] = session
        succeed(reply)
        reply["version"] = PROTOCOL_VERSION
        if self._words.minimum_version:
            reply["minimumVersion"] = PROTOCOL_VERSION
        reply["clientId"] = client_id
        reply["supportedConnectionTypes"] = list(self.settings.connection_types)
        reply["advice"] = self._advice(session)
        self._expect_sign_of_life(session, now_s)

    # -- everything but handshakes

    def _receive_batch(
        self, carrier: Carrier, messages: Sequence[JsonObject], now_s: float
    ) -> None:
        session = self._session_of(messages)
        over_socket = carrier.connection_type == "websocket"
        if session is not None:
            self._touch(session, now_s)
            if over_socket:
                self._attach(session, carrier.id)
        may_hold = over_socket or len(messages) == 1
        replies: list[JsonObject] = []
        connects: list[JsonObject] = []
        for message in messages:
            reply = reply_to(message)
            channel = message.get("channel")
            if (fault := fault_of(message, self._words)) is not None:
                fail(reply, fault)
            elif (
                session is None
                or message.get("clientId") != session.client_id
                or not session.is_alive
            ):
                if not self._bid_farewell(message, reply, replies):
                    fail_unknown(reply, message, self._words)
            elif channel == META_CONNECT:
                if self._connect(session, message, reply, carrier, may_hold, now_s):
                    continue
                connects.append(reply)
            else:
                self._handle(session, str(channel), message, reply, now_s)
            self._add_timesync(reply, message, now_s, now_s)
            replies.append(reply)
        if session is None:
            self._write(carrier, [], replies)
            return
        events: list[JsonObject] = []
        if connects or not session.delivery_only:
            events = self._take_events(session, connects)
        self._write(carrier, events, replies)
        if connects and session.is_alive:
            self._expect_sign_of_life(session, now_s)

    def _session_of(self, messages: Sequence[JsonObject]) -> Session | None:
        """The session a batch belongs to: the first living one it names (C32, C53)."""
        for message in messages:
            client_id = message.get("clientId")
            if isinstance(client_id, str) and (session := self._sessions.get(client_id)):
                return session
        return None

    def _handle(
        self, session: Session, channel: str, message: JsonObject, reply: JsonObject, now_s: float
    ) -> None:
        if self._words.names_client:
            reply["clientId"] = session.client_id
        if channel in (META_SUBSCRIBE, META_UNSUBSCRIBE):
            self._change_subscriptions(session, channel == META_SUBSCRIBE, message, reply, now_s)
        elif channel == META_DISCONNECT:
            self._remove(session, Input.DISCONNECT, "disconnect", now_s)
            self._end(session, now_s)
            succeed(reply)
        elif is_unknown_meta(channel):
            fail(reply, self._words.create_denied)
        else:
            session.state = next_state(session.state, Input.PUBLISH)
            published = self._application.publish(session, message, now_s)
            if published.error is None:
                succeed(reply)
            else:
                fail(reply, published.error)
            merge(reply, published.extra)
            for delivery in published.deliveries:
                self.deliver(delivery.client_id, delivery.message, now_s)

    def _change_subscriptions(
        self,
        session: Session,
        subscribe: bool,
        message: JsonObject,
        reply: JsonObject,
        now_s: float,
    ) -> None:
        """One by one until the first that is refused; earlier ones stay, as in CometD Java."""
        asked = message.get("subscription")
        if asked is None or asked == [] or asked == "":
            fail(reply, self._words.subscription_missing)
            return
        reply["subscription"] = asked
        wanted = asked if isinstance(asked, list) else [asked]
        if not all(is_valid(channel) for channel in wanted):
            fail(reply, self._words.subscription_invalid)
            return
        for channel in map(str, wanted):
            error: str | None
            if subscribe:
                session.state = next_state(session.state, Input.SUBSCRIBE)
                error = self._words.subscribe_denied if is_meta(channel) else None
                error = error or self._application.subscribe(session, channel, message, now_s)
                if error is None:
                    self._subscriptions.add(session, channel)
            else:
                session.state = next_state(session.state, Input.UNSUBSCRIBE)
                error = self._application.unsubscribe(session, channel, message, now_s)
                if error is None:
                    self._subscriptions.remove(session, channel)
            if error is not None:
                fail(reply, error)
                return
        succeed(reply)

    # -- connects

    def _connect(
        self,
        session: Session,
        message: JsonObject,
        reply: JsonObject,
        carrier: Carrier,
        may_hold: bool,
        now_s: float,
    ) -> bool:
        """Hold a connect and say so, or make its reply (but for the events that go with it)."""
        older = session.hold
        if older is not None:
            self._drop(older)
            if not older.over_socket:
                status = self.settings.duplicate_connect_status
                self._actions.append(Refuse(older.carrier_id, status))
        if carrier.connection_type != "websocket":
            self._detach(session)
        was_connected = session.state is State.CONNECTED
        session.state = next_state(session.state, Input.CONNECT)
        session.connection_type = carrier.connection_type
        self._choose_delivery(session, carrier)
        settings = self.settings
        wished_hold_ms = wished_ms(message, "timeout")
        wished_interval_ms = wished_ms(message, "interval")
        hold_ms = settings.timeout_ms
        if wished_hold_ms is not None:
            hold_ms = min(hold_ms, wished_hold_ms)
        session.interval_ms = (
            settings.interval_ms if wished_interval_ms is None else wished_interval_ms
        )
        if self._words.names_client:
            reply["clientId"] = session.client_id
        if "advice" in message or session.advised_for != carrier.connection_type:
            session.advised_for = carrier.connection_type
            reply["advice"] = self._advice(session)
        succeed(reply)
        if session.ack is not None:
            batch = ack.acknowledged(message)
            session.resend = [] if batch is None else session.ack.acknowledge(batch)
        if not was_connected:
            self._application.connected(session, message, now_s)
        if not (may_hold and was_connected and hold_ms > 0):
            return False
        if session.queue or session.resend or not session.is_alive:
            return False
        if self._is_crowded(carrier):
            self._send_back(session, reply)
            return False
        self._hold(session, message, reply, carrier, now_s + hold_ms / 1000, now_s)
        return True

    def _is_crowded(self, carrier: Carrier) -> bool:
        limit = self.settings.max_sessions_per_browser
        if limit is None or carrier.browser is None or carrier.connection_type == "websocket":
            return False
        return self._browsers.get(carrier.browser, 0) >= limit

    def _send_back(self, session: Session, reply: JsonObject) -> None:
        """Too many connects are held for this browser: let it poll (CometD: multiple sessions)."""
        interval_ms = self.settings.multi_session_interval_ms
        if interval_ms > 0:
            session.interval_ms = interval_ms
            reply["advice"] = {
                "multiple-clients": True,
                "reconnect": "retry",
                "interval": interval_ms,
            }
        else:
            reply["successful"] = False
            reply["advice"] = {"multiple-clients": True, "reconnect": "none"}

    def _hold(
        self,
        session: Session,
        message: JsonObject,
        reply: JsonObject,
        carrier: Carrier,
        until_s: float,
        now_s: float,
    ) -> None:
        over_socket = carrier.connection_type == "websocket"
        limited = not over_socket and self.settings.max_sessions_per_browser is not None
        hold = Hold(
            session,
            carrier_id=carrier.id,
            over_socket=over_socket,
            browser=carrier.browser if limited else None,
            message=message,
            reply=reply,
            received_s=now_s,
        )
        session.hold = hold
        session.expire_at_s = None
        hold.timer = self._timers.schedule(until_s, hold)
        if not over_socket:
            self._holds[carrier.id] = hold
        if hold.browser is not None:
            self._browsers[hold.browser] = self._browsers.get(hold.browser, 0) + 1

    def _drop(self, hold: Hold) -> None:
        """Forget a held connect without an answer."""
        hold.session.hold = None
        if hold.timer is not None:
            self._timers.cancel(hold.timer)
        if not hold.over_socket:
            del self._holds[hold.carrier_id]
        if hold.browser is not None:
            self._browsers[hold.browser] -= 1
            if not self._browsers[hold.browser]:
                del self._browsers[hold.browser]

    def _release(self, hold: Hold, now_s: float) -> None:
        """Answer a held connect with whatever waits for the session."""
        session = hold.session
        self._drop(hold)
        self._add_timesync(hold.reply, hold.message, hold.received_s, now_s)
        if session.state is State.DISCONNECTED:
            hold.reply["advice"] = {"reconnect": "none"}
        elif session.state is State.EXPIRED:
            fail_unknown(hold.reply, hold.message, self._words)
        messages = (*self._take_events(session, [hold.reply]), hold.reply)
        if hold.over_socket:
            self._actions.append(Send(hold.carrier_id, messages))
        else:
            self._actions.append(Answer(hold.carrier_id, messages))
        if session.is_alive:
            self._expect_sign_of_life(session, now_s)

    def _bid_farewell(
        self, message: JsonObject, reply: JsonObject, replies: list[JsonObject]
    ) -> bool:
        """Tell the connect of a session that the server has ended why it is the last one (D02)."""
        if message.get("channel") != META_CONNECT:
            return False
        session = self._farewells.pop(str(message.get("clientId")), None)
        if session is None:
            return False
        succeed(reply)
        reply["advice"] = {"reconnect": "none"}
        replies.extend(self._take_events(session, [reply]))
        return True

    # -- events

    def _enqueue(self, session: Session, message: JsonObject, now_s: float) -> None:
        if not session.is_alive:
            return
        session.state = next_state(session.state, Input.DELIVER)
        session.queue.append(message)
        self._woken[session] = None
        limit = self.settings.max_queue
        if limit is not None and len(session.queue) > limit:
            self._expire(session, now_s)

    def _take_events(self, session: Session, connects: list[JsonObject]) -> list[JsonObject]:
        """What waits for the session, with the batch number of the connect replies it goes with."""
        events = session.take_queue()
        if session.ack is not None and connects:
            batch = session.ack.send(events)
            for reply in connects:
                add_ext(reply, "ack", batch)
            if session.resend:
                events, session.resend = session.resend + events, []
        return events

    def _write(self, carrier: Carrier, events: list[JsonObject], replies: list[JsonObject]) -> None:
        """Events first. Over a WebSocket they have a frame of their own, as with CometD."""
        if carrier.connection_type != "websocket":
            if events or replies:
                self._actions.append(Answer(carrier.id, (*events, *replies)))
            return
        for messages in (events, replies):
            if messages:
                self._actions.append(Send(carrier.id, tuple(messages)))

    def _done(self, now_s: float) -> list[BayeuxAction]:
        """At the end of the outermost call: send what sessions were given during it."""
        if self._depth:
            return []
        while self._woken:
            woken, self._woken = self._woken, {}
            for session in woken:
                if not session.queue:
                    continue
                if session.socket is not None and not session.delivery_only:
                    self._actions.append(Send(session.socket, tuple(session.take_queue())))
                elif session.hold is not None:
                    self._release(session.hold, now_s)
        actions, self._actions = self._actions, []
        return actions

    # -- sockets

    def _attach(self, session: Session, socket: int) -> None:
        """From its first message on a socket on, a session is pushed to over it (C66, C68)."""
        if session.socket != socket:
            self._detach(session)
            session.socket = socket
            self._sockets.setdefault(socket, {})[session] = None

    def _detach(self, session: Session) -> None:
        if session.socket is not None:
            sessions = self._sockets.get(session.socket, {})
            sessions.pop(session, None)
            if not sessions:
                self._sockets.pop(session.socket, None)
            session.socket = None

    # -- life and its end

    def _choose_delivery(self, session: Session, carrier: Carrier) -> None:
        """The ack extension and JSONP let events travel on connect replies alone (C80, C92)."""
        session.delivery_only = (
            self.settings.delivery_only
            or session.ack is not None
            or carrier.connection_type == "callback-polling"
        )

    def _advice(self, session: Session) -> JsonObject:
        return {
            "reconnect": "retry",
            "interval": session.interval_ms,
            "timeout": self.settings.timeout_ms,
        }

    def _add_timesync(
        self, reply: JsonObject, message: JsonObject, received_s: float, now_s: float
    ) -> None:
        if "ext" in message:
            wall_s = self.settings.wall_offset_s
            received_ms, now_ms = (
                round((received_s + wall_s) * 1000),
                round((now_s + wall_s) * 1000),
            )
            sync = timesync.reply_to(message, received_ms, now_ms)
            if sync is not None:
                add_ext(reply, "timesync", sync)

    def _touch(self, session: Session, now_s: float) -> None:
        """Any message keeps a session alive, as long as an answered connect does (C46)."""
        if session.expire_at_s is not None:
            until_s = now_s + self.settings.max_interval_ms / 1000
            session.expire_at_s = max(session.expire_at_s, until_s)

    def _expect_sign_of_life(self, session: Session, now_s: float) -> None:
        """A connect or handshake was answered: the next one must come in time."""
        at_s = now_s + (session.interval_ms + self.settings.max_interval_ms) / 1000
        session.expire_at_s = at_s
        sweep_s = self.settings.sweep_ms / 1000
        if sweep_s:
            at_s = ceil(at_s / sweep_s) * sweep_s
        if session.expiry is not None:
            if session.expiry.at_s <= at_s:
                return  # the timer looks again at expire_at_s when its time has come
            self._timers.cancel(session.expiry)
        session.expiry = self._timers.schedule(at_s, session)

    def _look_for_life(self, session: Session, now_s: float) -> None:
        """A session's expiry timer is due, which says only that it is time to look."""
        session.expiry = None
        if session.hold is not None or session.expire_at_s is None:
            return
        if session.expire_at_s > now_s:
            session.expiry = self._timers.schedule(session.expire_at_s, session)
        elif session.is_alive:
            self._expire(session, now_s)
        elif self._farewells.get(session.client_id) is session:
            del self._farewells[session.client_id]

    def _expire(self, session: Session, now_s: float) -> None:
        self._remove(session, Input.SILENCE, "expired", now_s)
        session.queue.clear()
        session.resend = []
        self._end(session, now_s)

    def _remove(self, session: Session, happened: Input, reason: Reason, now_s: float) -> None:
        """Take a session out of the living; its held connect is still to be answered."""
        session.state = next_state(session.state, happened)
        del self._sessions[session.client_id]
        self._subscriptions.remove_all(session)
        self._depth += 1
        try:
            self._application.removed(session, reason, now_s)
        finally:
            self._depth -= 1

    def _end(self, session: Session, now_s: float) -> None:
        if session.hold is not None:
            self._release(session.hold, now_s)
        self._detach(session)
        if session.expiry is not None and session.client_id not in self._farewells:
            self._timers.cancel(session.expiry)
            session.expiry = None
