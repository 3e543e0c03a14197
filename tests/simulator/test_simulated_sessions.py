"""Contact-centre sessions, agent states and invitations at the simulated Workbins system."""

from __future__ import annotations

import json
from typing import Any

import pytest

from workbins_people import NOTIFICATIONS, Person, workbins_talk

START = "StartContactCenterSession"
CHANNELS = ["voice", "chat", "email", "workitem"]


def arrived(**config: Any) -> Person:
    return Person(workbins_talk(**config), "agent7").arrive()


def test_a_session_starts_without_reference_id_and_tells_the_states() -> None:
    agent = arrived()

    answer = agent.post("/api/v2/me", START, channels=CHANNELS, place="Place_7")

    assert answer.json == {"statusCode": 0}
    device, channels = agent.news()
    assert device["channel"] == "/v2/me/devices"
    assert device["data"]["messageType"] == "DeviceStateChangeMessage"
    assert device["data"]["devices"][0]["userState"]["state"] == "NotReady"
    assert channels["channel"] == "/v2/me/channels"
    assert channels["data"]["messageType"] == "ChannelStateChangeMessageV2"
    assert [channel["channel"] for channel in channels["data"]["channels"]] == CHANNELS[1:]
    assert "referenceId" not in device["data"] | channels["data"]


def test_a_session_may_start_silently() -> None:
    agent = arrived(switches={"start-session-events": "off"})
    agent.post("/api/v2/me", START, channels=CHANNELS)
    assert agent.news() == []


def test_a_session_starts_in_part_when_interaction_server_is_down() -> None:
    agent = arrived(switches={"interaction-server": "down"})

    answer = agent.post("/api/v2/me", START, channels=["voice", "chat"])

    assert answer.status == 200
    assert answer.json["statusCode"] == 7
    voice, chat = answer.json["channels"]
    assert voice == {"channel": "voice", "statusCode": 0}
    assert chat["statusCode"] == 4
    assert "Interaction Server" in chat["statusMessage"]


def test_when_all_channels_fail_one_failure_is_told() -> None:
    agent = arrived(switches={"interaction-server": "down"})
    answer = agent.post("/api/v2/me", START, channels=["chat"])
    assert set(answer.json) == {"statusCode", "statusMessage"}
    assert answer.status == 500


@pytest.mark.parametrize(("fields", "code"), [({}, 1), ({"channels": ["pigeon"]}, 10)])
def test_a_session_needs_channels(fields: dict[str, object], code: int) -> None:
    assert arrived().post("/api/v2/me", START, **fields).json["statusCode"] == code


def test_ready_and_not_ready_are_told_later_without_reference_id() -> None:
    agent = arrived()
    assert agent.post("/api/v2/me", "Ready").json["statusCode"] == 2  # no session yet
    agent.post("/api/v2/me", START, channels=CHANNELS)
    agent.news()

    assert agent.post("/api/v2/me", "Ready").json == {"statusCode": 0}
    device, channels = agent.news()
    assert device["data"]["devices"][0]["userState"]["state"] == "Ready"
    assert all(c["userState"]["state"] == "Ready" for c in channels["data"]["channels"])

    assert agent.post("/api/v2/me/channels/voice", "NotReady").json == {"statusCode": 0}
    (device,) = agent.news()
    assert device["data"]["devices"][0]["userState"] == {
        "id": "900D55CC-2BB0-431F-8BF9-D3525B383BE6",
        "displayName": "Not Ready",
        "state": "NotReady",
    }
    states = agent.get("/api/v2/me/channels").json["channels"]
    assert {channel["userState"]["state"] for channel in states} == {"Ready"}
    assert agent.post("/api/v2/me/channels/fax", "Ready").json["statusCode"] == 6


def test_the_end_of_the_session_is_the_end_of_the_login_and_of_cometd() -> None:
    agent = arrived()
    agent.post("/api/v2/me", START, channels=CHANNELS)
    agent.news()
    assert agent.comet is not None
    held = agent.comet.hold()

    answer = agent.post("/api/v2/me", "EndContactCenterSession")

    assert answer.json == {"statusCode": 0}
    assert held.answered
    assert held.message["successful"] is False
    assert held.message["error"].startswith("402")
    refused = agent.get("/api/v2/me")
    assert refused.status == 401
    assert refused.json["statusCode"] == 20
    polled = agent.comet.send(agent.comet.message("/meta/connect", connectionType="long-polling"))
    assert polled.status == 401


def test_events_still_due_at_the_end_of_the_session_are_lost() -> None:
    talk = workbins_talk()
    agent = Person(talk, "agent7").arrive()
    other = Person(talk, "agent7").arrive()
    agent.post("/api/v2/me", START, channels=CHANNELS)
    agent.post("/api/v2/me", "EndContactCenterSession")
    assert agent.talk.held == []
    assert len(other.news()) == 2  # the user's other session gets them


def test_ready_agents_are_invited_again_and_again() -> None:
    agent = arrived(invite_every_s=5.0, switches={"start-session-events": "off"})
    agent.post("/api/v2/me", START, channels=CHANNELS)
    assert agent.news(60) == []  # not ready, no invitations
    agent = agent.arrive()
    agent.post("/api/v2/me", "Ready")
    agent.news()

    (event,) = agent.news(9)
    assert event["data"]["workitem"]["state"] == "Invited"
    assert agent.news(30) == []  # one at a time

    item = event["data"]["workitem"]["id"]
    agent.post(f"/api/v2/me/workitems/{item}", "Accept")
    accepted, invited = agent.news(5)
    assert accepted["data"]["workitem"]["state"] == "Processing"
    assert invited["data"]["workitem"]["id"] != item


def test_an_invitation_not_taken_is_revoked() -> None:
    agent = arrived(invite_every_s=5.0, revoke_after_s=2.0)
    agent.post("/api/v2/me", START, channels=["workitem"])
    agent.post("/api/v2/me", "Ready")
    agent.news()
    invited, revoked, again = agent.news(11)
    states = [event["data"]["workitem"]["state"] for event in (invited, revoked, again)]
    assert states == ["Invited", "Revoked", "Invited"]
    assert "referenceId" not in revoked["data"]


def test_a_test_may_expire_the_cometd_sessions_of_a_user() -> None:
    agent = arrived()
    assert agent.comet is not None
    held = agent.comet.hold()

    answer = agent.talk.send("POST", "/simulator/expire", body='{"user": "agent7"}')

    assert answer.json == {"statusCode": 0}
    assert held.message["error"] == "402::Unknown client"
    assert held.message["advice"]["reconnect"] == "handshake"
    assert agent.get("/api/v2/me").status == 200  # the login lives on
    assert agent.comet.handshake()["successful"]


@pytest.mark.parametrize(("setting", "status"), [("off", 200), ("on", 401)])
def test_whether_silence_ends_the_login_is_a_switch(setting: str, status: int) -> None:
    agent = arrived(switches={"close-http-session-on-expiration": setting})
    agent.talk.advance(120)
    assert agent.get("/api/v2/me").status == status


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("invite", "{}", 1),
        ("invite", "no json", 1),
        ("invite", "[]", 1),
        ("invite", '{"user":"nobody"}', 6),
        ("invite", '{"user":"agent7","medium":"letter"}', 10),
        ("invite", '{"user":"agent7","userData":[]}', 10),
        ("switches", '{"event-order":"sideways"}', 10),
        ("switches", '{"event-ordre":"random"}', 10),
        ("dance", "{}", 6),
    ],
)
def test_a_control_request_that_is_wrong_says_so(path: str, body: str, code: int) -> None:
    answer = workbins_talk().send("POST", f"/simulator/{path}", body=body)
    assert answer.json["statusCode"] == code


def test_switches_are_read_and_set_while_it_runs() -> None:
    talk = workbins_talk()
    assert talk.send("GET", "/simulator/switches").json["switches"]["event-order"] == (
        "workbin-first"
    )
    answer = talk.send("POST", "/simulator/switches", body=json.dumps({"event-order": "random"}))
    assert answer.json["switches"]["event-order"] == "random"
    assert talk.send("GET", "/simulator/invite").status == 405


def test_cometd_needs_a_login() -> None:
    talk = workbins_talk()
    stranger = talk.client()
    refused = stranger.send(stranger.message("/meta/handshake", version="1.0"))
    assert refused.status == 401
    assert refused.json["statusCode"] == 20
    assert refused.header("WWW-Authenticate") == 'Basic realm="Genesys Web Services"'


def test_cometd_may_refuse_in_its_own_words() -> None:
    talk = workbins_talk(switches={"unauthenticated-notifications": "bayeux"})
    reply = talk.client().handshake()
    assert reply["successful"] is False
    assert reply["advice"] == {"reconnect": "none"}


def test_cometd_itself_may_log_in_with_basic() -> None:
    talk = workbins_talk()
    person = Person(talk, "agent7")
    client = talk.client(headers=[person.authorization], keep_cookies=True)
    assert client.handshake()["successful"]
    assert client.cookies["JSESSIONID"]
    assert client.cookies["BAYEUX_BROWSER"]


def test_clients_cannot_publish() -> None:
    agent = arrived()
    assert agent.comet is not None
    assert agent.comet.publish("/v2/me/workbins", {"a": 1})["successful"] is False
    assert agent.comet.publish("/service/anything", {"a": 1})["successful"] is True


def test_web_sockets_are_not_offered_unless_switched_on() -> None:
    talk = workbins_talk()
    person = Person(talk, "agent7")
    with pytest.raises(AssertionError, match="404"):
        talk.open_socket(NOTIFICATIONS, headers=[person.authorization])

    talk = workbins_talk(switches={"websocket": "on"})
    with pytest.raises(AssertionError, match="401"):
        talk.open_socket(NOTIFICATIONS)
    client = talk.client("websocket", headers=[person.authorization]).begin("/v2/me/*")
    talk.send("POST", "/simulator/invite", body='{"user": "agent7"}')
    assert client.events[0]["data"]["workitem"]["state"] == "Invited"
