"""The plot of a cassette: the answers and events that can be ordered, and what an order must keep.

What is *legal*, and why (docs/explore.md says it for users):

* An event comes after the request of its cause: the system cannot tell of what it was not asked. It
  may come before the *answer*, for the two travel on different connections. A request is sent when
  the answers before it have come, so an event comes after all answers that precede its cause.
* Answers of one client keep their order, unless their requests were on their way at once.
* Events of one cause on one channel keep their order (a CometD server sends the messages of a
  channel in the order in which they were published); so do spontaneous ones on one channel, and an
  event that another event caused comes after it.
* An event comes before its session is over (a disconnect, an operation that ends it).

All else is free. Of two steps that no client could tell apart by their order (an answer to one
client, an event of somebody else's doing for another) the order does not count: such steps are
*independent*.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from cometape.core.playbook.playbook import START, Playbook
from cometape.core.playbook.recordings import Follower, Playable

from ..cassette import Event, Exchange
from ..errors import ConfigurationError

MAX_STEPS = 400
"""Answers and events in a cassette that is explored: more are many scenarios, not one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An answer or an event that reaches a client."""

    number: int
    """Of its entry."""
    session: str
    """Of the client that it reaches."""
    is_answer: bool
    is_operation: bool = False
    """Of an answer: whether its request advances a run."""
    cause: int | None = None
    """Of an event: the number of the entry it follows."""
    channel: str | None = None
    what: str = ""

    def __str__(self) -> str:
        kind = "answer" if self.is_answer else "event"
        return f"{kind} {self.number} ({self.what})"


@dataclass(frozen=True)
class Plot:
    """Steps in the order in which a plain replay gives them, and the relations between them.

    Relations are bit masks over places in `steps`: bit `n` stands for `steps[n]`.
    """

    steps: tuple[Step, ...]
    must: tuple[int, ...]
    """For each step, those that come before it in every order."""
    dependent: tuple[int, ...]
    """For each step, those whose order with it counts (`must` included, in both directions)."""

    @classmethod
    def of(cls, playbook: Playbook) -> Plot:
        """The plot of a cassette. Raises ConfigurationError for one with too many steps."""
        steps: list[Step] = []
        for number in (START, *playbook.index.numbers):
            playable = playbook.playable(number) if number != START else None
            if playable is not None and not playable.is_publish:
                steps.append(_answer(playable))
            if number == START or not _is_event(playbook, number):
                steps += _following(playbook, number)
            if len(steps) > MAX_STEPS:
                raise ConfigurationError(
                    f"this cassette has more than {MAX_STEPS} answers and events",
                    hint="Explore one scenario at a time: record it alone, or cut the cassette.",
                    reason="too-long",
                )
        return _related(playbook, steps)

    @cached_property
    def places(self) -> dict[int, int]:
        """The place of each step, by the number of its entry."""
        return {step.number: place for place, step in enumerate(self.steps)}

    @cached_property
    def askers(self) -> tuple[str, ...]:
        """For each step, the session whose request it needs."""
        steps = list(self.steps)
        sessions = {step.number: step.session for step in steps if step.is_answer}
        return tuple(
            step.session if step.is_answer else sessions.get(_root(step, steps) or 0, step.session)
            for step in steps
        )

    def is_groupable(self, first: int, second: int) -> bool:
        """Whether two steps of one client may come in one poll or in two, as one likes.

        Two events may; but what an event causes is sent when that one has been delivered.
        """
        one, other = self.steps[first], self.steps[second]
        if one.is_answer or other.is_answer:
            return False
        cause = self.places.get(other.cause or START)
        return one.cause == other.cause or cause is None or self.steps[cause].is_answer

    def is_together(self, first: int, second: int) -> bool:
        """Whether two events, one right after the other, come in one poll by themselves.

        Those of one cause do: they become due at once.
        """
        return self.steps[first].cause == self.steps[second].cause


def _is_event(playbook: Playbook, number: int) -> bool:
    return playbook.kind(number) is Event


def _answer(playable: Playable) -> Step:
    return Step(
        number=playable.number,
        session=playable.session,
        is_answer=True,
        is_operation=playable.is_operation,
        what=str(playable),
    )


def _following(playbook: Playbook, number: int) -> list[Step]:
    """The events after an entry, and after those the events they cause, as a replay sends them.

    Those of a failed try come after the one that succeeded; where none did, nothing sends them.
    """
    tries = playbook.failed_tries
    if number in tries.succeeded_by:
        return []
    own, made_up_for = playbook.followers(number), tries.brought_about.get(number, ())
    found = [*map(_event, own), *(_event(one, number) for one in made_up_for)]
    generation = [*own, *made_up_for]
    while generation := [child for one in generation for child in playbook.followers(one.number)]:
        found += map(_event, generation)
    return found


def _event(follower: Follower, cause: int | None = None) -> Step:
    return Step(
        number=follower.number,
        session=follower.session,
        is_answer=False,
        cause=follower.anchor if cause is None else cause,
        channel=follower.channel,
        what=str(follower),
    )


def _related(playbook: Playbook, steps: list[Step]) -> Plot:
    spans = {step.number: _span(playbook, step.number) for step in steps if step.is_answer}
    spontaneous = {one.number for one in playbook.all_followers() if not one.caused}
    ends = {name: session.ended for name, session in playbook.sessions.items()}
    must = [0] * len(steps)
    for later, step in enumerate(steps):
        for earlier, other in enumerate(steps):
            if earlier == later:
                continue
            if step.is_answer and other.is_answer:
                before = earlier < later and _is_sequence(other, step, spans)
            elif step.is_answer:
                before = _is_over(other, step, ends)
            elif other.is_answer:
                before = _precedes_cause(other, step, steps, spans)
            else:
                before = earlier < later and _keeps_order(other, step, spontaneous)
            if before:
                must[later] |= 1 << earlier
    must = _closed(must)
    dependent = [0] * len(steps)
    for place, step in enumerate(steps):
        for other_place, other in enumerate(steps[:place]):
            known = (must[place] >> other_place | must[other_place] >> place) & 1
            told = step.session == other.session or other.number == step.cause
            if known or told:
                dependent[place] |= 1 << other_place
                dependent[other_place] |= 1 << place
    return Plot(tuple(steps), tuple(must), tuple(dependent))


Span = tuple[float, float] | None
"""When a request was sent and its answer came, in seconds of the recording."""


def _span(playbook: Playbook, number: int) -> Span:
    place = playbook.index.place(number)
    entry = playbook.read(place) if place is not None else None
    if not isinstance(entry, Exchange) or entry.at_s is None or entry.took_s is None:
        return None
    return entry.at_s, entry.at_s + entry.took_s


def _is_sequence(first: Step, second: Step, spans: dict[int, Span]) -> bool:
    """Whether a client sent the second request when it had the first answer."""
    if first.session != second.session or first.number > second.number:
        return False
    one, other = spans[first.number], spans[second.number]
    return one is None or other is None or other[0] >= one[1]


def _precedes_cause(answer: Step, event: Step, steps: list[Step], spans: dict[int, Span]) -> bool:
    """Whether an answer comes before the request that an event needs."""
    root = _root(event, steps)
    cause = next((one for one in steps if one.number == root and one.is_answer), None)
    if cause is not None:
        return answer is not cause and _is_sequence(answer, cause, spans)
    return answer.session == event.session and answer.number < (root or START)


def _root(event: Step, steps: list[Step]) -> int | None:
    """The entry that is no event at the beginning of a chain of events."""
    by_number = {one.number: one for one in steps if not one.is_answer}
    cause = event.cause
    while cause in by_number:
        cause = by_number[cause].cause
    return cause


def _keeps_order(first: Step, second: Step, spontaneous: set[int]) -> bool:
    """Whether two events can come in this order only."""
    if second.cause == first.number:
        return True
    if first.session != second.session or first.channel != second.channel:
        return False
    both = first.number in spontaneous and second.number in spontaneous
    return first.cause == second.cause or both


def _is_over(event: Step, answer: Step, ends: dict[str, int | None]) -> bool:
    """Whether an answer says or follows a goodbye, before which an event must have come."""
    end = ends.get(event.session)
    return (
        end is not None and answer.session == event.session and answer.number >= end > event.number
    )


def _closed(must: list[int]) -> list[int]:
    """What must come before what must come before, too."""
    changed = True
    while changed:
        changed = False
        for place, mask in enumerate(must):
            found = mask
            for other in range(len(must)):
                if mask >> other & 1:
                    found |= must[other]
            if found != mask:
                must[place] = found
                changed = True
    return must
