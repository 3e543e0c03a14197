"""What trickles in, piece by piece, by a clock that somebody advances.

How many pieces there are only the shell knows, which puts them on the wire; when each goes, only
the clock. So the shell says how many are to come, and is told `Proceed` as often.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .recent import Recent
from .service import Action, Proceed, Respond, Spoil

_MAX_BEGUN = 10_000
"""Answers that were given to the shell and whose turn on their connection has not come."""


@dataclass(slots=True)
class _Trickle:
    next_ns: int
    every_ns: int
    left: int


class Trickles:
    """Those of one service; times are nanoseconds of its clock."""

    def __init__(self) -> None:
        self._begun: Recent[int, int] = Recent(_MAX_BEGUN)
        self._trickles: dict[int, _Trickle] = {}

    def note(self, actions: Iterable[Action], now_ns: int) -> None:
        """Remember when what shall trickle was given to the shell, which looks at it later."""
        for action in actions:
            if isinstance(action, Spoil) and action.manner.piece_bytes is not None:
                given = action.action
                number = given.exchange if isinstance(given, Respond) else given.socket
                if number not in self._begun:
                    self._begun[number] = now_ns

    def begin(self, number: int, every_ns: int, pieces: int, now_ns: int) -> int:
        """So many pieces are to come after the first; how many of them may go at once.

        More than none where the clock has gone on since the answer was given.
        """
        found = self._begun.take(number)
        began_ns = now_ns if found is None else found
        due = pieces if not every_ns else min(pieces, (now_ns - began_ns) // every_ns)
        if due < pieces:
            next_ns = began_ns + (due + 1) * every_ns
            self._trickles[number] = _Trickle(next_ns, every_ns, pieces - due)
        return due

    def forget(self, number: int) -> None:
        """Nobody reads it any more."""
        self._begun.take(number)
        self._trickles.pop(number, None)

    def next_ns(self) -> int | None:
        """When the next piece goes; None: nothing trickles."""
        return min((one.next_ns for one in self._trickles.values()), default=None)

    def take_due(self, now_ns: int) -> list[Action]:
        """The pieces that go now, one of each answer at most."""
        found: list[Action] = []
        for number, one in list(self._trickles.items()):
            if one.next_ns <= now_ns:
                found.append(Proceed(number))
                one.next_ns += one.every_ns
                one.left -= 1
                if not one.left:
                    del self._trickles[number]
        return found
