"""The causes that a cassette names, checked: each is an entry, and came before its effect.

Of each entry some thirty bytes are kept, whatever is in it: a recording may have a million.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from dataclasses import dataclass

from ..cassette import Entry, Event, Exchange
from ..catalogue import EntryHead
from ..errors import CassetteError
from .cause_rule import precedes
from .chains import check_no_circle
from .waiting_events import OVERTAKING_S

_EXCHANGE, _EVENT, _OTHER = range(3)
_KINDS: dict[type[Entry], int] = {Exchange: _EXCHANGE, Event: _EVENT}
_MAX_NUMBER = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class _Named:
    """An event whose cause is written down and has not come yet."""

    place: int
    number: int
    session: int
    at_s: float | None
    channel: str
    cause: int


class WrittenCauses:
    """Takes the entries of a cassette in their order, and says in the end what cannot be."""

    def __init__(self) -> None:
        self._numbers = array("Q")
        self._kinds = array("B")
        self._sessions = array("I")
        self._at_s = array("d")
        """When each exchange began, each event was seen; NaN: unknown."""
        self._causes = array("Q")
        """Numbers; 0: none is named, or one that cannot be."""
        self._session_numbers: dict[str, int] = {}
        self._awaited: dict[int, list[_Named]] = {}
        """Events that come before their cause, by its number."""
        self._by_later_event = False
        """Whether an event names one after it: no circle is without such."""
        self._wrong: tuple[int, CassetteError] | None = None
        """The first event whose cause cannot be, by place."""

    def observe(self, entry: EntryHead) -> None:
        """The head of the next entry."""
        place = len(self._numbers)
        session = self._session_numbers.setdefault(entry.session, len(self._session_numbers))
        named = entry.cause if isinstance(entry.cause, int) else 0
        kind = _KINDS.get(entry.kind, _OTHER)
        self._numbers.append(entry.number)
        self._kinds.append(kind)
        self._sessions.append(session)
        self._at_s.append(math.nan if entry.at_s is None or kind == _OTHER else entry.at_s)
        self._causes.append(named if named <= _MAX_NUMBER else 0)
        for event in self._awaited.pop(entry.number, ()):
            self._by_later_event = self._by_later_event or kind == _EVENT
            self._check(event, place)
        if named:
            event = _Named(place, entry.number, session, entry.at_s, entry.channel, named)
            at = bisect_left(self._numbers, named)
            if at < len(self._numbers) and self._numbers[at] == named:
                self._by_later_event = self._by_later_event or at == place
                self._check(event, at)
            elif named < entry.number:
                self._note(event, f"its cause {named} is no entry of this cassette")
            else:
                self._awaited.setdefault(named, []).append(event)

    def named(self) -> dict[int, int]:
        """The number of the cause, by that of the event, where one is named."""
        pairs = zip(self._numbers, self._causes, strict=True)
        return {event: cause for event, cause in pairs if cause}

    def check(self) -> None:
        """Nothing more will come. Raises CassetteError for what cannot be."""
        if self._by_later_event:
            kinds = zip(self._numbers, self._kinds, strict=True)
            events = {number for number, kind in kinds if kind == _EVENT}
            check_no_circle({one: by for one, by in self.named().items() if by in events})
        for waiting in self._awaited.values():
            for event in waiting:
                self._note(event, f"its cause {event.cause} is no entry of this cassette")
        if self._wrong is not None:
            raise self._wrong[1]

    def _check(self, event: _Named, cause: int) -> None:
        """Whether an event can be the effect of the entry at a place."""
        at_s: float | None = self._at_s[cause]
        at_s = None if at_s != at_s else at_s
        if self._kinds[cause] == _EVENT:
            # Two sessions' events can cross on the way.
            crossing_s = OVERTAKING_S if event.session != self._sessions[cause] else 0.0
            if at_s is not None and event.at_s is not None and at_s - event.at_s > crossing_s:
                what = f"its cause {event.cause}, an event, came later ({at_s} s) than it was seen"
                self._note(event, what)
        elif not precedes(at_s, event.at_s):
            self._note(event, f"its cause {event.cause} began later ({at_s} s) than it was seen")

    def _note(self, event: _Named, what: str) -> None:
        if self._wrong is not None and self._wrong[0] < event.place:
            return
        error = CassetteError(
            f"the event on {event.channel} cannot be: {what}",
            hint="name the number of the exchange, publish or event that causes it, write "
            "`spontaneous`, or leave `cause` out to have it inferred",
            reason="bad-cause",
            entry=event.number,
        )
        self._wrong = event.place, error
