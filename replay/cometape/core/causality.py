"""Which entry caused an event.

In order of trust: an identity in the event's data that an exchange of the same session issued, then
one of any session; the echo of a publish; and the profile's rules for events that carry no
correlation id. What nothing recorded explains is spontaneous.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from .bayeux.channel import matches
from .cassette import Cassette, Entry, Event, Exchange, Publish
from .errors import CassetteError
from .identity_places import identities_of_event, identities_of_request, identities_of_response
from .json_value import Json
from .operation import Operation, RequestPart, Term, terms
from .profile import CauseRule, Condition, Profile
from .typed_path import TypedPath

MAX_OPERATIONS = 4096
"""Operations remembered at a time: a cause is some calls before its event, not thousands."""

_PER_KEY = 16
"""Operations remembered that are equal in what is compared first."""

_OVERTAKING_S = 5.0
"""How long before its cause is complete an event can be seen, seconds: CometD and REST are two
connections, so an event can overtake the answer of the operation that caused it."""

_ELSEWHERE_S = 30.0
"""How late an equal identity of another session still counts where nothing else agrees, seconds."""

_CLOCK_S = 0.001
"""Times are written in milliseconds; smaller differences say nothing."""

Key = tuple[str | int | float, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """The entry that caused an event, and how that was found."""

    number: int
    rule: str
    """Name of the profile's rule, or `reference-id of the same session`, `echo of a publish`, …"""


class CauseFinder:
    """Finds causes while entries arrive; remembers a bounded number of operations."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._rules = [_Rule.of(index, rule) for index, rule in enumerate(profile.causes)]
        self._operations: deque[tuple[Operation, list[Key]]] = deque()
        self._by_number: dict[int, Operation] = {}
        self._index: dict[Key, deque[Operation]] = {}

    def observe(self, entry: Entry) -> None:
        """Remember an entry if it can be a cause; call it in the order of completion."""
        if isinstance(entry, Exchange) and entry.response is not None:
            operation = Operation.of_exchange(entry, self._profile)
            self._remember(operation, list(self._exchange_keys(entry, operation)))
        elif isinstance(entry, Publish) and entry.successful:
            self._remember(Operation.of_publish(entry), list(_publish_keys(entry)))

    def cause_of(self, event: Event) -> Cause | None:
        """The cause of an event, or None where nothing observed explains it.

        Ask once for each event: an outcome that comes once is then ticked off.
        """
        return self._by_identity(event) or self._by_publish(event) or self._by_rule(event)

    def confirm(self, event: Event, number: int) -> None:
        """Take note that an event's cause is known to be the entry `number`."""
        operation = self._by_number.get(number)
        if operation is not None:
            operation.caused.add(("publish", event.session))
            self._tick_off(event, operation)

    # What is remembered.

    def _remember(self, operation: Operation, keys: list[Key]) -> None:
        if not keys:
            return
        for key in keys:
            self._index.setdefault(key, deque(maxlen=_PER_KEY)).append(operation)
        self._operations.append((operation, keys))
        self._by_number[operation.number] = operation
        while len(self._operations) > MAX_OPERATIONS:
            oldest, old_keys = self._operations.popleft()
            self._by_number.pop(oldest.number, None)
            for key in old_keys:
                held = self._index.get(key)
                if held and held[0] is oldest:
                    held.popleft()
                if not held:
                    self._index.pop(key, None)

    def _exchange_keys(self, entry: Exchange, operation: Operation) -> Iterator[Key]:
        assert entry.response is not None
        answered = operation.response_json, entry.response.headers
        for found in (
            *identities_of_response(self._profile, *answered),
            *identities_of_request(self._profile, entry.request, operation.request_json),
        ):
            if found.issued and isinstance(found.value, str | int):
                yield ("identity", found.kind.name, found.value)
        if operation.name is None or entry.response.status >= 400:
            return
        for rule in self._rules:
            if rule.allows(operation):
                for term in rule.first_terms(operation):
                    yield ("rule", rule.index, term)

    # How a cause is found.

    def _by_identity(self, event: Event) -> Cause | None:
        for found in identities_of_event(self._profile, event.data):
            if isinstance(found.value, str | int):
                issuers = self._index.get(("identity", found.kind.name, found.value), ())
                best = self._best_issuer(event, issuers)
                if best is not None:
                    self._tick_off(event, best)
                    whose = "the same" if best.session == event.session else "another"
                    return Cause(best.number, f"{found.kind.name} of {whose} session")
        return None

    def _best_issuer(self, event: Event, issuers: Iterable[Operation]) -> Operation | None:
        # Two sessions count from 1 each, so equal identities meet: what event and request both
        # speak of decides first, then whose identity it is, then which is the latest.
        about = terms(value for path in self._profile.subjects for value in path.values(event.data))
        best: tuple[tuple[bool, bool, int], Operation] | None = None
        for operation in issuers:
            if not _began_before(operation, event):
                continue
            agrees = bool(about) and not about.isdisjoint(operation.everything())
            own = operation.session == event.session
            if agrees or own or _within(operation, event, _ELSEWHERE_S):
                rank = (agrees, own, operation.number)
                if best is None or rank > best[0]:
                    best = (rank, operation)
        return None if best is None else best[1]

    def _by_publish(self, event: Event) -> Cause | None:
        for key, rule in _echo_keys(event):
            for operation in self._index.get(key, ()):
                once = ("publish", event.session)
                if once not in operation.caused and _within(operation, event, _ELSEWHERE_S):
                    operation.caused.add(once)
                    return Cause(operation.number, rule)
        return None

    def _by_rule(self, event: Event) -> Cause | None:
        for rule in self._rules:
            if rule.takes(event):
                operation = self._best_by_rule(rule, event)
                if operation is not None:
                    if rule.rule.once is not None:
                        operation.caused.add((rule.rule.once, event.session))
                    return Cause(operation.number, rule.rule.name)
        return None

    def _best_by_rule(self, rule: _Rule, event: Event) -> Operation | None:
        # Outcomes that come once come in the order of their operations; of operations that can
        # have any number of effects the latest is the likeliest. One's own come first.
        best: tuple[tuple[bool, int, int], Operation] | None = None
        for term in rule.event_terms(event):
            for operation in self._index.get(("rule", rule.index, term), ()):
                own = operation.session == event.session
                odd = rule.oddness(operation, event)
                if odd is None or not (own or rule.rule.session == "any"):
                    continue
                order = operation.number if rule.rule.once is None else -operation.number
                rank = (own, -odd, order)
                if best is None or rank > best[0]:
                    best = (rank, operation)
        return None if best is None else best[1]

    def _tick_off(self, event: Event, operation: Operation) -> None:
        """An outcome that named its cause is not awaited once more without the name."""
        for rule in self._rules:
            if rule.rule.once is not None and rule.allows(operation) and rule.takes(event):
                operation.caused.add((rule.rule.once, event.session))


@dataclass(frozen=True, slots=True)
class _Rule:
    """A profile's rule, made ready."""

    index: int
    rule: CauseRule
    operations: re.Pattern[str]
    same: tuple[tuple[TypedPath, tuple[RequestPart, ...]], ...]

    @classmethod
    def of(cls, index: int, rule: CauseRule) -> _Rule:
        patterns = (".*".join(map(re.escape, name.split("*"))) for name in rule.operations)
        same = tuple((path, tuple(map(RequestPart.parse, parts))) for path, parts in rule.same)
        return cls(index, rule, re.compile("|".join(patterns)), same)

    def takes(self, event: Event) -> bool:
        """Whether this rule is about such an event."""
        channel = self.rule.channel
        if channel is not None and channel != event.channel and not matches(channel, event.channel):
            return False
        return _holds(self.rule.event, event.data, absent=False)

    def allows(self, operation: Operation) -> bool:
        """Whether this rule is about such an operation."""
        if operation.name is None or self.operations.fullmatch(operation.name) is None:
            return False
        return _holds(self.rule.answer, operation.response_json, absent=True)

    def first_terms(self, operation: Operation) -> set[Term]:
        """What operations are looked up by: the first thing they share with their events."""
        if not self.same:
            return {operation.session}
        return {term for part in self.same[0][1] for term in operation.part(part)}

    def event_terms(self, event: Event) -> set[Term]:
        """The same of an event."""
        return terms(self.same[0][0].values(event.data)) if self.same else {event.session}

    def oddness(self, operation: Operation, event: Event) -> int | None:
        """None if the operation cannot be the cause, else how much of it the event is silent on."""
        once = self.rule.once
        if once is not None and (once, event.session) in operation.caused:
            return None
        if not _within(operation, event, self.rule.within_s):
            return None
        odd = 0
        for path, parts in self.same:
            said = terms(path.values(event.data))
            if said and all(said.isdisjoint(operation.part(part)) for part in parts):
                return None
            if not said:  # a group's copy of a workbin, say, of which the event says nothing
                odd += any(part.form != "path" and operation.part(part) for part in parts)
        return odd


def infer_causes(cassette: Cassette, profile: Profile) -> Cassette:
    """The cassette with a cause for every event: a number, or `spontaneous`.

    An event that overtook its cause's answer finds it when that answer comes. Causes that are
    written down stay and are checked: the entry is there, is something a client did, and began no
    later than the event was seen. Raises CassetteError.
    """
    by_number = {entry.number: entry for entry in cassette.entries}
    finder = CauseFinder(profile)
    causes: dict[int, int] = {}
    open_events: deque[Event] = deque(maxlen=256)
    for entry in cassette.entries:
        if isinstance(entry, Event):
            if isinstance(entry.cause, int):
                _check_written(entry, by_number.get(entry.cause))
                finder.confirm(entry, entry.cause)
            elif entry.cause is None:
                cause = finder.cause_of(entry)
                if cause is not None:
                    causes[entry.number] = cause.number
                else:
                    open_events.append(entry)
            continue
        finder.observe(entry)
        for event in [event for event in open_events if _may_have_overtaken(event, entry)]:
            cause = finder.cause_of(event)
            if cause is not None:
                causes[event.number] = cause.number
                open_events.remove(event)
    return replace(cassette, entries=tuple(_with_cause(one, causes) for one in cassette.entries))


def _with_cause(entry: Entry, causes: dict[int, int]) -> Entry:
    if isinstance(entry, Event) and entry.cause is None:
        return replace(entry, cause=causes.get(entry.number, "spontaneous"))
    return entry


def _check_written(event: Event, cause: Entry | None) -> None:
    if cause is None:
        what = f"its cause {event.cause} is no entry of this cassette"
    elif isinstance(cause, Event):
        what = f"its cause {event.cause} is an event itself"
    elif None not in (event.at_s, cause.at_s) and not _precedes(cause.at_s, event.at_s):
        what = f"its cause {event.cause} began later ({cause.at_s} s) than it was seen"
    else:
        return
    raise CassetteError(
        f"the event on {event.channel} cannot be: {what}",
        hint="name the number of the exchange or publish that causes it, write `spontaneous`, or "
        "leave `cause` out to have it inferred",
        reason="bad_cause",
        entry=event.number,
    )


def _may_have_overtaken(event: Event, entry: Entry) -> bool:
    if isinstance(entry, Exchange):
        ended_s = None if entry.at_s is None else entry.at_s + (entry.took_s or 0.0)
    elif isinstance(entry, Publish):
        ended_s = entry.at_s
    else:
        return False
    if event.at_s is None or ended_s is None:
        return False  # written by hand: entries stand in their order
    return ended_s - event.at_s <= _OVERTAKING_S


def _precedes(earlier_s: float | None, later_s: float | None) -> bool:
    return earlier_s is None or later_s is None or earlier_s <= later_s + _CLOCK_S


def _began_before(operation: Operation, event: Event) -> bool:
    return _precedes(operation.began_s, event.at_s)


def _within(operation: Operation, event: Event, limit_s: float) -> bool:
    if operation.ended_s is None or event.at_s is None:
        return True
    return _began_before(operation, event) and event.at_s - operation.ended_s <= limit_s


def _holds(conditions: Sequence[Condition], value: Json, *, absent: bool) -> bool:
    for path, allowed in conditions:
        found = path.values(value)
        if not found and absent:
            continue
        if not any(one == other and type(one) is type(other) for one in found for other in allowed):
            return False
    return True


def _publish_keys(entry: Publish) -> Iterator[Key]:
    yield ("echo", entry.channel, _fingerprint(entry.data))
    if entry.channel.startswith("/service/"):
        yield ("service", entry.session, entry.channel)
        if entry.message_id is not None:
            yield ("remote call", entry.session, entry.channel, entry.message_id)


def _echo_keys(event: Event) -> Iterator[tuple[Key, str]]:
    if event.channel.startswith("/service/"):  # answers its sender only
        if event.message_id is not None:
            key = ("remote call", event.session, event.channel, event.message_id)
            yield key, "answer to a remote call"
        yield ("service", event.session, event.channel), "answer of a service"
    else:
        yield ("echo", event.channel, _fingerprint(event.data)), "echo of a publish"


def _fingerprint(value: Json) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest() if len(text) > 64 else text
