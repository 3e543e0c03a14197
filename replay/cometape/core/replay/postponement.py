"""What faults put off: events that come late, copies, events that wait to be overtaken."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from cometape.core.run.play import Due

from .interference import Postponed


@dataclass(slots=True, eq=False)
class _Item:
    """An event that was put off, with what is still to become of it when its time has come."""

    due: Due
    wait_s: float = 0.0
    """How long it then waits for another to overtake it."""
    copies: int = 1
    """How often it then comes."""
    after_s: float = 0.0
    """Time between two of those."""


@dataclass(slots=True)
class Postponement:
    """The events of one replay that faults have put off, and when they come."""

    _heap: list[tuple[float, int, _Item]] = field(default_factory=list)
    _waiting: list[_Item] = field(default_factory=list)
    """Those of them that another one may overtake."""
    _count: int = 0

    def put_off(
        self,
        due: Due,
        now_s: float,
        *,
        late_s: float = 0.0,
        wait_s: float = 0.0,
        copies: int = 1,
        after_s: float = 0.0,
    ) -> list[Due]:
        """What of an event comes now: it is late, then waits to be overtaken, then comes often."""
        item = _Item(due, wait_s, copies, after_s)
        if late_s > 0:
            self._push(now_s + late_s, item)
            due.run.spare(due.follower.number)
            return []
        return self._come(item, now_s)

    def is_overtaking(self, due: Due) -> bool:
        """Whether an event waits that this one overtakes: then it is not made to wait itself."""
        return any(_overtakes(due, item.due) for item in self._waiting)

    def overtaken(self, passing: Sequence[Due], now_s: float) -> list[Due]:
        """The events that one of those passing on another channel has overtaken: they come now."""
        found: list[Due] = []
        for item in [] if not passing else list(self._waiting):
            if any(_overtakes(other, item.due) for other in passing):
                self._heap = [entry for entry in self._heap if entry[2] is not item]
                heapq.heapify(self._heap)
                found += self._end_wait(item, now_s)
        return found

    def take_due(self, now_s: float) -> list[Due]:
        """Those whose time has come, and those whom they overtake."""
        found: list[Due] = []
        while self._heap and self._heap[0][0] <= now_s:
            item = heapq.heappop(self._heap)[2]
            is_over = item in self._waiting
            passing = self._end_wait(item, now_s) if is_over else self._come(item, now_s)
            found += passing
            found += self.overtaken(passing, now_s)
        return found

    def next_s(self) -> float | None:
        """When the next one comes by itself."""
        return self._heap[0][0] if self._heap else None

    def listed(self) -> list[Postponed]:
        """All that are to come, copies included, unless something overtakes them before."""
        return [
            Postponed(at_s + item.wait_s + nth * item.after_s, item.due, "what a fault holds back")
            for at_s, _, item in self._heap
            for nth in range(item.copies)
        ]

    def _come(self, item: _Item, now_s: float) -> list[Due]:
        """An event's time has come; it may have to wait for another."""
        if item.wait_s > 0 and not self.is_overtaking(item.due):
            self._push(now_s + item.wait_s, item)
            self._waiting.append(item)
            item.wait_s = 0.0
            item.due.run.spare(item.due.follower.number)
            return []
        item.due.run.expect(item.due.follower.number)
        if item.after_s > 0:
            for nth in range(1, item.copies):
                self._push(now_s + nth * item.after_s, _Item(item.due))
            return [item.due]
        return [item.due] * item.copies

    def _end_wait(self, item: _Item, now_s: float) -> list[Due]:
        self._waiting.remove(item)
        return self._come(item, now_s)

    def _push(self, at_s: float, item: _Item) -> None:
        self._count += 1
        heapq.heappush(self._heap, (at_s, self._count, item))


def _overtakes(other: Due, due: Due) -> bool:
    return (
        other is not due
        and other.run is due.run
        and other.session == due.session
        and other.follower.channel != due.follower.channel
    )
