"""The control API in one run: its clock, its sessions and events, its faults."""

from __future__ import annotations

from typing import Any

import pytest

from control_talk import AGENT, ITEMS, ControlTalk


def test_a_manual_clock_is_read_and_advanced() -> None:
    talk = ControlTalk()
    talk.post("/runs", {"name": "a", "pace": "manual"})
    client = talk.clients("a").client(headers=AGENT).begin(ITEMS)
    held = client.hold()
    talk.pull("a")
    clock = talk.get("/runs/a/clock").json
    assert (clock["now_s"], clock["manual"]) == (0.0, True)
    assert [(one["what"], one["client"]) for one in clock["pending"]] == [
        ("event", "agent7"),
        ("timeout", "agent7"),
    ]
    clock = talk.post("/runs/a/clock/advance", {"to": "event"}).json
    assert clock["now_s"] == pytest.approx(0.9)
    assert [event["data"]["n"] for event in held.events] == [1]
    held = client.hold()
    assert talk.post("/runs/a/clock/advance", {"seconds": 29.9}).json["now_s"] == 30.8
    assert held.held
    talk.post("/runs/a/clock/advance", {"to": "next"})
    assert held.answered


def test_a_clock_that_goes_by_itself_can_be_read_only() -> None:
    talk = ControlTalk()
    talk.pass_time(2.5)
    assert talk.get("/runs/default/clock").json["now_s"] == 2.5
    refused = talk.post("/runs/default/clock/advance", {"seconds": 1})
    assert (refused.status, refused.reason) == (409, "clock-not-manual")


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({}, "bad-body"),
        ({"seconds": "1"}, "bad-body"),
        ({"to": "end"}, "bad-body"),
        ({"seconds": 1, "to": "next"}, "bad-body"),
        ({"seconds": -1}, "bad-advance"),
    ],
)
def test_time_is_advanced_by_a_number_or_to_something(wish: Any, reason: str) -> None:
    talk = ControlTalk()
    talk.post("/runs", {"name": "a", "pace": "manual"})
    assert talk.post("/runs/a/clock/advance", wish).reason == reason


def test_sessions_are_listed_and_found_by_name() -> None:
    talk = ControlTalk()
    client = talk.clients().client(headers=AGENT).begin(ITEMS)
    (one,) = talk.get("/runs/default/sessions").json["sessions"]
    assert one["client_id"] == client.client_id
    assert one["subscriptions"] == [ITEMS]
    assert talk.get(f"/runs/default/sessions?session={client.client_id}").json["sessions"] == [one]
    assert talk.get("/runs/default/sessions?session=agent8").json["sessions"] == []


def test_a_call_waits_until_a_connect_is_held() -> None:
    talk = ControlTalk()
    assert talk.get("/runs/default/held").json == {"sessions": [], "held": False}
    call = talk.begin("GET", "/runs/default/held?session=agent7&wait_s=5")
    client = talk.clients().client(headers=AGENT).begin(ITEMS)
    assert talk.answer(call) is None
    client.hold()
    answer = talk.answer(call)
    assert answer is not None
    assert answer.json["held"] is True
    assert talk.get("/runs/default/held?session=agent7&wait_s=5").json["held"] is True


def test_a_call_waits_no_longer_than_it_says_or_than_its_caller() -> None:
    talk = ControlTalk()
    call = talk.begin("GET", "/runs/default/held?wait_s=5")
    other = talk.begin("GET", "/runs/default/held?wait_s=5")
    talk.leave(other)
    talk.pass_time(4.9)
    assert talk.answer(call) is None
    talk.pass_time(0.1)
    answer = talk.answer(call)
    assert answer is not None
    assert answer.json["held"] is False
    assert talk.answer(other) is None
    assert not talk.service.is_waited
    assert talk.get("/runs/default/held?wait_s=301").reason == "bad-query"


def test_an_event_is_injected() -> None:
    talk = ControlTalk()
    held = talk.clients().client(headers=AGENT).begin(ITEMS).hold()
    given = talk.post("/runs/default/events", {"channel": ITEMS, "data": {"n": 5}})
    assert [one["client"] for one in given.json["given_to"]] == ["agent7"]
    assert held.events == [{"channel": ITEMS, "data": {"n": 5}}]


def test_an_event_that_nobody_takes_is_explained() -> None:
    talk = ControlTalk()
    talk.clients().client(headers=AGENT).begin(ITEMS)
    refused = talk.post("/runs/default/events", {"channel": "/x", "data": None})
    assert (refused.status, refused.reason) == (409, "no-subscriber")
    assert f"is subscribed to {ITEMS}" in refused.json["hint"]
    wish = {"channel": ITEMS, "data": 1, "session": "agent8"}
    assert talk.post("/runs/default/events", wish).reason == "no-session"
    assert talk.post("/runs/default/events", {"channel": ITEMS}).reason == "bad-body"
    assert talk.post("/runs/default/events", {"data": 1}).reason == "bad-body"
    assert talk.post("/runs/default/events", {"channel": "x", "data": 1}).reason == "bad-channel"


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        ("1e999", 400, "bad-json"),
        ('{"a": [-1e999]}', 400, "bad-json"),
        ("NaN", 400, "bad-json"),
        ("[" * 900 + "]" * 900, 422, "bad-event"),
    ],
)
def test_an_event_that_could_not_be_written_is_refused(data: str, status: int, reason: str) -> None:
    talk = ControlTalk()
    held = talk.clients().client(headers=AGENT).begin(ITEMS).hold()
    sent = f'{{"channel": "{ITEMS}", "data": {data}}}'.encode()
    refused = talk.post("/runs/default/events", sent)
    assert (refused.status, refused.reason) == (status, reason)
    assert held.held


@pytest.mark.parametrize("change", ["expire", "disconnect", "drop"])
def test_a_session_is_ended_or_cut(change: str) -> None:
    talk = ControlTalk()
    held = talk.clients().client(headers=AGENT).begin(ITEMS).hold()
    met = talk.post(f"/runs/default/sessions/agent7/{change}")
    assert met.json["sessions"][0]["held"] is True
    assert held.aborted if change == "drop" else held.answered
    left = talk.get("/runs/default/sessions").json["sessions"]
    assert len(left) == (1 if change == "drop" else 0)
    assert talk.post(f"/runs/default/sessions/nobody/{change}").reason == "no-session"


def test_every_connection_of_a_run_is_cut() -> None:
    talk = ControlTalk()
    talk.clients().client(headers=AGENT).begin(ITEMS)
    assert len(talk.post("/runs/default/drop").json["sessions"]) == 1
    assert talk.disconnected == ["default"]


@pytest.mark.parametrize(
    ("rule", "numbers", "soon"),
    [
        ("lost times=1", [], []),
        ({"fault": "duplicated", "times": 1}, [1, 1], [1, 1]),
        ("late=2s times=1", [1], []),
        (f"lost channel={ITEMS} nth=2", [1], [1]),
    ],
)
def test_the_next_event_is_dropped_duplicated_or_delayed(
    rule: Any, numbers: list[int], soon: list[int]
) -> None:
    talk = ControlTalk(repeats=True)
    client = talk.clients().client(headers=AGENT).begin(ITEMS)
    added = talk.post("/runs/default/faults", {"faults": [rule]}).json
    assert added["added"] == [1]
    talk.pull()
    talk.pass_time(1)
    assert [m["data"]["n"] for m in client.poll() if "data" in m] == soon
    talk.pass_time(2)
    client.poll()
    assert [event["data"]["n"] for event in client.events] == numbers


def test_faults_are_listed_counted_and_ended() -> None:
    talk = ControlTalk()
    rules = ["status=503 operation=Pull times=1", "lost"]
    talk.post("/runs/default/faults", {"faults": rules})
    body = '{"operationName":"Pull"}'
    headers = [*AGENT, ("Content-Type", "application/json")]
    sent = talk.clients().send("POST", "/bins/A", headers=headers, body=body)
    assert sent.status == 503
    assert talk.pull()["referenceId"] != 17
    listed = talk.get("/runs/default/faults").json
    assert [one["fault"] for one in listed["faults"]] == ["status", "lost"]
    assert [one["fired"] for one in listed["tallies"]] == [1, 0]
    assert len(talk.delete("/runs/default/faults/2").json["faults"]) == 1
    assert talk.delete("/runs/default/faults/2").reason == "no-fault"
    assert talk.delete("/runs/default/faults/x").reason == "no-fault"
    assert talk.delete("/runs/default/faults").json["faults"] == []


def test_a_run_is_made_with_faults_which_a_reset_brings_back() -> None:
    talk = ControlTalk()
    talk.post("/runs", {"name": "a", "faults": ["status=503 method=GET"]})
    look = ("GET", "/bins/A")
    assert talk.clients("a").send(*look, headers=AGENT).status == 503
    talk.delete("/runs/a/faults")
    assert talk.clients("a").send(*look, headers=AGENT).status == 200
    talk.post("/runs/a/reset")
    assert talk.clients("a").send(*look, headers=AGENT).status == 503


@pytest.mark.parametrize("rules", [["losst"], ["lost", 5], "lost", [{"fault": "status"}]])
def test_where_a_rule_is_none_nothing_is_added(rules: Any) -> None:
    talk = ControlTalk()
    assert talk.post("/runs/default/faults", {"faults": rules}).reason == "bad-fault"
    assert talk.post("/runs", {"faults": rules}).reason == "bad-fault"
    assert talk.get("/runs/default/faults").json["faults"] == []
    assert len(talk.runs) == 1
