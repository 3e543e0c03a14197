"""A read shows the state the run is in; operations run out, or repeat."""

from __future__ import annotations

import pytest

from pulling import BINS, ITEMS, taken
from scripted import Script, Stage


def workbin_story() -> Script:
    """Two workbins, each looked at before and after each is emptied."""
    script = Script()
    script.listen("agent", "/v2/me/*")
    for when in ("before", "after A", "after B"):
        if when != "before":
            workbin = when[-1]
            item = f"item-{workbin}1"
            script.ask(
                "agent",
                "POST",
                f"/api/v2/workbins/bin-{workbin}1",
                {"operationName": "PullWorkitem", "id": item},
                {"statusCode": 0, "referenceId": ord(workbin)},
            )
            script.event("agent", ITEMS, taken(ord(workbin), item))
        for workbin in "AB":
            empty = when >= f"after {workbin}" and when != "before"
            script.ask(
                "agent",
                "GET",
                f"/api/v2/workbins/bin-{workbin}1/workitems",
                None,
                {"workitems": [] if empty else [{"id": f"item-{workbin}1"}]},
            )
    return script


def look(person, workbin: str) -> int:  # type: ignore[no-untyped-def]
    return len(person.ask("GET", f"/api/v2/workbins/bin-{workbin}1/workitems").json["workitems"])


@pytest.mark.parametrize("order", ["AB", "BA"])
@pytest.mark.parametrize("polls", [1, 3, 50])
def test_a_read_shows_the_state_after_the_operations_done_in_any_order(
    order: str, polls: int
) -> None:
    stage = Stage(workbin_story())
    person = stage.person()
    person.listen("/v2/me/*")
    full = {"A": 1, "B": 1}
    for step in (None, *order):
        if step is not None:
            pull = {"operationName": "PullWorkitem", "id": f"item-{step}1"}
            assert person.ask("POST", f"/api/v2/workbins/bin-{step}1", pull).status == 200
            stage.settle()
            full[step] = 0
        for _ in range(polls):
            for workbin in "BA":
                assert look(person, workbin) == full[workbin], (step, workbin)
    assert len(person.data()) == 2
    assert stage.service.report().ok, stage.service.report().text()


def test_reads_recorded_in_one_state_advance_and_the_last_one_sticks() -> None:
    script = Script()
    for n in (1, 2, 3):
        script.ask("a", "GET", "/status", None, {"n": n})
    person = Stage(script).person()
    assert [person.ask("GET", "/status").json["n"] for _ in range(5)] == [1, 2, 3, 3, 3]


def test_a_read_after_the_event_shows_what_it_did_at_the_first_look() -> None:
    """Recorded: still there, still there, event, gone. Whoever waits for the event sees: gone."""
    script = Script()
    script.listen("a", ITEMS)
    script.ask("a", "POST", "/bins/b1", {"operationName": "Pull"}, {"referenceId": 3})
    for _ in range(2):
        script.ask("a", "GET", "/bins/b1", None, {"there": True})
    script.event("a", ITEMS, {"referenceId": 3})
    script.ask("a", "GET", "/bins/b1", None, {"there": False})
    stage = Stage(script)
    person = stage.person()
    person.listen(ITEMS)
    person.ask("POST", "/bins/b1", {"operationName": "Pull"})
    assert person.ask("GET", "/bins/b1").json == {"there": True}
    assert len(person.data()) == 1
    assert person.ask("GET", "/bins/b1").json == {"there": False}


def test_an_operation_recorded_twice_is_answered_twice_and_then_exhausted() -> None:
    script = Script()
    script.listen("a", ITEMS)
    for n in (5, 6):
        script.ask("a", "POST", "/x", {"operationName": "Do"}, {"referenceId": n, "n": n})
        script.event("a", ITEMS, {"referenceId": n, "n": n})
    stage = Stage(script)
    person = stage.person()
    person.listen(ITEMS)
    answers = [person.ask("POST", "/x", {"operationName": "Do"}) for _ in range(3)]
    assert [answer.json.get("n") for answer in answers] == [5, 6, None]
    assert answers[2].json["reason"] == "exhausted"
    ids = [answer.json["referenceId"] for answer in answers[:2]]
    assert ids == sorted(ids)
    assert [(event["referenceId"], event["n"]) for event in person.data()] == [
        (ids[0], 5),
        (ids[1], 6),
    ]


@pytest.mark.parametrize("how", ["--repeats", "profile"])
def test_a_repeat_has_ids_and_events_of_its_own(how: str) -> None:
    script = Script()
    script.listen("a", BINS)
    body = {"operationName": "Subscribe" if how == "profile" else "Do"}
    script.ask("a", "POST", "/api/v2/me/workbins/A1", body, {"statusCode": 0, "referenceId": 5})
    script.event("a", BINS, {"referenceId": 5, "id": "A1"})
    stage = Stage(script, repeats=how == "--repeats")
    person = stage.person()
    person.listen(BINS)
    ids = []
    for _ in range(3):
        ids.append(person.ask("POST", "/api/v2/me/workbins/A1", body).json["referenceId"])
        stage.settle()
    assert len(set(ids)) == 3
    assert [event["referenceId"] for event in person.data()] == ids
    report = stage.service.report()
    assert report.ok
    assert [(one.entry, one.times) for one in report.repeats] == [(3, 3)]
