"""A cassette without personal data replays as before, to clients that have names."""

from __future__ import annotations

import pytest

from cometape.core.scrub.cleaning import clean
from cometape.profiles import load_profile
from scripted import Script, Stage

NOTE = "Please call Pat Example back"


def two_people() -> Script:
    """Two agents write in one chat, ask for each other by name, and each gets an event."""
    script = Script()
    for name, first, other in (("agent7", "Ada", "agent8"), ("agent8", "Ben", "agent7")):
        script.handshake(name)
        script.subscribe(name, "/v2/me/*")
        me = {"statusCode": 0, "user": {"userName": name, "firstName": first}}
        script.ask(name, "GET", "/api/v2/me", answer=me)
        script.ask(name, "GET", f"/api/v2/users/{other}", answer={"user": {"userName": other}})
        number = {"agent7": 17, "agent8": 18}[name]
        script.ask(
            name,
            "POST",
            "/api/v2/me/chats/1",
            {"operationName": "SendMessage", "text": f"{NOTE}, {first}"},
            {"statusCode": 0, "referenceId": number},
        )
        script.event(
            name,
            "/v2/me/chats",
            {"referenceId": number, "messages": [{"text": NOTE, "nickname": first}]},
        )
    return script


def anonymous() -> Script:
    script = two_people()
    cleaned = clean(script.cassette, load_profile("workbins"), pseudonyms=True).cassette
    script.entries = list(cleaned.entries)
    for name in ("agent7", "agent8", "Ada", "Ben", NOTE):
        assert name not in str(script.entries)
    return script


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("user-1", "user-2"), (0, 1)),  # by name, in any order
        (("user-1", "user-2"), (1, 0)),
        (("agent7", "agent8"), (0, 1)),  # by order of arrival
        (("somebody", "else"), (0, 1)),
    ],
)
def test_each_takes_a_session_and_what_they_write_matches(
    names: tuple[str, str], order: tuple[int, int]
) -> None:
    stage = Stage(anonymous())
    people = {}
    for index in order:
        person = people[index] = stage.person(names[index])
        person.listen("/v2/me/*")
        user = person.ask("GET", "/api/v2/me").json["user"]
        assert user == {"userName": f"<user:{index + 1}>", "firstName": f"<person:{index + 1}>"}
    for index in order:
        other = names[1 - index]
        found = people[index].ask("GET", f"/api/v2/users/{other}")
        assert found.json == {"user": {"userName": f"<user:{2 - index}>"}}
        sent = people[index].ask(
            "POST", "/api/v2/me/chats/1", {"operationName": "SendMessage", "text": "anything"}
        )
        assert sent.status == 200
        (event,) = people[index].data()
        assert event["referenceId"] == sent.json["referenceId"]
        assert event["messages"][0]["text"].startswith("<text:")


def test_a_name_taken_from_an_answer_leads_to_the_next() -> None:
    stage = Stage(anonymous())
    person = stage.person("user-1")
    name = person.ask("GET", "/api/v2/users/agent8").json["user"]["userName"]
    assert person.ask("GET", f"/api/v2/users/{name}").status == 200
