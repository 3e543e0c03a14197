"""Ids of what an operation created, in the requests that name it afterwards."""

from __future__ import annotations

import re
from typing import Any

import pytest

from own_identities import CREATE, ITEMS, OLD, STAYS, kinds
from scripted import Script, Stage

SHAPE = re.compile(r"\d\d[A-Z]\d[A-Z]{6}\d{5}[A-Z]")


def created(reference_id: int, item: str, state: str = "Processing") -> dict[str, Any]:
    return {
        "messageType": "WorkitemStateChangeMessage",
        "notificationType": "StatusChange",
        "referenceId": reference_id,
        "workitem": {
            "id": item,
            "state": state,
            "uri": f"https://gws.example/api/v2/workitems/{item}",
            "userData": {"InteractionId": item, "Subject": item},
        },
    }


def creating() -> Script:
    script = Script()
    for user in ("agent7", "supervisor"):
        script.ask(user, "GET", "/api/v2/me", None, {"user": user})
        script.listen(user, ITEMS)
    script.ask(
        "agent7", "POST", "/api/v2/me/workitems", CREATE, {"statusCode": 0, "referenceId": 5}
    )
    script.event("agent7", ITEMS, created(5, OLD))
    sent = {"operationName": "Transfer", "userData": {"about": OLD}}
    op = script.ask("agent7", "POST", f"/api/v2/me/workitems/{OLD}", sent, {"referenceId": 6})
    script.event("supervisor", ITEMS, created(6, OLD, "Invited"), cause=op)
    sent = {"operationName": "Accept"}
    script.ask("supervisor", "POST", f"/api/v2/me/workitems/{OLD}", sent, {"referenceId": 5})
    script.event("supervisor", ITEMS, created(5, OLD, "Chatting"))
    read = {"workitems": [created(0, OLD)["workitem"], created(0, STAYS)["workitem"]]}
    script.ask("supervisor", "GET", "/api/v2/workbins/b/workitems?fields=*", None, read)
    sent = {"operationName": "PullWorkitem", "id": STAYS}
    script.ask("supervisor", "POST", "/api/v2/workbins/b", sent, {"referenceId": 7})
    return script


def desk(stage: Stage, user: str) -> Any:
    person = stage.person(user)
    person.ask("GET", "/api/v2/me")
    person.listen(ITEMS)
    return person


def test_a_created_workitem_is_another_in_every_run_and_understood_in_every_session() -> None:
    stage = Stage(creating())
    seen = set()
    for _ in range(3):
        agent, supervisor = desk(stage, "agent7"), desk(stage, "supervisor")
        assert agent.ask("POST", "/api/v2/me/workitems", CREATE).status == 200
        item = agent.data()[-1]["workitem"]["id"]
        assert SHAPE.fullmatch(item)
        seen.add(item)
        sent = {"operationName": "Transfer", "userData": {"about": OLD}}
        assert agent.ask("POST", f"/api/v2/me/workitems/{item}", sent).status == 200
        offered = supervisor.data()[-1]["workitem"]
        assert offered["id"] == offered["userData"]["InteractionId"] == item
        assert offered["uri"].endswith(f"/api/v2/workitems/{item}")
        assert offered["userData"]["Subject"] == OLD, "a text that is no declared place"
        sent = {"operationName": "Accept"}
        assert supervisor.ask("POST", f"/api/v2/me/workitems/{item}", sent).status == 200
        listed = supervisor.ask("GET", "/api/v2/workbins/b/workitems?fields=*").json["workitems"]
        assert [one["id"] for one in listed] == [item, STAYS], "what lay there stays"
        sent = {"operationName": "PullWorkitem", "id": STAYS}
        assert supervisor.ask("POST", "/api/v2/workbins/b", sent).status == 200
        agent.events()
        supervisor.events()
        agent.leave()
        supervisor.leave()
    assert len(seen) == 3
    assert OLD not in seen
    assert stage.service.report().ok, stage.service.report().text()


def test_repeats_create_other_workitems_and_each_is_worked_on_as_itself() -> None:
    stage = Stage(creating(), repeats=True)
    agent, supervisor = desk(stage, "agent7"), desk(stage, "supervisor")
    items = []
    for _ in range(3):
        reference_id = agent.ask("POST", "/api/v2/me/workitems", CREATE).json["referenceId"]
        event = agent.data()[-1]
        assert event["referenceId"] == reference_id
        items.append(event["workitem"]["id"])
    assert len(set(items)) == 3
    for item in (items[1], items[2], items[0]):
        sent = {"operationName": "Transfer", "userData": {"about": OLD}}
        agent.ask("POST", f"/api/v2/me/workitems/{item}", sent)
        assert supervisor.data()[-1]["workitem"]["id"] == item


def test_an_id_of_another_run_is_not_understood() -> None:
    stage = Stage(creating())
    first = desk(stage, "agent7")
    first.ask("POST", "/api/v2/me/workitems", CREATE)
    foreign = first.data()[-1]["workitem"]["id"]
    other = desk(stage, "agent7")
    sent = {"operationName": "Transfer", "userData": {"about": OLD}}
    assert other.ask("POST", f"/api/v2/me/workitems/{foreign}", sent).status == 599


def test_a_thing_that_an_answer_hands_out_is_created_too() -> None:
    profile = kinds(
        order={
            "form": "hex",
            "scope": "run",
            "operations": ["New*"],
            "issued": ["response.json id"],
            "used": ["request.path /orders/{}", "response.json orders.*.id", "event.data id"],
        }
    )
    script = Script("bayeux")
    script.listen("a", "/x")
    script.ask("a", "POST", "/orders", {"op": "NewOrder"}, {"id": "00ff"})
    script.ask("a", "POST", "/other", {"op": "Other"}, {"id": "00ee"})
    ship = script.ask("a", "PUT", "/orders/00ff", {"op": "Ship"}, {"id": "00ff"})
    script.event("a", "/x", {"id": "00ff"}, cause=ship)
    script.ask("a", "GET", "/orders", None, {"orders": [{"id": "00ee"}, {"id": "00ff"}]})
    stage = Stage(script, profile=profile)
    person = stage.person()
    person.listen("/x")
    live = person.ask("POST", "/orders", {"op": "NewOrder"}).json["id"]
    assert live not in ("00ff", "00ee")
    assert person.ask("POST", "/other", {"op": "Other"}).json == {"id": "00ee"}
    assert person.ask("PUT", f"/orders/{live}", {"op": "Ship"}).json == {"id": live}
    assert person.data() == [{"id": live}]
    listed = person.ask("GET", "/orders").json["orders"]
    assert [one["id"] for one in listed] == ["00ee", live]
    assert stage.service.report().ok


@pytest.mark.parametrize("form", ["integer", "shape"])
def test_an_id_of_the_run_is_unique_throughout_it_whoever_got_it(form: str) -> None:
    number = {
        "form": form,
        "scope": "run",
        "issued": ["response.json order"],
        "counter": {"start": 5000, "step": 5},
    }
    script = Script("bayeux")
    for user in ("a", "b"):
        for n in range(4):
            recorded = {"integer": 10 * ord(user) + n, "shape": f"{user}b-4711-{n}"}[form]
            script.ask(user, "POST", f"/orders/{user}/{n}", {"op": "New"}, {"order": recorded})
    stage = Stage(script, profile=kinds(order=number))
    people = {user: stage.person(user) for user in ("a", "b")}
    live = [
        people[user].ask("POST", f"/orders/{user}/{n}", {"op": "New"}).json["order"]
        for n in range(4)
        for user in ("a", "b")
    ]
    assert len(set(live)) == 8
    if form == "integer":
        assert sorted(live) == list(range(5000, 5040, 5))
    else:
        assert not set(live) & {f"{user}b-4711-{n}" for user in "ab" for n in range(4)}


@pytest.mark.parametrize("seed", [0, 7])
def test_created_ids_are_the_same_bytes_in_every_replay(seed: int) -> None:
    seen = []
    for _ in range(2):
        agent = desk(Stage(creating(), seed=seed), "agent7")
        agent.ask("POST", "/api/v2/me/workitems", CREATE)
        seen.append(agent.data())
    assert seen[0] == seen[1]
