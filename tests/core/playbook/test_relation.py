"""Which recorded state a read shows, and how long finding it takes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cometape.core.exchange import Request
from cometape.core.json_value import Json
from cometape.core.playbook.concerns import Concerns
from cometape.core.playbook.matching import Shaper
from cometape.core.playbook.playbook import Playbook
from cometape.core.playbook.relation import EQUALLY_NEAR, UNIT, NearestState, Subject, Weights
from cometape.profiles import load_profile
from scripted import Script, Stage


def distance(state: int, weights: list[int], happened: set[int]) -> int:
    return sum(w for i, w in enumerate(weights) if (i < state) != (i in happened))


def nearest_state(states: Iterable[int], weights: list[int]) -> NearestState:
    index = Playbook.of(Script().cassette, load_profile("bayeux")).index
    return NearestState(states, Weights([0, *accumulate(weights)], {}, Concerns(index, (), ())))


def best_state(states: Iterable[int], weights: list[int], happened: Iterable[int]) -> int:
    nearest = nearest_state(states, weights)
    for fact in happened:
        nearest.happened(fact)
    return nearest.best()


facts = st.lists(st.integers(UNIT // 10, 65 * UNIT), min_size=1, max_size=12)


@given(facts, st.data())
def test_the_best_state_differs_least(weights: list[int], data: Any) -> None:
    count = len(weights)
    happened = data.draw(st.sets(st.integers(0, count - 1)))
    states = data.draw(st.lists(st.integers(0, count), min_size=1))
    best = best_state(states, weights, happened)
    least = min(distance(state, weights, happened) for state in states)
    assert distance(best, weights, happened) <= least + EQUALLY_NEAR


@given(facts, st.data())
def test_it_does_not_matter_how_often_one_looks(weights: list[int], data: Any) -> None:
    happened = data.draw(st.lists(st.integers(0, len(weights) - 1), unique=True))
    states = data.draw(st.lists(st.integers(0, len(weights)), min_size=1))
    looked, fresh = nearest_state(states, weights), nearest_state(states, weights)
    for fact in happened:
        looked.happened(fact)
        looked.best()
        fresh.happened(fact)
    assert looked.best() == fresh.best()


@given(facts, st.data())
def test_a_run_that_follows_the_recording_sees_the_recording(weights: list[int], data: Any) -> None:
    done = data.draw(st.integers(0, len(weights)))
    states = list(range(len(weights) + 1))
    assert best_state(states, weights, range(done)) == done


@given(facts, st.data())
def test_of_equally_near_states_the_latest_that_knows_the_last_fact_is_taken(
    weights: list[int], data: Any
) -> None:
    happened = data.draw(st.lists(st.integers(0, len(weights) - 1), unique=True, min_size=1))
    states = data.draw(st.sets(st.integers(0, len(weights)), min_size=1))
    least = min(distance(state, weights, set(happened)) for state in states)
    close = [
        state for state in states if distance(state, weights, set(happened)) <= least + EQUALLY_NEAR
    ]
    close = [state for state in close if state > happened[-1]] or close
    expected = min(close, key=lambda state: (abs(state - len(happened)), state))
    assert best_state(states, weights, happened) == expected


def weights_of(asked: str, *operations: str, answer: Json = None) -> list[float]:
    """What operations on some targets count for a read of a target, answered so."""
    script = Script()
    for target in operations:
        script.ask("a", "POST", target, {}, {})
        script.ask("a", "GET", asked, None, answer)
    playbook = Playbook.of(script.cassette, load_profile("bayeux"))
    (recordings,) = playbook.matches(
        Shaper(playbook.profile).shape(Request(method="GET", target=asked))
    ).by_session.values()
    tokens = {token for lane in recordings.lanes for token in playbook.index.lane_tokens[lane]}
    weights = playbook.relations.weights(Subject.of_shape(recordings[0].shape), tokens)
    return [weights[fact] / UNIT for fact in range(len(operations))]


def test_facts_that_concern_what_is_read_count_far_more() -> None:
    own, other = weights_of("/bins/b7", "/do?to=b7,u1", "/do?to=b8,u1")
    assert own > 20 * other
    own, other = weights_of("/todos", "/todos?of=t1", "/users?of=t2")
    assert own > 20 * other
    answer: Json = {"items": [{"id": "item-1"}]}
    own, other = weights_of("/all", "/x?of=item-1", "/x?of=item-2", answer=answer)
    assert own > 5 * other


def test_an_id_that_all_speak_of_says_little() -> None:
    own, other = weights_of("/users/u1/bins/b7", "/a?of=u1,b7", "/a?of=u1,b8")
    assert own > 4 * other


def test_an_operation_is_about_what_its_events_are_about() -> None:
    script = Script()
    script.listen("a", "/items")
    cause = script.ask("a", "POST", "/create?n=1", {}, {})
    script.event("a", "/items", {"item": {"id": "item-1"}}, cause=cause)
    script.ask("a", "POST", "/create?n=2", {}, {})
    playbook = Playbook.of(script.cassette, load_profile("bayeux"))
    asked = Subject(frozenset({"item-1"}), ("", "items", "item-1"))
    weights = playbook.relations.weights(asked, ())
    created, told, other = (weights[fact] for fact in range(3))
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
