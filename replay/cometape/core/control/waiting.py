"""Calls that wait for something to become so: answered when it is, or when their time is up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..exchange import Response
from ..service import Respond
from .served_run import ServedRun

MAX_WAIT_S = 300.0
"""The longest that a call may wait."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """One call that waits."""

    exchange: int
    run: ServedRun
    """What it is about."""
    until_s: float
    is_so: Callable[[], bool]
    answer: Callable[[], Response]
    """What it is answered with, whether it is so or its time is up."""


class Waiting:
    """The calls that wait."""

    def __init__(self) -> None:
        self._calls: dict[int, Awaited] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, call: Awaited) -> None:
        """One more waits."""
        self._calls[call.exchange] = call

    def forget(self, exchange: int) -> None:
        """Who called has gone."""
        self._calls.pop(exchange, None)

    def give_up(self, run: ServedRun) -> list[int]:
        """A run is no more: the exchanges of those that waited for something in it."""
        found = [call.exchange for call in self._calls.values() if call.run is run]
        for exchange in found:
            del self._calls[exchange]
        return found

    def deadline_s(self) -> float | None:
        """When the time of the first is up."""
        return min((call.until_s for call in self._calls.values()), default=None)

    def look(self, now_s: float) -> list[Respond]:
        """Answer those for which it has become so, or whose time is up."""
        done = [call for call in self._calls.values() if call.until_s <= now_s or call.is_so()]
        for call in done:
            del self._calls[call.exchange]
        return [Respond(call.exchange, call.answer()) for call in done]
