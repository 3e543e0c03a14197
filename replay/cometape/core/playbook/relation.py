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
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from cometape.core.json_value import Json

from .columns import Column
from .concerns import Concerns, Holding
from .lowest_sum import LowestSum
from .matching import Shape
from .playbook_index import PlaybookIndex

UNIT = 1 << 24
"""What an operation counts that is related to nothing; whole numbers, so that sums are exact."""
EQUALLY_NEAR = 64
"""Distances that differ by no more are equal: shares of a unit are rounded."""
RELATED = 64.0
"""How much more a fact counts that concerns just what a read asks for."""
SHARED = 0.4
"""What all events of one operation count together, the operation being 1: when they disagree, the
operation decides."""
SPONTANEOUS = 0.9
COMMON = 64
"""How many facts may speak of an id, whatever share of all that is."""
COMMON_SHARE = 8
"""What more than an eighth of all facts speak of, in a large cassette, says nothing about any."""

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


def exactly(path: Sequence[str]) -> str:
    """The token of what is about just this path."""
    return "=" + "/".join(path)


def beginning(path: Sequence[str]) -> str:
    """The token of what is about a path that begins so and goes on."""
    return "<" + "/".join(path)


def named(an_id: str) -> str:
    """The token of what is about an id."""
    return "#" + an_id


class Weights:
    """How much each fact counts for one read: as much as for any, and more where it is related."""

    __slots__ = ("_more", "_related", "_sums", "_sums_of_more", "concerns")

    def __init__(self, sums: Column, more: Mapping[int, int], concerns: Concerns) -> None:
        """`sums` is what the facts before each count unrelated, `more` what some count more."""
        self.concerns = concerns
        self._sums = sums
        self._more = more
        self._related = sorted(more)
        self._sums_of_more = [0, *accumulate(more[fact] for fact in self._related)]

    def __getitem__(self, fact: int) -> int:
        return self._sums[fact + 1] - self._sums[fact] + self._more.get(fact, 0)

    def between(self, start: int, end: int) -> int:
        """What the facts from `start` to before `end` count together."""
        first, last = bisect_left(self._related, start), bisect_left(self._related, end)
        more = self._sums_of_more[last] - self._sums_of_more[first]
        return self._sums[end] - self._sums[start] + more


class Relations:
    """How the facts of a cassette relate to its reads."""

    def __init__(self, index: PlaybookIndex) -> None:
        self._index = index
        self._total = index.subjects + 1

    def weights(self, asked: Subject, answered: Iterable[int]) -> Weights:
        """How much each fact counts for a read: what it asks for, and the tokens in its answers."""
        index = self._index
        strengths: dict[int, float] = {}
        path = asked.path
        for length in range(1, len(path) + 1):
            start = index.tokens.find(exactly(path[:length]))
            if start is not None:
                self._relate(strengths, start, length / len(path))
        longer = index.tokens.find(beginning(path)) if path else None
        for group in index.token_groups[longer] if longer is not None else ():
            strength = len(path) / index.fact_paths[group]
            strengths[group] = max(strengths.get(group, 0.0), strength)
        named_ids = (index.tokens.find(named(an_id)) for an_id in asked.ids)
        ids = [(token, 1.0) for token in named_ids if token is not None]
        ids += [(token, 0.5) for token in answered]
        for token, share in ids:
            self._relate(strengths, token, share * self._rarity(token))
        spoken_of = [token for token, _ in ids if self._rarity(token) > 0.0]
        sums = index.fact_sums
        more = {
            fact: round(RELATED * strength**2 * (sums[fact + 1] - sums[fact]))
            for group, strength in strengths.items()
            for fact in index.group_facts[group]
        }
        return Weights(sums, more, Concerns(index, more, spoken_of))

    def _relate(self, strengths: dict[int, float], token: int, strength: float) -> None:
        if strength > 0.0:
            for group in self._index.token_groups[token]:
                if strength > strengths.get(group, 0.0):
                    strengths[group] = strength

    def _rarity(self, token: int) -> float:
        """1 for an id that one fact alone speaks of, near 0 for one that all speak of."""
        often = self._index.token_groups.length(token)
        if often > COMMON and often * COMMON_SHARE > self._total:
            return 0.0
        return math.log(self._total / often) / math.log(self._total)


class NearestState:
    """Of the recorded states of one read, the one nearest to what a run has done.

    A state is the number of facts that came before. The distance is the weight of the facts that
    are in one and not in the other; with every fact that happens it changes by the same amount for
    all states before the fact, and for all after it: so distances are sums of steps, and finding
    the least takes the logarithm of the number of states.
    """

    def __init__(self, states: Iterable[int], weights: Weights) -> None:
        self._states = sorted(set(states))
        self._weights = weights
        self._happened = 0
        self._last: int | None = None
        self._holding: Holding | None = None
        """What holds of that which concerns the read, once something came again."""
        self._reached: int | None = None
        """Since an operation that concerns the read came again: of what came from then on, what was
        recorded last."""
        self.begun_anew = 0
        """How often one did of whose kind nothing that came later was left."""
        bounds = [0, *self._states]
        self._distances = LowestSum([weights.between(*pair) for pair in pairwise(bounds)])
        """By the steps: how the distance of each state differs from that of the one before it."""

    def copy(self) -> NearestState:
        """One that goes on by itself; of a read of which nothing came again yet."""
        assert self._holding is None
        other = object.__new__(NearestState)
        other._states, other._weights = self._states, self._weights
        other._happened, other._last = self._happened, self._last
        other._holding, other._reached, other.begun_anew = None, None, 0
        other._distances = self._distances.copy()
        return other

    def happened(self, fact: int) -> None:
        """A fact is now one of the run's; each is told once."""
        self._count(fact, 1)
        self._last = fact

    def keep_track(self, facts: Iterable[int]) -> None:
        """From now on facts come again: `came` is told of them. `facts` are those so far."""
        if self._holding is None:
            self._holding = Holding(self._weights.concerns)
            for fact in filter(self._weights.concerns.concerned, facts):
                self._holding.add(fact)

    def came(self, fact: int, *, is_first: bool, is_operation: bool, again: bool) -> None:
        """A fact came, whether or not `again`; it `is_first` told of here.

        Of the times it came the last one alone need be told.
        """
        assert self._holding is not None
        if self._weights.concerns.concerned(fact):
            if is_operation:
                taken, restored = self._holding.rewind(fact, again=again)
                for one in taken:
                    self._count(one, -1)
                for one in restored:
                    self._count(one, 1)
            is_first = self._holding.add(fact)
            if is_operation and again:
                self._reached = fact
                self.begun_anew += self._holding.last == fact
        if self._reached is not None:
            self._reached = max(self._reached, fact)
        if is_first:
            self._count(fact, 1)
        self._last = fact

    def best(self) -> int:
        """The nearest state.

        Of equally near ones, one that has the run's last fact is taken, then the one with the
        nearest number of facts, then the earliest. Once an operation that concerns the read came
        again, none is looked at after the first one that has all that concerns it and all that
        came since: those have only what came before and, being unrelated, was not taken back.
        """
        states, distances = self._states, self._distances
        end = len(states)
        if self._reached is not None and self._holding is not None:
            end = min(end, bisect_right(states, max(self._reached, self._holding.last)) + 1)
        near = distances.least(end) + EQUALLY_NEAR
        least = 0 if self._last is None else bisect_right(states, self._last)
        nearest = distances.first(near, least)
        if nearest is None or nearest >= end:
            least = 0
        middle = min(max(least, bisect_left(states, self._happened)), end)
        found = (distances.first(near, middle), distances.last(near, least, middle))
        close = [at for at in found if at is not None and at < end]
        return min((states[at] for at in close), key=self._difference)

    def _difference(self, state: int) -> tuple[int, int]:
        return abs(state - self._happened), state

    def _count(self, fact: int, sign: int) -> None:
        """A fact is one of the run's (1), or no longer (-1)."""
        weight = sign * self._weights[fact]
        after = bisect_right(self._states, fact)
        self._distances.add(0, weight if after else -weight)
        if 0 < after < len(self._states):
            self._distances.add(after, -2 * weight)
        self._happened += sign


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
