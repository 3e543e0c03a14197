"""What is to happen later: events and late answers, at times drawn from the seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from random import Random

from cometape.core.service import Respond

from .notices import WORKBINS_CHANNEL, Notice

Due = Notice | Respond


class Schedule:
    """A queue by time; of equal times the first planned comes first."""

    def __init__(self, random: Random, *, min_delay_ms: float, max_delay_ms: float) -> None:
        self._random = random
        self._min_s = min_delay_ms / 1000
        self._max_s = max_delay_ms / 1000
        self._heap: list[tuple[float, int, Due]] = []
        self._planned = 0
        self._last_s: dict[str, float] = {}
        """When the last event caused by a user is due: a user's events keep their order."""

    def plan(self, due_s: float, what: Due) -> None:
        """Let something happen at a time."""
        self._planned += 1
        heappush(self._heap, (due_s, self._planned, what))

    def plan_events(self, notices: Sequence[Notice], actor: str, now_s: float, order: str) -> float:
        """Let the events of one operation follow each other; says when the last one is due.

        `order` is the setting of the switch `event-order`. The first event waits for the whole
        delay, each later one for up to half of it again.
        """
        due_s = now_s + self.delay_s()
        for notice in self._ordered(notices, order):
            due_s = max(due_s, self._last_s.get(actor, due_s))
            self._last_s[actor] = due_s
            self.plan(due_s, notice)
            due_s += self.delay_s() / 2
        return self._last_s.get(actor, now_s)

    def delay_s(self) -> float:
        """A delay between the smallest and the largest."""
        return self._random.uniform(self._min_s, self._max_s)

    def due(self, now_s: float) -> Iterator[Due]:
        """Take what is due."""
        while self._heap and self._heap[0][0] <= now_s:
            yield heappop(self._heap)[2]

    def deadline_s(self) -> float | None:
        """When the next thing is due."""
        return self._heap[0][0] if self._heap else None

    def _ordered(self, notices: Sequence[Notice], order: str) -> list[Notice]:
        ordered = list(notices)
        if order == "random":
            self._random.shuffle(ordered)
        else:
            workbin_first = order == "workbin-first"
            ordered.sort(key=lambda notice: (notice.channel == WORKBINS_CHANNEL) != workbin_first)
        return ordered
