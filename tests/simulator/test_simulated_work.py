"""Work on interactions at the simulated Workbins system: from invitation to completion."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cometape.simulator.demo_data import IN_PROGRESS
from workbins_people import Person, workbins_talk

ITEM = "02F0XAMPLE00001A"
OWN = f"/api/v2/workbins/{IN_PROGRESS.id}"
MINE = f"/api/v2/me/workitems/{ITEM}"


def at_work(**config: Any) -> Person:
    """agent7 with a workitem in hand."""
    agent = Person(workbins_talk(**config), "agent7").arrive()
    agent.post(OWN, "PullWorkitem", id=ITEM)
    agent.news()
    return agent


def invited(agent: Person, **fields: object) -> str:
    answer = agent.talk.send(
        "POST", "/simulator/invite", body=json.dumps({"user": agent.user_name, **fields})
    )
    assert answer.status == 200, answer.body
    return str(answer.json["id"])


def told(agent: Person, answer: Any) -> dict[str, Any]:
    """The one event of an operation, which carries its reference id."""
    assert answer.json["statusCode"] == 0, answer.json
    (event,) = agent.news()
    assert event["channel"] == "/v2/me/workitems"
    assert event["data"]["referenceId"] == answer.json["referenceId"]
    data: dict[str, Any] = event["data"]
    return data


def test_an_invitation_comes_by_itself_and_is_accepted() -> None:
    agent = Person(workbins_talk(), "agent7").arrive()
    item = invited(agent, userData={"Subject": "New"})

    (event,) = agent.news()
    assert event["channel"] == "/v2/me/workitems"
    assert "referenceId" not in event["data"]
    workitem = event["data"]["workitem"]
    assert (workitem["id"], workitem["state"]) == (item, "Invited")
    assert workitem["capabilities"] == ["Accept", "Reject"]
    assert workitem["userData"]["Subject"] == "New"
    assert workitem["userData"]["InteractionId"] == item

    data = told(agent, agent.post(f"/api/v2/me/workitems/{item}", "Accept"))
    assert data["notificationType"] == "StatusChange"
    assert data["workitem"]["state"] == "Processing"
    assert "Complete" in data["workitem"]["capabilities"]


def test_a_rejected_invitation_is_revoked() -> None:
    agent = Person(workbins_talk(), "agent7").arrive()
    item = invited(agent, id="02F0CHOSENBYTEST")
    assert item == "02F0CHOSENBYTEST"
    agent.news()
    data = told(agent, agent.post(f"/api/v2/me/workitems/{item}", "Reject"))
    assert data["workitem"]["state"] == "Revoked"
    assert agent.get(f"/api/v2/me/workitems/{item}").json["statusCode"] == 6


def test_user_data_is_attached_updated_and_deleted() -> None:
    agent = at_work()

    data = told(agent, agent.post(MINE, "AttachUserData", userData={"Note": "call", "N": 1}))
    assert data["notificationType"] == "PropertiesUpdated"
    assert data["workitem"]["userData"]["Note"] == "call"
    assert data["workitem"]["userData"]["Subject"] == "Change of address"

    told(agent, agent.post(MINE, "UpdateUserData", userData={"Note": "mail"}))
    data = told(agent, agent.post(MINE, "DeleteUserData", keys=["N"]))
    assert data["workitem"]["userData"]["Note"] == "mail"
    assert "N" not in data["workitem"]["userData"]

    user_data = agent.get(MINE).json["workitem"]["userData"]
    assert user_data["Note"] == "mail"
    agent.post(OWN, "AddWorkitem", id=ITEM)
    shelved = agent.get(f"{OWN}/workitems?fields=*").json["workitems"][-1]
    assert shelved["userData"]["Note"] == "mail"


def test_completion_takes_the_workitem_away() -> None:
    agent = at_work()
    data = told(agent, agent.post(MINE, "Complete", queueName="done"))
    assert data["workitem"]["state"] == "Completed"
    assert data["workitem"]["capabilities"] == []
    assert agent.get(MINE).json["statusCode"] == 6
    assert agent.post(MINE, "Complete").json["statusCode"] == 6


def test_a_created_workitem_is_in_hand_at_once() -> None:
    agent = at_work()
    answer = agent.post(
        "/api/v2/me/workitems",
        "Create",
        queueUri="http://gws.example:8090/api/v2/queues/letters",
        parentId=ITEM,
        userData={"Subject": "Child"},
    )
    data = told(agent, answer)
    assert data["workitem"]["state"] == "Processing"
    assert data["workitem"]["userData"]["ParentId"] == ITEM
    created = data["workitem"]["id"]
    assert agent.get(f"/api/v2/me/workitems/{created}").json["workitem"]["id"] == created
    assert agent.post("/api/v2/me/workitems", "Create").json["statusCode"] == 1


def test_a_transfer_invites_the_other_agent_without_reference_id() -> None:
    agent = at_work()
    other = Person(agent.talk, "agent8").arrive()

    answer = agent.post(MINE, "Transfer", userName="agent8")

    assert told(agent, answer)["workitem"]["state"] == "Completed"
    (event,) = other.news(0)
    assert event["data"]["workitem"]["state"] == "Invited"
    assert "referenceId" not in event["data"]
    assert other.post(MINE, "Accept").json["statusCode"] == 0
    assert agent.get(MINE).json["statusCode"] == 6


def test_a_transfer_to_a_queue_takes_the_workitem_away() -> None:
    agent = at_work()
    told(agent, agent.post(MINE, "Transfer", queueName="letters"))
    assert agent.get(MINE).json["statusCode"] == 6


@pytest.mark.parametrize(
    ("fields", "code"),
    [({}, 1), ({"userName": "nobody"}, 6), ({"targetUri": "http://x/users/agent7"}, 10)],
)
def test_a_transfer_needs_somebody_else(fields: dict[str, str], code: int) -> None:
    assert at_work().post(MINE, "Transfer", **fields).json["statusCode"] == code


@pytest.mark.parametrize(("setting", "events"), [("on", 1), ("off", 0)])
def test_set_in_focus_is_told_or_not(setting: str, events: int) -> None:
    agent = at_work(switches={"set-in-focus-event": setting})
    assert "referenceId" in agent.post(MINE, "SetInFocus").json
    assert len(agent.news()) == events


@pytest.mark.parametrize(
    ("operation", "fields", "code"),
    [
        ("Accept", {}, 2),
        ("Reject", {}, 2),
        ("AttachUserData", {}, 1),
        ("UpdateUserData", {"userData": {"Unknown": 1}}, 2),
        ("DeleteUserData", {}, 1),
        ("SendMessage", {"text": "hello"}, 10),
        ("Dance", {}, 10),
    ],
)
def test_what_does_not_fit_is_refused(operation: str, fields: dict[str, object], code: int) -> None:
    agent = at_work()
    assert agent.post(MINE, operation, **fields).json["statusCode"] == code
    assert agent.news() == []


def test_an_invitation_must_be_accepted_before_work() -> None:
    agent = Person(workbins_talk(), "agent7").arrive()
    item = invited(agent)
    assert agent.post(f"/api/v2/me/workitems/{item}", "Complete").json["statusCode"] == 2


def test_other_people_s_workitems_are_not_found() -> None:
    agent = at_work()
    other = Person(agent.talk, "agent8").arrive()
    assert other.post(MINE, "Complete").json["statusCode"] == 6
    assert other.get(MINE).json["statusCode"] == 6


@pytest.mark.parametrize("operation", ["Complete", "AttachUserData"])
def test_a_failing_operation_is_answered_and_then_fails(operation: str) -> None:
    agent = at_work(switches={"failing-operations": operation})
    data = told(agent, agent.post(MINE, operation, userData={"a": 1}))
    assert data["notificationType"] == "Error"
    assert data["workitem"]["id"] == ITEM
    assert "a" not in agent.get(MINE).json["workitem"]["userData"]


def test_a_creation_that_fails_creates_nothing() -> None:
    agent = at_work(switches={"failing-operations": "Create"})
    data = told(agent, agent.post("/api/v2/me/workitems", "Create", queueUri="q"))
    assert data["notificationType"] == "Error"
    assert len(agent.get("/api/v2/me/workitems").json["uris"]) == 1


def test_a_chat_is_worked_on_alike_and_sends_messages() -> None:
    agent = Person(workbins_talk(), "agent7").arrive()
    chat = invited(agent, medium="chat")
    agent.news()
    agent.post(f"/api/v2/me/chats/{chat}", "Accept")
    agent.post(f"/api/v2/me/chats/{chat}", "SendMessage", text="Good morning")
    joined, message = agent.news()
    assert joined["data"]["chat"]["state"] == "Chatting"
    assert message["data"]["messages"][0]["text"] == "Good morning"
