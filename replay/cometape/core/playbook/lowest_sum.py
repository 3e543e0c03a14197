"""The least of all sums of the first few of some numbers, while the numbers change."""

from __future__ import annotations

from collections.abc import Sequence

_BEYOND = 1 << 80
"""More than any sum."""


class LowestSum:
    """A segment tree over numbers: each node knows its sum, and its least sum from the left.

    Changes are kept until something is asked, for many may come between two questions.
    """

    __slots__ = ("_changes", "_count", "_lows", "_size", "_sums")

    def __init__(self, numbers: Sequence[int]) -> None:
        self._count = len(numbers)
        self._size = size = 1 << max(0, self._count - 1).bit_length()
        beyond = [_BEYOND] * (size - self._count)
        self._sums = [0] * size + list(numbers) + [0] * len(beyond)
        self._lows = [0] * size + list(numbers) + beyond
        self._changes: dict[int, int] = {}
        self._rebuild()

    def copy(self) -> LowestSum:
        """One that changes by itself."""
        other = object.__new__(LowestSum)
        other._count, other._size = self._count, self._size
        other._sums, other._lows = self._sums.copy(), self._lows.copy()
        other._changes = self._changes.copy()
        return other

    def add(self, at: int, more: int) -> None:
        """One of the numbers is `more` than it was."""
        self._changes[at] = self._changes.get(at, 0) + more

    def least(self, end: int | None = None) -> int:
        """The least of all sums of the first one, two, three, … numbers; of `end` at most."""
        self._settle()
        if end is None or end >= self._count:
            return self._lows[1]
        return self._least(1, 0, self._size, end)

    def first(self, limit: int, start: int) -> int | None:
        """The first number from `start` on up to which the sum is `limit` at most."""
        self._settle()
        return self._first(1, 0, self._size, 0, limit, start)

    def last(self, limit: int, start: int, end: int) -> int | None:
        """The last number of those from `start` to before `end` up to which that is so."""
        self._settle()
        return self._last(1, 0, self._size, 0, limit, start, end)

    def _least(self, node: int, low: int, high: int, end: int) -> int:
        if low >= end:
            return _BEYOND
        if high <= end:
            return self._lows[node]
        middle, left = (low + high) // 2, 2 * node
        least = self._least(left, low, middle, end)
        return min(least, self._sums[left] + self._least(left + 1, middle, high, end))

    def _first(
        self, node: int, low: int, high: int, before: int, limit: int, start: int
    ) -> int | None:
        if high <= start or before + self._lows[node] > limit:
            return None
        if node >= self._size:
            return low
        middle = (low + high) // 2
        found = self._first(2 * node, low, middle, before, limit, start)
        if found is None:
            before += self._sums[2 * node]
            found = self._first(2 * node + 1, middle, high, before, limit, start)
        return found

    def _last(
        self, node: int, low: int, high: int, before: int, limit: int, start: int, end: int
    ) -> int | None:
        if high <= start or low >= end or before + self._lows[node] > limit:
            return None
        if node >= self._size:
            return low
        middle = (low + high) // 2
        after = before + self._sums[2 * node]
        found = self._last(2 * node + 1, middle, high, after, limit, start, end)
        if found is None:
            found = self._last(2 * node, low, middle, before, limit, start, end)
        return found

    def _settle(self) -> None:
        if not self._changes:
            return
        changes, self._changes = self._changes, {}
        for at, more in changes.items():
            self._sums[self._size + at] += more
            self._lows[self._size + at] += more
        if len(changes) * self._size.bit_length() > self._size:
            self._rebuild()
            return
        for at in changes:
            node = (self._size + at) // 2
            while node:
                self._renew(node)
                node //= 2

    def _rebuild(self) -> None:
        for node in range(self._size - 1, 0, -1):
            self._renew(node)

    def _renew(self, node: int) -> None:
        left, right = 2 * node, 2 * node + 1
        self._sums[node] = self._sums[left] + self._sums[right]
        self._lows[node] = min(self._lows[left], self._sums[left] + self._lows[right])
