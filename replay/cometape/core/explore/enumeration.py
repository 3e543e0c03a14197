"""All legal orders of a plot, each once, those nearest to a plain replay first.

How far an order is from a plain replay: how many steps have moved (`order.cover`) and pairs of
events are grouped otherwise; then how many pairs of steps come the other way round, or are grouped
so; then what they are: an event before the answer of its cause, an event after a later answer, two
events swapped, two answers swapped.

Orders are found by swapping two neighbouring steps at a time. That reaches all of them: an order
that is not the recorded one has two neighbours that come the other way round, and with those
swapped back it is legal still and nearer to the recorded one.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import combinations

from .order import Order, Pair, cover, sequence_of
from .plot import Plot

Distance = tuple[int, int, tuple[int, ...]]
"""Steps moved, pairs the other way round, and what these are."""
_EARLY, _LATE, _EVENTS, _ANSWERS = range(4)


def orders(plot: Plot) -> Iterator[Order]:
    """Every legal order of a plot, the recorded one first."""
    sequences = _Sequences(plot)
    deviations = 0
    while not sequences.is_exhausted or deviations <= sequences.most_deviations:
        streams = [
            _regrouped(plot, sequences.of(deviations - regrouped), regrouped)
            for regrouped in range(deviations + 1)
        ]
        yield from heapq.merge(*streams, key=_size)
        deviations += 1


def _regrouped(
    plot: Plot, sequences: Iterator[tuple[Pair, ...]], regrouped: int
) -> Iterator[Order]:
    """Orders of these sequences in which so many pairs of events are grouped otherwise."""
    for inverted in sequences:
        for pairs in combinations(sorted(Order(plot, inverted).neighbours), regrouped):
            yield Order(plot, inverted, pairs)


def _size(order: Order) -> tuple[int, int]:
    return len(order.inverted) + len(order.regrouped), len(order.regrouped)


class _Sequences:
    """The orders of steps, without their grouping, by how many steps have moved."""

    def __init__(self, plot: Plot) -> None:
        self._plot = plot
        self._found: list[list[tuple[Pair, ...]]] = []
        self._source = _sequences(plot)
        self._next = next(self._source, None)

    @property
    def is_exhausted(self) -> bool:
        """Whether all are known."""
        return self._next is None

    @property
    def most_deviations(self) -> int:
        """The most steps moved and pairs regrouped in any order of those known."""
        return max(
            moves + len(Order(self._plot, inverted).neighbours)
            for moves, level in enumerate(self._found)
            for inverted in level
        )

    def of(self, moves: int) -> Iterator[tuple[Pair, ...]]:
        """Those in which so many steps have moved, as they are found."""
        at = 0
        while True:
            level = self._found[moves] if moves < len(self._found) else []
            if at < len(level):
                yield level[at]
                at += 1
            elif self._next is None or self._next[0] > moves:
                return
            else:
                self._read()

    def _read(self) -> None:
        assert self._next is not None
        moves, inverted = self._next
        while len(self._found) <= moves:
            self._found.append([])
        self._found[moves].append(inverted)
        self._next = next(self._source, None)


def _sequences(plot: Plot) -> Iterator[tuple[int, tuple[Pair, ...]]]:
    """Every legal order of the steps with how many have moved, nearest first.

    A swap away from the recorded order adds one pair and takes none away, so no order is nearer
    than the one it was found by: what is popped from the heap comes in its final place.
    """
    start: tuple[Pair, ...] = ()
    heap: list[tuple[Distance, tuple[Pair, ...], tuple[int, ...]]] = []
    heapq.heappush(heap, (_distance(plot, start), start, Order(plot).before))
    seen = {Order(plot).before}
    while heap:
        distance, inverted, before = heapq.heappop(heap)
        yield distance[0], inverted
        for earlier, later in _swappable(plot, before):
            swapped = list(before)
            swapped[later] &= ~(1 << earlier)
            swapped[earlier] |= 1 << later
            child = tuple(swapped)
            if child not in seen:
                seen.add(child)
                pairs = tuple(sorted((*inverted, (later, earlier))))
                heapq.heappush(heap, (_distance(plot, pairs), pairs, child))


def _swappable(plot: Plot, before: tuple[int, ...]) -> Iterator[Pair]:
    """Dependent neighbours that come as recorded and may come the other way round.

    Neighbours are two steps with nothing between them that depends on both, directly or not.
    """
    sequence = sequence_of(before)
    assert sequence is not None
    for at, earlier in enumerate(sequence):
        reached = only = 1 << earlier
        for later in sequence[at + 1 :]:
            by = before[later] & reached
            if not by:
                continue
            reached |= 1 << later
            if by == only and earlier < later and not plot.must[later] >> earlier & 1:
                yield earlier, later


def _distance(plot: Plot, inverted: tuple[Pair, ...]) -> Distance:
    kinds = tuple(sorted(_kind(plot, pair) for pair in inverted))
    return len(cover(inverted)), len(inverted), kinds


def _kind(plot: Plot, pair: Pair) -> int:
    first, second = (plot.steps[place] for place in pair)
    if first.is_answer:
        return _ANSWERS if second.is_answer else _LATE
    return _EARLY if second.is_answer else _EVENTS
