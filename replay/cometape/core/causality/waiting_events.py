"""Events that nothing seen so far explains, and that may have overtaken the answer of their cause.

CometD and REST are two connections, so an event can be seen before the operation that caused it is
complete. Such an event waits, and is asked about again when something comes that could explain it;
when it has waited long enough, weaker evidence has to do, or it is spontaneous.

Who waits is found by what would explain it: with hundreds waiting, an exchange that is about none
of them costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..cassette import Event, Exchange, Publish
from .cause_finder import Cause, CauseFinder, Key

OVERTAKING_S = 5.0
"""How long before its cause is complete an event can be seen, seconds."""

MAX_WAITING = 256
"""Events without a cause that wait for one to come."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An event that waits no longer."""

    event: Event
    cause: Cause | None
    """None: it is spontaneous."""


class WaitingEvents:
    """Asks a finder about events, as often as there is something new to ask.

    Entries come in the order of their completion; the finder is told of them here alone.
    """

    def __init__(self, finder: CauseFinder) -> None:
        self._finder = finder
        self._waiting: dict[int, tuple[Event, frozenset[Key]]] = {}
        """By number, in the order in which they came, with what would explain them."""
        self._by_key: dict[Key, dict[int, None]] = {}
        self._timeless = 0
        """How many of them have no time: written by hand, they wait for the next exchange only."""
        self._settled: list[Settled] = []

    def came(self, event: Event) -> Cause | None:
        """An event: its cause as far as it is known now; without one it waits."""
        if len(self._waiting) >= MAX_WAITING:
            self._last_chance(next(iter(self._waiting)))
        cause = self._finder.cause_of(event)
        if cause is None:
            keys = self._finder.keys_of(event)
            self._waiting[event.number] = (event, keys)
            self._timeless += event.at_s is None
            for key in keys:
                self._by_key.setdefault(key, {})[event.number] = None
        return cause

    def completed(self, entry: Exchange | Publish) -> None:
        """Something is complete that can be the cause of events, those that wait among them."""
        oldest = next(iter(self._waiting.values()), None)
        if oldest is not None and (self._timeless or not _may_have_overtaken(oldest[0], entry)):
            for number, (event, _) in list(self._waiting.items()):
                if not _may_have_overtaken(event, entry):
                    self._last_chance(number)
        self._finder.observe(entry)
        self._finder.catch_up()
        concerned: set[int] = set()
        for key in self._finder.take_news():
            concerned.update(self._by_key.get(key, ()))
        for number in sorted(concerned):
            event = self._waiting[number][0]
            cause = self._finder.cause_of(event)
            if cause is not None:
                self._forget(number)
                self._settled.append(Settled(event, cause))

    def finish(self) -> None:
        """Nothing more will come: all that wait are settled."""
        for number in list(self._waiting):
            self._last_chance(number)

    def take_settled(self) -> list[Settled]:
        """Those that were settled since this was last asked for, less those that `came` settled."""
        settled, self._settled = self._settled, []
        return settled

    def _last_chance(self, number: int) -> None:
        event = self._waiting[number][0]
        self._forget(number)
        self._settled.append(Settled(event, self._finder.cause_of(event, last_chance=True)))

    def _forget(self, number: int) -> None:
        event, keys = self._waiting.pop(number)
        self._timeless -= event.at_s is None
        for key in keys:
            waiting = self._by_key[key]
            del waiting[number]
            if not waiting:
                del self._by_key[key]


def _may_have_overtaken(event: Event, entry: Exchange | Publish) -> bool:
    if event.at_s is None or entry.at_s is None:
        return False  # written by hand: entries stand in their order
    took_s = (entry.took_s or 0.0) if isinstance(entry, Exchange) else 0.0
    return entry.at_s + took_s - event.at_s <= OVERTAKING_S
