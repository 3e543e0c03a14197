"""Which recorded state a read should show, when operations came in another order than recorded.

What changes the recorded system are *facts*: operations, publishes and events, in recorded order.
A recorded read shows the state after the facts before it. In a run other facts may have happened,
in another order; the best recording of a read is the one whose facts differ least from the run's,
where facts that concern the same thing as the read (they share an id, or a path) count most.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from ..json_value import Json
from .matching import Shape

RELATED = 64.0
"""How much more a fact counts that concerns just what a read asks for."""
CAUSED = 0.4
"""What all events of one operation count together, the operation being 1: when they disagree, the
operation decides."""
SPONTANEOUS = 0.9

_DIGIT = re.compile(r"\d")
_VERSION = re.compile(r"v\d+(\.\d+)*")
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")
_ID_KEY = re.compile(r"(^|[a-z_-])(id|Id|ID)s?$")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request, an answer or an event is about."""

    ids: frozenset[str]
    """Texts that look like ids: path segments, query values, members of JSON."""
    path: tuple[str, ...] = ()

    @classmethod
    def of_shape(cls, shape: Shape) -> Subject:
        """The subject of a request."""
        parts = [*shape.segments, *(value for _, value in shape.query)]
        found = {part for value in parts for part in value.split(",") if _is_short_id(part)}
        return cls(frozenset(found | set(_ids(shape.body))), shape.segments)

    @classmethod
    def of_json(cls, value: Json) -> Subject:
        """The subject of an answer, of published or of pushed data."""
        return cls(frozenset(_ids(value)))

    @classmethod
    def of_body(cls, body: bytes) -> Subject:
        """The subject of an answer's body, where that is JSON."""
        if body.lstrip()[:1] not in (b"{", b"["):
            return NOTHING
        try:
            return cls.of_json(json.loads(body))
        except (ValueError, RecursionError):
            return NOTHING

    @classmethod
    def all_of(cls, subjects: Iterable[Subject]) -> Subject:
        """All of them together; the path is that of the first that has one."""
        found = list(subjects)
        paths = (one.path for one in found if one.path)
        return cls(frozenset().union(*(one.ids for one in found)), next(paths, ()))


NOTHING = Subject(frozenset())


@dataclass(slots=True)
class _Fact:
    group: int
    """Index of the fact whose effect this is: its own, or its cause's."""
    base: float


class Relations:
    """The facts of a cassette, in order, and how they relate to reads."""

    def __init__(self) -> None:
        self._facts: list[_Fact] = []
        self._index: dict[int, int] = {}
        self._parts: dict[int, list[Callable[[], Subject]]] = {}
        """What each group is about, to be found out when it is first asked."""
        self._subjects: dict[int, Subject] = {}
        self._frequency: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, number: int, subject: Callable[[], Subject], *, event: bool = False) -> None:
        """A fact, by its entry number, in recorded order; `subject` tells what it is about."""
        index = self._index[number] = len(self._facts)
        self._facts.append(_Fact(index, SPONTANEOUS if event else 1.0))
        self._parts[index] = [subject]

    def share(self, cause: int, events: Sequence[int]) -> None:
        """Some events are the effects of a cause, at any remove: they are about the same things."""
        group = self._index.get(cause)
        for number in events:
            index = self._index[number]
            if group is not None and index != group:
                self._facts[index] = _Fact(group, CAUSED / len(events))
                self._parts[group] += self._parts.pop(index)

    def index(self, number: int) -> int | None:
        """The place of an entry among the facts; None when it is none."""
        return self._index.get(number)

    def weights(self, asked: Subject, answered: Subject) -> list[float]:
        """How much each fact counts for a read that asks for something and answers something."""
        for group, parts in self._parts.items():
            if group not in self._subjects:
                self._subjects[group] = Subject.all_of(part() for part in parts)
        strengths = {
            group: self._strength(subject, asked, answered)
            for group, subject in self._subjects.items()
        }
        return [fact.base * (1 + RELATED * strengths[fact.group] ** 2) for fact in self._facts]

    def _strength(self, subject: Subject, asked: Subject, answered: Subject) -> float:
        found = _nested(subject.path, asked.path)
        for token in subject.ids & asked.ids:
            found = max(found, self._rarity(token))
        if found < 0.5:
            for token in subject.ids & answered.ids:
                found = max(found, 0.5 * self._rarity(token))
        return found

    def _rarity(self, token: str) -> float:
        """1 for an id that one fact alone speaks of, near 0 for one that all speak of."""
        if self._frequency is None:
            self._frequency = {}
            for subject in self._subjects.values():
                for one in subject.ids:
                    self._frequency[one] = self._frequency.get(one, 0) + 1
        total = len(self._subjects) + 1
        return math.log(total / self._frequency.get(token, 1)) / math.log(total)


class NearestState:
    """Of the recorded states of one read, the one nearest to what a run has done.

    A state is the number of facts that came before. The distance is the weight of the facts that
    are in one and not in the other; with every fact that happens it changes by the same amount for
    all states before the fact, and for all after it.
    """

    def __init__(self, states: Iterable[int], weights: Sequence[float]) -> None:
        self._states = sorted(set(states))
        self._weights = weights
        self._happened = 0
        self._last: int | None = None
        self._steps: list[float] = []
        """How the distance of each state differs from that of the state before it."""
        at = 0
        for state in self._states:
            self._steps.append(sum(weights[at:state]))
            at = state

    def happened(self, fact: int) -> None:
        """A fact is now one of the run's; each is told once."""
        weight = self._weights[fact]
        after = bisect_right(self._states, fact)
        self._steps[0] += weight if after else -weight
        if 0 < after < len(self._states):
            self._steps[after] -= 2 * weight
        self._happened += 1
        self._last = fact

    def best(self) -> int:
        """The nearest state.

        Of equally near ones, one that has the run's last fact is taken, then the one with the
        nearest number of facts, then the earliest.
        """
        distances = list(accumulate(self._steps))
        nearest = min(distances) + 1e-6
        close = [s for s, d in zip(self._states, distances, strict=True) if d <= nearest]
        if self._last is not None:
            close = [state for state in close if state > self._last] or close
        return min(close, key=lambda state: (abs(state - self._happened), state))


def _nested(one: Sequence[str], other: Sequence[str]) -> float:
    """How much of the longer path the shorter one is, when it is the beginning of it."""
    shorter, longer = sorted((one, other), key=len)
    if not shorter or list(longer[: len(shorter)]) != list(shorter):
        return 0.0
    return len(shorter) / len(longer)


def _ids(value: Json, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _ids(child, name)
    elif isinstance(value, list):
        for child in value:
            yield from _ids(child, key)
    elif isinstance(value, str):
        if "/" in value:
            yield from (part for part in value.split("/") if _is_id(part))
        elif _is_id(value):
            yield value
    elif isinstance(value, int) and not isinstance(value, bool) and _ID_KEY.search(key):
        yield str(value)


def _is_id(text: str) -> bool:
    return 3 <= len(text) <= 64 and _is_short_id(text)


def _is_short_id(text: str) -> bool:
    return (
        _DIGIT.search(text) is not None
        and " " not in text
        and _VERSION.fullmatch(text) is None
        and _DATE.fullmatch(text) is None
    )
