"""A schedule: the events of a run that are on their way, the next one first."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from operator import attrgetter

from .play import Due

_AT_S = attrgetter("at_s")


class Schedule(list[Due]):
    """A list in order of time; of equal times the first put comes first.

    Most are put at its end, and many are taken at once: a heap would compare for each.
    """

    __slots__ = ()

    def next_s(self) -> float | None:
        """When the next event becomes due."""
        return self[0].at_s if self else None

    def put(self, due: Due) -> None:
        """An event is on its way."""
        if self and due.at_s < self[-1].at_s:
            insort(self, due, key=_AT_S)
        else:
            self.append(due)

    def take_due(self, now_s: float) -> list[Due]:
        """Take the events whose time has come."""
        at = bisect_right(self, now_s, key=_AT_S)
        found = self[:at]
        del self[:at]
        return found

    def take(self, dues: Sequence[Due]) -> None:
        """Take these, whatever their time."""
        wanted = set(map(id, dues))
        self[:] = [due for due in self if id(due) not in wanted]
