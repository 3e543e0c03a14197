"""A cassette as traffic: what a recorder could have seen of the scenario.

Exchanges are what they are. Of Bayeux a cassette keeps what was meant, so the polls and sockets
that carried it are made up: each message of the client's is an exchange of its own, events come as
the answers of held connects, and a session whose connection type is `websocket` speaks over one
WebSocket. Watching the rendered traffic (`core.traffic.watch`) gives the same entries again; times
and order are `core.record.moments`'.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import quote

from cometape.core.profile.profile import Profile

from ..bayeux.message import DEFAULT_CALLBACK, jsonp, render_messages
from ..cassette import BayeuxEntry, Cassette, Connect, Disconnect, Entry, Event, Exchange, Handshake
from ..exchange import Headers, Request, Response
from ..json_value import JsonObject
from .bayeux_observer import SOCKET_CLOSED
from .bayeux_speech import Spoken, poll, pushed, spoken
from .capture import CapturedExchange, CapturedRequest, SocketText
from .moments import MICROSECONDS, STEP_US, Moment, moments
from .traffic import Traffic

NO_ORIGIN = "http://cassette.invalid"
"""Stands for an origin nobody wrote down (RFC 2606 §2: no such host can exist)."""
_BAYEUX_PATH = "/cometd"
"""Where CometD servers answer unless told otherwise, if neither cassette nor profile says it."""
_JSON = ("Content-Type", "application/json;charset=UTF-8")
_LONG_POLLING = "long-polling"
_WHO = ("authorization", "cookie")


def render(cassette: Cassette, profile: Profile) -> list[Traffic]:
    """The traffic of a cassette in the order in which it began; seconds since the recording did."""
    return _Renderer(cassette, profile).traffic()


@dataclass(slots=True, eq=False)
class _Socket:
    """A WebSocket that is open."""

    opened_us: int
    texts: list[SocketText] = field(default_factory=list)

    def say(self, sender: Literal["client", "server"], messages: list[JsonObject], us: int) -> None:
        self.texts.append(SocketText(sender=sender, text=render_messages(messages), at_s=_s(us)))


@dataclass(slots=True, eq=False)
class _Session:
    """One recorded client session while its entries are rendered."""

    name: str
    connection: str
    who: Headers
    """What its exchanges authenticate with."""
    connection_type: str
    client_id: str = ""
    connected: bool = False
    failing: tuple[str | None] | None = None
    """The error of its last connect, if that failed."""
    held_since_us: int = 0
    """When its last Bayeux answer came: since then a connect can have been held."""
    messages: int = 0
    socket: _Socket | None = None

    def next_id(self) -> str:
        self.messages += 1
        return str(self.messages)


class _Renderer:
    def __init__(self, cassette: Cassette, profile: Profile) -> None:
        header = cassette.header
        self._origin = header.origin or NO_ORIGIN
        self._host = ("Host", self._origin.partition("://")[2])
        self._path = header.bayeux or (*profile.bayeux_paths, _BAYEUX_PATH)[0]
        self._entries = cassette.entries
        self._types = _connection_types(cassette.entries)
        self._sessions = {
            name: _Session(
                name=name,
                connection=f"client-{index}",
                who=_credentials(cassette.entries, name),
                connection_type=self._types.get((name, 0), _LONG_POLLING),
            )
            for index, name in enumerate(cassette.sessions, start=1)
        }
        handshakes = [entry for entry in cassette.entries if isinstance(entry, Handshake)]
        self._client_ids = {entry.client_id for entry in handshakes}
        self._traffic: list[Traffic] = []

    def traffic(self) -> list[Traffic]:
        groups = list(_groups(self._entries))
        for group, moment in zip(groups, moments(groups), strict=True):
            entry = group[0]
            session = self._sessions[entry.session]
            if isinstance(entry, Exchange):
                self._exchange(session, entry, moment)
            elif isinstance(entry, Event) or (isinstance(entry, Disconnect) and _is_pushed(entry)):
                self._push(session, group, moment.ended_us)
            elif isinstance(entry, BayeuxEntry):
                self._spoken(session, entry, moment.ended_us)
        for session in self._sessions.values():
            self._close(session, None)
        return sorted(self._traffic, key=lambda one: one.exchange.asked.at_s)

    # -- by kind -------------------------------------------------------------------------------

    def _exchange(self, session: _Session, entry: Exchange, moment: Moment) -> None:
        self._add(
            session,
            entry.request,
            entry.response,
            moment.began_us,
            moment.ended_us,
            error=entry.error,
            comment=_comment([entry]),
        )

    def _spoken(self, session: _Session, entry: BayeuxEntry, ended_us: int) -> None:
        began_us = max(ended_us - STEP_US, 0)
        if isinstance(entry, Connect):  # one that began before the last was answered replaced it
            began_us = max(began_us, min(session.held_since_us, ended_us))
        if isinstance(entry, Handshake):
            session.connection_type = self._types.get((session.name, entry.number), _LONG_POLLING)
            if entry.successful:
                session.client_id = entry.client_id or self._fresh_id()
                session.connected, session.failing = False, None
        self._be_known(session)
        over = session.connection_type
        if isinstance(entry, Connect):
            over = entry.connection_type
            if session.connected and session.failing == (entry.error,) and not entry.successful:
                # A row of equal failures is one entry, so a poll went well in between.
                self._say(session, self._poll(session), [], began_us, ended_us, over, "poll")
                began_us = ended_us
            session.connected = session.connected or entry.successful
            session.failing = None if entry.successful else (entry.error,)
        said = spoken(entry, session.client_id, session.next_id())
        self._say(session, said, [], began_us, ended_us, over, _comment([entry]))

    def _push(self, session: _Session, entries: Sequence[Entry], ended_us: int) -> None:
        """The answer of a held connect, or a text over the WebSocket.

        Before the cassette says that the session is connected the reply to the connect is left
        out: with it, it would be the session's first connect.
        """
        self._be_known(session)
        messages = [pushed(one) for one in entries if isinstance(one, Event | Disconnect)]
        if session.connection_type == "websocket":
            self._socket(session, ended_us).say("server", messages, ended_us)
            return
        said = self._poll(session)
        if session.connected:
            session.failing = None
        else:
            said = replace(said, reply=None)
        over, comment = session.connection_type, _comment(entries)
        self._say(session, said, messages, session.held_since_us, ended_us, over, comment)

    def _poll(self, session: _Session) -> Spoken:
        return poll(session.client_id, session.next_id(), session.connection_type)

    # -- over what -----------------------------------------------------------------------------

    def _say(
        self,
        session: _Session,
        said: Spoken,
        first: list[JsonObject],
        began_us: int,
        ended_us: int,
        over: str,
        comment: str,
    ) -> None:
        """One message of the client's with its answer, which has `first` in front of the reply."""
        replies = first if said.reply is None else [*first, said.reply]
        if over == "websocket" and (said.reply is not None or said.failure == SOCKET_CLOSED):
            socket = self._socket(session, ended_us, speaks=True)
            socket.say("client", [said.asked], ended_us)
            if replies:
                socket.say("server", replies, ended_us)
            if said.failure is not None:
                self._close(session, ended_us)
            return
        session.held_since_us = ended_us
        request = self._request(session, render_messages([said.asked]), over)
        response = None if said.failure is not None else _response(said.status, replies, over)
        self._add(
            session, request, response, began_us, ended_us, error=said.failure, comment=comment
        )

    def _request(self, session: _Session, array: str, over: str) -> Request:
        headers = Headers([self._host, *session.who])
        if over == "callback-polling":
            query = f"jsonp={DEFAULT_CALLBACK}&message={quote(array, safe='')}"
            return Request(method="GET", target=f"{self._path}?{query}", headers=headers)
        return Request(
            method="POST", target=self._path, headers=headers.plus(_JSON), body=array.encode()
        )

    def _socket(self, session: _Session, at_us: int, *, speaks: bool = False) -> _Socket:
        """The session's WebSocket; where the server speaks first, it has an idle connect to."""
        if session.socket is None:
            session.socket = _Socket(max(at_us - STEP_US, 0))
            if not speaks:
                session.socket.say("client", [self._poll(session).asked], at_us)
        return session.socket

    def _close(self, session: _Session, at_us: int | None) -> None:
        socket, session.socket = session.socket, None
        if socket is None:
            return
        upgrade = Headers([("Connection", "Upgrade"), ("Upgrade", "websocket")])
        headers = Headers([self._host, *session.who, *upgrade, ("Sec-WebSocket-Version", "13")])
        self._add(
            session,
            Request(method="GET", target=self._path, headers=headers),
            Response(status=101, headers=upgrade),
            socket.opened_us,
            socket.opened_us,
            comment=f"Bayeux of {session.name}",
        )
        self._traffic[-1] = replace(
            self._traffic[-1],
            is_socket=True,
            texts=tuple(socket.texts),
            closed_s=None if at_us is None else _s(at_us),
        )

    def _add(
        self,
        session: _Session,
        request: Request,
        response: Response | None,
        began_us: int,
        ended_us: int,
        *,
        error: str | None = None,
        comment: str = "",
    ) -> None:
        asked = CapturedRequest(
            key=f"{len(self._traffic) + 1}",
            connection=session.connection,
            origin=self._origin,
            request=request,
            at_s=_s(began_us),
            session=session.name,
        )
        captured = CapturedExchange(
            asked=asked, response=response, ended_s=_s(ended_us), error=error
        )
        self._traffic.append(Traffic(exchange=captured, comment=comment))

    # -- what a cassette leaves out ------------------------------------------------------------

    def _be_known(self, session: _Session) -> None:
        """A session whose handshake was not recorded has a client id all the same."""
        if not session.client_id:
            session.client_id = self._fresh_id()

    def _fresh_id(self) -> str:
        numbers = itertools.count(1)
        found = next(name for n in numbers if (name := f"<client-id:{n}>") not in self._client_ids)
        self._client_ids.add(found)
        return found


def _response(status: int | None, replies: list[JsonObject], over: str) -> Response:
    if status is not None:
        return Response(status=status)
    array = render_messages(replies)
    if over == "callback-polling":
        script = Headers([("Content-Type", "text/javascript;charset=UTF-8")])
        return Response(status=200, headers=script, body=jsonp(DEFAULT_CALLBACK, array).encode())
    return Response(status=200, headers=Headers([_JSON]), body=array.encode())


def _connection_types(entries: Sequence[Entry]) -> dict[tuple[str, int], str]:
    """The connection type that follows a handshake, by session and number; 0: before any."""
    found: dict[tuple[str, int], str] = {}
    latest: dict[str, int] = {}
    for entry in entries:
        if isinstance(entry, Handshake):
            latest[entry.session] = entry.number
        elif isinstance(entry, Connect) and entry.successful:
            found.setdefault((entry.session, latest.get(entry.session, 0)), entry.connection_type)
    return found


def _credentials(entries: Sequence[Entry], session: str) -> Headers:
    """What a session's exchanges authenticate with, so that its Bayeux requests can as well."""
    found: dict[str, tuple[str, str]] = {}
    for entry in entries:
        if isinstance(entry, Exchange) and entry.session == session:
            for name, value in entry.request.headers:
                if name.lower() in _WHO:
                    found.setdefault(name.lower(), (name, value))
    return Headers(found.values())


def _is_pushed(entry: Disconnect) -> bool:
    return entry.by == "server"


def _comment(entries: Sequence[Entry]) -> str:
    """What the traffic stands for: `cassette entry 12: event caused by 10`."""
    numbers = ", ".join(str(entry.number) for entry in entries)
    causes = sorted({e.cause for e in entries if isinstance(e, Event) and type(e.cause) is int})
    kind = type(entries[0]).__name__.lower()
    by = f", caused by {', '.join(map(str, causes))}" if causes else ""
    return f"cassette entry {numbers} ({kind}{by})"


def _s(microseconds: int) -> float:
    return microseconds / MICROSECONDS


def _groups(entries: Iterable[Entry]) -> Iterable[list[Entry]]:
    """Events that a session got at one time came in one answer."""
    group: list[Entry] = []
    for entry in entries:
        together = (
            group
            and isinstance(entry, Event)
            and isinstance(group[0], Event)
            and entry.session == group[0].session
            and entry.at_s is not None
            and entry.at_s == group[0].at_s
        )
        if group and not together:
            yield group
            group = []
        group.append(entry)
    if group:
        yield group
