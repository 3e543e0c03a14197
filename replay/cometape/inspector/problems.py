"""What a reviewer should look at, gathered entry by entry; what is told often is kept once."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator
from typing import get_args

from cometape.core.bayeux.channel import patterns_of
from cometape.core.cassette import BayeuxEntry, Entry, Event, Exchange, Publish, Subscribe
from cometape.core.catalogue import Catalogue
from cometape.core.profile.identity_places import identities_of_event
from cometape.core.profile.profile import Profile

from .effects import correlation_ids
from .summary import MadeList, Problem, ProblemKind
from .wording import is_operation, operation_label, outcome, title

_KINDS: tuple[ProblemKind, ...] = get_args(ProblemKind)


class Problems:
    """Takes the entries of a catalogue in their order."""

    def __init__(self, catalogue: Catalogue, profile: Profile) -> None:
        self._catalogue = catalogue
        self._profile = profile
        self._found: dict[tuple[int, str], array[int]] = {}
        """Numbers of entries, by kind and words."""
        self._subscribed: set[tuple[str, str]] = set()
        self._by_channel: dict[tuple[str, str], array[int]] = {}
        """Events by session and channel."""

    def observe(self, place: int, entry: Entry) -> None:
        """The entry at the next place."""
        if isinstance(entry, Exchange):
            self._ended(entry)
        elif isinstance(entry, BayeuxEntry) and not entry.successful:
            what = f"{title(entry, self._profile)} was {outcome(entry)}"
            self._note("refused", entry.number, what)
        elif isinstance(entry, Subscribe):
            self._subscribed.add((entry.session, entry.channel))
        elif isinstance(entry, Event):
            self._event(entry)
        if isinstance(entry, Exchange | Publish):
            self._no_event(place, entry)

    def finish(self) -> MadeList[Problem]:
        """All of them, in the order of the entries."""
        for (session, channel), numbers in self._by_channel.items():
            if not any((session, pattern) in self._subscribed for pattern in patterns_of(channel)):
                what = f"an event on {channel}, to which {session} never subscribed"
                self._found[_KINDS.index("not-subscribed"), what] = numbers
        words = list(self._found)
        entries, which = array("Q"), array("I")
        each = (
            zip(numbers, [kind] * len(numbers), [at] * len(numbers), strict=True)
            for at, ((kind, _), numbers) in enumerate(self._found.items())
        )
        for number, _, at in heapq.merge(*each):
            entries.append(number)
            which.append(at)

        def made(index: int) -> Problem:
            kind, what = words[which[index]]
            return Problem(kind=_KINDS[kind], entry=entries[index], what=what)

        return MadeList(made, range(len(entries)))

    def _note(self, kind: ProblemKind, number: int, what: str) -> None:
        self._found.setdefault((_KINDS.index(kind), what), array("Q")).append(number)

    def _ended(self, entry: Exchange) -> None:
        status = entry.response.status if entry.response is not None else None
        if entry.error is not None or (status is not None and status >= 500):
            what = f"{operation_label(entry, self._profile)} failed: {outcome(entry)}"
            self._note("failed", entry.number, what)
        elif status is not None and status >= 400:
            what = f"{operation_label(entry, self._profile)} was refused: {outcome(entry)}"
            self._note("refused", entry.number, what)

    def _no_event(self, place: int, entry: Exchange | Publish) -> None:
        all_of_it = self._catalogue.effects(place)
        if not all_of_it and not is_operation(entry, self._profile):
            return
        ids = list(correlation_ids(entry, self._profile))
        direct = sum(self._catalogue.causes[at] == place + 1 for at in all_of_it)
        missing = len(ids) - direct
        if ids and missing > 0:
            named = ", ".join(f"{kind} {value}" for kind, value in ids)
            came = f"{missing} of its events missing" if all_of_it else "no event came"
            name = operation_label(entry, self._profile)
            self._note("no-event", entry.number, f"{name} was answered with {named}, and {came}")

    def _event(self, event: Event) -> None:
        if not isinstance(event.cause, int):
            named = list(self._named(event))
            if named:
                ids = ", ".join(named)
                what = f"an event on {event.channel} with {ids}, which nothing here issued"
                self._note("no-cause", event.number, what)
        if "/" in event.channel and not event.channel.startswith("/service/"):
            key = event.session, event.channel
            self._by_channel.setdefault(key, array("Q")).append(event.number)

    def _named(self, event: Event) -> Iterator[str]:
        for found in identities_of_event(self._profile, event.data):
            if any(place.part.startswith("response.") for place in found.kind.issued):
                yield f"{found.kind.name} {found.value}"
