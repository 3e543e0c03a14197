"""Deadlines, cancelled lazily."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cometape.core.bayeux.timers import Timers


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=300))
def test_what_is_not_cancelled_comes_due_in_order(plan: list[tuple[int, bool]]) -> None:
    timers: Timers[int] = Timers()
    made = [timers.schedule(float(at_s), number) for number, (at_s, _) in enumerate(plan)]
    for timer, (_, cancelled) in zip(made, plan, strict=True):
        if cancelled:
            timers.cancel(timer)
    expected = sorted(
        (at_s, number) for number, (at_s, cancelled) in enumerate(plan) if not cancelled
    )
    assert len(timers) == len(expected)
    assert timers.next_s() == (expected[0][0] if expected else None)
    found = []
    for now_s in range(21):
        while (item := timers.pop_due(float(now_s))) is not None:
            found.append((now_s, item))
    assert found == expected
    assert timers.next_s() is None


def test_the_heap_does_not_fill_with_cancelled_timers() -> None:
    timers: Timers[int] = Timers()
    for number in range(10_000):
        timers.cancel(timers.schedule(1e9, number))
    assert len(timers) == 0
    assert len(timers._heap) < 200
