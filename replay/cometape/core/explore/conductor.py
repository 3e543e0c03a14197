"""The conductor: plays an order, by holding answers and events until their turn has come.

A step waits for those that come before it in the order. Nothing waits for a time: an answer is
through when it has left and a moment has passed, an event when it has left for its client. What a
client has passed over (it asks what was recorded later) nobody waits for. Where a client waits for
what is held, nothing would ever happen again; so when nothing has happened for a while, the first
step that is held goes all the same, and what of the order did not come to pass is told: this client
cannot meet it.

Where the replay's clock stands still until a test advances it, only events wait for that clock, as
they do without an order. What clients are given time for (the moment in which they see an event
before an answer; to do something at all) passes by the shell's time, so that no answer waits for a
clock that nobody advances while he waits for the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from cometape.core.playbook.playbook import Playbook
from cometape.core.playbook.recordings import Playable
from cometape.core.run.live_client import Arrival, LiveClient
from cometape.core.run.play import Due, Exhausted, Play
from cometape.core.run.player import Run

from ..bayeux.channel import META_DISCONNECT
from ..exchange import Request
from ..replay.answer_gate import AnswerGate
from ..replay.interference import GO_ON, Interference, Postponed, Verdict
from ..service import Action
from .order import Order, Pair
from .performance import ANY_TIME, Moment, Performance

PATIENCE_S = 0.5
"""How long nothing happens before what is held is let go: a client that waits sends nothing."""


class Conducted(Protocol):
    """What the conductor asks of the replay it conducts."""

    playbook: Playbook

    def speaker(self, text: str) -> LiveClient | None:
        """The client whose Bayeux messages these are."""
        ...

    def give(self, dues: Sequence[Due], now_s: float) -> list[Action]:
        """Deliver events, with nothing more in their way."""
        ...

    def is_out(self, due: Due) -> bool:
        """Whether an event that was given is on its way to its client, or with it."""
        ...

    def is_placed(self, due: Due) -> bool:
        """Whether an event that was given has a Bayeux session that takes it."""
        ...


class Conductor:
    """An `Interference` that plays one order, in every run anew."""

    def __init__(
        self,
        replay: Conducted,
        gate: AnswerGate,
        order: Order,
        *,
        gap_s: float,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`gap_s`: between an answer and an event, so that the client sees them in that order."""
        self.order = order
        self.inner: Interference | None = None
        """Faults that befall what is conducted."""
        self._replay = replay
        self._gate = gate
        self._gap_s = gap_s
        self._patience_s = patience_s
        self._performances: dict[Run, Performance] = {}
        self._shell_s: float | None = None
        """The shell's time, where it is another than the replay's."""
        self._woken_s = ANY_TIME
        """The shell's time when the replay was ticked for it last."""

    # ---------------------------------------------------------------- where the clock stands still

    def hear(self, shell_s: float) -> None:
        """The shell's time; from now on it is another than the replay's (`Impatient`)."""
        self._shell_s = shell_s

    def wake_s(self) -> float | None:
        """When, by the shell's time, something may go that waits for clients (`Impatient`)."""
        times: list[float] = []
        for one in self._performances.values():
            turns = [self._turn(one, place) for place in one.answers]
            turns += [self._group(one, place)[0] for place in one.events]
            times += [turn.shell_s for turn in turns if turn is not None]
            if self._is_stuck(one):
                times.append(one.stirred.shell_s + self._patience_s)
        return min((time for time in times if time > self._woken_s), default=None)

    def woken(self) -> None:
        """The replay was ticked, by the shell's time (`Impatient`)."""
        if self._shell_s is not None:
            self._woken_s = self._shell_s

    def _moment(self, now_s: float) -> Moment:
        return Moment(now_s, now_s if self._shell_s is None else self._shell_s)

    def _has_come(self, turn: Moment, now_s: float) -> bool:
        return turn.at_s <= now_s and turn.shell_s <= self._moment(now_s).shell_s

    # ---------------------------------------------------------------- what came to pass

    @property
    def unmet(self) -> tuple[Pair, ...]:
        """Pairs of the order that came the other way round."""
        found: dict[Pair, None] = {}
        for one in self._performances.values():
            turns = {place: turn for turn, place in enumerate(one.done)}
            for first, second in self.order.inverted:
                if second in turns and turns.get(first, len(turns)) > turns[second]:
                    found[first, second] = None
        return tuple(found)

    @property
    def unrealised(self) -> tuple[str, ...]:
        """What came to pass otherwise than the order has it, in words.

        What did not come to pass at all says nothing: the client may have given up before.
        """
        steps = self.order.plot.steps
        found = {
            f"{steps[first]} did not come before {steps[second]}": None
            for first, second in self.unmet
        }
        for one in self._performances.values():
            for first, second in self.order.regrouped:
                if first in one.batches and second in one.batches:
                    is_one = one.batches[first] == one.batches[second]
                    if is_one != ((first, second) in self.order.together):
                        how = "one poll" if is_one else "two polls"
                        found[f"{steps[first]} and {steps[second]} came in {how}"] = None
        return tuple(found)

    # ---------------------------------------------------------------- what a replay asks

    def asked(
        self,
        exchange: int,
        request: Request,
        client: LiveClient,
        chosen: Playable | Exhausted | None,
        now_s: float,
    ) -> Verdict:
        """A request: something happens."""
        self._of(client.run).stirred = self._moment(now_s)
        if self.inner is None:
            return GO_ON
        return self.inner.asked(exchange, request, client, chosen, now_s)

    def spoken(
        self, carrier: int, request: Request | None, text: str, arrival: Arrival, now_s: float
    ) -> Verdict:
        """Bayeux messages; before a goodbye the client gets all that is held for it."""
        verdict = GO_ON
        if self.inner is not None:
            verdict = self.inner.spoken(carrier, request, text, arrival, now_s)
        client = self._replay.speaker(text)
        if client is None or verdict.is_final:
            return verdict
        one = self._of(client.run)
        one.stirred = self._moment(now_s)
        if META_DISCONNECT not in text:
            return verdict
        mine = [due for due in one.run.scheduled if one.run.receiver(due) is client]
        self._keep(one, [due for due in one.run.hurry(mine) if self._is_known(due)])
        left = [
            place
            for place in self.order.sequence
            if any(one.run.receiver(due) is client for due in one.events.get(place, ()))
        ]
        actions = self._give(one, left, now_s)
        self._note_out(one, now_s)
        return Verdict([*verdict.actions, *actions])

    def answered(
        self, exchange: int, play: Play, client: LiveClient, actions: list[Action], now_s: float
    ) -> list[Action]:
        """An exchange was played: its answer waits for its turn, and so do its events."""
        if self.inner is not None:
            actions = self.inner.answered(exchange, play, client, actions, now_s)
        one = self._of(client.run)
        place = self._place_of(one, play.entry.number)
        if place is not None:
            one.answers[place] = exchange
            one.known[place] = frozenset(one.done)
            self._pass_over(one, self.order.plot.must[place])
            plan = self._gate.plan_of(exchange)
            plan.until = lambda at_s: self._leaves_s(one, place, at_s)
            plan.then.append(lambda then_s: self._left(one, place, then_s))
        mine = [due for due in client.run.scheduled if due.play is play and self._is_known(due)]
        self._keep(one, client.run.hurry(mine))
        return [*self._go_on(one, now_s), *actions]

    def due(self, dues: Sequence[Due], now_s: float) -> Sequence[Due]:
        """Events have become due: they wait for their turn, but for those nobody knows."""
        unknown: list[Due] = []
        for due in dues:
            if self._is_known(due):
                self._keep(self._of(due.run), [due])
            else:
                unknown.append(due)
        return unknown

    def settled(self, now_s: float) -> list[Action]:
        """A call is over: who has polled may have made room for the next step."""
        found: list[Action] = []
        for one in list(self._performances.values()):
            found += self._go_on(one, now_s)
        if self.inner is not None:
            found += self.inner.settled(now_s)
        return found

    def tick(self, now_s: float) -> Sequence[Action]:
        """A moment has passed; or nothing happens any more, and something must go."""
        found: list[Action] = []
        for one in list(self._performances.values()):
            found += self._go_on(one, now_s)
            if self._is_stuck(one) and self._has_come(self._impatient(one), now_s):
                found += self._force(one, now_s)
        if self.inner is not None:
            found += self.inner.tick(now_s)
        return found

    def deadline_s(self) -> float | None:
        """When `tick` is wanted next."""
        times = [self.inner.deadline_s()] if self.inner is not None else []
        for one in self._performances.values():
            turns = [self._group(one, place)[0] for place in one.events]
            if self._is_stuck(one):
                turns.append(self._impatient(one))
            for turn in turns:
                if turn is not None and self._has_come(turn, turn.at_s):
                    times.append(max(turn.at_s, one.stirred.at_s))
        return min((time for time in times if time is not None), default=None)

    def postponed(self) -> list[Postponed]:
        """Events that the order holds back, and what faults have put off."""
        found = list(self.inner.postponed()) if self.inner is not None else []
        for one in self._performances.values():
            told: set[int] = set()
            for place in self.order.sequence:
                if place not in one.events or place in told:
                    continue
                turn, group = self._group(one, place)
                if turn is None or not self._has_come(turn, turn.at_s):
                    continue
                told.update(group)
                at_s = max(turn.at_s, one.stirred.at_s)
                dues = [due for each in group for due in one.events[each]]
                found += [Postponed(at_s, due, "what the order holds back") for due in dues]
        return found

    # ---------------------------------------------------------------- steps

    def _of(self, run: Run) -> Performance:
        return self._performances.setdefault(run, Performance(run))

    def _place_of(self, one: Performance, number: int) -> int | None:
        """The step that an answer is: its own, or the next of the same read that is to come."""
        places = self.order.plot.places
        playable = self._replay.playbook.playable(number)
        if playable is None or playable.is_publish:
            return None
        if playable.is_operation:
            place = places.get(number)
            return None if place in one.done or place in one.answers else place
        for same in self._replay.playbook.recordings_like(playable).numbers:
            place = places.get(same)
            if place is None or place in one.done or place in one.answers:
                continue
            if place not in one.passed_over:
                return None if self._is_too_soon(one, place) else place
        return None

    def _is_too_soon(self, one: Performance, place: int) -> bool:
        """Whether a read is one more look: operations that were recorded before it are to come."""
        return any(
            step.is_operation and other not in one.done and other not in one.answers
            for other, step in enumerate(self.order.plot.steps)
            if self.order.plot.must[place] >> other & 1
        )

    def _pass_over(self, one: Performance, mask: int) -> None:
        """Nobody need wait for these answers: they are through, or were not asked for."""
        for other, step in enumerate(self.order.plot.steps):
            is_here = other in one.done or other in one.answers
            if mask >> other & 1 and step.is_answer and not is_here:
                one.passed_over[other] = None

    def _is_known(self, due: Due) -> bool:
        return due.follower.number in self.order.plot.places

    def _keep(self, one: Performance, dues: Sequence[Due]) -> None:
        for due in dues:
            place = self.order.plot.places[due.follower.number]
            one.events.setdefault(place, []).append(due)

    def _turn(self, one: Performance, place: int, beside: Sequence[int] = ()) -> Moment | None:
        """From when on a step may go, with others `beside` it; None while it must wait."""
        if place in one.forced:
            return Moment(ANY_TIME, ANY_TIME)
        steps = self.order.plot.steps
        at_s = shell_s = ANY_TIME
        mask = self.order.before[place]
        while mask:
            other = mask.bit_length() - 1
            mask ^= 1 << other
            if other in one.done:
                if self._is_gap(one, other, place):
                    at_s = max(at_s, one.done[other].at_s + self._gap_s)
                    shell_s = max(shell_s, one.done[other].shell_s + self._gap_s)
            elif other not in beside and self._is_awaited(one, other):
                return None
        if self._shell_s is None:
            return Moment(at_s, ANY_TIME)
        if steps[place].is_answer or self._awaited(one, one.answers) >> place & 1:
            return Moment(ANY_TIME, shell_s)
        return Moment(at_s, ANY_TIME)

    def _is_gap(self, one: Performance, before: int, place: int) -> bool:
        """Whether a moment passes between a step that is through and the next.

        Between two events none does: they come on one connection. Nor between two answers the
        latter of which was asked for when the former was through.
        """
        steps = self.order.plot.steps
        if not steps[before].is_answer:
            return steps[place].is_answer
        return before not in one.known.get(place, ())

    def _awaited(self, one: Performance, places: Iterable[int]) -> int:
        """The steps that these steps wait for, as a mask."""
        before = self.order.before
        found = 0
        for place in places:
            found |= before[place]
        for first, then in sorted(self.order.together) if found else ():
            if found >> first & 1 or found >> then & 1:  # they come in one poll
                found |= 1 << first | 1 << then
        for place in reversed(self.order.sequence) if found else ():
            if found >> place & 1 and place not in one.done:
                found |= before[place]
        return found

    def _leaves_s(self, one: Performance, place: int, now_s: float) -> float | None:
        """From when on an answer may leave, for the gate; None while that is not known."""
        turn = self._turn(one, place)
        if turn is None or (self._shell_s is not None and not self._has_come(turn, now_s)):
            return None
        return max(turn.at_s, now_s)

    def _is_awaited(self, one: Performance, place: int) -> bool:
        """Whether others must let a step go first that is not through."""
        if place in one.given:
            return self._replay.is_placed(one.given[place])
        if place in one.answers or place in one.events:
            return True
        return place not in one.passed_over and not one.run.is_free(self.order.plot.askers[place])

    def _go_on(self, one: Performance, now_s: float) -> list[Action]:
        """Give every event whose turn has come."""
        found: list[Action] = []
        self._note_out(one, now_s)
        self._hurry_on(one, now_s)
        again = bool(one.events)
        while again:
            again = False
            for place in self.order.sequence:
                if place not in one.events:
                    continue
                turn, group = self._group(one, place)
                if turn is not None and self._has_come(turn, now_s):
                    found += self._give(one, group, now_s)
                    self._note_out(one, now_s)
                    again = bool(one.events)
                    break
        return found

    def _hurry_on(self, one: Performance, now_s: float) -> None:
        """Events that events have caused are not on their way for long where others wait."""
        if not one.answers and not one.events:
            return
        hurried = self._awaited(one, [*one.answers, *one.events])
        places = self.order.plot.places
        slow = [
            due
            for due in one.run.scheduled
            if due.at_s > now_s + self._gap_s and hurried >> places.get(due.follower.number, 0) & 1
        ]
        self._keep(one, one.run.hurry([due for due in slow if self._is_known(due)]))

    def _group(self, one: Performance, place: int) -> tuple[Moment | None, list[int]]:
        """When an event may go, and those that go with it in one poll; None while it must wait."""
        group = [place]
        turn = self._turn(one, place)
        following = dict(self.order.together)
        while turn is not None and (place := following.get(place, -1)) >= 0:
            if place in one.done or place in one.given:
                break
            then = self._turn(one, place, group) if place in one.events else None
            if then is None:
                if (group[-1], place) in self.order.regrouped and group[0] not in one.forced:
                    turn = None
                break
            turn = Moment(max(turn.at_s, then.at_s), max(turn.shell_s, then.shell_s))
            group.append(place)
        return turn, group

    def _give(self, one: Performance, group: Sequence[int], now_s: float) -> list[Action]:
        dues: list[Due] = []
        batch = len(one.batches)
        for place in group:
            one.batches[place] = batch
            mine = one.events.pop(place)
            one.given[place] = mine[-1]
            dues += mine
        if self.inner is not None:
            dues = list(self.inner.due(dues, now_s))
        return self._replay.give(dues, now_s)

    def _note_out(self, one: Performance, now_s: float) -> None:
        for place, due in list(one.given.items()):
            if self._replay.is_out(due):
                del one.given[place]
                one.done.setdefault(place, self._moment(now_s))
                one.stirred = max(one.stirred, self._moment(now_s))

    def _left(self, one: Performance, place: int, now_s: float) -> list[Action]:
        """An answer has left."""
        one.answers.pop(place, None)
        one.done.setdefault(place, self._moment(now_s))
        one.stirred = self._moment(now_s)
        return self._go_on(one, now_s)

    # ---------------------------------------------------------------- not realisable

    def _impatient(self, one: Performance) -> Moment:
        """When patience is over."""
        if self._shell_s is None:
            return Moment(one.stirred.at_s + self._patience_s, ANY_TIME)
        return Moment(one.stirred.at_s, one.stirred.shell_s + self._patience_s)

    def _is_stuck(self, one: Performance) -> bool:
        """Whether something is held, and nothing of that waits for time alone.

        What waits for a clock that stands still is no hope for an answer that is held.
        """
        turns = [self._turn(one, place) for place in one.answers]
        turns += [self._group(one, place)[0] for place in one.events]
        if one.answers and self._shell_s is not None:
            turns = [turn for turn in turns if turn is None or turn.at_s == ANY_TIME]
        return bool(turns) and not any(turns)

    def _force(self, one: Performance, now_s: float) -> list[Action]:
        """Let the first step go that is held, for nothing else happens."""
        held = next(
            place
            for place in self.order.sequence
            if (place in one.answers and self._turn(one, place) is None)
            or (place in one.events and self._group(one, place)[0] is None)
        )
        one.forced[held] = None
        for other in range(len(self.order.plot.steps)):
            is_here = other in one.answers or other in one.events or other in one.given
            if self.order.before[held] >> other & 1 and other not in one.done and not is_here:
                one.passed_over[other] = None
        one.stirred = self._moment(now_s)
        return self._go_on(one, now_s)
