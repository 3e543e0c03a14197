"""Loops, retries, and orders that were not recorded: what operations and reads then answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripted import Person, Script, Stage

ITEMS = "/v2/me/workitems"


def pulling(*items: str) -> Script:
    """Each item pulled once; one event each."""
    script = Script()
    script.listen("agent7", ITEMS)
    for n, item in enumerate(items):
        body = {"operationName": "PullWorkitem", "id": item}
        script.ask("agent7", "POST", "/api/v2/workbins/W1", body, {"referenceId": 20 + n})
        script.event("agent7", ITEMS, {"referenceId": 20 + n, "workitem": {"id": item}})
    script.ask("agent7", "POST", "/api/v2/me", {"operationName": "Ready"}, {"referenceId": 90})
    return script


def pull(person: Person, item: str) -> int:
    body = {"operationName": "PullWorkitem", "id": item}
    answer = person.ask("POST", "/api/v2/workbins/W1", body)
    return answer.json["referenceId"] if answer.status == 200 else answer.status


def ready(person: Person) -> int:
    return person.ask("POST", "/api/v2/me", {"operationName": "Ready"}).status


@pytest.mark.parametrize(
    ("repeats", "pulls", "readies"),
    [
        (False, False, False),
        (True, True, True),
        (["PullWorkitem"], True, False),
        (["Pull*"], True, False),
        ("Ready", False, True),
        (["POST /api/v2/workbins/*"], True, False),
        (["Pull*", "Ready"], True, True),
        (["pullworkitem", "PullWork"], False, False),
        ([], False, False),
    ],
)
def test_what_may_be_repeated_is_all_or_what_is_named(
    repeats: bool | list[str], pulls: bool, readies: bool
) -> None:
    stage = Stage(pulling("X1"), repeats=repeats)
    person = stage.person()
    person.listen(ITEMS)
    ids = [pull(person, "X1") for _ in range(3)]
    assert len(set(ids)) == (3 if pulls else 2)
    assert (599 in ids) is not pulls
    assert [ready(person) for _ in range(2)] == [200, 200 if readies else 599]


@given(st.lists(st.sampled_from(["X1", "X2", "X3"]), max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_a_loop_in_any_order_gets_a_full_copy_each_time(
    plan: list[str], data: st.DataObject
) -> None:
    stage = Stage(pulling("X1", "X2", "X3"), repeats=["Pull*"])
    person = stage.person()
    person.listen(ITEMS)
    expected = []
    for item in plan:
        expected.append((item, pull(person, item)))
        stage.talk.advance(data.draw(st.sampled_from([0.0, 0.02])))
        if data.draw(st.booleans()):
            person.events(settle=False)
    found = [(one["workitem"]["id"], one["referenceId"]) for one in person.data()]
    assert found == expected
    assert len({live for _, live in expected}) == len(plan)


def test_a_retry_sees_the_recorded_failures_and_then_the_success() -> None:
    script = Script()
    script.listen("agent7", ITEMS)
    body = {"operationName": "Accept"}
    target = "/api/v2/me/workitems/X1"
    script.ask("agent7", "POST", target, body, {"statusCode": 4}, status=500)
    script.ask("agent7", "POST", target, body, {"statusCode": 2}, status=400)
    script.ask("agent7", "POST", target, body, {"statusCode": 0, "referenceId": 3})
    script.event("agent7", ITEMS, {"referenceId": 3})
    stage = Stage(script, repeats=["Accept"])
    person = stage.person()
    person.listen(ITEMS)
    answers = []
    for _ in range(4):
        answers.append(person.ask("POST", target, body))
        assert len(person.data()) == max(0, len(answers) - 2), "no event before the success"
    assert [answer.status for answer in answers] == [500, 400, 200, 200], "the last is repeated"


# ------------------------------------------------------------------ reads

BINS = ("A1", "B1", "C1")


@st.composite
def recordings(draw: st.DrawFn) -> tuple[Script, dict[str, int]]:
    """Items pulled from some workbins in some order, each bin looked at after every pull."""
    script = Script()
    script.listen("agent7", "/v2/me/*")
    counts = {workbin: draw(st.integers(1, 3)) for workbin in BINS[: draw(st.integers(2, 3))]}
    left = dict(counts)

    def look_at_all() -> None:
        for workbin, count in left.items():
            items = [
                {"id": f"item-{workbin}{n}"}
                for n in range(counts[workbin] - count, counts[workbin])
            ]
            target = f"/api/v2/workbins/bin-{workbin}/workitems"
            script.ask("agent7", "GET", target, None, {"workitems": items})

    look_at_all()
    order = draw(st.permutations([one for one, count in counts.items() for _ in range(count)]))
    for reference, workbin in enumerate(order, 40):
        item = f"item-{workbin}{counts[workbin] - left[workbin]}"
        body = {"operationName": "PullWorkitem", "id": item}
        target = f"/api/v2/workbins/bin-{workbin}"
        script.ask("agent7", "POST", target, body, {"referenceId": reference})
        script.event("agent7", ITEMS, {"referenceId": reference, "workitem": {"id": item}})
        left[workbin] -= 1
        look_at_all()
    return script, counts


@given(recordings(), st.data())
@settings(max_examples=80, deadline=None)
def test_a_look_shows_what_is_left_in_any_order_of_pulls_and_any_number_of_polls(
    story: tuple[Script, dict[str, int]], data: st.DataObject
) -> None:
    script, counts = story
    stage = Stage(script)
    person = stage.person()
    person.listen("/v2/me/*")
    left = dict(counts)

    def look_around() -> None:
        for workbin in data.draw(st.permutations(list(counts))):
            for _ in range(data.draw(st.integers(0, 3))):
                answer = person.ask("GET", f"/api/v2/workbins/bin-{workbin}/workitems").json
                expected = [
                    f"item-{workbin}{n}"
                    for n in range(counts[workbin] - left[workbin], counts[workbin])
                ]
                assert [one["id"] for one in answer["workitems"]] == expected, (workbin, left)

    look_around()
    for workbin in data.draw(st.permutations([b for b, n in counts.items() for _ in range(n)])):
        item = f"item-{workbin}{counts[workbin] - left[workbin]}"
        body = {"operationName": "PullWorkitem", "id": item}
        assert person.ask("POST", f"/api/v2/workbins/bin-{workbin}", body).status == 200
        left[workbin] -= 1
        stage.talk.advance(data.draw(st.sampled_from([0.0, 0.02])))
        look_around()
    assert len(person.data()) == sum(counts.values())
