"""Whether anything is left over, for those who ask again after every change.

A report tells all that is left over; to make one takes as long as its cassette is. But what was
left over a moment ago mostly still is: so a look begins where the one before has found something,
and ends where it finds something. It always comes to the same answer as the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from cometape.core.playbook.playbook import START
from cometape.core.run.player import Run

from .leftovers import first_undelivered, first_unplayed

Find = Callable[[Run, int], int | None]
"""Looks in a run, from an entry on and then before it; where it found something, if it did."""


class LeftOver:
    """What is left over of the runs of a replay, as yes or no."""

    def __init__(self, *, as_recorded: bool) -> None:
        """`as_recorded`: exchanges that broke off before their answer may be left over as well."""
        self._unplayed = _Finder(partial(first_unplayed, as_recorded=as_recorded))
        self._undelivered = _Finder(partial(first_undelivered, as_recorded=as_recorded))
        self._finders = [self._unplayed, self._undelivered]
        """The one that has found something last comes first."""

    def is_any(self, runs: Sequence[Run]) -> bool:
        """Whether a recording was never asked for, or `is_undelivered`."""
        for finder in self._finders:
            if finder.is_in(runs):
                self._finders.sort(key=lambda one: one is not finder)
                return True
        return False

    def is_undelivered(self, runs: Sequence[Run]) -> bool:
        """Whether an event was never given to a Bayeux session; in its queue it may lie."""
        return self._undelivered.is_in(runs)

    def forget(self) -> None:
        """Runs are let go."""
        for finder in self._finders:
            finder.forget()


class _Finder:
    """Looks for one thing in all runs, and first where it was found last."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self.forget()

    def forget(self) -> None:
        self._run: Run | None = None
        self._at = START

    def is_in(self, runs: Iterable[Run]) -> bool:
        if self._run is not None and self._is_in(self._run, self._at):
            return True
        return any(self._is_in(run, START) for run in runs if run is not self._run)

    def _is_in(self, run: Run, at: int) -> bool:
        found = self._find(run, at)
        if found is None:
            return False
        self._run, self._at = run, found
        return True
