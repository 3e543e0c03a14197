"""The least of all sums of the first few numbers, against adding them up."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from cometape.core.playbook.lowest_sum import LowestSum

numbers = st.lists(st.integers(-50, 50), min_size=1, max_size=40)
changes = st.lists(st.tuples(st.integers(0, 39), st.integers(-50, 50)), max_size=60)


@given(numbers, changes, st.integers(0, 40), st.integers(0, 40), st.integers(0, 60))
def test_it_knows_the_sums_whatever_changes(
    given_numbers: list[int], changed: list[tuple[int, int]], start: int, end: int, above: int
) -> None:
    known, tree = list(given_numbers), LowestSum(given_numbers)
    for at, more in changed:
        known[at % len(known)] += more
        tree.add(at % len(known), more)
        if more % 3 == 0:
            tree.least()
    sums = list(accumulate(known))
    limit = min(sums) + above
    low = [at for at, total in enumerate(sums) if total <= limit]
    assert tree.least() == min(sums)
    assert tree.least(max(1, end)) == min(sums[: max(1, end)])
    assert tree.first(limit, start) == next((at for at in low if at >= start), None)
    assert tree.last(limit, start, end) == next(
        (at for at in reversed(low) if start <= at < end), None
    )


@given(numbers, changes)
def test_a_copy_goes_its_own_way(given_numbers: list[int], changed: list[tuple[int, int]]) -> None:
    tree = LowestSum(given_numbers)
    copy = tree.copy()
    for at, more in changed:
        copy.add(at % len(given_numbers), more)
    copy.least()
    assert tree.least() == min(accumulate(given_numbers))
