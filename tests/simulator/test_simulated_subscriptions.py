"""Subscribe and Unsubscribe at the simulated Workbins system."""

from __future__ import annotations

from typing import Any

import pytest

from cometape.simulator.demo_data import COUNTER, DRAFTS, IN_PROGRESS, SHARED
from workbins_people import Person, workbins_talk

AGENT7 = "7a1f0c5e9b3d4f6aa2c8e1d7b4093f57"
MESSAGE = "WorkbinSubscriptionStateChangeMessage"


def data_of(person: Person) -> list[dict[str, Any]]:
    news = person.news()
    assert all(event["channel"] == "/v2/me/workbins" for event in news)
    return [event["data"] for event in news]


@pytest.mark.parametrize("scope", ["/me", ""])
def test_one_workbin_is_acknowledged_without_reference_id(scope: str) -> None:
    agent = Person(workbins_talk(), "agent7").arrive()
    path = f"/api/v2{scope}/workbins/{DRAFTS.id}"

    answer = agent.post(path, "Subscribe")

    assert set(answer.json) == {"statusCode", "referenceId"}
    assert data_of(agent) == [
        {"messageType": MESSAGE, "stateResource": "Subscribed", "id": DRAFTS.id}
    ]
    agent.post(path, "Unsubscribe")
    assert data_of(agent) == [
        {"messageType": MESSAGE, "stateResource": "Unsubscribed", "id": DRAFTS.id}
    ]


@pytest.mark.parametrize("scope", ["/me", ""])
def test_several_workbins_are_answered_with_a_number_each(scope: str) -> None:
    agent = Person(workbins_talk(first_reference_id=56), "agent7").arrive()

    answer = agent.post(
        f"/api/v2{scope}/workbins?workbinIds={DRAFTS.id},{IN_PROGRESS.id}", "Subscribe"
    )

    assert answer.json == {
        "statusCode": 0,
        "referenceIds": {DRAFTS.id: 56, IN_PROGRESS.id: 57},
    }
    assert [data["id"] for data in data_of(agent)] == [DRAFTS.id, IN_PROGRESS.id]


def test_several_by_user_name_the_owner() -> None:
    supervisor = Person(workbins_talk(), "supervisor").arrive()
    path = f"/api/v2/users/{AGENT7}/workbins?workbinIds={DRAFTS.id},{IN_PROGRESS.id}"

    assert len(supervisor.post(path, "Subscribe").json["referenceIds"]) == 2

    assert [data["workbinUserId"] for data in data_of(supervisor)] == [AGENT7, AGENT7]


def test_groups_are_named_and_carry_the_reference_id() -> None:
    agent = Person(workbins_talk(first_reference_id=74), "agent7").arrive()
    tier2 = f"/api/v2/me/workbins/{SHARED.id}?agentGroup=Tier2"
    front = f"/api/v2/me/workbins/{COUNTER.id}?placeGroup=FrontOffice"

    agent.post(tier2, "Subscribe")
    agent.post(front, "Subscribe")
    assert data_of(agent) == [
        {
            "messageType": MESSAGE,
            "stateResource": "Subscribed",
            "id": SHARED.id,
            "agentGroup": "Tier2",
            "referenceId": 74,
        },
        {
            "messageType": MESSAGE,
            "stateResource": "Subscribed",
            "id": COUNTER.id,
            "placeGroup": "FrontOffice",
            "referenceId": 75,
        },
    ]

    agent.post(tier2, "Unubscribe")  # as the page misprints it
    agent.post(front, "Unsubscribe")
    left_group, left_place = data_of(agent)
    assert left_group["stateResource"] == left_place["stateResource"] == "Unsubscribed"
    assert left_group["agentGroup"] == "Tier2"
    assert "placeGroup" not in left_place  # nor has the page's sample
    assert left_place["referenceId"] == 77


def test_the_place_group_of_an_unsubscribe_is_a_switch() -> None:
    talk = workbins_talk(switches={"unsubscribe-place-group": "on"})
    agent = Person(talk, "agent7").arrive()
    agent.post(f"/api/v2/me/workbins/{COUNTER.id}?placeGroup=FrontOffice", "Unsubscribe")
    assert data_of(agent)[0]["placeGroup"] == "FrontOffice"


@pytest.mark.parametrize(("setting", "own", "group"), [("always", 1, 1), ("never", 0, 0)])
def test_who_carries_the_reference_id_is_a_switch(setting: str, own: int, group: int) -> None:
    talk = workbins_talk(switches={"reference-id-on-subscription": setting})
    agent = Person(talk, "agent7").arrive()
    agent.post(f"/api/v2/me/workbins/{DRAFTS.id}", "Subscribe")
    agent.post(f"/api/v2/me/workbins/{SHARED.id}?agentGroup=Tier2", "Subscribe")
    assert ["referenceId" in data for data in data_of(agent)] == [bool(own), bool(group)]


def test_a_backend_that_is_down_fails_afterwards() -> None:
    agent = Person(workbins_talk(switches={"interaction-server": "down"}), "agent7").arrive()

    answer = agent.post(f"/api/v2/me/workbins/{DRAFTS.id}", "Subscribe")

    assert answer.json["statusCode"] == 0
    assert data_of(agent) == [
        {"messageType": MESSAGE, "stateResource": "RequestFailed", "id": DRAFTS.id}
    ]


@pytest.mark.parametrize(
    ("policy", "code", "numbers", "states"),
    [
        ("status-7", 7, 1, ["Subscribed"]),
        ("request-failed", 0, 2, ["Subscribed", "RequestFailed"]),
        ("refuse", 6, 0, []),
    ],
)
def test_an_unknown_one_among_several_is_a_switch(
    policy: str, code: int, numbers: int, states: list[str]
) -> None:
    agent = Person(workbins_talk(switches={"partial-subscribe": policy}), "agent7").arrive()

    answer = agent.post(f"/api/v2/me/workbins?workbinIds={DRAFTS.id},unknown", "Subscribe").json

    assert answer["statusCode"] == code
    assert len(answer.get("referenceIds", {})) == numbers
    assert [data["stateResource"] for data in data_of(agent)] == states


def test_only_unknown_ones_are_not_found() -> None:
    agent = Person(workbins_talk(), "agent7").arrive()
    assert agent.post("/api/v2/me/workbins?workbinIds=x,y", "Subscribe").json["statusCode"] == 6


@pytest.mark.parametrize(("query", "code"), [("", 1), ("?workbinIds=", 10), ("?workbinIds=,", 10)])
def test_several_need_ids(query: str, code: int) -> None:
    agent = Person(workbins_talk(), "agent7").arrive()
    answer = agent.post(f"/api/v2/me/workbins{query}", "Subscribe")
    assert answer.json["statusCode"] == code


def test_only_subscribers_hear_of_a_workbin() -> None:
    talk = workbins_talk()
    agent = Person(talk, "agent7").arrive()
    path = f"/api/v2/workbins/{IN_PROGRESS.id}"
    agent.post(path, "PullWorkitem", id="02F0XAMPLE00001A")
    assert [event["channel"] for event in agent.news()] == ["/v2/me/workitems"]

    agent.post(path, "Subscribe")
    agent.post(path, "PullWorkitem", id="02F0XAMPLE00001B")
    channels = [event["channel"] for event in agent.news()]
    assert channels == ["/v2/me/workbins", "/v2/me/workbins", "/v2/me/workitems"]

    agent.post(path, "Unsubscribe")
    agent.post(path, "AddWorkitem", id="02F0XAMPLE00001B")
    channels = [event["channel"] for event in agent.news()]
    assert channels == ["/v2/me/workbins", "/v2/me/workitems"]  # the first acknowledges


@pytest.mark.parametrize(("scope", "heard"), [("user", 1), ("session", 0)])
def test_whether_a_subscription_counts_for_the_user_is_a_switch(scope: str, heard: int) -> None:
    talk = workbins_talk(switches={"subscription-scope": scope, "user-sessions": "actor"})
    first = Person(talk, "agent7").arrive()
    second = Person(talk, "agent7").arrive()
    first.post(f"/api/v2/workbins/{IN_PROGRESS.id}", "Subscribe")
    assert second.news() == []

    first.post(f"/api/v2/workbins/{IN_PROGRESS.id}", "PullWorkitem", id="02F0XAMPLE00001A")

    assert len(second.news()) == heard


def test_agents_of_a_group_all_see_what_one_does() -> None:
    talk = workbins_talk()
    one, two = Person(talk, "agent7").arrive(), Person(talk, "agent8").arrive()
    other_group = Person(talk, "supervisor").arrive()
    tier2 = f"/api/v2/me/workbins/{SHARED.id}?agentGroup=Tier2"
    for person in (one, two):
        person.post(tier2, "Subscribe")
        person.news()
    other_group.post(f"/api/v2/me/workbins/{SHARED.id}?agentGroup=Tier3", "Subscribe")
    other_group.news()

    answer = one.post(tier2, "PullWorkitem", id="02F0XAMPLE00004A")

    mine, taken = one.news()
    (theirs,) = two.news()
    assert mine["data"]["referenceId"] == answer.json["referenceId"]
    assert taken["channel"] == "/v2/me/workitems"
    assert theirs["data"] == {
        key: value for key, value in mine["data"].items() if key != "referenceId"
    }
    assert theirs["data"]["agentGroup"] == "Tier2"
    assert other_group.news() == []


def test_others_may_see_the_actor_s_reference_id_when_switched() -> None:
    talk = workbins_talk(switches={"reference-id-for-others": "on"})
    one, two = Person(talk, "agent7").arrive(), Person(talk, "agent8").arrive()
    tier2 = f"/api/v2/me/workbins/{SHARED.id}?agentGroup=Tier2"
    two.post(tier2, "Subscribe")
    two.news()

    answer = one.post(tier2, "PullWorkitem", id="02F0XAMPLE00004A")

    assert two.news()[0]["data"]["referenceId"] == answer.json["referenceId"]
