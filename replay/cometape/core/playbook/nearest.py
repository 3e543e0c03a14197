"""The nearest recordings of a request that none answers, found without looking at all of them.

Recorded requests are sorted by path. Only some dozens of recordings are then compared down to the
body, in a cassette of ten as in one of a hundred thousand.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import accumulate, islice
from operator import add

from .difference import Difference, Patience, differences
from .matching import Shape

NEAREST = 3
"""Recordings that are named."""
_SAME_PATH = 24
_OTHER_PATHS = 12
"""Recordings that are compared down to the body: of the same path, and paths of others."""
_BESIDE = 16
"""Paths looked at before and after where a path would stand, in either order."""
_LOOKED_AT = 1000
"""Recordings of one path that are looked at for one of the right method or session."""
_LIKE = 0.5
"""Less alike paths are not near."""

_RANKED_BY = 2_000
_TOLD_BY = 50_000
"""Values of two bodies that are compared: to rank a recording, and to tell of one that is named."""

Path = tuple[str, ...]
"""The segments of one."""


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


class NearestIndex:
    """Recorded requests by path, and the paths in order: by how they begin, and by how they end."""

    def __init__(
        self,
        paths: Iterable[tuple[int, Path]],
        head_of: Callable[[int], RequestHead],
        shape_of: Callable[[int], Shape],
    ) -> None:
        """Number and path of every request; the rest is asked of those alone that are compared."""
        self._head_of = head_of
        self._shape_of = shape_of
        self._paths: dict[Path, list[int]] = {}
        """Numbers, ascending."""
        for number, path in paths:
            self._paths.setdefault(path, []).append(number)
        for numbers in self._paths.values():
            numbers.sort()
        self._by_beginning = sorted(self._paths)
        self._by_end = sorted(path[::-1] for path in self._paths)

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
            differ = differences(shape, live, Patience(_RANKED_BY))
            rank = (
                head.method != live.method,
                -likeness,
                sum(one.facet == "query" for one in differ),
                sum(one.facet == "body" for one in differ),
                head.session != session,
                head.number,
            )
            found.append((rank, Candidate(head, shape, differ)))
        ranked = [candidate for _, candidate in sorted(found, key=lambda pair: pair[0])]
        first = ranked[:NEAREST]
        if not any(one.head.segments == live.segments for one in first):
            verb = next((one for one in ranked if one.head.segments == live.segments), None)
            first = [*first[: NEAREST - 1], verb] if verb is not None else first
        return tuple(_looked_at_longer(one, live) for one in first)

    def _heads(self, live: Shape, session: str, around: int) -> Iterator[RequestHead]:
        """Recordings worth comparing, a bounded number."""
        same = self._paths.get(live.segments)
        if same is not None:
            yield from self._some(same, live.method, session, around, _SAME_PATH)
        for path in self._similar(live.segments):
            if path != live.segments:
                yield from self._some(self._paths[path], live.method, session, around, 2)

    def _some(
        self, numbers: Sequence[int], method: str, session: str, around: int, most: int
    ) -> Iterator[RequestHead]:
        """Some recordings of a path: those that follow `around`, and some of the right method.

        A method that nobody used among a thousand is not looked for any longer.
        """
        at = bisect_left(numbers, around)
        start = max(0, min(at - most // 4, len(numbers) - most))
        near = list(map(self._head_of, numbers[start : start + most]))
        yield from near
        if len(near) == len(numbers):
            return
        fits = any((head.method, head.session) == (method, session) for head in near)
        others = map(self._head_of, () if fits else islice(numbers, _LOOKED_AT))
        own = (head for head in others if (head.method, head.session) == (method, session))
        yield from islice(own, most // 4)

    def _similar(self, wanted: Path) -> list[Path]:
        """Paths that begin or end as the wanted one does, the likeliest first."""
        found = dict.fromkeys(_beside(self._by_beginning, wanted))
        found |= dict.fromkeys(path[::-1] for path in _beside(self._by_end, wanted[::-1]))
        return sorted(found, key=lambda path: -path_likeness(path, wanted))[:_OTHER_PATHS]


def _looked_at_longer(candidate: Candidate, live: Shape) -> Candidate:
    """A candidate whose differences were not all found while it was ranked."""
    if not (candidate.differences and candidate.differences[-1].is_rest):
        return candidate
    found = differences(candidate.shape, live, Patience(_TOLD_BY))
    return replace(candidate, differences=found)


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


def _beside(paths: Sequence[Path], wanted: Path) -> Sequence[Path]:
    """The paths before and after the place where the wanted one is, or would be."""
    at = bisect_left(paths, wanted)
    return paths[max(0, at - _BESIDE) : at + _BESIDE + 1]
