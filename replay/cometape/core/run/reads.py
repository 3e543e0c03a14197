"""Reads: which of its recordings answers a read, by what has happened in the run."""

from __future__ import annotations

from collections.abc import Container, Hashable
from dataclasses import dataclass

from cometape.core.playbook.playbook import Playbook
from cometape.core.playbook.recordings import Playable, Recordings
from cometape.core.playbook.relation import NearestState


@dataclass(slots=True)
class _Reading:
    """What one session's recordings of one read show at the moment."""

    nearest: NearestState
    facts: int = 0
    """How many of the run's facts it knows."""
    at: int = 0
    """The first recording of the present state that may be unplayed."""
    end: int = 0
    """Where the recordings of that state end."""


class Reads:
    """The facts of one run, and what its reads show by them."""

    __slots__ = ("_facts", "_known", "_readings")

    def __init__(self) -> None:
        self._facts: list[int] = []
        """What has happened, in its order."""
        self._known: set[int] = set()
        self._readings: dict[Hashable, _Reading] = {}

    def happened(self, fact: int) -> None:
        """Something that reads may show; only the first time counts."""
        if fact not in self._known:
            self._known.add(fact)
            self._facts.append(fact)

    def forget(self, recordings: Recordings) -> None:
        """These were never asked for."""
        self._readings.pop(recordings.key, None)

    def answer(
        self, recordings: Recordings, playbook: Playbook, played: Container[int]
    ) -> Playable:
        """The recording that fits what has happened; of several the first not `played`."""
        reading = self._readings.get(recordings.key)
        if reading is None:
            reading = _Reading(playbook.nearest_state(recordings))
            self._readings[recordings.key] = reading
        if reading.facts != len(self._facts) or not reading.end:
            for fact in self._facts[reading.facts :]:
                reading.nearest.happened(fact)
            reading.facts = len(self._facts)
            reading.at, reading.end = recordings.showing(reading.nearest.best())
        while reading.at < reading.end - 1 and recordings.number(reading.at) in played:
            reading.at += 1
        return recordings[reading.at]
