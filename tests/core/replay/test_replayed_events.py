"""When events come, how often, and to whom."""

from __future__ import annotations

from typing import Any

import pytest

from cometape.core.bayeux.settings import Settings
from cometape.core.run.pace import Pace
from conversation import Client
from pulling import BINS, ITEMS, PULL, A, pulling
from scripted import Person, Script, Stage


def test_a_spontaneous_event_follows_the_action_before_it_once() -> None:
    script = Script()
    script.listen("a", ITEMS)
    script.event("a", ITEMS, {"n": "invite"})
    script.ask("a", "GET", "/r", None, {})
    script.ask("a", "POST", "/api/v2/me", {"operationName": "Ready"}, {"statusCode": 0})
    script.event("a", ITEMS, {"n": "call"}, cause="spontaneous")
    stage = Stage(script, repeats=True)
    person = stage.person()
    person.listen(ITEMS)
    assert person.data() == [{"n": "invite"}]
    person.ask("GET", "/r")
    assert person.data() == [{"n": "invite"}]
    for _ in range(2):
        person.ask("POST", "/api/v2/me", {"operationName": "Ready"})
    assert person.data() == [{"n": "invite"}, {"n": "call"}]


def test_events_of_one_cause_keep_their_order_whatever_their_delays() -> None:
    script = Script()
    script.listen("a", ITEMS)
    pull = script.ask("a", "POST", "/x", {"operationName": "Do"}, {"referenceId": 9})
    script.event("a", ITEMS, {"n": 1}, cause=pull, at_s=9.0)
    script.event("a", ITEMS, {"n": 2}, cause=pull, at_s=8.0)
    script.event("a", ITEMS, {"n": 3}, cause=pull, at_s=9.0)
    stage = Stage(script, pace=Pace.parse("recorded"))
    person = stage.person()
    person.listen(ITEMS)
    person.ask("POST", "/x", {"operationName": "Do"})
    stage.talk.advance(10)
    assert [event["n"] for event in person.data()] == [1, 2, 3]


@pytest.mark.parametrize(("pace", "live_s"), [("recorded", 4.9), ("x10", 0.49), ("instant", 0.01)])
def test_the_pace_says_when_events_come(pace: str, live_s: float) -> None:
    script = Script()
    script.listen("a", ITEMS)
    pull = script.ask("a", "POST", "/x", {"operationName": "Do"}, {"referenceId": 9})  # 3.0 - 3.1
    script.event("a", ITEMS, {"n": 1}, cause=pull, at_s=8.0)
    stage = Stage(script, pace=Pace.parse(pace))
    person = stage.person()
    held = person.listen(ITEMS).hold()
    person.ask("POST", "/x", {"operationName": "Do"})
    stage.talk.advance(live_s - 0.001)
    assert held.held
    stage.talk.advance(0.002)
    assert held.answered


def test_an_event_recorded_without_a_subscription_needs_none() -> None:
    script = Script()
    script.handshake("a")
    pull = script.ask("a", "POST", "/x", {"operationName": "Do"}, {})
    script.event("a", "/private/for/you", {"n": 1}, cause=pull)
    stage = Stage(script)
    person = stage.person()
    person.shake_hands()
    person.ask("POST", "/x", {"operationName": "Do"})
    assert person.events() == [("/private/for/you", {"n": 1})]


def test_a_goodbye_right_after_an_answer_still_gets_its_events() -> None:
    stage = Stage(pulling())
    person = stage.person("supervisor")
    person.ask("GET", "/api/v2/me")
    client = person.listen(ITEMS, BINS)
    held = client.hold()
    person.ask("POST", A, PULL)
    client.disconnect()
    assert held.answered
    assert len(client.events) == 2
    assert stage.service.report().ok


def test_a_client_that_lost_its_session_gets_what_it_missed_in_the_next() -> None:
    stage = Stage(pulling())
    person = stage.person("supervisor")
    first = person.listen(ITEMS, BINS)
    live = person.ask("POST", A, PULL).json["referenceId"]
    stage.settle()
    assert first.client_id is not None
    bayeux = stage.service.replay.bayeux
    stage.talk.carry_out(
        stage.service.replay.endpoint.actions(bayeux.expire(first.client_id, stage.talk.now_s))
    )
    assert first.connect()["error"] == "402::Unknown client"
    person.listen(ITEMS, BINS)
    assert [event["referenceId"] for event in person.data()] == [live, live]
    assert len(stage.service.report().runs) == 1


def ended_by_the_server(**settings: Any) -> tuple[Stage, Person, Client, int]:
    """Two events wait for a session when the server ends it; and the id in them."""
    stage = Stage(pulling(), **settings)
    person = stage.person("supervisor")
    client = person.listen(ITEMS, BINS)
    live = person.ask("POST", A, PULL).json["referenceId"]
    stage.settle()
    assert client.client_id is not None
    replay = stage.service.replay
    wanted = replay.bayeux.disconnect(client.client_id, stage.talk.now_s)
    stage.talk.carry_out(replay.endpoint.actions(wanted))
    return stage, person, client, live


def test_what_waits_for_a_session_that_the_server_ends_goes_with_the_farewell_alone() -> None:
    stage, person, client, live = ended_by_the_server()
    assert len(stage.service.report().undelivered) == 2
    *events, farewell, reply = client.send(client.message("/meta/connect")).messages
    assert [event["data"]["referenceId"] for event in events] == [live, live]
    assert (farewell["channel"], reply["advice"]) == ("/meta/disconnect", {"reconnect": "none"})
    person.listen(ITEMS, BINS)
    assert person.data() == []
    assert not stage.service.report().undelivered


def test_what_a_farewell_nobody_came_for_would_have_brought_is_for_the_next_session() -> None:
    stage, person, client, live = ended_by_the_server(bayeux=Settings(max_interval_ms=1000))
    stage.talk.advance(2)
    assert client.connect()["error"] == "402::Unknown client"
    person.listen(ITEMS, BINS)
    assert [event["referenceId"] for event in person.data()] == [live, live]
    assert not stage.service.report().undelivered


def test_who_shakes_hands_before_the_farewell_is_given_there_what_waited() -> None:
    stage, person, client, live = ended_by_the_server()
    person.listen(ITEMS, BINS)
    assert [event["referenceId"] for event in person.data()] == [live, live]
    farewell, reply = client.send(client.message("/meta/connect")).messages
    assert (farewell["channel"], reply["advice"]) == ("/meta/disconnect", {"reconnect": "none"})
    assert not stage.service.report().undelivered


def test_events_that_come_together_have_each_its_own_ids_and_effects() -> None:
    script = Script()
    script.listen("a", ITEMS)
    do = script.ask("a", "POST", "/x", {"operationName": "Do"}, {"referenceId": 9})
    begun = script.event("a", ITEMS, {"n": "begun", "referenceId": 9}, cause=do)
    script.event("a", ITEMS, {"n": "ended", "referenceId": 9}, cause=begun)
    stage = Stage(script, repeats=True)
    person = stage.person()
    person.listen(ITEMS)
    ids = [person.ask("POST", "/x", {"operationName": "Do"}).json["referenceId"] for _ in range(4)]
    assert len(set(ids)) == 4
    told = [(event["n"], event["referenceId"]) for event in person.data()]
    assert told == [(n, number) for n in ("begun", "ended") for number in ids]
    noted = [line.entry for line in stage.service.journal.of("event")]
    assert noted == [begun] * 4 + [begun + 1] * 4
    (run,) = stage.service.replay.clients.runs
    assert dict(run.delivered) == {begun: 4, begun + 1: 4}
