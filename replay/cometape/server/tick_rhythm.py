"""The rhythm of ticks: how soon after one tick a service is given the next.

What is due at once is given at once, as long as little is due. When one thing after another is due
for a while, ticks come less often and each gives more: a client that waits for events gets several
with one answer in place of an answer for each, which costs its server, and it, a fraction.
"""

from __future__ import annotations

from math import inf

REST_S = 0.001
"""The least time between two ticks, also where a deadline stays in the past after a tick."""
CLOSE_S = 0.002
"""A deadline so soon after the tick before follows closely."""
CROWD = 8
"""So many ticks in a row that followed closely are a crowd: a server with much to do."""
CROWDED_REST_S = 0.004
"""The least time between two ticks of a crowd: what an event may be late because of it. That is
less than `event_gap_s`, by which answers come before their events."""
FAULTY_REST_S = 1.0
"""The least time after a tick that raised."""


class TickRhythm:
    """When the next tick may come. Times are those of one clock, in seconds."""

    __slots__ = ("_close", "_ticked_s", "rests_until_s")

    def __init__(self) -> None:
        self.rests_until_s = -inf
        """No tick before this."""
        self._ticked_s = -inf
        self._close = 0
        """How many ticks in a row followed closely."""

    @property
    def is_crowded(self) -> bool:
        """Whether much has been due lately."""
        return self._close >= CROWD

    def ticked(self, deadline_s: float, now_s: float) -> None:
        """A tick came now, because of this deadline."""
        follows_closely = deadline_s <= self._ticked_s + CLOSE_S
        self._close = min(2 * CROWD, self._close + 1) if follows_closely else self._close // 2
        self._ticked_s = now_s
        self.rests_until_s = now_s + (CROWDED_REST_S if self.is_crowded else REST_S)

    def failed(self, now_s: float) -> None:
        """A tick raised."""
        self._ticked_s = now_s
        self.rests_until_s = now_s + FAULTY_REST_S
