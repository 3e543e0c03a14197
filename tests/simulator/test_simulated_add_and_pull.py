"""Add and Pull at the simulated Workbins system: state is kept, events tell."""

from __future__ import annotations

from typing import Any

import pytest

from cometape.simulator.demo_data import COUNTER, DRAFTS, IN_PROGRESS, SHARED
from cometape.simulator.user_data import INTERACTION_SERVER_KEYS
from workbins_people import Person, workbins_talk

ITEM = "02F0XAMPLE00001A"
OWN = f"/api/v2/workbins/{IN_PROGRESS.id}"
TIER2 = f"/api/v2/me/workbins/{SHARED.id}?agentGroup=Tier2"
FRONT = f"/api/v2/me/workbins/{COUNTER.id}?placeGroup=FrontOffice"


def arrived(**config: Any) -> Person:
    return Person(workbins_talk(**config), "agent7").arrive()


def listed(person: Person, path: str = OWN, media: str = "workitems") -> list[str]:
    path, _, query = path.partition("?")
    answer = person.get(f"{path}/{media}?fields=*&{query}")
    return [item["id"] for item in answer.json[media]]


def test_a_pulled_workitem_is_gone_and_told_of() -> None:
    agent = arrived()

    answer = agent.post(OWN, "PullWorkitem", id=ITEM)

    assert listed(agent) == ["02F0XAMPLE00001B"]
    (event,) = agent.news()
    data = event["data"]
    assert event["channel"] == "/v2/me/workitems"
    assert data["messageType"] == "WorkitemStateChangeMessage"
    assert data["notificationType"] == "StatusChange"
    assert data["referenceId"] == answer.json["referenceId"]
    assert set(data["workitem"]) == {"id", "state", "capabilities", "userData"}
    assert data["workitem"]["state"] == "Processing"
    assert set(data["workitem"]["userData"]) >= INTERACTION_SERVER_KEYS
    assert agent.get("/api/v2/me/workitems?fields=*").json["workitems"][0]["id"] == ITEM


def test_a_pulled_workitem_shows_all_fields_when_switched() -> None:
    agent = arrived(switches={"pulled-workitem": "full"})
    agent.post(OWN, "PullWorkitem", id=ITEM)
    workitem = agent.news()[0]["data"]["workitem"]
    assert workitem["uri"] == f"http://gws.example:8090/api/v2/workitems/{ITEM}"
    assert workitem["workitemType"] == "Inbound"


def test_an_added_workitem_is_there_and_told_of_twice() -> None:
    agent = arrived()
    agent.post(OWN, "Subscribe")
    agent.post(OWN, "PullWorkitem", id=ITEM)
    agent.news()

    answer = agent.post(
        f"/api/v2/workbins/{DRAFTS.id}", "AddWorkitem", uri=f"http://any/api/v2/workitems/{ITEM}"
    )

    assert listed(agent, f"/api/v2/workbins/{DRAFTS.id}") == [ITEM]
    (event,) = agent.news()  # nobody subscribed to that workbin
    data = event["data"]
    assert data["referenceId"] == answer.json["referenceId"]
    workitem = data["workitem"]
    assert workitem["state"] == "InWorkbin"
    assert workitem["capabilities"] == []
    assert not INTERACTION_SERVER_KEYS & set(workitem["userData"])
    assert workitem["userData"]["RTenant"] == "Environment"

    agent.post(f"/api/v2/workbins/{DRAFTS.id}", "PullWorkitem", id=ITEM)
    agent.news()
    again = agent.post(OWN, "AddWorkitem", id=ITEM, saveLAR="true")
    added, in_workbin = agent.news()
    assert added["channel"] == "/v2/me/workbins"
    assert added["data"]["action"] == "ItemAdded"
    assert added["data"]["id"] == IN_PROGRESS.id
    assert added["data"]["workitemStateResourceV2"]["id"] == ITEM
    assert in_workbin["data"]["workitem"]["state"] == "InWorkbin"
    assert {event["data"]["referenceId"] for event in (added, in_workbin)} == {
        again.json["referenceId"]
    }
    (stored,) = (
        item
        for item in agent.get(f"{OWN}/workitems?fields=*").json["workitems"]
        if item["id"] == ITEM
    )
    assert stored["userData"]["PlacedInQueueAt"] == "2026-03-01T09:15:03Z"
    assert int(stored["userData"]["PlaceInQueueSeq"]) > 71051600


@pytest.mark.parametrize(
    ("path", "group"), [(TIER2, ("agentGroup", "Tier2")), (FRONT, ("placeGroup", "FrontOffice"))]
)
def test_group_workbins_give_and_take(path: str, group: tuple[str, str]) -> None:
    agent = arrived()
    agent.post(path, "Subscribe")
    item = listed(agent, path)[0]

    agent.post(path, "PullInteraction", id=item)
    assert item not in listed(agent, path)
    agent.post(path, "AddInteraction", id=item)
    assert item in listed(agent, path)

    told = [event["data"] for event in agent.news() if event["channel"] == "/v2/me/workbins"]
    assert [data.get("action") for data in told] == [None, "ItemRemoved", "ItemAdded"]
    assert all(data[group[0]] == group[1] for data in told)


def test_an_email_goes_by_its_own_names() -> None:
    agent = arrived()
    drafts = f"/api/v2/workbins/{DRAFTS.id}"
    agent.post(drafts, "Subscribe")
    agent.post(drafts, "PullEmail", id="02F0XAMPLE00001C")
    agent.post(drafts, "AddEmail", id="02F0XAMPLE00001C")

    events = agent.news()[1:]
    assert [event["channel"] for event in events] == [
        "/v2/me/workbins",
        "/v2/me/emails",
        "/v2/me/workbins",
        "/v2/me/emails",
    ]
    assert "emailStateResourceV2" in events[0]["data"]
    assert events[1]["data"]["messageType"] == "EmailStateChangeMessage"
    assert events[1]["data"]["email"]["state"] == "Processing"
    assert events[3]["data"]["email"]["state"] == "InWorkbin"


CHAT = "0001XaMPLE0000AA"


def test_pull_chat_yields_no_media_message_by_default() -> None:
    agent = arrived()
    agent.post(OWN, "Subscribe")
    agent.news()

    agent.post(OWN, "PullChat", id=CHAT, nickname="Addy")

    (removed,) = agent.news()
    assert removed["data"]["action"] == "ItemRemoved"
    assert set(removed["data"]["chatStateResourceV2"]) == {
        "capabilities",
        "chatType",
        "id",
        "participants",
        "receivedDate",
        "userData",
    }
    assert listed(agent, OWN, "chats") == []


def test_pull_chat_notifies_when_switched() -> None:
    agent = arrived(switches={"enableNotificationOnPullChat": "on"})
    answer = agent.post(OWN, "PullChat", id=CHAT)
    (event,) = agent.news()
    assert event["channel"] == "/v2/me/chats"
    assert event["data"]["notificationType"] == "PropertiesUpdated"
    assert event["data"]["chat"]["id"] == CHAT
    assert event["data"]["referenceId"] == answer.json["referenceId"]


def test_pull_chat_joins_under_the_nickname_when_switched() -> None:
    agent = arrived(switches={"enableJoinOnPullChat": "on"})
    agent.post(OWN, "PullChat", id=CHAT, nickname="Addy")
    joined, transcript = agent.news()
    assert joined["data"]["chat"]["state"] == "Chatting"
    assert joined["data"]["chat"]["participants"][0]["nickname"] == "Addy"
    assert "SendMessage" in joined["data"]["chat"]["capabilities"]
    assert transcript["data"]["messageType"] == "MessageLogUpdated"
    assert "chat" not in transcript["data"]
    assert transcript["data"]["chatUri"].endswith(f"/api/v2/chats/{CHAT}")


def test_without_a_nickname_the_user_s_own_is_shown() -> None:
    agent = arrived(switches={"enableJoinOnPullChat": "on"})
    agent.post(OWN, "PullChat", id=CHAT)
    assert agent.news()[0]["data"]["chat"]["participants"][0]["nickname"] == "Ada"


@pytest.mark.parametrize(
    ("operation", "item", "channel"),
    [
        ("PullWorkitem", "02F0NOSUCHITEM0A", "/v2/me/workitems"),
        ("PullWorkitem", "02F0XAMPLE00002A", "/v2/me/workitems"),  # agent8's
        ("PullEmail", ITEM, "/v2/me/emails"),  # not an e-mail
        ("AddWorkitem", ITEM, "/v2/me/workitems"),  # not in hand
        ("AddInteractionToWorkbin", "02F0NOSUCHITEM0A", "/v2/me/workitems"),
    ],
)
def test_what_cannot_be_done_fails_afterwards(operation: str, item: str, channel: str) -> None:
    agent = arrived()

    answer = agent.post(OWN, operation, id=item)

    assert answer.json["statusCode"] == 0
    (event,) = agent.news()
    assert event["channel"] == channel
    assert event["data"]["notificationType"] == "Error"
    assert event["data"]["referenceId"] == answer.json["referenceId"]
    assert item in event["data"]["errorMessage"]
    assert ITEM in listed(agent)


@pytest.mark.parametrize("operation", ["PullWorkitem", "AddWorkitem"])
def test_what_cannot_be_done_is_refused_at_once_when_switched(operation: str) -> None:
    agent = arrived(switches={"missing-item": "answer"})
    answer = agent.post(OWN, operation, id="02F0NOSUCHITEM0A")
    assert answer.json["statusCode"] == 6
    assert agent.news() == []


@pytest.mark.parametrize(
    ("fields", "extra"),
    [("none", set()), ("message", {"errorMessage"}), ("code", {"errorMessage", "errorCode"})],
)
def test_the_fields_of_an_error_are_a_switch(fields: str, extra: set[str]) -> None:
    agent = arrived(switches={"error-fields": fields, "failing-operations": "PullWorkitem"})
    agent.post(OWN, "PullWorkitem", id=ITEM)
    (event,) = agent.news()
    assert {"errorMessage", "errorCode"} & set(event["data"]) == extra
    assert ITEM in listed(agent)


@pytest.mark.parametrize(
    ("operation", "fields", "code"),
    [
        ("PullWorkitem", {}, 1),
        ("PullWorkitem", {"id": 17}, 1),
        ("AddWorkitem", {}, 1),
        ("AddWorkitem", {"id": ITEM, "saveLAR": "perhaps"}, 10),
        ("PullLetter", {"id": ITEM}, 10),
    ],
)
def test_a_bad_parameter_is_refused_at_once(
    operation: str, fields: dict[str, object], code: int
) -> None:
    agent = arrived()
    answer = agent.post(OWN, operation, **fields)
    assert answer.json["statusCode"] == code
    assert answer.status == 400
    assert agent.news() == []


def test_two_pulls_of_one_item_end_in_one_success() -> None:
    talk = workbins_talk()
    one, two = Person(talk, "agent7").arrive(), Person(talk, "agent8").arrive()

    one.post(TIER2, "PullWorkitem", id="02F0XAMPLE00004A")
    two.post(TIER2, "PullWorkitem", id="02F0XAMPLE00004A")

    assert one.news()[0]["data"]["notificationType"] == "StatusChange"
    assert two.news()[0]["data"]["notificationType"] == "Error"
