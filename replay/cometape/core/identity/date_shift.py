"""Which day it is in a replay: as recorded, or as if it had been recorded at another time.

All declared dates of a run move by one number of seconds, so that the distances between them stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from cometape.core.errors import ConfigurationError

from .dates import epoch_s


@dataclass(frozen=True, slots=True)
class Dates:
    """When a run of the replay shall seem to have been recorded."""

    when: Literal["recorded", "now"] | int = "recorded"
    """`now`: each run at its beginning; or a moment, seconds since 1970: the same bytes always."""

    @classmethod
    def parse(cls, text: str) -> Dates:
        """`recorded`, `now`, or a moment `2026-03-01T09:15:00Z`. Raises ConfigurationError."""
        if text == "recorded" or text == "now":
            return cls("now" if text == "now" else "recorded")
        moment = epoch_s(text) if "T" in text else None
        if moment is None:
            raise ConfigurationError(
                f"{text!r} says no time for dates.",
                hint="Use 'recorded', 'now', or a moment such as '2026-03-01T09:15:00Z'.",
                reason="dates",
            )
        return cls(moment)

    def __str__(self) -> str:
        """As `parse` takes it."""
        if isinstance(self.when, str):
            return self.when
        return datetime.fromtimestamp(self.when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def shift_s(self, recorded_at: str | None, wall_s: float) -> int:
        """How much later than recorded all dates are, in a run that begins at `wall_s`.

        `recorded_at` is that of the cassette's header. Raises ConfigurationError without one.
        """
        if self.when == "recorded":
            return 0
        began = epoch_s(recorded_at) if recorded_at is not None else None
        if began is None:
            raise ConfigurationError(
                "The cassette does not say when it was recorded, so its dates cannot be shifted.",
                hint="Write 'recorded_at: 2026-03-01T09:15:00Z' into its header, or leave dates "
                "as recorded.",
                reason="dates",
            )
        return int(wall_s if self.when == "now" else self.when) - began


AS_RECORDED = Dates()
