"""Which recorded state a read shows, and how long finding it takes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.json_value import Json
from cometape.core.replay.relation import NOTHING, NearestState, Relations, Subject
from scripted import Script, Stage


def distance(state: int, weights: list[float], happened: set[int]) -> float:
    return sum(w for i, w in enumerate(weights) if (i < state) != (i in happened))


def best_state(states: Iterable[int], weights: list[float], happened: Iterable[int]) -> int:
    nearest = NearestState(states, weights)
    for fact in happened:
        nearest.happened(fact)
    return nearest.best()


facts = st.lists(st.floats(0.1, 65), min_size=1, max_size=12)


@given(facts, st.data())
def test_the_best_state_differs_least(weights: list[float], data: Any) -> None:
    count = len(weights)
    happened = data.draw(st.sets(st.integers(0, count - 1)))
    states = data.draw(st.lists(st.integers(0, count), min_size=1))
    best = best_state(states, weights, happened)
    least = min(distance(state, weights, happened) for state in states)
    assert distance(best, weights, happened) == pytest.approx(least)


@given(facts, st.data())
def test_a_run_that_follows_the_recording_sees_the_recording(
    weights: list[float], data: Any
) -> None:
    done = data.draw(st.integers(0, len(weights)))
    states = list(range(len(weights) + 1))
    assert best_state(states, weights, range(done)) == done


def weight_of(asked: Subject, *subjects: Subject, answered: Subject = NOTHING) -> list[float]:
    relations = Relations()
    for number in range(len(subjects)):
        relations.add(number, partial(subjects.__getitem__, number))
    return relations.weights(asked, answered)


def of(path: str, *ids: str) -> Subject:
    return Subject(frozenset(ids), tuple(path.split("/")))


def test_facts_that_concern_what_is_read_count_far_more() -> None:
    own, other = weight_of(of("/bins/b7", "b7"), of("/do", "b7", "u1"), of("/do", "b8", "u1"))
    assert own > 20 * other
    own, other = weight_of(of("/todos"), of("/todos"), of("/users"))
    assert own > 20 * other
    answer = Subject.of_json({"items": [{"id": "item-1"}]})
    own, other = weight_of(of("/all"), of("/x", "item-1"), of("/x", "item-2"), answered=answer)
    assert own > 5 * other


def test_an_id_that_all_speak_of_says_little() -> None:
    asked = of("/users/u1/bins/b7", "u1", "b7")
    own, other = weight_of(asked, of("/a", "u1", "b7"), of("/a", "u1", "b8"))
    assert own > 4 * other


def test_an_operation_is_about_what_its_events_are_about() -> None:
    relations = Relations()
    relations.add(1, lambda: of("/create"))
    relations.add(2, lambda: Subject.of_json({"item": {"id": "item-1"}}), event=True)
    relations.add(3, lambda: of("/create"))
    relations.share(1, [2])
    created, told, other = relations.weights(of("/items/item-1", "item-1"), NOTHING)
    assert created > 20 * other
    assert told < created, "when they disagree the operation decides"


def test_dates_versions_and_words_are_no_ids() -> None:
    value: Json = {
        "date": "2014-04-17T04:03:21Z",
        "day": "2014-04-17",
        "text": "call 2 people",
        "state": "Processing",
        "flag": True,
        "count": 17,
        "id": 42,
        "uri": "http://gws/api/v2/workitems/02F0A",
    }
    assert Subject.of_json(value).ids == {"42", "02F0A"}


def big(requests: int) -> Script:
    script = Script()
    for n in range(requests):
        script.ask("a", "POST", f"/api/v2/bins/bin-{n % 7}", {"n": n}, {"statusCode": 0})
        script.ask("a", "GET", f"/api/v2/bins/bin-{n % 7}", None, {"items": [{"id": f"i-{n}"}]})
    return script


def test_a_request_takes_no_longer_in_a_large_cassette() -> None:
    """Reads and misses of a cassette fifty times as large, within twenty times the time."""
    took = []
    for size in (20, 1000):
        stage = Stage(big(size))
        person = stage.person()
        person.ask("GET", "/api/v2/bins/bin-1")
        best = float("inf")
        for _ in range(3):
            start_s = time.perf_counter()
            for _ in range(50):
                person.ask("GET", "/api/v2/bins/bin-1")
            best = min(best, time.perf_counter() - start_s)
        took.append(best)
    assert took[1] < 20 * took[0]
