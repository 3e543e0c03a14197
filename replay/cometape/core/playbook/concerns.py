"""What is taken back when an operation comes again, of what concerns one read.

A client may loop over what was recorded once: an item is added and pulled, and added again. Then
the pull no longer holds, until it comes again as well. What a repeat takes back was recorded after
it, and speaks of nothing that the repeated operation does not speak of, as far as the read is
concerned: an item pulled out of a workbin stays pulled when somebody subscribes to that workbin
once more. What was taken back holds again when it comes again itself, or when an operation comes
that was recorded after it and speaks of as much: then that has been reached in another way.

So whether a fact holds depends only on when each came last.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Collection, Iterable

from .playbook_index import PlaybookIndex

Ids = tuple[int, ...]
"""Tokens of the ids that a fact speaks of and a read is about, ascending."""
_FEW = 16
"""So many numbers are put into a list, or taken out of it, one by one."""


class Concerns:
    """Of one read: the facts that concern it, and which of its ids each speaks of.

    An operation speaks of what its answer and its events speak of. Where no fact concerns the read,
    all are taken to.
    """

    __slots__ = ("_facts", "_filed", "_ids", "_index", "_tokens")

    def __init__(self, index: PlaybookIndex, facts: Collection[int], tokens: Iterable[int]) -> None:
        """`tokens` are of the ids that the read is about; looked up when first asked for."""
        self._index = index
        self._facts = facts
        self._tokens = sorted(set(tokens))
        self._ids: dict[int, Ids] | None = None
        """By group of facts; one that speaks of none is not in it."""
        self._filed: dict[int, list[Ids]] = {}
        """By the id that the fewest have, so that few are looked at."""

    def concerned(self, fact: int) -> bool:
        """Whether a fact concerns the read."""
        return not self._facts or fact in self._facts

    def ids(self, fact: int) -> Ids:
        """Which ids a fact speaks of that the read is about."""
        return self._known().get(self._index.fact_groups[fact], ())

    def within(self, ids: Ids) -> list[Ids]:
        """Those of its facts' ids that have no other id than these."""
        self._known()
        filed = (one for token in ids for one in self._filed.get(token, ()))
        return [(), *(one for one in filed if set(ids).issuperset(one))]

    def _known(self) -> dict[int, Ids]:
        if self._ids is None:
            found: dict[int, list[int]] = {}
            for token in self._tokens:
                for group in self._index.token_groups[token]:
                    found.setdefault(group, []).append(token)
            one_of_each: dict[Ids, Ids] = {}
            self._ids = {
                group: one_of_each.setdefault(tuple(tokens), tuple(tokens))
                for group, tokens in found.items()
            }
            often = Counter(token for ids in one_of_each for token in ids)
            for ids in one_of_each:
                self._filed.setdefault(min(ids, key=often.__getitem__), []).append(ids)
        return self._ids


class Holding:
    """Of the facts of a run that concern one read: those that hold, and those taken back."""

    __slots__ = ("_all", "_concerns", "_gone", "_held")

    def __init__(self, concerns: Concerns) -> None:
        self._concerns = concerns
        self._held: dict[Ids, list[int]] = {}
        self._gone: dict[Ids, list[int]] = {}
        self._all: list[int] = []
        """All that hold; these three are ascending."""

    @property
    def last(self) -> int:
        """The one that was recorded last, of those that hold; -1 where none does."""
        return self._all[-1] if self._all else -1

    def add(self, fact: int) -> bool:
        """One that concerns the read holds from now on; whether it did not yet."""
        ids = self._concerns.ids(fact)
        held, gone = self._held.setdefault(ids, []), self._gone.setdefault(ids, [])
        at = bisect_left(held, fact)
        if held[at : at + 1] == [fact]:
            return False
        held.insert(at, fact)
        insort(self._all, fact)
        at = bisect_left(gone, fact)
        if gone[at : at + 1] == [fact]:
            del gone[at]
        return True

    def rewind(self, operation: int, *, again: bool) -> tuple[list[int], list[int]]:
        """An operation that concerns the read came: what no longer holds, and what holds again.

        When it came `again`, what was recorded after it is taken back. What was recorded before it
        and had been taken back holds once more, for that belongs to the state it leads to.
        """
        taken: list[int] = []
        restored: list[int] = []
        for ids in self._concerns.within(self._concerns.ids(operation)):
            held, gone = self._held.get(ids), self._gone.get(ids)
            if held is None or gone is None:
                continue
            later = bisect_right(held, operation) if again else len(held)
            earlier = bisect_right(gone, operation)
            from_held, from_gone = held[later:], gone[:earlier]
            del held[later:], gone[:earlier]
            _put_in(held, from_gone)
            _put_in(gone, from_held)
            taken += from_held
            restored += from_gone
        _take_out(self._all, taken)
        _put_in(self._all, sorted(restored))
        return taken, restored


def _put_in(numbers: list[int], some: list[int]) -> None:
    """Some ascending numbers into others; looking at all of these only where they are many."""
    if len(some) > _FEW or not numbers:
        numbers += some
        numbers.sort()
    else:
        for one in some:
            insort(numbers, one)


def _take_out(numbers: list[int], some: list[int]) -> None:
    if len(some) > _FEW:
        without = set(some)
        numbers[:] = [one for one in numbers if one not in without]
    else:
        for one in some:
            del numbers[bisect_left(numbers, one)]
