"""Finding which entry caused an event, while entries arrive.

In order of trust: an identity in the event's data that an exchange of the same session issued, then
one of any session; the echo of a publish; the profile's rules for events that carry no correlation
id, within the session; the cause of an equal event that another session got; the rules across
sessions; last the rules by which an event is caused by an earlier one. What nothing recorded
explains is spontaneous.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from cometape.core.places.typed_path import without
from cometape.core.profile.identity_places import (
    IdentityAt,
    identities_of_event,
    identities_of_request,
    identities_of_response,
)
from cometape.core.profile.profile import Condition, Profile

from ..cassette import Entry, Event, Exchange, Publish
from ..json_value import Json
from .cause_rule import PreparedRule, began_before, holds, within
from .operation import Operation, RequestPart, Term, terms

MAX_OPERATIONS = 4096
"""Operations remembered at a time: a cause is some calls before its event, not thousands."""

_PER_KEY = 16
"""Operations remembered that are equal in what is compared first."""

_AHEAD_OF_REPLY_S = 0.25
"""How long before the reply to a publish its events can be seen, seconds: servers write events
first, and a held connect is another connection."""

_ELSEWHERE_S = 30.0
"""How late an equal identity of another session still counts where nothing else agrees, seconds."""

_COPY_S = 1.0
"""How far apart two sessions can see copies of one event, seconds."""

_MAX_COPIES = 1024
"""Events remembered because another session may get a copy."""

_MAX_UNREAD = 64
"""Entries that can be kept for later."""

_MAX_NEWS = 4096
"""Keys that can be kept for `take_news`; those who take them do it after each operation."""

_MAX_NAMES = 1024
"""Names of operations whose rules are remembered; an API has some dozens."""

Key = tuple[str | int | float, ...]
Answer = tuple[Condition, ...]
"""What a rule asks of the answer of an operation."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The entry that caused an event, and how that was found."""

    number: int
    rule: str
    """Name of the profile's rule, or `reference-id of the same session`, `echo of a publish`, …"""


@dataclass(frozen=True, slots=True)
class _Copy:
    """One session's copy of an event whose cause is known."""

    session: str
    at_s: float | None
    cause: int


class CauseFinder:
    """Finds causes while entries arrive; remembers a bounded number of operations."""

    def __init__(self, profile: Profile, *, max_operations: int = MAX_OPERATIONS) -> None:
        self._max_operations = max_operations
        self._profile = profile
        self._rules = [PreparedRule.of(index, rule) for index, rule in enumerate(profile.causes)]
        self._operation_rules = [rule for rule in self._rules if not rule.rule.is_by_event]
        self._event_rules = [rule for rule in self._rules if rule.rule.is_by_event]
        self._tying = {
            kind.name
            for kind in profile.identities
            if any(place.part == "event.data" for place in (*kind.issued, *kind.used))
        }
        # Of all identities, only these tie an event to an exchange, and where they are issued.
        self._issuing = replace(
            profile,
            identities=tuple(
                replace(kind, used=()) for kind in profile.identities if kind.name in self._tying
            ),
        )
        self._parts_by_rules: dict[frozenset[int], tuple[RequestPart, ...]] = {}
        self._rules_by_name: dict[str, list[tuple[Answer, list[int]]]] = {}
        self._unread: deque[Entry] = deque()
        self._operations: deque[tuple[Operation, list[Key]]] = deque()
        self._by_number: dict[int, Operation] = {}
        self._index: dict[Key, list[Operation]] = {}
        """Lists, since nearly all hold one: a deque takes ten times the memory."""
        self._copies: dict[tuple[str, str], deque[_Copy]] = {}
        self._news: set[Key] = set()

    def observe(self, entry: Entry) -> None:
        """Remember an entry if it can be a cause; call it in the order of completion.

        An event is to be observed after it was asked about: it does not cause itself.

        It is looked into when that is needed, or at the next `catch_up`.
        """
        self._unread.append(entry)
        if len(self._unread) > _MAX_UNREAD:
            self.catch_up()

    def catch_up(self) -> None:
        """Look into what was observed: at a moment when nobody waits for it."""
        while self._unread:
            self._read(self._unread.popleft())

    def _read(self, entry: Entry) -> None:
        if isinstance(entry, Exchange) and entry.response is not None:
            operation = Operation.of_exchange(entry, self._profile)
            if operation.name is not None and entry.response.status < 400:
                operation.allowed = frozenset(
                    index
                    for answer, about in self._rules_about(operation.name)
                    if holds(answer, operation.response_json, absent=True)
                    for index in about
                )
            self._remember(operation, list(self._exchange_keys(entry, operation)))
        elif isinstance(entry, Publish) and entry.successful:
            self._remember(Operation.of_publish(entry), list(_publish_keys(entry)))
        elif isinstance(entry, Event):
            about = [rule for rule in self._event_rules if rule.is_set_off_by(entry)]
            if about:
                operation = Operation.of_event(entry)
                operation.allowed = frozenset(rule.index for rule in about)
                self._remember(operation, list(self._rule_keys(operation)))

    def cause_of(self, event: Event, *, last_chance: bool = False) -> Cause | None:
        """The cause of an event, or None where nothing observed explains it.

        Once it is found, do not ask again: an outcome that comes once is then ticked off. As long
        as None comes back one may ask again later: an event that names its cause by an identity
        not seen yet waits for it, until at the `last_chance` something weaker will do.
        """
        self.catch_up()
        identities = list(identities_of_event(self._profile, event.data))
        copies = self._copies_of(event, identities)
        cause = self._find(event, [one for one in identities if _ties(one)], copies, last_chance)
        if cause is not None:
            copies.append(_Copy(event.session, event.at_s, cause.number))
            self._tell_news([("copy", *self._copy_key(event, identities))])
        return cause

    def keys_of(self, event: Event) -> frozenset[Key]:
        """What would explain an event that has no cause yet: `take_news` tells when it has come."""
        identities = list(identities_of_event(self._profile, event.data))
        keys: list[Key] = [
            ("identity", one.kind.name, one.value)
            for one in identities
            if _ties(one) and isinstance(one.value, str | int)
        ]
        keys += [key for key, _ in _echo_keys(event)]
        for rule in self._rules:
            if rule.takes(event):
                keys += [("rule", rule.index, term) for term in rule.event_terms(event)]
        keys.append(("copy", *self._copy_key(event, identities)))
        return frozenset(keys)

    def take_news(self) -> set[Key]:
        """Keys of what was remembered since this was last asked for."""
        news, self._news = self._news, set()
        return news

    def confirm(self, event: Event, number: int) -> None:
        """Take note that an event's cause is known to be the entry `number`."""
        self.catch_up()
        operation = self._by_number.get(number)
        if operation is not None:
            operation.caused.add(("publish", event.session, ""))
            self._tick_off(event, operation)

    # What is remembered.

    def _remember(self, operation: Operation, keys: list[Key]) -> None:
        if not keys:
            return
        operation.compact(self._parts_of(operation.allowed))
        for key in keys:
            held = self._index.get(key)
            if held is None:
                self._index[key] = [operation]
            else:
                held.append(operation)
                if len(held) > _PER_KEY:
                    del held[0]
        self._tell_news(keys)
        self._operations.append((operation, keys))
        self._by_number[operation.number] = operation
        while len(self._operations) > self._max_operations:
            oldest, old_keys = self._operations.popleft()
            self._by_number.pop(oldest.number, None)
            for key in old_keys:
                held = self._index.get(key)
                if held and held[0] is oldest:
                    del held[0]
                if not held:
                    self._index.pop(key, None)

    def _exchange_keys(self, entry: Exchange, operation: Operation) -> Iterator[Key]:
        assert entry.response is not None
        answered = operation.response_json, entry.response.headers
        for found in (
            *identities_of_response(self._issuing, *answered),
            *identities_of_request(self._issuing, entry.request, operation.request_json),
        ):
            if isinstance(found.value, str | int):
                yield ("identity", found.kind.name, found.value)
        yield from self._rule_keys(operation)

    def _rule_keys(self, operation: Operation) -> Iterator[Key]:
        for index in operation.allowed:
            for term in self._rules[index].first_terms(operation):
                yield ("rule", index, term)

    def _parts_of(self, rules: frozenset[int]) -> tuple[RequestPart, ...]:
        """What some rules can ask of an operation."""
        found = self._parts_by_rules.get(rules)
        if found is None:
            asked = (part for index in rules for part in self._rules[index].parts)
            found = self._parts_by_rules[rules] = tuple(dict.fromkeys(asked))
        return found

    def _rules_about(self, name: str) -> list[tuple[Answer, list[int]]]:
        """The indexes of rules about operations of that name, by what they ask of the answer."""
        found = self._rules_by_name.get(name)
        if found is None:
            by_answer: dict[Answer, list[int]] = {}
            for rule in self._rules:
                if rule.is_about(name):
                    by_answer.setdefault(rule.rule.answer, []).append(rule.index)
            found = list(by_answer.items())
            if len(self._rules_by_name) < _MAX_NAMES:
                self._rules_by_name[name] = found
        return found

    def _tell_news(self, keys: Iterable[Key]) -> None:
        if len(self._news) < _MAX_NEWS:  # else nobody takes them
            self._news.update(keys)

    def _copy_key(self, event: Event, identities: Iterable[IdentityAt]) -> tuple[str, str]:
        data = event.data
        for found in identities:  # the copy for others may lack the actor's identities
            data = without(data, found.location)
        return event.channel, _fingerprint(data)

    def _copies_of(self, event: Event, identities: Iterable[IdentityAt]) -> deque[_Copy]:
        key = self._copy_key(event, identities)
        copies = self._copies.pop(key, None) or deque(maxlen=_PER_KEY)
        self._copies[key] = copies
        if len(self._copies) > _MAX_COPIES:
            del self._copies[next(iter(self._copies))]
        return copies

    # How a cause is found.

    def _find(
        self, event: Event, named: list[IdentityAt], copies: Iterable[_Copy], last_chance: bool
    ) -> Cause | None:
        if named:
            cause = self._by_identity(event, named, guess=last_chance)
            if cause is not None or not last_chance:
                return cause
        return (
            self._by_publish(event)
            or self._by_rule(event, own=True)
            or self._by_copy(event, copies)
            or self._by_rule(event, own=False)
            or self._by_rule(event, own=True, by_event=True)
            or self._by_rule(event, own=False, by_event=True)
        )

    def _by_identity(
        self, event: Event, named: Iterable[IdentityAt], *, guess: bool
    ) -> Cause | None:
        for found in named:
            assert isinstance(found.value, str | int)
            issuers = self._index.get(("identity", found.kind.name, found.value), ())
            best = self._best_issuer(event, issuers, guess=guess)
            if best is not None:
                self._tick_off(event, best)
                whose = "the same" if best.session == event.session else "another"
                return Cause(best.number, f"{found.kind.name} of {whose} session")
        return None

    def _best_issuer(
        self, event: Event, issuers: Iterable[Operation], *, guess: bool
    ) -> Operation | None:
        # Two sessions count from 1 each, so equal identities meet: what event and request both
        # speak of decides first, then whose identity it is, then which is the latest.
        about = terms(value for path in self._profile.subjects for value in path.values(event.data))
        best: tuple[tuple[int, bool, int], Operation] | None = None
        for operation in issuers:
            if not began_before(operation, event):
                continue
            agrees = len(about & operation.everything()) if about else 0
            own = operation.session == event.session
            if own or agrees or within(operation, event, _ELSEWHERE_S):
                rank = (agrees, own, operation.number)
                if best is None or rank > best[0]:
                    best = (rank, operation)
        if best is None or not (guess or best[1].session == event.session):
            return None  # the session's own answer with this identity may yet come
        return best[1]

    def _by_publish(self, event: Event) -> Cause | None:
        for key, rule in _echo_keys(event):
            for operation in self._index.get(key, ()):
                once = ("publish", event.session, "")
                if once not in operation.caused and _follows(operation, event):
                    operation.caused.add(once)
                    return Cause(operation.number, rule)
        return None

    def _by_copy(self, event: Event, copies: Iterable[_Copy]) -> Cause | None:
        had = {copy.cause for copy in copies if copy.session == event.session}
        for copy in copies:
            if (
                _near(copy.at_s, event.at_s)
                and copy.session != event.session
                and copy.cause not in had
            ):
                self.confirm(event, copy.cause)
                return Cause(copy.cause, "copy of another session's event")
        return None

    def _by_rule(self, event: Event, *, own: bool, by_event: bool = False) -> Cause | None:
        for rule in self._event_rules if by_event else self._operation_rules:
            if (own or rule.rule.session == "any") and rule.takes(event):
                found = self._best_by_rule(rule, event, own=own)
                if found is not None:
                    operation, term = found
                    if rule.rule.once is not None:
                        operation.caused.add((rule.rule.once, event.session, term))
                    return Cause(operation.number, rule.rule.name)
        return None

    def _best_by_rule(
        self, rule: PreparedRule, event: Event, *, own: bool
    ) -> tuple[Operation, Term] | None:
        # The latest: an older one that still awaits an outcome may have had none to await.
        best: tuple[tuple[int, int], Operation, Term] | None = None
        for term in rule.event_terms(event):
            for operation in self._index.get(("rule", rule.index, term), ()):
                earlier = not rule.rule.is_by_event or operation.number < event.number
                if earlier and (operation.session == event.session) is own:
                    odd = rule.oddness(operation, event, term)
                    rank = (-(odd or 0), operation.number)
                    if odd is not None and (best is None or rank > best[0]):
                        best = (rank, operation, term)
        return None if best is None else best[1:]

    def _tick_off(self, event: Event, operation: Operation) -> None:
        """An outcome that named its cause is not awaited once more without the name."""
        for rule in (self._rules[index] for index in operation.allowed):
            if rule.rule.once is not None and rule.takes(event):
                for term in rule.event_terms(event):
                    operation.caused.add((rule.rule.once, event.session, term))


def _follows(publish: Operation, event: Event) -> bool:
    if publish.ended_s is None or event.at_s is None:
        return True
    return -_AHEAD_OF_REPLY_S <= event.at_s - publish.ended_s <= _ELSEWHERE_S


def _near(one_s: float | None, other_s: float | None) -> bool:
    return one_s is None or other_s is None or abs(one_s - other_s) <= _COPY_S


def _ties(found: IdentityAt) -> bool:
    """Whether an identity in an event says which exchange caused it: one that exchanges issue."""
    return any(place.part != "event.data" for place in found.kind.issued) and isinstance(
        found.value, str | int
    )


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
