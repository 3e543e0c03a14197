"""One order of a plot, as a value: what is other than in a plain replay, and a name that says so.

recorded                 as a plain replay plays it
9-before-7               event 9 comes before answer 7
9-after-12+13            event 9 comes after answer 12 and event 13
11-with-12, 11-apart-12  two events in one poll, or in one each
9-before-7,11-with-12    both
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ..errors import ConfigurationError
from .plot import Plot

Pair = tuple[int, int]
"""Places of two steps, in the order in which they come."""

RECORDED = "recorded"
_PART = re.compile(r"(\d+)-(before|after|with|apart)-(\d+(?:\+\d+)*)")


@dataclass(frozen=True)
class Order:
    """An order of the steps of a plot, and how its events are grouped into polls."""

    plot: Plot
    inverted: tuple[Pair, ...] = ()
    """Dependent steps that come the other way round, sorted: (3, 1) says that `steps[3]` comes
    before `steps[1]`."""
    regrouped: tuple[Pair, ...] = ()
    """Events, one right after the other, that come together though they would not, or apart."""

    @cached_property
    def before(self) -> tuple[int, ...]:
        """For each step, the dependent ones that come before it, as a mask."""
        return preceding(self.plot, self.inverted)

    @cached_property
    def sequence(self) -> tuple[int, ...]:
        """The steps in this order; of independent ones the earlier in a plain replay first."""
        found = sequence_of(self.before)
        assert found is not None
        return found

    @cached_property
    def neighbours(self) -> tuple[Pair, ...]:
        """Events that reach one client one right after the other, in one poll or in two.

        Where another client's step comes after the one and before the other, there is no choice.
        """
        last: dict[str, int] = {}
        found: list[Pair] = []
        steps = self.plot.steps
        for place in self.sequence:
            step = steps[place]
            before = last.get(step.session)
            if (
                before is not None
                and self.plot.is_groupable(before, place)
                and not self._is_between(before, place)
            ):
                found.append((before, place))
            last[step.session] = place
        return tuple(found)

    def _is_between(self, first: int, last: int) -> bool:
        """Whether some step must come after the first and before the last, directly or not."""
        reached = only = 1 << first
        turns = iter(self.sequence)
        while next(turns) != first:
            pass
        for place in turns:
            by = self.before[place] & reached
            if place == last:
                return bool(by & ~only)
            if by:
                reached |= 1 << place
        return False

    @cached_property
    def together(self) -> frozenset[Pair]:
        """Those of them that come in one poll."""
        return frozenset(
            pair
            for pair in self.neighbours
            if self.plot.is_together(*pair) != (pair in self.regrouped)
        )

    @property
    def name(self) -> str:
        """What tells it from every other order of the cassette, and makes it again."""
        numbers = [step.number for step in self.plot.steps]
        parts = []
        left = list(self.inverted)
        for place in cover(self.inverted):
            first = [second for one, second in left if one == place]
            then = [one for one, second in left if second == place]
            left = [pair for pair in left if place not in pair]
            for word, others in (("before", first), ("after", then)):
                if others:
                    told = "+".join(str(numbers[other]) for other in others)
                    parts.append(f"{numbers[place]}-{word}-{told}")
        for one, other in self.regrouped:
            word = "with" if (one, other) in self.together else "apart"
            parts.append(f"{numbers[one]}-{word}-{numbers[other]}")
        return ",".join(parts) or RECORDED

    def __str__(self) -> str:
        """In words: what is other than in a plain replay."""
        steps = self.plot.steps
        lines = [f"{steps[one]} comes before {steps[other]}" for one, other in self.inverted]
        for one, other in self.regrouped:
            how = "in one poll" if (one, other) in self.together else "in two polls"
            lines.append(f"{steps[one]} and {steps[other]} come {how}")
        return "; ".join(lines) or "as recorded"

    @classmethod
    def named(cls, plot: Plot, name: str) -> Order:
        """The order of a name. Raises ConfigurationError where it is none of this cassette."""
        if name == RECORDED:
            return cls(plot)
        inverted: set[Pair] = set()
        regrouped: list[Pair] = []
        words: list[str] = []
        for part in name.split(","):
            found = _PART.fullmatch(part)
            if found is None:
                raise _refused(name, f"{part!r} is no part of a name")
            places = [_place(plot, number, name) for number in found[3].split("+")]
            place = _place(plot, found[1], name)
            for other in places:
                pair = (other, place) if found[2] == "after" else (place, other)
                if found[2] in ("with", "apart"):
                    regrouped.append(pair)
                    words.append(found[2])
                    continue
                _check(plot, pair, name)
                inverted.add(pair)
        order = cls(plot, tuple(sorted(inverted)))
        if sequence_of(order.before) is None:
            raise _refused(name, "it contradicts itself")
        order = cls(plot, order.inverted, tuple(sorted(regrouped)))
        for pair, word in zip(regrouped, words, strict=True):
            if pair not in order.neighbours or (pair in order.together) != (word == "with"):
                raise _refused(name, "two events in it are not grouped so, or always are")
        return order


def preceding(plot: Plot, inverted: Iterable[Pair]) -> tuple[int, ...]:
    """For each step, the dependent ones that come before it: those earlier in a plain replay."""
    before = [mask & ((1 << place) - 1) for place, mask in enumerate(plot.dependent)]
    for first, second in inverted:
        before[first] &= ~(1 << second)
        before[second] |= 1 << first
    return tuple(before)


def sequence_of(before: tuple[int, ...]) -> tuple[int, ...] | None:
    """The places in an order that keeps to `before`, least first; None where there is none."""
    done, found = 0, []
    left = list(range(len(before)))
    while left:
        place = next((one for one in left if not before[one] & ~done), None)
        if place is None:
            return None
        left.remove(place)
        done |= 1 << place
        found.append(place)
    return tuple(found)


def cover(pairs: Iterable[Pair]) -> tuple[int, ...]:
    """The fewest steps one of which is in every pair: those that have moved.

    Of equally few the one found first, trying later steps before earlier ones.
    """
    left = list(pairs)
    best: tuple[int, ...] = tuple({place for pair in left for place in pair})

    def search(rest: list[Pair], chosen: tuple[int, ...]) -> None:
        nonlocal best
        if not rest:
            if len(chosen) < len(best):
                best = chosen
            return
        if len(chosen) + 1 >= len(best):
            return
        counts: dict[int, int] = {}
        for pair in rest:
            for place in pair:
                counts[place] = counts.get(place, 0) + 1
        busiest = max(counts, key=lambda place: (counts[place], place))
        without = [pair for pair in rest if busiest not in pair]
        search(without, (*chosen, busiest))
        both = [a if b == busiest else b for a, b in rest if busiest in (a, b)]
        partners = tuple(dict.fromkeys(both))
        if len(partners) > 1:
            others = [pair for pair in without if not set(pair) & set(partners)]
            search(others, (*chosen, *partners))

    search(left, ())
    return tuple(sorted(best))


def _check(plot: Plot, pair: Pair, name: str) -> None:
    first, second = pair
    if first < second:
        raise _refused(name, f"{plot.steps[first]} comes before that anyway")
    if not plot.dependent[first] >> second & 1:
        raise _refused(name, "it orders two steps whose order no client can tell")
    if plot.must[first] >> second & 1:
        raise _refused(name, f"{plot.steps[first]} cannot come before {plot.steps[second]}")


def _place(plot: Plot, number: str, name: str) -> int:
    place = plot.places.get(int(number))
    if place is None:
        raise _refused(name, f"entry {number} is no answer or event of this cassette")
    return place


def _refused(name: str, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name!r} is no order of this cassette: {what}",
        hint="`cometape explore FILE --list` names the orders there are.",
        reason="bad-order",
    )
