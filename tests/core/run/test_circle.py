"""A circle keeps all that are active, the latest that have finished, and their order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from cometape.core.run.circle import MAX_FINISHED, Circle, newest_of_several
from cometape.core.run.live_client import LiveClient


def client(number: int, *, finished: bool) -> LiveClient:
    return cast("LiveClient", SimpleNamespace(number=number, finished=finished))


@given(st.integers(0, 600), st.integers(1, 400))
def test_whoever_is_active_stays_and_of_the_finished_the_latest(active: int, finished: int) -> None:
    circle = Circle()
    for number in range(active):
        circle.join(client(number, finished=False))
    for number in range(active, active + finished):
        circle.join(client(number, finished=True))
    numbers = [one.number for one in circle]
    assert numbers == sorted(numbers)
    assert numbers[:active] == list(range(active))
    latest = list(range(active, active + finished))[-MAX_FINISHED:]
    assert numbers[-len(latest) :] == latest
    assert len(circle) <= active + 2 * MAX_FINISHED + active // 8


def test_one_of_many_active_clients_is_not_looked_at_each_time_somebody_comes() -> None:
    looks = 0

    class Watched:
        @property
        def finished(self) -> bool:
            nonlocal looks
            looks += 1
            return False

    circle = Circle()
    for _ in range(10_000):
        circle.join(cast("LiveClient", Watched()))
    assert looks < 12 * 10_000


people = st.builds(
    SimpleNamespace,
    finished=st.booleans(),
    keeps_cookies=st.booleans(),
    client_ids=st.sampled_from([(), ("c",), ("c", "d")]),
)


@given(st.lists(people, max_size=12))
def test_the_newest_of_several_is_the_last_active_one_where_two_have_a_session(
    clients: list[Any],
) -> None:
    active = [one for one in clients if not one.finished and not one.keeps_cookies]
    several = sum(bool(one.client_ids) for one in active) >= 2
    assert newest_of_several(clients) is (active[-1] if several else None)
