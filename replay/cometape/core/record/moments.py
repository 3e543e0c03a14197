"""When the entries of a cassette were complete: times that keep their order, to the microsecond.

A cassette has times to the millisecond, rounded: two entries may show one time, and an exchange
whose end is the sum of two rounded times may seem to end after the entry that stands behind it. The
order of the entries is the truth, so times are moved within what rounding allows to agree with it.
Where a cassette has no times, or wrong ones, each entry is a millisecond after the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..cassette import Entry, Exchange

MICROSECONDS = 1_000_000
STEP_US = 1_000
"""Between two entries where nothing is known about their times."""
_ROUNDING_US = 499
"""How far a time can be from the millisecond it was rounded to."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When an entry began and was complete, microseconds since the recording began."""

    began_us: int
    ended_us: int


@dataclass(frozen=True, slots=True)
class _Room:
    """Where the end of an entry may lie; an open side is None."""

    earliest_us: int | None
    written_us: int | None
    latest_us: int | None


def moments(groups: Sequence[Sequence[Entry]]) -> list[Moment]:
    """One moment for each group of entries that are complete together; ends ascend strictly."""
    rooms = [_room(group[0]) for group in groups]
    latest: list[int | None] = [None] * len(rooms)
    bound: int | None = None
    for index in reversed(range(len(rooms))):
        own = rooms[index].latest_us
        bound = own if bound is None else (bound - 1 if own is None else min(own, bound - 1))
        latest[index] = bound
    found: list[Moment] = []
    last = -1
    for group, room, limit in zip(groups, rooms, latest, strict=True):
        written = room.written_us
        end = last + STEP_US if written is None else max(written, last + 1)
        if limit is not None and end > limit:
            # Earlier than written, so that later ones find room; never before the one in front.
            end = max(limit, last + 1, room.earliest_us or 0)
        last = end
        found.append(Moment(_began(group[0], end), end))
    return found


def is_timed(entries: Sequence[Entry]) -> bool:
    """Whether any entry says when it was."""
    return any(entry.at_s is not None for entry in entries)


def _room(entry: Entry) -> _Room:
    if entry.at_s is None:
        return _Room(None, None, None)
    written, slack = _us(entry.at_s), _ROUNDING_US
    if isinstance(entry, Exchange):
        written += _us(entry.took_s or 0.0)
        slack += _ROUNDING_US
    return _Room(max(written - slack, 0), written, written + slack)


def _began(entry: Entry, end_us: int) -> int:
    """The beginning from which to the end it took as long as written, as nearly as can be."""
    if not isinstance(entry, Exchange):
        return end_us
    took = _us(entry.took_s or 0.0)
    if entry.at_s is None:
        return max(end_us - took, 0)
    at = _us(entry.at_s)
    too_long = (end_us - at) - took
    if too_long > _ROUNDING_US:
        at += min(too_long - _ROUNDING_US, _ROUNDING_US)
    elif too_long < -_ROUNDING_US:
        at -= min(-_ROUNDING_US - too_long, _ROUNDING_US)
    return max(min(at, end_us), 0)


def _us(seconds: float) -> int:
    return round(seconds * MICROSECONDS)
