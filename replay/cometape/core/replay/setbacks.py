"""Setbacks: what went wrong in the recording for no reason of the client's, played when asked for.

A session that expired (`402`), a server that ended it, a poll that failed by HTTP, an exchange that
broke off before its answer are accidents of that one recording: of its network, its timeouts, how
long a breakpoint held. A replay smooths them over unless it is to be `as_recorded`. Refusals are
none of these: they are what the system decided, and are always played.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from cometape.core.playbook.matching import Shape
from cometape.core.playbook.playbook import Playbook
from cometape.core.playbook.playbook_index import IS_OPERATION, KINDS
from cometape.core.report.chronicle import Chronicle
from cometape.core.run.live_client import LiveClient
from cometape.core.run.play import Due, Play
from cometape.core.run.player import Run

from ..bayeux.channel import META_CONNECT
from ..bayeux.endpoint import BayeuxEndpoint
from ..cassette import BayeuxEntry, Connect, Disconnect, Entry, Exchange, Handshake, Subscribe
from ..exchange import Headers, Response
from ..service import Abort, Action, Respond

Kind = Literal["expired", "ended", "failed"]
"""A session was not known any more (`402`), or was ended by the server; or one poll of it failed,
by HTTP or because its connection broke."""

HELD_S = 60.0
"""How long a request is held that the recorded client did not wait for, seconds: until the client
leaves, as the recorded one did, but not for ever."""
_LOST = "402"
_BY_HTTP = re.compile(r"HTTP ([1-5]\d\d)")
_BY_BAYEUX = re.compile(r"\d{3}:")


@dataclass(frozen=True, slots=True)
class Setback:
    """One thing that went wrong with a recorded Bayeux session."""

    kind: Kind
    number: int
    session: str
    delay_s: float
    """Recorded time since what it follows."""
    error: str = ""
    """Of a poll that failed: `HTTP 502`, or why its connection broke."""


def is_by_bayeux(error: str | None) -> bool:
    """Whether a Bayeux message was answered by this error, and not its request by HTTP."""
    return error is None or _BY_BAYEUX.match(error) is not None


def is_accident(entry: BayeuxEntry) -> bool:
    """Whether a handshake or subscription failed for no reason of the client's.

    By a gateway's 502 or a connection that broke; a 401 or 403 the system has decided.
    """
    by_http = _BY_HTTP.fullmatch(entry.error or "")
    decided = by_http is not None and by_http[1].startswith("4")
    return not (entry.successful or is_by_bayeux(entry.error) or decided)


def failure(carrier: int, error: str) -> Action:
    """A Bayeux request fails as it did: by a status of HTTP, or because its connection breaks."""
    by_http = _BY_HTTP.fullmatch(error)
    if by_http is None:
        return Abort(carrier)
    return Respond(carrier, Response(status=int(by_http[1]), headers=Headers()))


class Setbacks:
    """The setbacks of a cassette, and those on their way in its runs."""

    def __init__(self, playbook: Playbook, *, factor: float, gap_s: float) -> None:
        """`factor` is that of the pace; `gap_s` passes at least after what a setback follows."""
        self._playbook = playbook
        self._factor = factor
        self._gap_s = gap_s
        self._after: dict[int, list[Setback]] = {}
        """By the number of the entry that each follows."""
        for anchor, setback in _setbacks(playbook):
            self._after.setdefault(anchor, []).append(setback)
        self._coming: list[tuple[float, int, int, Run, Setback]] = []
        self._count = 0
        self._held: list[tuple[float, int]] = []
        """Exchanges that get no answer, and when they are given up."""
        self._left: set[int] = set()
        self._failing: dict[LiveClient, list[Setback]] = {}
        """Clients that did not poll just when a poll of theirs had to fail: the next one does."""

    # ---------------------------------------------------------------- Bayeux sessions

    def noted(self, run: Run, play: Play) -> None:
        """An entry was played; what followed it in the recording is on its way, once per run."""
        if play.nth > 1:
            return
        for setback in self._after.get(play.entry.number, ()):
            at_s = play.at_s + max(self._gap_s, setback.delay_s * self._factor)
            self._count += 1
            heapq.heappush(self._coming, (at_s, setback.number, self._count, run, setback))

    def deadline_s(self) -> float | None:
        """When the next one is due, or a held exchange is given up."""
        times = [heap[0][0] for heap in (self._coming, self._held) if heap]
        return min(times, default=None)

    def take_due(self, now_s: float) -> Iterator[tuple[Run, Setback]]:
        """Those whose time has come, in their order."""
        while self._coming and self._coming[0][0] <= now_s:
            *_, run, setback = heapq.heappop(self._coming)
            yield run, setback

    def befall(
        self,
        run: Run,
        setback: Setback,
        endpoint: BayeuxEndpoint,
        chronicle: Chronicle,
        now_s: float,
        only: Sequence[str] | None = None,
    ) -> list[Action]:
        """It happens to the client that has taken the session; to nobody where there is none.

        Of its Bayeux sessions `only` to those with these client ids, if there are any left.
        """
        client = run.actors.get(setback.session)
        run.played[setback.number] = run.played.get(setback.number, 0) + 1
        actions: list[Action] = []
        if not isinstance(client, LiveClient):
            return actions
        client_ids = [one for one in client.client_ids if only is None or one in only]
        if only is not None and not client_ids:
            return actions
        text = {
            "expired": "session lost as recorded",
            "ended": "session ended as recorded",
            "failed": f"poll fails as recorded: {setback.error}",
        }
        chronicle.note(now_s, "note", client, text[setback.kind], setback.number)
        bayeux = endpoint.server
        for client_id in client_ids:
            if setback.kind == "expired":
                actions += endpoint.actions(bayeux.expire(client_id, now_s), now_s)
            elif setback.kind == "ended":
                actions += endpoint.actions(bayeux.disconnect(client_id, now_s), now_s)
            else:
                actions += self._fail(client, client_id, setback, endpoint, now_s)
        return actions

    def _fail(
        self,
        client: LiveClient,
        client_id: str,
        setback: Setback,
        endpoint: BayeuxEndpoint,
        now_s: float,
    ) -> list[Action]:
        """The poll that is held fails, else the next one; the session lives on."""
        session = endpoint.server.session(client_id)
        if session is None:
            return []
        if session.socket is not None:
            socket = session.socket
            return [*endpoint.gone(socket, now_s), Abort(socket)]
        if session.hold is None:
            self._failing.setdefault(client, []).append(setback)
            return []
        carrier = session.hold.carrier_id
        return [*endpoint.gone(carrier, now_s), failure(carrier, setback.error)]

    def failing(self, client: LiveClient | None, text: str) -> str | None:
        """Why the messages that a client sends by HTTP fail, when a poll of it has to."""
        waiting = self._failing.get(client) if client is not None and META_CONNECT in text else None
        return waiting.pop(0).error if waiting else None

    # ---------------------------------------------------------------- exchanges

    def broken_off(self, shape: Shape, client: LiveClient) -> Exchange | None:
        """The recording without an answer whose turn it is, for a request of a client.

        Its turn has come when all recordings of the request before it were played.
        """
        run = client.run
        places = self._playbook.unanswered_like(shape)
        if not places:
            return None
        recordings = self._playbook.matches(shape).by_session.get(client.session)
        answered = () if recordings is None else recordings.numbers
        for place in places:
            entry = self._playbook.read(place)
            assert isinstance(entry, Exchange)
            if entry.session != client.session or entry.number in run.played:
                continue
            earlier = (number for number in answered if number < entry.number)
            return entry if all(number in run.played for number in earlier) else None
        return None

    def hold(self, exchange: int, now_s: float) -> None:
        """An exchange gets no answer until its client leaves."""
        heapq.heappush(self._held, (now_s + HELD_S, exchange))

    def gone(self, exchange: int) -> None:
        """A client has left an exchange, perhaps one that is held."""
        if any(held == exchange for _, held in self._held):
            self._left.add(exchange)

    def give_up(self, now_s: float) -> list[int]:
        """Exchanges that were held long enough."""
        found: list[int] = []
        while self._held and self._held[0][0] <= now_s:
            _, exchange = heapq.heappop(self._held)
            if exchange in self._left:
                self._left.discard(exchange)
            else:
                found.append(exchange)
        return found


def client_left(entry: Exchange) -> bool:
    """Whether it was the client that did not wait for the answer."""
    return (entry.error or "").startswith("client")


def divided(dues: list[Due], setback: Setback) -> tuple[list[Due], list[Due]]:
    """Of events that are due together with a setback, those recorded before it, and after it."""
    before = [due for due in dues if due.follower.number < setback.number]
    return before, [due for due in dues if due.follower.number > setback.number]


def _setbacks(playbook: Playbook) -> Iterator[tuple[int, Setback]]:
    """Each with the number of what it follows: what a client does, so that it can be told when."""
    index = playbook.index
    latest: dict[str, Entry] = {}
    names = [session.name for session in index.sessions]
    for place, kind in enumerate(index.kinds):
        known = KINDS[kind]
        operation = bool(index.flags[place] & IS_OPERATION)
        if not operation and known not in (Handshake, Subscribe, Connect, Disconnect):
            continue
        entry = playbook.read(place)
        session = names[index.session[place]]
        happened = _what(entry)
        if happened is None:
            if operation or (isinstance(entry, Handshake | Subscribe) and entry.successful):
                latest[session] = entry
            continue
        anchor = latest.get(session)
        if anchor is not None:
            error = (entry.error or "") if isinstance(entry, Connect) else ""
            delay_s = _between_s(anchor, entry)
            yield anchor.number, Setback(happened, entry.number, session, delay_s, error)


def _what(entry: Entry) -> Kind | None:
    if isinstance(entry, Connect) and not entry.successful:
        error = entry.error or ""
        if error.startswith(_LOST):
            return "expired"
        return None if is_by_bayeux(error) else "failed"
    return "ended" if isinstance(entry, Disconnect) and entry.by == "server" else None


def _between_s(anchor: Entry, entry: Entry) -> float:
    if anchor.at_s is None or entry.at_s is None:
        return 0.0
    took_s = (anchor.took_s or 0.0) if isinstance(anchor, Exchange) else 0.0
    return max(0.0, entry.at_s - anchor.at_s - took_s)
