"""The lanes of a timeline: one belongs to one tree of causes, from its first entry to its last.

They are laid by the columns of a catalogue alone: no entry is read.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cometape.core.catalogue import Catalogue

MAX_LANES = 8


class Station(NamedTuple):
    """One entry, with the lanes beside it."""

    place: int
    root: int | None
    """Place of the entry where the tree of its lane begins; None: it has no lane."""
    lane: int | None
    """The lane of its effects, or of its cause's."""
    first: bool
    """Whether the lane begins here."""
    last: bool
    """Whether the lane ends here."""
    through: tuple[int, ...]
    """Lanes of others that pass."""


class Lanes:
    """The entries of a catalogue in order of time, with their lanes."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._order = _in_order_of_time(catalogue)
        size = len(catalogue)
        self._first, self._last = array("I", bytes(4 * size)), array("I", bytes(4 * size))
        """Where among them a tree begins and ends, plus 1, by the place of its root; 0: no tree."""
        for at, place in enumerate(self._order, start=1):
            root = catalogue.root(place)
            if root != place or catalogue.has_effects(place):
                self._first[root] = self._first[root] or at
                self._last[root] = at
        self.count = max((one.lane + 1 for one in self if one.lane is not None), default=0)
        """How many lanes are used."""

    def __iter__(self) -> Iterator[Station]:
        free_from = [0] * MAX_LANES
        of_lane: list[int | None] = [None] * MAX_LANES
        """The root of the tree that a lane belongs to just now."""
        for at, place in enumerate(self._order, start=1):
            root = self._catalogue.root(place)
            first, last = self._first[root] == at, self._last[root] == at
            if first:
                free = (lane for lane in range(MAX_LANES) if free_from[lane] <= at)
                lane = next(free, None)
                if lane is not None:
                    free_from[lane], of_lane[lane] = self._last[root] + 1, root
            busy = [lane for lane in range(MAX_LANES) if free_from[lane] > at]
            own = next((lane for lane in busy if of_lane[lane] == root), None)
            through = tuple(lane for lane in busy if lane != own)
            if own is None:
                yield Station(place, None, None, False, False, through)
            else:
                yield Station(place, root, own, first, last, through)


def _in_order_of_time(catalogue: Catalogue) -> Sequence[int]:
    """Places; in the order of the file where not every time is known."""
    places, at_s = range(len(catalogue)), catalogue.at_s
    if any(map(math.isnan, at_s)):
        return places
    return array("I", sorted(places, key=at_s.__getitem__))
