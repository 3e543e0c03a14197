"""Runs of long ago, summed up: a server may begin one after the other for weeks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cometape.core.json_value import JsonObject

if TYPE_CHECKING:
    from .journal import RunReport


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRuns:
    """What became of the runs that were let go (`Seats.let_go`)."""

    runs: int = 0
    complete: int = 0
    """Those of them in which nothing was left over."""
    answered: int = 0
    delivered: int = 0
    forgotten: int = 0
    unplayed: int = 0
    undelivered: int = 0

    def and_also(self, run: RunReport) -> PastRuns:
        """One more run was let go."""
        return PastRuns(
            runs=self.runs + 1,
            complete=self.complete + run.is_complete,
            answered=self.answered + run.answered,
            delivered=self.delivered + run.delivered,
            forgotten=self.forgotten + run.forgotten,
            unplayed=self.unplayed + len(run.unplayed),
            undelivered=self.undelivered + len(run.undelivered),
        )

    def text(self) -> str:
        """For a terminal."""
        return (
            f"{self.runs} earlier runs ({self.complete} of them complete): {self.answered} requests"
            f" answered, {self.delivered} events delivered, {self.unplayed} recordings never asked"
            f" for, {self.undelivered} events never delivered"
        )

    def json(self) -> JsonObject:
        """For a machine."""
        return {
            "runs": self.runs,
            "complete": self.complete,
            "answered": self.answered,
            "delivered": self.delivered,
            "forgotten": self.forgotten,
            "unplayed": self.unplayed,
            "undelivered": self.undelivered,
        }
