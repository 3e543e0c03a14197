"""The causes of a whole cassette: inferred where they are not written down, checked where they are.

The recorder asks `CauseFinder` about each event as it comes; here an event that overtook the answer
of its cause gets a second chance, and weaker evidence its first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cometape.core.profile.profile import Profile

from ..cassette import Cassette, Entry, Event, Exchange, Publish
from ..errors import CassetteError
from .cause_finder import Cause, CauseFinder
from .cause_rule import precedes
from .chains import check_no_circle, without_circles
from .waiting_events import OVERTAKING_S, WaitingEvents

__all__ = ["Cause", "CauseFinder", "Inference", "infer_causes"]


def infer_causes(cassette: Cassette, profile: Profile) -> Cassette:
    """The cassette with a cause for every event: a number, or `spontaneous`.

    An event that overtook its cause's answer finds it when that answer comes. Causes that are
    written down stay and are checked: the entry is there, began no later than the event was seen,
    and is not an effect of that event. Raises CassetteError.
    """
    unknown = any(isinstance(one, Event) and one.cause is None for one in cassette.entries)
    inference = Inference(profile, find=unknown)
    for entry in cassette.entries:
        inference.observe(entry)
    causes = inference.causes()
    if not unknown:
        return cassette
    return replace(cassette, entries=tuple(_with_cause(one, causes) for one in cassette.entries))


@dataclass(frozen=True, slots=True)
class _Seen:
    """An event, less what was in it."""

    number: int
    session: str
    at_s: float | None
    channel: str
    cause: int | None
    """The one that is written down."""


class Inference:
    """The causes of a cassette whose entries come one by one; it keeps none of them."""

    def __init__(self, profile: Profile, *, find: bool = True) -> None:
        """Without `find` the causes written down are checked and no other is looked for.

        That is most of the work.
        """
        finder = CauseFinder(profile)
        self._finder = finder if find else None
        self._waiting = WaitingEvents(finder)
        self._found: dict[int, int] = {}
        self._events: dict[int, _Seen] = {}
        self._began_s: dict[int, float | None] = {}
        """When each exchange began, by number."""
        self._others: set[int] = set()

    def observe(self, entry: Entry) -> None:
        """The next entry."""
        if isinstance(entry, Event):
            written = entry.cause if isinstance(entry.cause, int) else None
            self._events[entry.number] = _Seen(
                entry.number, entry.session, entry.at_s, entry.channel, written
            )
        elif isinstance(entry, Exchange):
            self._began_s[entry.number] = entry.at_s
        else:
            self._others.add(entry.number)
        if self._finder is not None:
            self._look_for_causes(entry, self._finder, self._waiting)

    def causes(self) -> dict[int, int]:
        """The cause found for each event that names none and has one; call it once, at the end.

        Raises CassetteError where a cause that is written down cannot be.
        """
        events = self._events
        written = {one.number: one.cause for one in events.values() if one.cause is not None}
        check_no_circle({event: cause for event, cause in written.items() if cause in events})
        for event, cause in written.items():
            self._check(events[event], cause)
        self._waiting.finish()
        self._settle(self._waiting)
        found = self._found
        if written and found:
            sound = without_circles(written | found, found)
            found = {event: cause for event, cause in found.items() if event in sound}
        return found

    def _look_for_causes(self, entry: Entry, finder: CauseFinder, waiting: WaitingEvents) -> None:
        if isinstance(entry, Exchange | Publish):
            waiting.completed(entry)
        elif not isinstance(entry, Event):
            finder.observe(entry)
        elif isinstance(entry.cause, int):
            finder.confirm(entry, entry.cause)
        elif entry.cause is None:
            cause = waiting.came(entry)
            if cause is not None:
                self._found[entry.number] = cause.number
        if isinstance(entry, Event):
            finder.observe(entry)
        self._settle(waiting)

    def _settle(self, waiting: WaitingEvents) -> None:
        for settled in waiting.take_settled():
            if settled.cause is not None:
                self._found[settled.event.number] = settled.cause.number

    def _check(self, event: _Seen, cause: int) -> None:
        earlier = self._events.get(cause)
        began_s = self._began_s.get(cause)
        if earlier is not None and not _may_be_seen_after(event, earlier):
            what = f"its cause {cause}, an event, came later ({earlier.at_s} s) than it was seen"
        elif not precedes(began_s, event.at_s):
            what = f"its cause {cause} began later ({began_s} s) than it was seen"
        elif earlier is None and cause not in self._others and cause not in self._began_s:
            what = f"its cause {cause} is no entry of this cassette"
        else:
            return
        raise CassetteError(
            f"the event on {event.channel} cannot be: {what}",
            hint="name the number of the exchange, publish or event that causes it, write "
            "`spontaneous`, or leave `cause` out to have it inferred",
            reason="bad-cause",
            entry=event.number,
        )


def _with_cause(entry: Entry, causes: dict[int, int]) -> Entry:
    if isinstance(entry, Event) and entry.cause is None:
        return replace(entry, cause=causes.get(entry.number, "spontaneous"))
    return entry


def _may_be_seen_after(event: _Seen, cause: _Seen) -> bool:
    """Whether an event may be the effect of another: two sessions' events can cross on the way."""
    if event.at_s is None or cause.at_s is None:
        return True
    return cause.at_s - event.at_s <= (OVERTAKING_S if event.session != cause.session else 0.0)
