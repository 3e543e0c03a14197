"""The rhythm of ticks: how soon after one tick a service is given the next.

What is due at once is given at once, as long as little is due. When one thing after another is due
for a while, ticks come less often and each gives more: a client that waits for events gets several
with one answer in place of an answer for each, which costs its server, and it, a fraction.
"""

from __future__ import annotations

from math import inf

REST_S = 0.001
"""The least time between two ticks, also where a deadline stays in the past after a tick."""
CLOSE_S = 0.0015
"""A deadline so soon after the tick before follows closely; event loops count in milliseconds."""
CROWD = 16
"""So many ticks in a row that follow closely begin a crowd: over a thousand deadlines a second."""
PAUSES = 2
"""So many in a row that do not follow closely end it."""
CROWDED_REST_S = 0.008
"""The least time between two ticks in a crowd: what an event may be late because of it. That is
less than `event_gap_s`, by which answers come before their events."""
FAULTY_REST_S = 1.0
"""The least time after a tick that raised."""


class TickRhythm:
    """When the next tick may come. Times are those of one clock, in seconds."""

    __slots__ = ("_close", "_pauses", "_ticked_s", "is_crowded", "rests_until_s")

    def __init__(self) -> None:
        self.is_crowded = False
        """Whether much has been due lately."""
        self.rests_until_s = -inf
        """No tick before this."""
        self._ticked_s = -inf
        self._close = self._pauses = 0
        """Of the last ticks, how many in a row followed closely, or did not."""

    def ticked(self, deadline_s: float, now_s: float) -> None:
        """A tick came now, because of this deadline."""
        if deadline_s <= self._ticked_s + CLOSE_S:
            self._close, self._pauses = self._close + 1, 0
            self.is_crowded = self.is_crowded or self._close >= CROWD
        else:
            self._close, self._pauses = 0, self._pauses + 1
            self.is_crowded = self.is_crowded and self._pauses < PAUSES
        self._ticked_s = now_s
        self.rests_until_s = now_s + (CROWDED_REST_S if self.is_crowded else REST_S)

    def failed(self, now_s: float) -> None:
        """A tick raised."""
        self._ticked_s = now_s
        self.rests_until_s = now_s + FAULTY_REST_S
