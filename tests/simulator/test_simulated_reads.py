"""Reads of the simulated Workbins system: answered at once, of the state as it is."""

from __future__ import annotations

import pytest

from cometape.simulator.demo_data import COUNTER, DRAFTS, IN_PROGRESS, SHARED, TRAY
from workbins_people import Person, workbins_talk

PUBLIC = "http://gws.example:8090/api/v2"
AGENT8 = "83c2d9b07e514a1c9f60d4ab1e2275c8"


@pytest.fixture
def agent() -> Person:
    person = Person(workbins_talk(), "agent7")
    person.login()
    return person


@pytest.fixture
def supervisor() -> Person:
    person = Person(workbins_talk(), "supervisor")
    person.login()
    return person


def test_without_fields_workbins_are_uris(agent: Person) -> None:
    assert agent.get("/api/v2/me/workbins").json == {
        "statusCode": 0,
        "uris": [
            f"{PUBLIC}/workbins/{workbin_id}"
            for workbin_id in (DRAFTS.id, IN_PROGRESS.id, "3434543fafwe987", TRAY.id)
        ],
    }


def test_my_workbins_are_those_of_agents_and_places(agent: Person) -> None:
    workbins = agent.get("/api/v2/me/workbins?fields=*").json["workbins"]
    assert {workbin["type"] for workbin in workbins} == {"Agent", "Place"}


def test_all_workbins_are_of_any_type_and_spell_their_name_both_ways(agent: Person) -> None:
    workbins = agent.get("/api/v2/workbins?fields=*").json["workbins"]
    assert {workbin["type"] for workbin in workbins} == {
        "Agent",
        "Place",
        "AgentGroup",
        "PlaceGroup",
    }
    assert workbins[0] == {
        "workbinName": "draft-emails",
        "id": DRAFTS.id,
        "displayName": "Draft e-mails",
        "uri": f"{PUBLIC}/workbins/{DRAFTS.id}",
        "type": "Agent",
    }
    assert workbins[1]["name"] == "in-progress"


def test_some_fields_only(agent: Person) -> None:
    workbins = agent.get("/api/v2/me/workbins?fields=id,type").json["workbins"]
    assert workbins[0] == {"id": DRAFTS.id, "type": "Agent"}


@pytest.mark.parametrize("scope", ["/me", ""])
def test_one_workbin_without_and_with_contents(agent: Person, scope: str) -> None:
    path = f"/api/v2{scope}/workbins/{IN_PROGRESS.id}"
    bare = agent.get(path).json["workbin"]
    assert set(bare) == {"name", "id", "displayName", "uri", "type"}

    full = agent.get(f"{path}?subresources=*").json["workbin"]

    assert [item["id"] for item in full["workitems"]] == ["02F0XAMPLE00001A", "02F0XAMPLE00001B"]
    assert [item["id"] for item in full["chats"]] == ["0001XaMPLE0000AA"]
    assert full["emails"] == []
    item = full["workitems"][0]
    assert item["uri"] == f"{PUBLIC}/workitems/02F0XAMPLE00001A"
    assert item["state"] == "InWorkbin"
    assert item["capabilities"] == []
    assert item["workitemType"] == "Inbound"
    assert item["receivedDate"] == "2026-03-01 08:40:12.000+0000"
    assert item["userData"]["Workbin"] == "in-progress"
    assert item["userData"]["WorkbinAgentId"] == "agent7"
    assert set(full["chats"][0]) == {
        "capabilities",
        "chatType",
        "id",
        "participants",
        "receivedDate",
        "userData",
    }


def test_a_selector_shows_one_medium(agent: Person) -> None:
    workbin = agent.get(f"/api/v2/me/workbins/{DRAFTS.id}?subresources=email").json["workbin"]
    assert [item["id"] for item in workbin["emails"]] == ["02F0XAMPLE00001C"]
    assert "workitems" not in workbin


def test_one_medium_stands_on_top_level_with_fields(agent: Person) -> None:
    answer = agent.get(f"/api/v2/workbins/{IN_PROGRESS.id}/workitems?fields=*").json
    assert set(answer) == {"statusCode", "workitems"}
    assert len(answer["workitems"]) == 2
    assert agent.get(f"/api/v2/workbins/{IN_PROGRESS.id}/workitems").json["uris"] == [
        f"{PUBLIC}/workitems/02F0XAMPLE00001A",
        f"{PUBLIC}/workitems/02F0XAMPLE00001B",
    ]


@pytest.mark.parametrize("prefix", ["users/", ""])
def test_by_user_one_medium_stands_inside_the_workbin(supervisor: Person, prefix: str) -> None:
    path = f"/api/v2/{prefix}{AGENT8}/workbins/{DRAFTS.id}/emails?subresources=*"
    workbin = supervisor.get(path).json["workbin"]
    assert workbin["uri"] == f"{PUBLIC}/{AGENT8}/workbins/{DRAFTS.id}"
    assert [item["id"] for item in workbin["emails"]] == ["02F0XAMPLE00002C"]


def test_a_user_s_workbins_and_their_contents(supervisor: Person) -> None:
    path = f"/api/v2/users/{AGENT8}/workbins"
    assert len(supervisor.get(f"{path}?fields=*").json["workbins"]) == 4
    workbin = supervisor.get(f"{path}/{IN_PROGRESS.id}?subresources=*").json["workbin"]
    assert [item["id"] for item in workbin["workitems"]] == ["02F0XAMPLE00002A"]


def test_a_group_s_copy_is_chosen_in_the_query(agent: Person) -> None:
    path = f"/api/v2/me/workbins/{SHARED.id}?subresources=*"
    tier2 = agent.get(f"{path}&agentGroup=Tier2").json["workbin"]
    assert [item["id"] for item in tier2["workitems"]] == ["02F0XAMPLE00004A"]
    assert [item["id"] for item in tier2["chats"]] == ["0001XaMPLE0000BB"]

    place = f"/api/v2/me/workbins/{COUNTER.id}?subresources=workitem&placeGroup=FrontOffice"
    assert len(agent.get(place).json["workbin"]["workitems"]) == 1

    one_medium = f"/api/v2/me/workbins/{SHARED.id}/chats?fields=*&agentGroup=Tier2"
    assert len(agent.get(one_medium).json["chats"]) == 1


def test_several_group_workbins_with_contents(agent: Person) -> None:
    query = f"workbinIds={SHARED.id},{IN_PROGRESS.id}&subresources=*&agentGroup=Tier2"
    answer = agent.get(f"/api/v2/me/workbins?{query}")
    # the group is for group workbins; naming it for an agent's own is a mistake
    assert answer.json["statusCode"] == 2

    query = f"workbinIds={SHARED.id}&subresources=*&agentGroup=Tier2"
    (workbin,) = agent.get(f"/api/v2/me/workbins?{query}").json["workbins"]
    assert len(workbin["workitems"]) == 1


@pytest.mark.parametrize(
    ("query", "code"),
    [("", 1), ("&agentGroup=Nobody", 6), ("&agentGroup=Tier3", 5), ("&placeGroup=FrontOffice", 2)],
)
def test_a_group_s_contents_need_the_right_group(agent: Person, query: str, code: int) -> None:
    answer = agent.get(f"/api/v2/me/workbins/{SHARED.id}?subresources=*{query}")
    assert answer.json["statusCode"] == code


def test_contents_of_all_workbins_leave_out_those_of_unnamed_groups(agent: Person) -> None:
    workbins = agent.get("/api/v2/workbins?fields=*&subresources=*").json["workbins"]
    by_id = {workbin["id"]: workbin for workbin in workbins}
    assert len(by_id[IN_PROGRESS.id]["workitems"]) == 2
    assert "workitems" not in by_id[SHARED.id]


def test_the_place_s_workbin_belongs_to_the_place_of_the_session() -> None:
    talk = workbins_talk()
    agent = Person(talk, "agent8").arrive()
    path = f"/api/v2/me/workbins/{TRAY.id}/workitems?fields=*"
    assert agent.get(path).json["workitems"] == []

    agent.post("/api/v2/me", "StartContactCenterSession", channels=["workitem"], place="Place_7")

    assert len(agent.get(path).json["workitems"]) == 1


def test_the_user_with_and_without_subresources(agent: Person) -> None:
    bare = agent.get("/api/v2/me").json["user"]
    assert bare == {
        "id": "7a1f0c5e9b3d4f6aa2c8e1d7b4093f57",
        "userName": "agent7",
        "firstName": "Ada",
        "lastName": "Seven",
        "roles": ["ROLE_AGENT"],
        "enabled": True,
        "changePasswordOnFirstLogin": False,
        "uri": f"{PUBLIC}/users/7a1f0c5e9b3d4f6aa2c8e1d7b4093f57",
        "path": "/users/7a1f0c5e9b3d4f6aa2c8e1d7b4093f57",
    }
    full = agent.get("/api/v2/me?subresources=*").json["user"]
    assert set(full) - set(bare) == {
        "devices",
        "channels",
        "calls",
        "settings",
        "features",
        "skills",
    }


def test_users_are_for_supervisors(agent: Person, supervisor: Person) -> None:
    assert agent.get("/api/v2/users?fields=*").json["statusCode"] == 5
    assert agent.get(f"/api/v2/users/{AGENT8}").json["statusCode"] == 5
    assert len(supervisor.get("/api/v2/users?fields=*").json["users"]) == 4
    assert supervisor.get(f"/api/v2/users/{AGENT8}").json["user"]["userName"] == "agent8"
    assert supervisor.get("/api/v2/users/nobody").json["statusCode"] == 6


def test_settings_contacts_devices_and_business_attributes(agent: Person) -> None:
    states = agent.get("/api/v2/settings/agent-states").json["settings"]
    assert [state["state"] for state in states] == ["Ready", "NotReady"]
    assert len(agent.get("/api/v2/contacts").json["contacts"]) == 2
    assert agent.get("/internal-api/business-attributes").json["businessAttributes"]
    assert agent.get("/api/v2/me/devices").json["devices"][0]["phoneNumber"] == "5007"
    assert agent.get("/api/v2/me/channels").json["channels"] == []


def test_uris_are_those_of_the_public_url() -> None:
    person = Person(workbins_talk(public_url="https://cloud.example"), "agent7")
    uris = person.get("/api/v2/me/workbins").json["uris"]
    assert all(uri.startswith("https://cloud.example/api/v2/workbins/") for uri in uris)


@pytest.mark.parametrize("key", ["workbinName", "name"])
def test_the_name_is_spelled_one_way_when_switched(key: str) -> None:
    person = Person(workbins_talk(switches={"workbin-name-key": key}), "agent7")
    workbins = person.get("/api/v2/workbins?fields=*").json["workbins"]
    assert all(key in workbin for workbin in workbins)


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/v2/nothing", "/api/v2/me/workbins/unknown", "/api/v3/me"]
)
def test_an_unknown_path_is_statuscode_6(agent: Person, path: str) -> None:
    answer = agent.get(path)
    assert answer.status == 404
    assert set(answer.json) == {"statusCode", "statusMessage"}
    assert answer.json["statusCode"] == 6
    assert answer.header("Content-Type") == "application/json;charset=UTF-8"


def test_subresources_of_no_medium_are_out_of_range(agent: Person) -> None:
    answer = agent.get(f"/api/v2/me/workbins/{DRAFTS.id}?subresources=letters")
    assert answer.json["statusCode"] == 10
