"""Where something may interfere with a replay: faults on purpose, and orders other than recorded.

A replay without either never calls anything here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from cometape.core.playbook.recordings import Playable
from cometape.core.run.live_client import Arrival, LiveClient
from cometape.core.run.play import Due, Exhausted, Play

from ..exchange import Request
from ..service import Action


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a request."""

    actions: Sequence[Action] = ()
    """Done at once."""
    is_final: bool = False
    """Whether that is all: the replay does not see the request."""


GO_ON = Verdict()


class Postponed(NamedTuple):
    """An event that was put off, and comes by itself."""

    at_s: float
    due: Due
    why: str
    """In a few words."""


class Interference(Protocol):
    """What a replay asks before it does something, and tells of what it has done."""

    def asked(
        self,
        exchange: int,
        request: Request,
        client: LiveClient,
        chosen: Playable | Exhausted | None,
        now_s: float,
    ) -> Verdict:
        """A request came; `chosen` is the recording that would answer it."""
        ...

    def answered(
        self, exchange: int, play: Play, client: LiveClient, actions: list[Action], now_s: float
    ) -> list[Action]:
        """It has been played; `actions` are its answer, and what is to be done is what returns."""
        ...

    def spoken(
        self, carrier: int, request: Request | None, text: str, arrival: Arrival, now_s: float
    ) -> Verdict:
        """Bayeux messages came: a request, or (None) a text message of the WebSocket `carrier`."""
        ...

    def due(self, dues: Sequence[Due], now_s: float) -> Sequence[Due]:
        """Events have become due; those that are to be delivered now."""
        ...

    def settled(self, now_s: float) -> Sequence[Action]:
        """A request or message has been dealt with."""
        ...

    def tick(self, now_s: float) -> Sequence[Action]:
        """Time has passed."""
        ...

    def deadline_s(self) -> float | None:
        """When `tick` is wanted next."""
        ...

    def postponed(self) -> Iterable[Postponed]:
        """Events that were put off: they are on their way, though no run has them scheduled."""
        ...
