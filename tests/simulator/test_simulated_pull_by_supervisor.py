"""The sample of docs.genesys.com WorkbinSupPullIntFromWorkbin, field for field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workbins_people import Person, workbins_talk

SAMPLE: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "supervisor-pull.json").read_text()
)
MARATS = "/api/v2/users/00025aA4V4DR00P5/workbins/3434543fafwe987"


def test_a_supervisor_s_pull_is_the_documented_sample() -> None:
    supervisor = Person(workbins_talk(first_reference_id=17), "supervisor").arrive()
    request = SAMPLE["request"]

    answer = supervisor.send(
        request["method"],
        request["path"],
        json.dumps(request["json"]),
        ("Content-Type", "application/json"),
    )

    assert answer.status == SAMPLE["response"]["status"]
    assert answer.json == SAMPLE["response"]["json"]
    assert supervisor.news() == SAMPLE["events"]


@pytest.mark.parametrize("operation", ["PullInteraction", "PullWorkitem"])
def test_the_sample_s_other_operation_name_for_a_workitem_does_the_same(operation: str) -> None:
    supervisor = Person(workbins_talk(first_reference_id=17), "supervisor").arrive()

    supervisor.post(MARATS, operation, id="02F0ASAK8EAFA00W")

    assert supervisor.news() == SAMPLE["events"]


def test_the_sample_with_subscriptions_before_reaches_17_by_counting() -> None:
    supervisor = Person(workbins_talk(first_reference_id=16), "supervisor").arrive()
    assert supervisor.post(MARATS, "Subscribe").json == {"statusCode": 0, "referenceId": 16}
    assert [event["data"] for event in supervisor.news()] == [
        {
            "messageType": "WorkbinSubscriptionStateChangeMessage",
            "stateResource": "Subscribed",
            "id": "3434543fafwe987",
            "workbinUserId": "00025aA4V4DR00P5",
        }
    ]

    answer = supervisor.post(MARATS, "PullWorkitem", id="02F0ASAK8EAFA00W")

    assert answer.json == SAMPLE["response"]["json"]
    removed, taken = supervisor.news()
    assert taken == SAMPLE["events"][0]
    assert removed["channel"] == "/v2/me/workbins"
    assert removed["data"]["action"] == "ItemRemoved"
    assert removed["data"]["workbinUserId"] == "00025aA4V4DR00P5"
    assert removed["data"]["referenceId"] == 17


def test_the_owner_sees_the_pull_without_the_supervisor_s_reference_id() -> None:
    talk = workbins_talk()
    marat = Person(talk, "MaratTest").arrive()
    marat.post("/api/v2/me/workbins/3434543fafwe987", "Subscribe")
    marat.news()
    supervisor = Person(talk, "supervisor").arrive()

    supervisor.post(MARATS, "PullWorkitem", id="02F0ASAK8EAFA00W")

    (removed,) = marat.news()
    assert removed["data"]["action"] == "ItemRemoved"
    assert "referenceId" not in removed["data"]
    assert "workbinUserId" not in removed["data"]
    assert marat.get("/api/v2/me/workbins/3434543fafwe987/workitems?fields=*").json == {
        "statusCode": 0,
        "workitems": [],
    }


def test_an_agent_may_not_pull_from_another_agent() -> None:
    agent = Person(workbins_talk(), "agent7").arrive()

    answer = agent.post(MARATS, "PullWorkitem", id="02F0ASAK8EAFA00W")

    assert answer.status == 403
    assert answer.json["statusCode"] == 5
    assert agent.news() == []


def test_what_a_supervisor_pulled_can_be_placed_in_somebody_else_s_workbin() -> None:
    supervisor = Person(workbins_talk(), "supervisor").arrive()
    supervisor.post(MARATS, "PullWorkitem", id="02F0ASAK8EAFA00W")
    supervisor.news()
    eights = "/api/v2/users/83c2d9b07e514a1c9f60d4ab1e2275c8/workbins/3434543fafwe987"

    answer = supervisor.post(
        eights,
        "AddWorkitem",
        uri="http://gws.example:8090/api/v2/workitems/02F0ASAK8EAFA00W",
    )

    (event,) = supervisor.news()
    assert event["data"]["referenceId"] == answer.json["referenceId"]
    assert event["data"]["workitem"]["state"] == "InWorkbin"
    (item,) = supervisor.get(f"{eights}/workitems?fields=*").json["workitems"]
    assert item["id"] == "02F0ASAK8EAFA00W"
    assert item["userData"]["WorkbinAgentId"] == "agent8"
