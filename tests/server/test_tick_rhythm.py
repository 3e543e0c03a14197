"""Little that is due is given at once; much that is due is given together."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cometape.server.tick_rhythm import (
    CLOSE_S,
    CROWD,
    CROWDED_REST_S,
    FAULTY_REST_S,
    REST_S,
    TickRhythm,
)

ROUNDING_S = 1e-9


def ticks(dues: list[float]) -> tuple[TickRhythm, list[float]]:
    """What the rhythm makes of things due at these times: when it lets a tick come, each time."""
    rhythm, came = TickRhythm(), []
    waiting = sorted(dues)
    while waiting:
        now_s = max(waiting[0], rhythm.rests_until_s)
        rhythm.ticked(waiting[0], now_s)
        waiting = [due for due in waiting if due > now_s]
        came.append(now_s)
    return rhythm, came


def test_what_is_due_now_and_then_is_given_when_it_is_due() -> None:
    dues = [number * 1.5 * CLOSE_S for number in range(100)]
    rhythm, came = ticks(dues)
    assert came == dues
    assert not rhythm.is_crowded


def test_a_few_that_are_due_one_after_the_other_are_given_as_if_they_were_alone() -> None:
    dues = [number * 1.2 * REST_S for number in range(CROWD)]
    assert ticks(dues)[1] == dues


def test_of_many_that_are_due_one_after_the_other_several_are_given_together() -> None:
    rhythm, came = ticks([number * REST_S / 2 for number in range(1000)])
    assert rhythm.is_crowded
    gaps = [later - earlier for earlier, later in pairwise(came)]
    assert min(gaps[CROWD:]) >= CROWDED_REST_S - ROUNDING_S
    assert len(came) < 1.2 * 1000 * REST_S / 2 / CROWDED_REST_S + CROWD


def test_a_crowd_outlasts_one_pause_and_no_long_one() -> None:
    crowd = [number * REST_S / 2 for number in range(100)]
    rhythm, _ = ticks([*crowd, crowd[-1] + 3 * CROWDED_REST_S])
    assert rhythm.is_crowded
    rhythm, _ = ticks([*crowd, *(crowd[-1] + n * 3 * CROWDED_REST_S for n in (1, 2))])
    assert not rhythm.is_crowded


@given(st.lists(st.integers(0, 200), min_size=1, max_size=200))
def test_nothing_is_given_early_twice_or_much_too_late(times: list[int]) -> None:
    dues = [time * REST_S / 4 for time in times]
    _, came = ticks(dues)
    for due in dues:
        given_s = min(now_s for now_s in came if now_s >= due)
        assert given_s <= due + CROWDED_REST_S + ROUNDING_S
    for earlier, later in pairwise(came):
        assert later >= earlier + REST_S - ROUNDING_S


def test_after_a_tick_that_failed_comes_a_long_rest() -> None:
    rhythm = TickRhythm()
    rhythm.failed(7.0)
    assert rhythm.rests_until_s == 7.0 + FAULTY_REST_S
