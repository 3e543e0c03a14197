"""Deadlines in a heap, cancelled lazily: ten thousand held connects cost a push and a flag each."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Timer(Generic[Item]):
    """One deadline; `cancel` through the `Timers` that made it."""

    __slots__ = ("at_s", "item", "live")

    def __init__(self, at_s: float, item: Item) -> None:
        self.at_s = at_s
        self.item: Item | None = item
        self.live = True


class Timers(Generic[Item]):
    """Items with a time at which they are due; of equal times the first scheduled comes first."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer[Item]]] = []
        self._scheduled = 0
        self._cancelled = 0

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled

    def schedule(self, at_s: float, item: Item) -> Timer[Item]:
        """Make `item` due at `at_s`."""
        timer = Timer(at_s, item)
        self._scheduled += 1
        heappush(self._heap, (at_s, self._scheduled, timer))
        return timer

    def cancel(self, timer: Timer[Item]) -> None:
        """Forget a timer. It stays in the heap until its time, or until half the heap is such."""
        if not timer.live:
            return
        timer.live = False
        timer.item = None
        self._cancelled += 1
        if self._cancelled > 64 and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].live]
            heapify(self._heap)
            self._cancelled = 0

    def next_s(self) -> float | None:
        """When the next item is due, or None."""
        heap = self._heap
        while heap and not heap[0][2].live:
            heappop(heap)
            self._cancelled -= 1
        return heap[0][0] if heap else None

    def pop_due(self, now_s: float) -> Item | None:
        """Take the earliest item that is due by `now_s`, or None when there is none."""
        next_s = self.next_s()
        if next_s is None or next_s > now_s:
            return None
        timer = heappop(self._heap)[2]
        timer.live = False
        return timer.item
