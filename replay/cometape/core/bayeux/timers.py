"""Deadlines in a heap, cancelled lazily: ten thousand sessions cost a push and a number each."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

Item = TypeVar("Item")

Timer = tuple[float, int, Item]
"""One deadline: when, the number of the timer, and what is due then."""


class Timers(Generic[Item]):
    """Items with a time at which they are due; of equal times the first scheduled comes first."""

    __slots__ = ("_cancelled", "_heap", "_scheduled")

    def __init__(self) -> None:
        self._heap: list[Timer[Item]] = []
        self._scheduled = 0
        self._cancelled: set[int] = set()
        """Numbers of timers that are still in the heap."""

    def __len__(self) -> int:
        return len(self._heap) - len(self._cancelled)

    def schedule(self, at_s: float, item: Item) -> Timer[Item]:
        """Make `item` due at `at_s`."""
        self._scheduled += 1
        timer = (at_s, self._scheduled, item)
        heappush(self._heap, timer)
        return timer

    def cancel(self, timer: Timer[Item]) -> None:
        """Forget a timer that has not come due.

        It stays in the heap until its time, or until half the heap is such.
        """
        self._cancelled.add(timer[1])
        if len(self._cancelled) > 64 and len(self._cancelled) * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[1] not in self._cancelled]
            heapify(self._heap)
            self._cancelled.clear()

    def next_s(self) -> float | None:
        """When the next item is due, or None."""
        heap = self._heap
        while heap and heap[0][1] in self._cancelled:
            self._cancelled.discard(heappop(heap)[1])
        return heap[0][0] if heap else None

    def pop_due(self, now_s: float) -> Item | None:
        """Take the earliest item that is due by `now_s`, or None when there is none."""
        next_s = self.next_s()
        if next_s is None or next_s > now_s:
            return None
        return heappop(self._heap)[2]
