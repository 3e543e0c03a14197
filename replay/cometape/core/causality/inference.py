"""The causes of a whole cassette: inferred where they are not written down, checked where they are.

The recorder asks `CauseFinder` about each event as it comes; here an event that overtook the answer
of its cause gets a second chance, and weaker evidence its first.
"""

from __future__ import annotations

from dataclasses import replace

from cometape.core.profile.profile import Profile

from ..cassette import Cassette, Entry, Event, Exchange, Publish
from ..catalogue import head_of
from .cause_finder import Cause, CauseFinder
from .chains import without_circles
from .waiting_events import WaitingEvents
from .written_causes import WrittenCauses

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


class Inference:
    """The causes of a cassette whose entries come one by one.

    Of each entry some thirty bytes are kept, and the cause that was found.
    """

    def __init__(self, profile: Profile, *, find: bool = True) -> None:
        """Without `find` the causes written down are checked and no other is looked for.

        That is most of the work.
        """
        finder = CauseFinder(profile)
        self._finder = finder if find else None
        self._waiting = WaitingEvents(finder)
        self._written = WrittenCauses()
        self._found: dict[int, int] = {}

    def observe(self, entry: Entry) -> None:
        """The next entry."""
        self._written.observe(head_of(entry))
        if self._finder is not None:
            self._look_for_causes(entry, self._finder, self._waiting)

    def causes(self) -> dict[int, int]:
        """The cause found for each event that names none and has one; call it once, at the end.

        Raises CassetteError where a cause that is written down cannot be.
        """
        self._written.check()
        self._waiting.finish()
        self._settle(self._waiting)
        found = self._found
        written = self._written.named() if found else {}
        if written:
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


def _with_cause(entry: Entry, causes: dict[int, int]) -> Entry:
    if isinstance(entry, Event) and entry.cause is None:
        return replace(entry, cause=causes.get(entry.number, "spontaneous"))
    return entry
