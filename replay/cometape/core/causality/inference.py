"""The causes of a whole cassette: inferred where they are not written down, checked where they are.

The recorder asks `CauseFinder` about each event as it comes; here an event that overtook the answer
of its cause gets a second chance, and weaker evidence its first.
"""

from __future__ import annotations

from dataclasses import replace

from ..cassette import Cassette, Entry, Event, Exchange, Publish
from ..errors import CassetteError
from ..profile import Profile
from .cause_finder import Cause, CauseFinder
from .cause_rule import precedes
from .chains import check_no_circle, without_circles, written_causes
from .waiting_events import OVERTAKING_S, WaitingEvents

__all__ = ["Cause", "CauseFinder", "infer_causes"]


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
    waiting = WaitingEvents(finder)
    causes: dict[int, int] = {}
    for entry in cassette.entries:
        if isinstance(entry, Exchange | Publish):
            waiting.completed(entry)
        elif not isinstance(entry, Event):
            finder.observe(entry)
        elif isinstance(entry.cause, int):
            _check_written(entry, by_number.get(entry.cause))
            finder.confirm(entry, entry.cause)
        elif entry.cause is None:
            cause = waiting.came(entry)
            if cause is not None:
                causes[entry.number] = cause.number
        if isinstance(entry, Event):
            finder.observe(entry)
    waiting.finish()
    for settled in waiting.take_settled():
        if settled.cause is not None:
            causes[settled.event.number] = settled.cause.number
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
    return cause.at_s - event.at_s <= (OVERTAKING_S if event.session != cause.session else 0.0)
