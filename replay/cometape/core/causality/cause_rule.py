"""A profile's cause rule at work: is this event, is this operation what it speaks of?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cometape.core.places.typed_path import TypedPath
from cometape.core.profile.profile import CauseRule, Condition

from ..bayeux.channel import matches
from ..cassette import Event
from ..json_value import Json
from .operation import Operation, RequestPart, Term, terms


@dataclass(frozen=True, slots=True)
class PreparedRule:
    """A profile's cause rule, its patterns compiled and its parts parsed."""

    index: int
    rule: CauseRule
    operations: re.Pattern[str]
    same: tuple[tuple[TypedPath, tuple[RequestPart, ...]], ...]
    parts: tuple[RequestPart, ...]
    """Of an operation, all that this rule can ask for."""

    @classmethod
    def of(cls, index: int, rule: CauseRule) -> PreparedRule:
        patterns = (".*".join(map(re.escape, name.split("*"))) for name in rule.operations)
        same = tuple((path, tuple(map(RequestPart.parse, parts))) for path, parts in rule.same)
        parts = tuple(dict.fromkeys(part for _, found in same for part in found))
        return cls(index, rule, re.compile("|".join(patterns)), same, parts)

    def takes(self, event: Event) -> bool:
        """Whether this rule is about such an event."""
        channel = self.rule.channel
        if channel is not None and channel != event.channel and not matches(channel, event.channel):
            return False
        return holds(self.rule.event, event.data, absent=False)

    def is_set_off_by(self, event: Event) -> bool:
        """Whether such an event can be the cause this rule speaks of."""
        channel = self.rule.by_channel
        if not self.rule.is_by_event or (
            channel is not None and channel != event.channel and not matches(channel, event.channel)
        ):
            return False
        return holds(self.rule.by_event, event.data, absent=False)

    def is_about(self, name: str) -> bool:
        """Whether this rule is about operations of that name."""
        return self.operations.fullmatch(name) is not None

    def first_terms(self, operation: Operation) -> set[Term]:
        """What operations are looked up by: the first thing they share with their events."""
        if not self.same:
            return {operation.session}
        return {term for part in self.same[0][1] for term in operation.part(part)}

    def event_terms(self, event: Event) -> set[Term]:
        """The same of an event."""
        return terms(self.same[0][0].values(event.data)) if self.same else {event.session}

    def oddness(self, operation: Operation, event: Event, term: Term) -> int | None:
        """None if the operation cannot be the cause, else how much of it the event is silent on."""
        once = self.rule.once
        if once is not None and (once, event.session, term) in operation.caused:
            return None
        if not within(operation, event, self.rule.within_s):
            return None
        odd = 0
        for path, parts in self.same:
            said = terms(path.values(event.data))
            if said and all(said.isdisjoint(operation.part(part)) for part in parts):
                return None
            if not said:  # a group's copy of a workbin, say, of which the event says nothing
                odd += any(part.form != "path" and operation.part(part) for part in parts)
        return odd


def precedes(earlier_s: float | None, later_s: float | None) -> bool:
    """Whether one time is not after another; an unknown one contradicts nothing."""
    return earlier_s is None or later_s is None or earlier_s <= later_s


def began_before(operation: Operation, event: Event) -> bool:
    """Whether an operation began before an event was seen."""
    return precedes(operation.began_s, event.at_s)


def within(operation: Operation, event: Event, limit_s: float) -> bool:
    """Whether an event was seen after an operation began and soon enough after its answer."""
    if operation.ended_s is None or event.at_s is None:
        return True
    return began_before(operation, event) and event.at_s - operation.ended_s <= limit_s


def holds(conditions: Sequence[Condition], value: Json, *, absent: bool) -> bool:
    """Whether a value is as the conditions say; with `absent`, one that lacks a place is."""
    for path, allowed in conditions:
        found = path.values(value)
        if not found and absent:
            continue
        if not any(one == other and type(one) is type(other) for one in found for other in allowed):
            return False
    return True
