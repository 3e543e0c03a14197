"""Bayeux traffic as it passes: what it meant, entry by entry, whatever the transport.

Requests are *asked*, replies and events *answered*, over a *carrier*: one HTTP exchange or one
WebSocket. A reply finds its request by channel and id. Events in one array with replies keep their
place among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cometape.core.bayeux import channel as channels
from cometape.core.profile.profile import Profile

from ..bayeux.channel import META_CONNECT, META_DISCONNECT, META_HANDSHAKE
from ..cassette import Disconnect, Entry
from ..json_value import Json, JsonObject
from ..recent import Recent
from ..scrub.scrubber import Scrubber
from .ack_resends import AckResends
from .bayeux_capture import (
    base_path,
    channel_of,
    confirms,
    is_below,
    is_unmistakable,
    messages_of,
    messages_of_text,
    replies_of,
)
from .bayeux_outcome import UNNUMBERED, event, outcome
from .capture import CLIENT_LEFT, RECORDING_ENDED, CapturedExchange, CapturedRequest, SocketText
from .client_sessions import Client, ClientSessions, Evidence, evidence
from .notices import Notices

NO_REPLY = "no reply"
"""`error` of a message that an otherwise good answer says nothing about."""
MAX_SESSIONS = 16_384
"""Bayeux sessions remembered at a time: those that were heard of last. Each handshake makes one."""
MAX_WAITING = 1024
"""Messages that wait for their reply over one WebSocket; some servers never answer a publish."""
SOCKET_CLOSED = "socket closed"
"""`error` of a message whose WebSocket ended before its reply."""


@dataclass(slots=True, eq=False)
class _Session:
    """A Bayeux session of a recorded client; ends with its client id, the client goes on."""

    client: Client
    connected: bool = False
    failing: str | None = None
    """The error its connects end with, while they do: one entry for a row of equal failures."""
    subscriptions: set[str] = field(default_factory=set)
    newest_connect: int = 0
    resends: AckResends = field(default_factory=AckResends)


@dataclass(slots=True, eq=False)
class _Asked:
    """A message of the client's that waits for its reply."""

    message: JsonObject
    session: _Session | None
    order: int = 0
    """Of a connect: how many connects were asked before it."""


@dataclass(slots=True, eq=False)
class _Carrier:
    """One HTTP exchange or WebSocket, and what is asked over it."""

    seen: Evidence
    request: CapturedRequest
    waiting: list[_Asked] = field(default_factory=list)
    sessions: list[_Session] = field(default_factory=list)
    """Those heard of over it, the latest last."""
    bound: bool = False
    unread: int = 0
    """Texts of a WebSocket that were not Bayeux."""

    def heard_of(self, session: _Session) -> None:
        if session in self.sessions:
            self.sessions.remove(session)
        self.sessions.append(session)

    def forget_connects(self, session: _Session) -> None:
        """Over one WebSocket a newer connect replaces an older one, which gets no reply."""
        self.waiting = [
            asked
            for asked in self.waiting
            if asked.session is not session or channel_of(asked.message) != META_CONNECT
        ]

    def take(self, reply: JsonObject) -> _Asked | None:
        """The request a reply answers: by id where it has one (an id may change its type)."""
        same = [asked for asked in self.waiting if channel_of(asked.message) == channel_of(reply)]
        if "id" in reply:
            by_id = [a for a in same if str(a.message.get("id")) == str(reply["id"])]
            same = by_id or [asked for asked in same if "id" not in asked.message]
        if not same:
            return None
        self.waiting.remove(same[0])
        return same[0]


class BayeuxObserver:
    """What passes between Bayeux clients and servers, as entries without a number."""

    def __init__(
        self, profile: Profile, scrubber: Scrubber, clients: ClientSessions, notices: Notices
    ) -> None:
        self._profile = profile
        self._scrubber = scrubber
        self._clients = clients
        self._notices = notices
        self.endpoints: dict[str, list[str]] = {}
        """Base paths that were confirmed to speak Bayeux, by origin."""
        self._sessions: Recent[str, _Session] = Recent(MAX_SESSIONS)
        """By client id."""
        self._asked_connects: dict[str, int] = {}
        """Order of the connect that an open HTTP exchange holds, by key."""
        self._connects = 0
        self._sockets: dict[str, _Carrier] = {}

    # -- HTTP ----------------------------------------------------------------------------------

    def began(self, asked: CapturedRequest) -> None:
        """A request is on its way: a connect it holds makes older ones of its session noise."""
        messages = messages_of(asked.request)
        for message in messages or ():
            if channel_of(message) == META_CONNECT:
                self._asked_connects[asked.key] = self._connect_began(message)

    def dropped(self, key: str) -> None:
        """Nothing more will be heard of a request that began."""
        self._asked_connects.pop(key, None)

    def exchange(self, captured: CapturedExchange) -> list[Entry] | None:
        """What an exchange meant; None where it is not Bayeux."""
        asked = captured.asked
        order = self._asked_connects.pop(asked.key, None)
        messages = messages_of(asked.request)
        if messages is None:
            return self._refused_upgrade(captured)
        response = captured.response
        replies = None if response is None or captured.error else replies_of(response)
        if not self._is_bound(asked) and not (
            replies is not None and is_unmistakable(messages) and confirms(messages, replies)
        ):
            return None
        carrier = _Carrier(seen=self._evidence(asked, captured), request=asked)
        self._ask(carrier, messages, order)
        entries: list[Entry] = []
        if replies is not None:
            self._bind(carrier, messages)
            entries += self._answer(carrier, replies, captured.ended_s)
        error = captured.error
        if error is None and replies is None and response is not None:
            error = f"HTTP {response.status}"
        return entries + self._give_up(carrier, error or NO_REPLY, captured.ended_s)

    def _refused_upgrade(self, captured: CapturedExchange) -> list[Entry] | None:
        """A WebSocket that a Bayeux endpoint did not accept is noise: the client goes on by HTTP.

        Which transports the recorded server had is in the handshake; a replay may offer more.
        """
        request = captured.asked.request
        if (request.headers.first("Upgrade") or "").lower() != "websocket":
            return None
        if not self._is_bound(captured.asked):
            return None
        self._notices.skipped("refused WebSocket upgrades")
        return []

    # -- WebSocket -----------------------------------------------------------------------------

    def socket_opened(self, asked: CapturedRequest, captured: CapturedExchange) -> None:
        """An upgrade was accepted; `asked.key` names the socket from now on."""
        seen = self._evidence(asked, captured)
        self._sockets[asked.key] = _Carrier(
            seen=seen, request=asked, bound=asked.request.path in self._bases(asked.origin)
        )

    def socket_text(self, key: str, text: SocketText) -> list[Entry]:
        """A text passed over a WebSocket."""
        carrier = self._sockets.get(key)
        if carrier is None:
            return []
        messages = messages_of_text(text.text)
        if messages is None:
            carrier.unread += 1
            return []
        if text.sender == "client":
            if carrier.bound or is_unmistakable(messages):
                self._ask(carrier, messages, None)
            else:
                carrier.unread += 1
            return []
        if not carrier.bound:
            asked = [waiting.message for waiting in carrier.waiting]
            if not confirms(asked, messages):
                carrier.unread += 1
                return []
            carrier.bound = True
            self._bind(carrier, asked)
        return self._answer(carrier, messages, text.at_s)

    def socket_closed(self, key: str, at_s: float) -> list[Entry]:
        """A WebSocket ended. Its sessions may go on over another one, or shake hands again."""
        carrier = self._sockets.pop(key, None)
        if carrier is None:
            return []
        if carrier.unread:
            place = f"{carrier.request.origin}{carrier.request.request.path}"
            self._notices.problem(
                f"{carrier.unread} messages over the WebSocket {place} are not Bayeux: not recorded"
            )
        if not carrier.bound:
            return []
        for session in carrier.sessions:
            self._clients.is_lost(session.client)
        return self._give_up(carrier, SOCKET_CLOSED, at_s)

    def finish(self, at_s: float) -> list[Entry]:
        """The recording ends: what is still waiting over open WebSockets."""
        return [entry for key in list(self._sockets) for entry in self.socket_closed(key, at_s)]

    # -- asked ---------------------------------------------------------------------------------

    def _ask(self, carrier: _Carrier, messages: Sequence[JsonObject], order: int | None) -> None:
        for message in messages:
            session = self._sessions.get(_client_id(message))
            if session is not None:
                self._sessions[_client_id(message)] = session  # in use
                carrier.heard_of(session)
                self._clients.learn(session.client, carrier.seen)
            asked = _Asked(message, session)
            if channel_of(message) == META_CONNECT:
                asked.order = order if order is not None else self._connect_began(message)
                if session is not None:
                    carrier.forget_connects(session)
                    session.resends.acknowledged(_ext(message, "ack"))
            carrier.waiting.append(asked)
            if len(carrier.waiting) > MAX_WAITING:
                del carrier.waiting[0]
                self._notices.problem("a message over a WebSocket was never answered: not recorded")
        first = self._sessions.get(_client_id(messages[0]))
        if first is not None:  # a batch is its first message's session's (CometD; C53)
            carrier.heard_of(first)

    def _connect_began(self, message: JsonObject) -> int:
        self._connects += 1
        session = self._sessions.get(_client_id(message))
        if session is not None:
            session.newest_connect = self._connects
        return self._connects

    # -- answered ------------------------------------------------------------------------------

    def _answer(self, carrier: _Carrier, replies: Sequence[JsonObject], at_s: float) -> list[Entry]:
        entries: list[Entry] = []
        for reply in replies:
            channel = channel_of(reply)
            if channels.is_meta(channel) or ("data" not in reply and "successful" in reply):
                asked = carrier.take(reply)
                if asked is not None:
                    entries += self._reply(carrier, asked, reply, at_s)
                elif channel == META_DISCONNECT and reply.get("successful") is not False:
                    entries += self._disconnected_by_server(carrier, at_s)
                elif channel == META_CONNECT:
                    self._notices.skipped("polls replaced by a newer one")
                elif channel:
                    self._notices.problem(f"a reply on {channel} answers no request: not recorded")
            elif channel:
                entries += self._event(carrier, reply, at_s)
        for reply in replies:
            # Only now: events may stand before or after the reply whose batch they belong to.
            if channel_of(reply) == META_CONNECT and carrier.sessions:
                carrier.sessions[-1].resends.completed(_ext(reply, "ack"))
        return entries

    def _reply(
        self, carrier: _Carrier, asked: _Asked, reply: JsonObject, at_s: float
    ) -> Sequence[Entry]:
        channel = channel_of(asked.message)
        good = reply.get("successful") is True
        session = asked.session
        if channel == META_HANDSHAKE:
            client = self._clients.of_handshake(carrier.seen)
            client_id = _client_id(reply)
            if good and client_id:
                session = self._sessions[client_id] = _Session(client)
                carrier.heard_of(session)
                self._clients.begins(client)
            return self._outcome(client, asked.message, reply, at_s)
        if session is None and good and _client_id(asked.message):
            session = self._session_from_before(carrier, asked.message)
        client = session.client if session else self._clients.of_exchange(carrier.seen)
        if session is not None:
            self._note(session, channel, asked.message, reply)
        if channel == META_CONNECT:
            if not good:
                return self._failed_connect(client, session, asked, reply, None, at_s)
            if session is None or session.connected:
                self._notices.skipped("idle polls")
                return []
            session.connected = True
        return self._outcome(client, asked.message, reply, at_s)

    def _note(
        self, session: _Session, channel: str, message: JsonObject, reply: JsonObject
    ) -> None:
        """What a reply says about its session."""
        good = reply.get("successful") is True
        if not good and str(reply.get("error")).startswith(("401", "402")):
            self._clients.is_lost(session.client)
        elif channel == META_CONNECT and good:
            session.failing = None
            self._clients.is_live(session.client)
        elif channel == META_DISCONNECT and good:
            self._clients.has_ended(session.client)
        elif channel == channels.META_SUBSCRIBE and good:
            session.subscriptions.update(_names(message.get("subscription")))
        elif channel == channels.META_UNSUBSCRIBE and good:
            session.subscriptions.difference_update(_names(message.get("subscription")))

    def _failed_connect(
        self,
        client: Client,
        session: _Session | None,
        asked: _Asked,
        reply: JsonObject | None,
        error: str | None,
        at_s: float,
    ) -> Sequence[Entry]:
        self._clients.is_lost(client)
        why = str(reply.get("error")) if reply is not None else str(error)
        if session is not None:
            if session.failing == why:
                self._notices.skipped("polls that failed again")
                return []
            session.failing = why
        return self._outcome(client, asked.message, reply, at_s, error)

    def _event(self, carrier: _Carrier, message: JsonObject, at_s: float) -> Sequence[Entry]:
        channel = channel_of(message)
        session = next(
            (
                session
                for session in reversed(carrier.sessions)
                if any(channels.matches(name, channel) for name in session.subscriptions)
            ),
            carrier.sessions[-1] if carrier.sessions else None,
        )
        if session is not None and session.resends.is_resent(message):
            self._notices.skipped("events that came again")
            return []
        client = session.client if session else self._clients.of_exchange(carrier.seen)
        return [event(client.name, at_s, self._scrubber.message(message))]

    def _disconnected_by_server(self, carrier: _Carrier, at_s: float) -> Sequence[Entry]:
        if carrier.sessions:
            client = carrier.sessions[-1].client
        else:  # its handshake was not seen
            client = self._clients.of_exchange(carrier.seen)
        self._clients.has_ended(client)
        return [Disconnect(number=UNNUMBERED, session=client.name, at_s=at_s, by="server")]

    def _give_up(self, carrier: _Carrier, error: str, at_s: float) -> list[Entry]:
        """No reply comes any more to what is still waiting."""
        entries: list[Entry] = []
        for asked in carrier.waiting:
            session = asked.session
            if channel_of(asked.message) == META_HANDSHAKE:
                client = self._clients.of_handshake(carrier.seen)
            elif session is not None:
                client = session.client
            else:
                client = self._clients.of_exchange(carrier.seen)
            if channel_of(asked.message) != META_CONNECT:
                entries += self._outcome(client, asked.message, None, at_s, error)
            elif session is not None and asked.order < session.newest_connect:
                # The server ends an older connect when a newer one comes (HTTP 500, or 408).
                self._notices.skipped("polls replaced by a newer one")
            elif error in (CLIENT_LEFT, SOCKET_CLOSED, NO_REPLY, RECORDING_ENDED):
                self._clients.is_lost(client)
                self._notices.skipped("cancelled polls")
            else:
                entries += self._failed_connect(client, session, asked, None, error, at_s)
        carrier.waiting.clear()
        return entries

    def _outcome(
        self,
        client: Client,
        message: JsonObject,
        reply: JsonObject | None,
        at_s: float,
        error: str | None = None,
    ) -> Sequence[Entry]:
        scrubbed = self._scrubber.message(message)
        answer = self._scrubber.message(reply) if reply is not None else None
        entries = outcome(client.name, at_s, scrubbed, answer, error)
        if not entries:
            self._notices.problem("a Bayeux message without channel or subscription: not recorded")
        return entries

    # -- whose, and where ----------------------------------------------------------------------

    def _session_from_before(self, carrier: _Carrier, message: JsonObject) -> _Session:
        """A session whose handshake was not seen: the recording began in the middle of it."""
        client = self._clients.of_exchange(carrier.seen)
        session = self._sessions[_client_id(message)] = _Session(client)
        carrier.heard_of(session)
        self._clients.begins(client)
        self._notices.problem(
            f"the Bayeux session of {client.name} began before the recording: it has no handshake"
        )
        return session

    def _evidence(self, asked: CapturedRequest, captured: CapturedExchange) -> Evidence:
        cookies = self._profile.session_cookies
        return evidence(asked.connection, asked.request, captured.response, cookies, asked.session)

    def _bases(self, origin: str) -> list[str]:
        return [*self._profile.bayeux_paths, *self.endpoints.get(origin, ())]

    def _is_bound(self, asked: CapturedRequest) -> bool:
        return any(is_below(base, asked.request.path) for base in self._bases(asked.origin))

    def _bind(self, carrier: _Carrier, messages: list[JsonObject]) -> None:
        asked = carrier.request
        found = self.endpoints.setdefault(asked.origin, [])
        if not any(is_below(base, asked.request.path) for base in found):
            found.append(base_path(asked.request.path, messages))


def _client_id(message: JsonObject) -> str:
    value = message.get("clientId")
    return value if isinstance(value, str) else ""


def _ext(message: JsonObject, name: str) -> Json:
    ext = message.get("ext")
    return ext.get(name) if isinstance(ext, dict) else None


def _names(value: Json) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]
