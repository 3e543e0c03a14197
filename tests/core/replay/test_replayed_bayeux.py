"""Publishes, refusals, dialects: Bayeux as it was recorded."""

from __future__ import annotations

from scripted import NOTIFICATIONS, Script, Stage


def test_a_publish_is_matched_and_causes_its_events() -> None:
    script = Script("bayeux")
    script.listen("a", "/chat")
    script.publish("a", "/chat", {"text": "hello", "n": 1})
    script.event("a", "/chat", {"text": "hello", "n": 1})
    stage = Stage(script)
    person = stage.person()
    client = person.listen("/chat")
    refused = client.publish("/chat", {"text": "hello", "n": 2})
    assert not refused["successful"]
    assert "body-differs" in refused["error"]
    assert "body.n: recorded 1, sent 2" in refused["error"]
    assert client.publish("/chat", {"n": 1.0, "text": "hello"})["successful"]
    assert person.data() == [{"text": "hello", "n": 1}]
    again = client.publish("/chat", {"text": "hello", "n": 1})
    assert "exhausted" in again["error"]
    assert [miss.reason for miss in stage.service.misses] == ["body-differs", "exhausted"]


def test_the_answer_to_a_remote_call_carries_the_live_message_id() -> None:
    script = Script("bayeux")
    script.handshake("a")
    script.publish("a", "/service/echo", {"q": 1}, message_id="44")
    script.event("a", "/service/echo", {"a": 1}, message_id="44")
    stage = Stage(script)
    client = stage.person().shake_hands()
    message = client.message("/service/echo", data={"q": 1})
    client.ask(message)
    stage.settle()
    client.poll()
    (event,) = client.events
    assert event["id"] == message["id"] != "44"
    assert "successful" not in event


def test_refusals_are_refused_again() -> None:
    script = Script("bayeux")
    script.handshake(
        "a",
        successful=False,
        error="403::Handshake denied",
        client_id=None,
        advice={"reconnect": "none"},
    )
    script.handshake("a")
    script.subscribe("a", "/secret", successful=False, error="403:/secret:no")
    script.subscribe("a", "/open")
    script.publish("a", "/open", 1, successful=False, error="403:/open:publish_denied")
    stage = Stage(script)
    client = stage.talk.client()
    reply = client.handshake()
    assert (reply["successful"], reply["error"]) == (False, "403::Handshake denied")
    assert reply["advice"] == {"reconnect": "none"}
    client.begin("/open", "/never/recorded")
    assert client.subscribe("/secret")["error"] == "403:/secret:no"
    assert client.publish("/open", 1)["error"] == "403:/open:publish_denied"
    assert len(stage.service.report().runs) == 1


def test_bayeux_is_served_at_the_recorded_path_and_at_the_profiles() -> None:
    script = Script(bayeux="/odd/cometd")
    script.handshake("a")
    stage = Stage(script)
    for path in ("/odd/cometd", "/odd/cometd/handshake", NOTIFICATIONS, NOTIFICATIONS + "/"):
        assert stage.talk.client(path=path).handshake()["successful"]
    assert stage.talk.client(path="/other").send({"channel": "/meta/handshake"}).status == 599


def test_the_dialect_is_the_recorded_one() -> None:
    script = Script()
    script.handshake("a")
    script.publish("a", "/x", 1, successful=False, error="402::session_unknown")
    stage = Stage(script)
    client = stage.talk.client()
    client.client_id = "lost"
    assert client.connect()["error"] == "402::session_unknown"


def test_a_recorded_client_id_in_a_body_becomes_the_live_one() -> None:
    script = Script("bayeux")
    script.handshake("a")
    script.ask("a", "GET", "/who", None, {"you": "<client-id:1>", "n": "<token:1>"})
    stage = Stage(script)
    person = stage.person()
    client = person.shake_hands()
    assert person.ask("GET", "/who").json == {"you": client.client_id, "n": "<token:1>"}


def test_a_subscription_to_what_is_no_channel_is_refused_as_recorded_and_hinders_no_other() -> None:
    script = Script()
    script.listen("a", "/v2/me/*")
    script.subscribe("a", "bad", successful=False, error="403::subscription_invalid")
    client = Stage(script).person().listen("/v2/me/*")
    assert not client.subscribe("bad")["successful"]
    assert client.subscribe("/v2/me/*")["successful"]
