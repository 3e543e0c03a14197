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

from collections.abc import Callable, Iterator, Sequence

from ..errors import ConfigurationError
from ..json_value import JsonObject
from ..shared_text import shared
from . import ack
from .actions import Answer, BayeuxAction, Close, Refuse, Send
from .application import Accepted, Application, Carrier, Reason
from .channel import (
    META_CONNECT,
    META_DISCONNECT,
    META_HANDSHAKE,
    META_SUBSCRIBE,
    META_UNSUBSCRIBE,
    is_meta,
)
from .message import Outgoing
from .outbox import Outbox
from .reply import (
    add_ext,
    fail,
    fail_unknown,
    fault_of,
    is_unknown_meta,
    merge,
    reply_to,
    send_back,
    succeed,
    wished_ms,
)
from .session import Hold, Session
from .settings import Settings
from .states import Input, State, next_state
from .subscriptions import MAX_SUBSCRIPTIONS, Subscriptions, wanted_channels

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
        self.settings = settings = settings or Settings()
        self._application = application
        self._words = settings.words
        self._sessions: dict[str, Session] = {}
        self._subscriptions = Subscriptions()
        self._outbox = Outbox(settings, application)
        self._depth = 0
        """Calls under way of the application, or of `together`; calls of ours within them add to
        the outer one."""

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
        return self._outbox.lifetimes.next_s()

    def over_at_s(self, session: Session) -> float | None:
        """When silence ends a session; None while a connect of it is held."""
        return self._outbox.lifetimes.over_at_s(session)

    # -- what happens

    def receive(
        self, carrier: Carrier, messages: Sequence[JsonObject], now_s: float
    ) -> list[BayeuxAction]:
        """The messages of one request body or one WebSocket frame.

        An HTTP exchange is answered by the actions returned, or its connect is held and a later
        call answers it. Messages are kept, not copied: do not change them afterwards.
        """
        handshake = META_HANDSHAKE in [message.get("channel") for message in messages]
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

    def deliver(self, client_id: str, message: Outgoing, now_s: float) -> list[BayeuxAction]:
        """Send an event to one session, subscribed or not; nothing happens if it has ended."""
        return self.deliver_all(client_id, (message,), now_s)

    def deliver_all(
        self, client_id: str, messages: Sequence[Outgoing], now_s: float
    ) -> list[BayeuxAction]:
        """Send events to one session, in this order, as `deliver` does each."""
        session = self._sessions.get(client_id)
        if session is not None and not self._outbox.enqueue(session, messages):
            self._expire(session, now_s)
        return [] if self._depth else self._outbox.flush(now_s)

    def together(self, calls: Callable[[], None], now_s: float) -> list[BayeuxAction]:
        """Let `calls` call this server: what they bring to a session goes out together."""
        self._depth += 1
        try:
            calls()
        finally:
            self._depth -= 1
        return self._done(now_s)

    def broadcast(self, message: JsonObject, now_s: float) -> list[BayeuxAction]:
        """Send an event, once, to every session with a subscription that matches its channel."""
        for session in self._subscriptions.of(str(message["channel"])):
            self._enqueue(session, message, now_s)
        return self._done(now_s)

    def disconnect(self, client_id: str, now_s: float) -> list[BayeuxAction]:
        """End a session from the server's side: its client is told so, and to stop (D02).

        A client without a held connect or a socket is told at its next connect.
        """
        session = self._sessions.get(client_id)
        if session is not None:
            self._remove(session, Input.SERVER_DISCONNECT, "server", now_s)
            self._outbox.part(session, now_s)
        return self._done(now_s)

    def keep_back(self, client_id: str) -> None:
        """The farewell of a session that has not fetched it shall bring none of its events."""
        self._outbox.keep_back(client_id)

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
        hold = self._outbox.holds.over(carrier_id)
        if hold is not None:
            self._outbox.holds.drop(hold)
            self._outbox.lifetimes.expect(hold.session, now_s)
            hold.session.left = True
        for session in self._outbox.sockets.close(carrier_id):
            session.left = True
            if session.hold is not None and session.hold.over_socket:
                self._outbox.holds.drop(session.hold)
            if session.hold is None:
                self._outbox.lifetimes.expect(session, now_s)
        return self._done(now_s)

    def tick(self, now_s: float) -> list[BayeuxAction]:
        """Answer connects that were held long enough; end sessions that were silent too long."""
        while (due := self._outbox.lifetimes.take_due(now_s)) is not None:
            if due.hold is not None:
                self._outbox.release(due.hold, now_s)
            elif due.is_alive:
                self._expire(due, now_s)
            else:
                self._outbox.give_up(due, now_s)
        return self._done(now_s)

    # -- handshakes

    def _receive_handshake(self, carrier: Carrier, message: JsonObject, now_s: float) -> None:
        reply = reply_to(message)
        decision = self._application.handshake(message, carrier, now_s)
        if isinstance(decision, Accepted):
            self._open(carrier, message, decision, reply, now_s)
        else:
            next_state(State.NEW, Input.REFUSED_HANDSHAKE)
            fail(reply, decision.error or self._words.handshake_denied)
            reply["advice"] = decision.advice or {"reconnect": "none"}
        self._outbox.add_times(reply, message, now_s, now_s)
        merge(reply, decision.extra)
        if carrier.connection_type == "websocket":
            self._outbox.actions.append(Send(carrier.id, (reply,)))
        else:
            set_browser = isinstance(decision, Accepted) and carrier.browser is None
            self._outbox.actions.append(Answer(carrier.id, (reply,), set_browser))

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
        self._outbox.lifetimes.expect(session, now_s)

    # -- everything but handshakes

    def _receive_batch(
        self, carrier: Carrier, messages: Sequence[JsonObject], now_s: float
    ) -> None:
        session = self._session_of(messages)
        over_socket = carrier.connection_type == "websocket"
        if session is not None:
            session.left = False
            self._outbox.lifetimes.touch(session, now_s)
            if over_socket:
                self._outbox.attach(session, carrier.id, now_s)
        may_hold = over_socket or len(messages) == 1
        replies: list[Outgoing] = []
        connects: list[JsonObject] = []
        for message in messages:
            reply = reply_to(message)
            if session is None and "channel" not in message:
                # Neither what it is nor whose: cometd-nodejs-server misses the session first.
                fail_unknown(reply, message, self._words)
            elif (fault := fault_of(message, self._words)) is not None:
                fail(reply, fault)
            elif (
                session is None
                or message.get("clientId") != session.client_id
                or not session.is_alive
            ):
                farewell = self._outbox.farewell_to(message, reply, now_s)
                if farewell is None:
                    fail_unknown(reply, message, self._words)
                else:
                    replies += farewell
            elif message["channel"] == META_CONNECT:
                if self._connect(session, message, reply, carrier, may_hold, now_s):
                    continue
                connects.append(reply)
            else:
                self._handle(session, message, reply, now_s)
            self._outbox.add_times(reply, message, now_s, now_s)
            replies.append(reply)
        events: Sequence[Outgoing] = ()
        if session is not None and (connects or not session.delivery_only):
            events = self._outbox.take_events(session, connects)
        self._outbox.write(carrier, events, replies)
        if session is not None and connects and session.is_alive:
            self._outbox.lifetimes.expect(session, now_s)

    def _session_of(self, messages: Sequence[JsonObject]) -> Session | None:
        """The session a batch belongs to: the first living one it names (C32, C53)."""
        for message in messages:
            client_id = message.get("clientId")
            if isinstance(client_id, str) and (session := self._sessions.get(client_id)):
                return session
        return None

    def _handle(
        self, session: Session, message: JsonObject, reply: JsonObject, now_s: float
    ) -> None:
        """A sound message of a living session, whatever it is but a handshake or a connect."""
        channel = str(message["channel"])
        if self._words.names_client:
            reply["clientId"] = session.client_id
        if channel == META_SUBSCRIBE:
            self._subscribe(session, message, reply, now_s)
        elif channel == META_UNSUBSCRIBE:
            self._unsubscribe(session, message, reply, now_s)
        elif channel == META_DISCONNECT:
            self._remove(session, Input.DISCONNECT, "disconnect", now_s)
            if session.hold is not None:
                self._outbox.release(session.hold, now_s)
            self._outbox.sockets.detach(session)
            succeed(reply)
        elif is_unknown_meta(channel):
            fail(reply, self._words.create_denied)
        else:
            self._publish(session, message, reply, now_s)

    def _publish(
        self, session: Session, message: JsonObject, reply: JsonObject, now_s: float
    ) -> None:
        session.state = next_state(session.state, Input.PUBLISH)
        published = self._application.publish(session, message, now_s)
        if published.error is None:
            succeed(reply)
        else:
            fail(reply, published.error)
        if published.extra is not None:
            merge(reply, published.extra)
        for delivery in published.deliveries:
            self.deliver(delivery.client_id, delivery.message, now_s)

    def _subscribe(
        self, session: Session, message: JsonObject, reply: JsonObject, now_s: float
    ) -> None:
        """One by one until the first that is refused; earlier ones stay, as in CometD Java."""
        for channel in self._wanted(message, reply):
            channel = shared(channel)
            session.state = next_state(session.state, Input.SUBSCRIBE)
            is_full = len(session.subscriptions) >= MAX_SUBSCRIPTIONS
            error = self._words.subscribe_denied if is_meta(channel) or is_full else None
            error = error or self._application.subscribe(session, channel, message, now_s)
            if error is not None:
                fail(reply, error)
                return
            self._subscriptions.add(session, channel)

    def _unsubscribe(
        self, session: Session, message: JsonObject, reply: JsonObject, now_s: float
    ) -> None:
        """Also from what there is no subscription to: that is nobody's mistake."""
        for channel in self._wanted(message, reply):
            session.state = next_state(session.state, Input.UNSUBSCRIBE)
            error = self._application.unsubscribe(session, channel, message, now_s)
            if error is not None:
                fail(reply, error)
                return
            self._subscriptions.remove(session, channel)

    def _wanted(self, message: JsonObject, reply: JsonObject) -> list[str]:
        """The channels asked for, with the reply as it is when none of them is refused."""
        wanted = wanted_channels(message)
        if "subscription" in message:
            reply["subscription"] = message["subscription"]
        if wanted is None:
            fail(reply, self._words.subscription_invalid)
        elif not wanted:
            fail(reply, self._words.subscription_missing)
        else:
            succeed(reply)
        return wanted or []

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
        settings = self.settings
        if session.hold is not None:
            self._supersede(session.hold)
        if carrier.connection_type != "websocket":
            self._outbox.sockets.detach(session)
        was_connected = session.state is State.CONNECTED
        session.state = next_state(session.state, Input.CONNECT)
        session.connection_type = carrier.connection_type
        self._choose_delivery(session, carrier)
        hold_ms, session.interval_ms = settings.timeout_ms, settings.interval_ms
        if "advice" in message:
            hold_ms = min(hold_ms, wished_ms(message, "timeout", hold_ms))
            session.interval_ms = wished_ms(message, "interval", session.interval_ms)
        if "advice" in message or session.advised_for != carrier.connection_type:
            session.advised_for = carrier.connection_type
            reply["advice"] = self._advice(session)
        if self._words.names_client:
            reply["clientId"] = session.client_id
        succeed(reply)
        if session.ack is not None:
            session.resend = session.ack.acknowledge(ack.acknowledged(message))
        if not was_connected:
            self._application.connected(session, message, now_s)
            return False  # at once: clients wait for it before they do anything else (C08)
        if not may_hold or hold_ms == 0 or session.queue or session.resend:
            return False
        if self._outbox.holds.is_crowded(carrier):
            session.interval_ms = settings.multi_session_interval_ms
            send_back(reply, session.interval_ms)
            return False
        until_s = now_s + hold_ms / 1000
        self._outbox.holds.hold(session, carrier, message, reply, until_s=until_s, now_s=now_s)
        return True

    def _supersede(self, older: Hold) -> None:
        """A newer connect has come (C14, C15); over a WebSocket the older is just dropped (C64)."""
        self._outbox.holds.drop(older)
        if not older.over_socket:
            status = self.settings.duplicate_connect_status
            self._outbox.actions.append(Refuse(older.carrier_id, status))

    # -- what several of these need

    def _enqueue(self, session: Session, message: Outgoing, now_s: float) -> None:
        if session.is_alive and not self._outbox.enqueue(session, (message,)):
            self._expire(session, now_s)

    def _done(self, now_s: float) -> list[BayeuxAction]:
        return [] if self._depth else self._outbox.flush(now_s)

    def _choose_delivery(self, session: Session, carrier: Carrier) -> None:
        """The ack extension and JSONP let events travel on connect replies alone (C80, C92)."""
        session.delivery_only = (
            self.settings.delivery_only
            or session.ack is not None
            or carrier.connection_type == "callback-polling"
        )

    def _advice(self, session: Session) -> JsonObject:
        """The timeout is the server's, the interval the one in force (seen with CometD Java)."""
        return {
            "reconnect": "retry",
            "interval": session.interval_ms,
            "timeout": self.settings.timeout_ms,
        }

    def _expire(self, session: Session, now_s: float) -> None:
        self._remove(session, Input.SILENCE, "expired", now_s)
        session.drop_events()
        if session.hold is not None:
            self._outbox.release(session.hold, now_s)
        self._outbox.sockets.detach(session)

    def _remove(self, session: Session, happened: Input, reason: Reason, now_s: float) -> None:
        """Take a session out of the living; its held connect is still to be answered."""
        session.state = next_state(session.state, happened)
        del self._sessions[session.client_id]
        self._subscriptions.remove_all(session)
        self._outbox.lifetimes.forget(session)
        self._depth += 1
        try:
            self._application.removed(session, reason, now_s)
        finally:
            self._depth -= 1
