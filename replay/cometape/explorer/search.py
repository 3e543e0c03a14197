"""The search: one order after the other, the nearest to the recording first, until one breaks."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Literal

from cometape.core.explore.order import Order, Pair

from .trial import Outcome, Trials

LOOK_S = 0.2
"""How often a thread that waits looks whether it was sent a signal. One that comes just before it
begins to wait would not wake it."""

Why = Literal["all", "max", "time", "broken", "interrupted"]
"""Why a search ended: there is no further order; the limits; an order broke; Ctrl-C."""


@dataclass(slots=True, kw_only=True)
class Search:
    """Trials of orders, several at once if that is wanted; outcomes come in the orders' order."""

    trials: Trials
    most: int
    """How many orders are tried at most."""
    limit_s: float | None = None
    """How long it may take in all, seconds; what has begun then is brought to its end."""
    jobs: int = 1
    goes_on: bool = False
    """Whether it goes on after an order that breaks."""
    outcomes: list[Outcome] = field(default_factory=list)
    skipped: int = 0
    """Orders that were not tried, because the client had shown that it cannot meet them."""
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, orders: Iterable[Order], on_outcome: Callable[[Outcome], None]) -> Why:
        """Try them; `on_outcome` is told of each. Raises ConfigurationError as `Trials.of`."""
        source = iter(orders)
        began_s = time.monotonic()
        waiting: deque[Future[Outcome]] = deque()
        begun = 0
        why: Why = "all"
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                while True:
                    while len(waiting) < self.jobs:
                        if begun >= self.most:
                            why = "max"
                            break
                        if self.limit_s is not None and time.monotonic() > began_s + self.limit_s:
                            why = "time"
                            break
                        # The recorded order comes first and alone: where it breaks, all do.
                        if begun and not self.outcomes:
                            break
                        order = self._next(source)
                        if order is None:
                            why = "all"
                            break
                        waiting.append(pool.submit(self.trials.of, order, self.stop))
                        begun += 1
                    if not waiting:
                        return why
                    outcome = _outcome_of(waiting.popleft())
                    self.outcomes.append(outcome)
                    on_outcome(outcome)
                    if outcome.is_broken and (not self.goes_on or len(self.outcomes) == 1):
                        return "broken"
            except KeyboardInterrupt:
                return "interrupted"
            finally:
                self.stop.set()

    def _next(self, source: Iterator[Order]) -> Order | None:
        """The next order that the client may be able to meet.

        An answer that did not come before an event was not asked for without it: the client meets
        no order with that pair.
        """
        for order in source:
            if not self._unmet.isdisjoint(order.inverted):
                self.skipped += 1
                continue
            return order
        return None

    @property
    def _unmet(self) -> set[Pair]:
        return {
            pair
            for outcome in self.outcomes
            for pair in outcome.unmet
            if outcome.order.plot.steps[pair[0]].is_answer
        }

    @property
    def broken(self) -> list[Outcome]:
        """The orders that broke."""
        return [outcome for outcome in self.outcomes if outcome.is_broken]


def _outcome_of(trial: Future[Outcome]) -> Outcome:
    """What a trial comes to. Raises as the trial does, and KeyboardInterrupt."""
    while not trial.done():
        wait((trial,), timeout=LOOK_S)
    return trial.result()
