"""Reads: which of its recordings answers a read, by what has happened in the run."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import takewhile

from cometape.core.playbook.playbook import Playbook
from cometape.core.playbook.recordings import Playable, Recordings
from cometape.core.playbook.relation import NearestState


@dataclass(slots=True)
class _Reading:
    """What one session's recordings of one read show at the moment."""

    nearest: NearestState
    facts: int = 0
    """How many of the run's facts it knows."""
    turn: int = 0
    """Up to when it knows what came again."""
    begun_anew: int = 0
    """How often that had happened to what it reads when it was asked last."""
    start: int = 0
    """Where the recordings of the present state begin."""
    at: int = 0
    """The first recording of the present state that may be unplayed."""
    end: int = 0
    """Where the recordings of that state end."""
    before: int = 0
    """How often the recording `at` had been played when it was reached, since it began anew."""


class Reads:
    """The facts of one run, and what its reads show by them.

    What a client does again and again must not add up: of each fact it counts when it came last,
    and a reading hears of that when it is asked.
    """

    __slots__ = ("_came", "_facts", "_known", "_readings", "_turn", "_unrepeated")

    def __init__(self) -> None:
        self._facts: list[int] = []
        """What has happened, in the order of its first time."""
        self._known: dict[int, int] = {}
        """The position of each in that order."""
        self._unrepeated = 0
        """How many facts there were when one came again for the first time."""
        self._came: dict[int, tuple[int, bool, bool]] = {}
        """Of each fact that came since then: the turn in which it came last, whether it is an
        operation, and whether it came again. The latest is the last."""
        self._turn = 0
        self._readings: dict[Hashable, _Reading] = {}

    def happened(self, fact: int, *, is_operation: bool) -> None:
        """Something that reads may show has happened, perhaps not for the first time."""
        again = fact in self._known
        if not again:
            self._known[fact] = len(self._facts)
            self._facts.append(fact)
            if not self._turn:
                return
        elif not self._turn:
            self._unrepeated = len(self._facts)
        self._turn += 1
        self._came.pop(fact, None)
        self._came[fact] = self._turn, is_operation, again

    def forget(self, recordings: Recordings) -> None:
        """These were never asked for."""
        self._readings.pop(recordings.key, None)

    def answer(
        self, recordings: Recordings, playbook: Playbook, played: Mapping[int, int]
    ) -> Playable:
        """The recording that fits what has happened; of several the first not `played`.

        When what it reads has begun anew, none of them counts as played.
        """
        reading = self._readings.get(recordings.key)
        if reading is None:
            reading = _Reading(playbook.nearest_state(recordings))
            self._readings[recordings.key] = reading
        if (reading.facts, reading.turn) != (len(self._facts), self._turn) or not reading.end:
            self._catch_up(reading, recordings, played)
        if not reading.begun_anew:
            while reading.at < reading.end - 1 and recordings.number(reading.at) in played:
                reading.at += 1
        elif (
            reading.at < reading.end - 1
            and played.get(recordings.number(reading.at), 0) > reading.before
        ):
            reading.at += 1
            reading.before = played.get(recordings.number(reading.at), 0)
        return recordings[reading.at]

    def _catch_up(
        self, reading: _Reading, recordings: Recordings, played: Mapping[int, int]
    ) -> None:
        """Tell a reading what came since it was asked last."""
        nearest = reading.nearest
        unrepeated = self._unrepeated if self._turn else len(self._facts)
        for fact in self._facts[reading.facts : unrepeated]:
            nearest.happened(fact)
        if self._turn:
            if not reading.turn:
                nearest.keep_track(self._facts[:unrepeated])
            known, turn = max(reading.facts, unrepeated), reading.turn
            came = reversed(self._came.items())
            since = list(takewhile(lambda one: one[1][0] > turn, came))
            for fact, (_, is_operation, again) in reversed(since):
                is_first = self._known[fact] >= known
                nearest.came(fact, is_first=is_first, is_operation=is_operation, again=again)
        reading.facts, reading.turn = len(self._facts), self._turn
        start, reading.end = recordings.showing(nearest.best())
        if not nearest.begun_anew:
            reading.at = start
        elif (start, nearest.begun_anew) != (reading.start, reading.begun_anew):
            reading.at, reading.before = start, played.get(recordings.number(start), 0)
        reading.start, reading.begun_anew = start, nearest.begun_anew
