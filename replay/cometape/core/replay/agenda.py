"""The agenda: which runs have events on their way, the next one first.

It is looked at after every request, so it must not go through all runs: a server may hold a
thousand.
"""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar


class Eventful(Hashable, Protocol):
    """What is asked of a run."""

    def deadline_s(self) -> float | None:
        """When its next event becomes due."""
        ...


R = TypeVar("R", bound=Eventful)


class Agenda(Generic[R]):
    """Runs by the time of their next event."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, R]] = []
        """A run can be in it more than once; what `_noted` does not say is out of date."""
        self._noted: dict[R, float] = {}
        self._count = 0

    def note(self, run: R) -> None:
        """A run may have an event earlier than before."""
        at_s = run.deadline_s()
        if at_s is None:
            return
        known_s = self._noted.get(run)
        if known_s is None or at_s < known_s:
            self._noted[run] = at_s
            self._count += 1
            heappush(self._heap, (at_s, self._count, run))

    def next_s(self) -> float | None:
        """When to look again. Not too late; too early where an event has been taken out."""
        heap = self._heap
        while heap and self._noted.get(heap[0][2]) != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else None

    def take_due(self, now_s: float) -> list[R]:
        """The runs whose time has come, the earliest first; they are noted no more."""
        found: list[R] = []
        while (next_s := self.next_s()) is not None and next_s <= now_s:
            run = heappop(self._heap)[2]
            del self._noted[run]
            found.append(run)
        return found
