"""The nearest recordings of a request that none answers, found without looking at all of them.

Recorded requests are sorted by path, and paths by their segments. Only some dozens of recordings
are then compared down to the body, in a cassette of ten as in one of a hundred thousand.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate, chain, islice
from operator import add

from .matching import Difference, Shape, differences

NEAREST = 3
"""Recordings that are named."""
_SAME_PATH = 48
_OTHER_PATHS = 24
"""Recordings that are compared down to the body: of the same path, and of others, a path each."""
_POSTINGS = 4096
"""Paths looked at by their segments, those with the rarest in common first."""
_LANES = 16
"""Of one path, how many methods and sessions are looked into."""
_LIKE = 0.5
"""Less alike paths are not near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """A recorded request without its body: what tells whether it may be near."""

    number: int
    """Of the first, where just this was recorded more often."""
    session: str
    method: str
    segments: tuple[str, ...]
    times: int = 1
    """How often just this was recorded."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recording that may be what was meant, and in what it differs."""

    head: RequestHead
    shape: Shape
    differences: tuple[Difference, ...]


@dataclass(slots=True)
class _Path:
    """Every recording of one path, by method and session, ascending."""

    segments: tuple[str, ...]
    lanes: dict[tuple[str, str], list[tuple[int, RequestHead]]]


class NearestIndex:
    """Recorded requests by path."""

    def __init__(self, heads: Iterable[RequestHead], shape_of: Callable[[int], Shape]) -> None:
        """`shape_of` gives the whole request of a number, of those that are compared alone."""
        self._shape_of = shape_of
        self._paths: dict[tuple[str, ...], _Path] = {}
        self._postings: dict[tuple[int, str], list[_Path]] = {}
        for head in heads:
            path = self._paths.get(head.segments)
            if path is None:
                path = self._paths[head.segments] = _Path(head.segments, {})
                for key in _keys(head.segments):
                    self._postings.setdefault(key, []).append(path)
            lane = path.lanes.setdefault((head.method, head.session), [])
            insort(lane, (head.number, head), key=lambda one: one[0])

    def nearest(self, live: Shape, session: str, around: int = 0) -> tuple[Candidate, ...]:
        """The recordings that come nearest: by method, then path, then query, then body.

        Of equals those of the own session go first, then the earliest. One with the very path
        but another method is among them where there is one. `around` is the entry that was
        played last: of many recordings of one path those that come next are compared.
        """
        found: list[tuple[tuple[object, ...], Candidate]] = []
        for head in self._heads(live, session, around):
            likeness = path_likeness(head.segments, live.segments)
            if likeness < _LIKE:
                continue
            shape = self._shape_of(head.number)
            differ = differences(shape, live)
            rank = (
                head.method != live.method,
                -likeness,
                sum(one.facet == "query" for one in differ),
                sum(one.facet == "body" for one in differ),
                head.session != session,
                head.number,
            )
            found.append((rank, Candidate(head, shape, tuple(differ))))
        ranked = [candidate for _, candidate in sorted(found, key=lambda pair: pair[0])]
        first = ranked[:NEAREST]
        if not any(one.head.segments == live.segments for one in first):
            verb = next((one for one in ranked if one.head.segments == live.segments), None)
            first = [*first[: NEAREST - 1], verb] if verb is not None else first
        return tuple(first)

    def _heads(self, live: Shape, session: str, around: int) -> Iterator[RequestHead]:
        """Recordings worth comparing, a bounded number."""
        same = self._paths.get(live.segments)
        if same is not None:
            yield from _some(same, live.method, session, around, _SAME_PATH)
        for path in self._similar(live.segments):
            if path is not same:
                yield from _some(path, live.method, session, around, 2)

    def _similar(self, segments: Sequence[str]) -> list[_Path]:
        """The paths that have most segments in common, by position from either end."""
        lists = [self._postings[key] for key in _keys(segments) if key in self._postings]
        lists.sort(key=len)
        votes: Counter[int] = Counter()
        paths: dict[int, _Path] = {}
        for path in islice(chain.from_iterable(lists), _POSTINGS):
            votes[id(path)] += 1
            paths[id(path)] = path
        wanted = len(segments)
        order = sorted(
            paths.values(), key=lambda path: abs(len(path.segments) - wanted) - votes[id(path)]
        )
        likely = order[: 4 * _OTHER_PATHS]
        likely.sort(key=lambda path: -path_likeness(path.segments, segments))
        return likely[:_OTHER_PATHS]


def path_likeness(one: Sequence[str], other: Sequence[str]) -> float:
    """1 for equal paths, by segments: each differing one counts by how unlike its texts are.

    Of paths of different lengths the beginnings and the ends are compared, split where that fits
    best: `/users/U1/workbins/W1` is `/workbins/W1` with two segments more.
    """
    if one == other:
        return 1.0
    mine, theirs = one[1:], other[1:]
    total = max(len(mine), len(theirs))
    if not total:
        return 0.0
    forward = [0.0, *accumulate(map(_segment_likeness, mine, theirs))]
    if len(mine) == len(theirs):
        return min(forward[-1] / total, 0.99)
    backward = [0.0, *accumulate(map(_segment_likeness, reversed(mine), reversed(theirs)))]
    best: float = max(map(add, forward, reversed(backward)))
    return min(best / total, 0.99)


def _segment_likeness(one: str, other: str) -> float:
    if one == other:
        return 1.0
    if len(one) >= 100 or len(other) >= 100:
        return 0.0
    return 0.5 * SequenceMatcher(None, one, other, autojunk=False).ratio()


def _keys(segments: Sequence[str]) -> Iterator[tuple[int, str]]:
    """By what a path is found: its segments, counted from the beginning and from the end."""
    for at, segment in enumerate(segments[1:], 1):
        yield at, segment
        yield at - len(segments), segment


def _some(path: _Path, method: str, session: str, around: int, most: int) -> Iterator[RequestHead]:
    """Some recordings of a path, from each method and session those that follow `around`."""
    lanes = sorted(
        path.lanes.items(), key=lambda item: (item[0][0] != method, item[0][1] != session)
    )[:_LANES]
    each = max(2, most // max(1, len(lanes)))
    left = most
    for _, lane in lanes:
        at = bisect_left(lane, around, key=lambda one: one[0])
        start = max(0, min(at - each // 4, len(lane) - each))
        for _, head in lane[start : start + min(each, left)]:
            left -= 1
            yield head
        if left <= 0:
            return
