"""Answers: what becomes of a request that is no Bayeux, and how one that comes again is answered.

Whose request it is, which recording answers it, what follows from it: that is found out step by
step. A client that says the same again, byte for byte, and is played a repeat as the last time,
reaches its answer by a shortcut.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from cometape.core.identity.live_ids import Pairs
from cometape.core.playbook.matching import Shape
from cometape.core.playbook.recordings import Matches, Playable
from cometape.core.report.journal import Kind
from cometape.core.run.live_client import Arrival, LiveClient
from cometape.core.run.ready_repeat import ReadyRepeat

from ..exchange import Request, Response
from ..scrub.scrubber import Scrubber
from ..service import Action, Respond
from .interference import GO_ON
from .recorded_application import behind, note_made

if TYPE_CHECKING:
    from .replay_service import Replay

MAX_SHORTCUTS = 512
"""So many are known at once; then all are forgotten, as requests that come again are."""


class Shortcut:
    """How a request was answered by a repeat, and in which state of the replay."""

    __slots__ = (
        *("chosen", "client", "keeps_cookies", "knowledge", "origin"),
        *("played", "repeat", "request"),
    )

    def __init__(
        self, request: Request, client: LiveClient, chosen: Playable, state: tuple[int, int]
    ) -> None:
        self.request = request
        """Kept alive here, so that no other object can have its identity."""
        self.client = client
        self.origin = client.origin
        self.keeps_cookies = client.keeps_cookies
        self.chosen = chosen
        self.repeat = ReadyRepeat(chosen.playbook, chosen, client, client.origin)
        self.knowledge, self.played = state


class Answers:
    """Answers the requests of one replay that are no Bayeux."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._playbook = replay.playbook
        self._clients = replay.clients
        self._shortcuts: dict[int, Shortcut] = {}
        """By the identity of the request's object: a shell gives the same one for the same bytes.

        Whose a request with a cookie is, and what answers it, depends on two things that change:
        what is known of clients and their seats (`Clients.knowledge` counts that), and what has
        been played of the run (`Run.played` only grows, but where somebody changes seats). When
        neither moved while a request was answered, they are the state in which it will be answered
        so again, and while they stand as they stood then it is. What may interfere, and setbacks,
        let no shortcut be taken.
        """

    def __len__(self) -> int:
        """How many requests have a shortcut."""
        return len(self._shortcuts)

    def again(self, connection: int, request: Request, now_s: float) -> Response | None:
        """The answer to a request by its shortcut, if it has one that still holds."""
        shortcut = self._shortcuts.get(id(request))
        if shortcut is None:
            return None
        replay, client = self._replay, shortcut.client
        run = client.run
        if (
            shortcut.knowledge != self._clients.knowledge
            or shortcut.played != len(run.played)
            or replay.interference is not None
        ):
            del self._shortcuts[id(request)]
            return None
        self._clients.know_connection(connection, client)
        client.origin, client.keeps_cookies = shortcut.origin, shortcut.keeps_cookies
        response = shortcut.repeat.play(now_s)
        replay.agenda.note(run)
        chosen = shortcut.chosen
        replay.chronicle.note(now_s, "repeat", client, chosen, chosen.number)
        return response

    def answer(
        self, exchange: int, request: Request, arrival: Arrival, now_s: float
    ) -> list[Action]:
        """Answer a request by what was recorded, or as a miss."""
        replay, clients = self._replay, self._clients
        shape, matches = self._matches(request)
        knowledge = clients.knowledge
        found = clients.of_request(arrival, matches, now_s)
        client = found.client
        used: Pairs = {}
        if not matches or matches.are_wild:
            recorded, named = self._playbook.live_ids.request(
                request, partial(behind, client), client.run.shift_s
            )
            if recorded is not request:
                again = self._matches(recorded)
                if again[1] or not matches:
                    shape, matches = again
                    used = named
        replay.application.settle(client, matches, now_s)
        run = client.run
        state = knowledge, len(run.played)
        setbacks = replay.setbacks
        broken = setbacks.broken_off(shape, client) if setbacks is not None else None
        if broken is not None:
            return replay.break_off(exchange, broken, client, now_s)
        chosen = run.choose(client.session, matches, repeats=replay.repeats)
        verdict = GO_ON
        if replay.interference is not None:
            verdict = replay.interference.asked(exchange, request, client, chosen, now_s)
            if verdict.is_final:
                return list(verdict.actions)
        if not isinstance(chosen, Playable):
            miss = replay.chronicle.miss(shape, client, chosen, now_s)
            return [*verdict.actions, Respond(exchange, miss.response())]
        if self._playbook.live_ids.makes:
            made = self._playbook.live_ids.made_in_request(chosen.exchange.request, request)
            used |= note_made(client, chosen.session, made)
        cookies = self._playbook.response(chosen).cookies
        presented = [name for name, _ in cookies if clients.cookies.presents(arrival, name)]
        play, response = run.answer(
            chosen,
            client,
            client.origin,
            now_s,
            audience=found.audience,
            fresh=[identity for name, identity in cookies if name not in presented],
            used=used,
        )
        for name, identity in cookies:
            value = play.issued[identity.kind, identity.recorded]
            clients.know_cookie(name, value, client, entry=chosen.number, renewed=name in presented)
        if not chosen.is_operation:
            clients.guessed(arrival.connection, chosen.number)
        if chosen.ends_session:
            clients.finish(client)
        replay.note_busy(run)
        kind: Kind = "repeat" if chosen.is_operation and play.nth > 1 else "answered"
        replay.chronicle.note(now_s, kind, client, chosen, chosen.number)
        actions: list[Action] = [*verdict.actions, Respond(exchange, response)]
        if replay.interference is not None:
            actions = replay.interference.answered(exchange, play, client, actions, now_s)
        if client.has_claimed:
            client.has_claimed = False
            replay.delivery.changed(client)
            actions += replay.after(now_s)
        elif (
            kind == "repeat"
            and found.by_cookie
            and not (used or matches.are_wild)
            and arrival.origin is not None
            and state == (clients.knowledge, len(run.played))
        ):
            self._learn(Shortcut(request, client, chosen, state))
        return actions

    def _learn(self, shortcut: Shortcut) -> None:
        if self._replay.setbacks is None:
            if len(self._shortcuts) >= MAX_SHORTCUTS:
                self._shortcuts.clear()
            self._shortcuts[id(shortcut.request)] = shortcut

    def _matches(self, request: Request) -> tuple[Shape, Matches]:
        """The shape of a request and its recordings.

        Where none has just this shape, the request is scrubbed as the recorder would have, for its
        secrets are placeholders in the cassette. With a scrubber of its own: what one client's
        request gives away as a secret must not change how another's is read.
        """
        playbook = self._playbook
        shape = playbook.shaper.shape(request)
        matches = playbook.matches(shape)
        if not matches:
            clean = Scrubber(playbook.profile).request(request)
            shape = playbook.shaper.shape(replace(clean, headers=request.headers))
            matches = playbook.matches(shape) or playbook.wild_matches(shape)
        return shape, matches
