"""The causes of a whole cassette: inferred where they are not written down, checked where they are.

The recorder asks `CauseFinder` about each event as it comes; here an event that overtook the answer
of its cause gets a second chance, and weaker evidence its first.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from ..cassette import Cassette, Entry, Event, Exchange, Publish
from ..errors import CassetteError
from ..profile import Profile
from .cause_finder import Cause, CauseFinder
from .cause_rule import precedes
from .chains import check_no_circle, without_circles, written_causes

__all__ = ["Cause", "CauseFinder", "infer_causes"]

_OVERTAKING_S = 5.0
"""How long before its cause is complete an event can be seen, seconds: CometD and REST are two
connections, so an event can overtake the answer of the operation that caused it."""

_MAX_WAITING = 256
"""Events without a cause that wait for one to come."""


def infer_causes(cassette: Cassette, profile: Profile) -> Cassette:
    """The cassette with a cause for every event: a number, or `spontaneous`.

    An event that overtook its cause's answer finds it when that answer comes. Causes that are
    written down stay and are checked: the entry is there, began no later than the event was seen,
    and is not an effect of that event. Raises CassetteError.
    """
    by_number = {entry.number: entry for entry in cassette.entries}
    written = written_causes(cassette.entries)
    check_no_circle(
        {
            event: cause
            for event, cause in written.items()
            if isinstance(by_number.get(cause), Event)
        }
    )
    if not any(isinstance(entry, Event) and entry.cause is None for entry in cassette.entries):
        for entry in cassette.entries:
            if isinstance(entry, Event) and isinstance(entry.cause, int):
                _check_written(entry, by_number.get(entry.cause))
        return cassette  # every cause is written down: nothing to find, which is most of the work
    finder = CauseFinder(profile)
    causes: dict[int, int] = {}
    waiting: deque[Event] = deque()

    def ask(event: Event, *, last_chance: bool) -> None:
        cause = finder.cause_of(event, last_chance=last_chance)
        if cause is not None:
            causes[event.number] = cause.number
        elif not last_chance:
            waiting.append(event)

    for entry in cassette.entries:
        if isinstance(entry, Exchange | Publish):
            overtaking: list[Event] = []
            while waiting:
                event = waiting.popleft()
                if _may_have_overtaken(event, entry):
                    overtaking.append(event)
                else:
                    ask(event, last_chance=True)
            finder.observe(entry)
            for event in overtaking:
                ask(event, last_chance=False)
        elif not isinstance(entry, Event):
            finder.observe(entry)
        elif isinstance(entry.cause, int):
            _check_written(entry, by_number.get(entry.cause))
            finder.confirm(entry, entry.cause)
        elif entry.cause is None:
            if len(waiting) >= _MAX_WAITING:
                ask(waiting.popleft(), last_chance=True)
            ask(entry, last_chance=False)
        if isinstance(entry, Event):
            finder.observe(entry)
    while waiting:
        ask(waiting.popleft(), last_chance=True)
    if written and causes:
        sound = without_circles(written | causes, causes)
        causes = {event: cause for event, cause in causes.items() if event in sound}
    return replace(cassette, entries=tuple(_with_cause(one, causes) for one in cassette.entries))


def _with_cause(entry: Entry, causes: dict[int, int]) -> Entry:
    if isinstance(entry, Event) and entry.cause is None:
        return replace(entry, cause=causes.get(entry.number, "spontaneous"))
    return entry


def _check_written(event: Event, cause: Entry | None) -> None:
    if cause is None:
        what = f"its cause {event.cause} is no entry of this cassette"
    elif isinstance(cause, Event) and not _may_be_seen_after(event, cause):
        what = f"its cause {event.cause}, an event, came later ({cause.at_s} s) than it was seen"
    elif isinstance(cause, Exchange) and not precedes(cause.at_s, event.at_s):
        what = f"its cause {event.cause} began later ({cause.at_s} s) than it was seen"
    else:
        return
    raise CassetteError(
        f"the event on {event.channel} cannot be: {what}",
        hint="name the number of the exchange, publish or event that causes it, write "
        "`spontaneous`, or leave `cause` out to have it inferred",
        reason="bad-cause",
        entry=event.number,
    )


def _may_be_seen_after(event: Event, cause: Event) -> bool:
    """Whether an event may be the effect of another: two sessions' events can cross on the way."""
    if event.at_s is None or cause.at_s is None:
        return True
    return cause.at_s - event.at_s <= (_OVERTAKING_S if event.session != cause.session else 0.0)


def _may_have_overtaken(event: Event, entry: Exchange | Publish) -> bool:
    if event.at_s is None or entry.at_s is None:
        return False  # written by hand: entries stand in their order
    took_s = (entry.took_s or 0.0) if isinstance(entry, Exchange) else 0.0
    return entry.at_s + took_s - event.at_s <= _OVERTAKING_S
