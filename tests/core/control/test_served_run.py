"""A run that a test governs: begun anew, its clock, its sessions, events from outside."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cometape.core.bayeux.settings import Settings
from cometape.core.control.served_run import ServedRun
from cometape.core.errors import ConfigurationError
from cometape.core.json_value import Json
from cometape.core.playbook.playbook import Playbook
from cometape.core.replay.replay_service import ReplaySettings
from cometape.core.run.pace import Pace
from cometape.core.service import Abort, Respond
from cometape.profiles import load_profile
from conversation import Client, Conversation
from scripted import NOTIFICATIONS, Script

ITEMS = "/v2/me/workitems"
PULL = '{"operationName":"Pull"}'
AGENT = [("Authorization", "Basic YWdlbnQ3Ong=")]  # agent7:x


def playbook(*, answer: int = 17) -> Playbook:
    script = Script(recorded_at="2026-03-01T09:15:00Z")
    script.listen("agent7", ITEMS)
    script.ask("agent7", "POST", "/bins/A", {"operationName": "Pull"}, {"referenceId": answer})
    script.event("agent7", ITEMS, {"referenceId": answer, "n": 1})
    script.ask("agent7", "GET", "/bins/A", None, {"seen": answer})
    return Playbook.of(script.cassette, load_profile("workbins"))


class Governed:
    """A run, and clients of it."""

    def __init__(self, pace: str = "instant", **settings: Any) -> None:
        chosen = ReplaySettings(pace=Pace.parse(pace), **settings)
        self.run = ServedRun("r", "bins", playbook(), chosen, now_s=1000.0)
        self.talk = Conversation(self.run, path=NOTIFICATIONS)

    def agent(self, connection_type: str = "long-polling", *channels: str) -> Client:
        client = self.talk.client(connection_type, headers=AGENT)
        return client.begin(*(channels or (ITEMS,)))

    def pull(self) -> Any:
        return self.talk.send(
            "POST",
            "/bins/A",
            headers=[*AGENT, ("Content-Type", "application/json")],
            body=PULL,
        ).json


def test_a_held_connect_is_seen_by_client_id_user_and_recorded_session() -> None:
    governed = Governed()
    run = governed.run
    client = governed.agent()
    assert not run.is_held()
    held = client.hold()
    assert run.is_held()
    assert run.is_held("agent7")
    assert run.is_held(client.client_id)
    assert not run.is_held("agent8")
    held.leave()
    assert not run.is_held()


def test_sessions_are_described() -> None:
    governed = Governed()
    client = governed.agent()
    client.hold()
    (one,) = governed.run.sessions()
    assert one.client_id == client.client_id
    assert (one.client, one.session, one.round) == ("agent7", "agent7", 1)
    assert one.subscriptions == (ITEMS,)
    assert one.held
    assert one.held_until_s == pytest.approx(30)
    assert one.expires_at_s is None
    assert governed.run.sessions("nobody") == []


@pytest.mark.parametrize("connection_type", ["long-polling", "websocket"])
def test_an_injected_event_reaches_a_subscriber(connection_type: str) -> None:
    governed = Governed()
    client = governed.agent(connection_type)
    held = client.hold() if connection_type == "long-polling" else None
    injected = governed.run.inject(ITEMS, {"made": "up"}, None, governed.talk.now_s)
    governed.talk.carry_out(injected.actions)
    assert [one.client for one in injected.sessions] == ["agent7"]
    if held is not None:
        assert held.events == [{"channel": ITEMS, "data": {"made": "up"}}]
    else:
        assert client.events == [{"channel": ITEMS, "data": {"made": "up"}}]
    assert [line.text for line in governed.run.journal.of("note")] == [f"event injected on {ITEMS}"]


def test_an_injected_event_for_one_session_goes_to_no_other() -> None:
    governed = Governed()
    first, second = governed.agent(), governed.talk.client().begin("/v2/**")
    injected = governed.run.inject(ITEMS, 1, second.client_id, governed.talk.now_s)
    assert [one.client_id for one in injected.sessions] == [second.client_id]
    assert first.poll()[-1]["channel"] == "/meta/connect"
    assert [message.get("data") for message in second.poll()] == [1, None]


@pytest.mark.parametrize(
    ("channel", "to", "reason", "says"),
    [
        ("/elsewhere", None, "no-subscriber", f"agent7 .* is subscribed to {ITEMS}"),
        (ITEMS, "agent8", "no-session", "There are: agent7"),
        ("/v2/*", None, "bad-channel", "without wildcards"),
        ("/meta/connect", None, "bad-channel", "no channel an event can come on"),
        ("items", None, "bad-channel", "no channel an event can come on"),
    ],
)
def test_an_event_that_nobody_would_see_is_refused_and_explained(
    channel: str, to: str | None, reason: str, says: str
) -> None:
    governed = Governed()
    governed.agent()
    with pytest.raises(ConfigurationError, match=says) as caught:
        governed.run.inject(channel, {}, to, governed.talk.now_s)
    assert caught.value.reason == reason


CIRCLE: list[object] = []
CIRCLE.append(CIRCLE)
DEEP: object = 1
for _ in range(5000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "data",
    [
        object(),
        b"bytes",
        {("a", "b"): 1},
        {"a": [float("nan")]},
        float("inf"),
        CIRCLE,
        DEEP,
        json.loads("[" * 202 + "]" * 202),
        {"a": {1, 2}},
    ],
    ids=lambda data: type(data).__name__,
)
def test_what_is_not_json_is_refused_before_anything_changes(data: Any) -> None:
    governed = Governed()
    held = governed.agent().hold()
    with pytest.raises(ConfigurationError, match="not JSON") as caught:
        governed.run.inject(ITEMS, data, None, governed.talk.now_s)
    assert caught.value.reason == "bad-event"
    assert held.held
    injected = governed.run.inject(ITEMS, {"fine": 1}, None, governed.talk.now_s)
    governed.talk.carry_out(injected.actions)
    assert held.events == [{"channel": ITEMS, "data": {"fine": 1}}]


@pytest.mark.parametrize(
    ("data", "seen"),
    [((1, 2), [1, 2]), ({1: None}, {"1": None}), ("\ud800", "\ud800"), (10**30, 10**30)],
)
def test_what_json_can_say_is_said_in_json(data: Any, seen: object) -> None:
    governed = Governed()
    held = governed.agent().hold()
    injected = governed.run.inject(ITEMS, data, None, governed.talk.now_s)
    governed.talk.carry_out(injected.actions)
    assert held.events == [{"channel": ITEMS, "data": seen}]


def test_an_event_that_waits_is_what_it_was_when_it_was_injected() -> None:
    governed = Governed()
    client = governed.agent()
    data: dict[str, Json] = {"n": 1}
    governed.run.inject(ITEMS, data, None, governed.talk.now_s)
    data["n"] = 2
    assert client.poll()[0]["data"] == {"n": 1}


def test_an_injected_answer_to_a_browser_carries_its_cors_headers() -> None:
    governed = Governed()
    client = governed.talk.client(headers=[*AGENT, ("Origin", "http://page.example")]).begin(ITEMS)
    held = client.hold()
    governed.talk.carry_out(governed.run.inject(ITEMS, 1, None, governed.talk.now_s).actions)
    assert held.header("Access-Control-Allow-Origin") == "http://page.example"


def test_an_expired_session_is_told_402_and_what_it_had_not_fetched_comes_again() -> None:
    governed = Governed()
    client = governed.agent()
    governed.pull()
    governed.talk.advance(0.1)
    held = client.send(client.message("/meta/connect", connectionType="long-polling"))
    assert held.answered
    client.hold()
    governed.talk.carry_out(governed.run.expire("agent7", governed.talk.now_s))
    assert governed.run.sessions() == []
    assert client.connect()["error"].startswith("402")


def test_a_disconnected_session_is_told_to_stop() -> None:
    governed = Governed()
    held = governed.agent().hold()
    governed.talk.carry_out(governed.run.disconnect("agent7", governed.talk.now_s))
    assert "/meta/disconnect" in [message["channel"] for message in held.messages]


def test_a_dropped_session_lives_on_and_misses_nothing() -> None:
    governed = Governed()
    client = governed.agent()
    held = client.hold()
    actions = governed.run.drop("agent7", governed.talk.now_s)
    assert actions == [Abort(held.number)]
    governed.talk.carry_out(actions)
    assert held.aborted
    assert not governed.run.is_held()
    governed.pull()
    governed.talk.advance(0.1)
    assert [message["data"]["n"] for message in client.poll() if "data" in message] == [1]


def test_a_dropped_websocket_is_cut() -> None:
    governed = Governed()
    client = governed.agent("websocket")
    assert client.socket is not None
    assert governed.run.drop("agent7", governed.talk.now_s) == [Abort(client.socket.number)]


@pytest.mark.parametrize("change", ["expire", "disconnect", "drop"])
def test_a_session_that_is_not_there_is_named_with_those_that_are(change: str) -> None:
    governed = Governed()
    governed.agent()
    with pytest.raises(ConfigurationError, match="no living Bayeux session is called 'x'"):
        getattr(governed.run, change)("x", governed.talk.now_s)


def test_a_reset_run_is_as_if_nobody_had_come() -> None:
    governed = Governed()
    old = governed.agent()
    first = governed.pull()
    governed.talk.send("GET", "/nowhere")
    assert governed.run.misses
    told: list[str] = []
    governed.run.on_miss(lambda miss: told.append(miss.request))
    governed.run.reset(governed.talk.now_s)
    assert (governed.run.resets, governed.run.requests) == (1, 0)
    assert not governed.run.misses
    assert len(governed.run.journal) == governed.run.journal.total == 0
    assert old.connect()["error"].startswith("402")
    assert governed.pull() == first
    governed.talk.send("GET", "/nowhere")
    assert told == ["GET /nowhere"]


def test_a_reset_may_bring_another_cassette() -> None:
    governed = Governed()
    assert governed.talk.send("GET", "/bins/A", headers=AGENT).json == {"seen": 17}
    governed.run.reset(governed.talk.now_s, playbook(answer=18))
    assert governed.talk.send("GET", "/bins/A", headers=AGENT).json == {"seen": 18}


# ---------------------------------------------------------------- the clock


def test_only_a_manual_clock_can_be_advanced() -> None:
    governed = Governed()
    assert not governed.run.moment(1002.5).manual
    assert governed.run.moment(1002.5).now_s == 2.5
    with pytest.raises(ConfigurationError, match="its pace is instant"):
        governed.run.advance(1)


def test_a_manual_clock_goes_from_event_to_event() -> None:
    governed = Governed("manual")
    client = governed.agent()
    held = client.hold()
    governed.pull()
    moment = governed.run.moment(123.0)
    assert (moment.now_s, moment.manual) == (0.0, True)
    assert [one.what for one in moment.pending] == ["event", "timeout"]
    assert moment.pending[0].entry == 4
    governed.talk.carry_out(governed.run.advance_to_next("event"))
    assert [event["data"]["n"] for event in held.events] == [1]
    assert governed.run.moment(0).now_s == pytest.approx(0.9)
    assert governed.run.advance_to_next("event") == []
    assert governed.run.moment(0).now_s == pytest.approx(0.9)
    held = client.hold()
    actions = governed.run.advance_to_next()
    assert [action.exchange for action in actions if isinstance(action, Respond)] == [held.number]
    assert governed.run.moment(0).now_s == pytest.approx(30.9)


def test_what_a_fault_holds_back_is_pending_too() -> None:
    governed = Governed("manual")
    governed.agent()
    governed.run.replay.faults.add("delay=2s method=GET")
    asked = governed.talk.send("GET", "/bins/A", headers=AGENT)
    assert asked.held
    first = governed.run.moment(0.0).pending[0]
    assert (first.what, first.at_s) == ("other", 2.0)
    governed.talk.carry_out(governed.run.advance_to_next())
    assert asked.answered


def test_an_event_that_a_fault_has_put_off_is_an_event_that_the_clock_goes_to() -> None:
    governed = Governed("manual", bayeux=Settings(timeout_ms=10_000_000))
    client = governed.agent()
    held = client.hold()
    for rule in ("late=60m entry=4", "duplicated=3 after=10m entry=4"):
        governed.run.replay.faults.add(rule)
    governed.pull()
    governed.talk.carry_out(governed.run.advance_to_next("event"))
    assert held.held
    events = [one for one in governed.run.moment(0.0).pending if one.what == "event"]
    assert [(one.client, one.entry) for one in events] == [("agent7", 4)] * 3
    assert [round(one.at_s - 0.9) for one in events] == [3600, 4200, 4800]
    assert all(one.text.endswith(": what a fault holds back") for one in events)
    assert "other" not in [one.what for one in governed.run.moment(0.0).pending]
    for count in (1, 2, 3):
        assert held.held
        governed.talk.carry_out(governed.run.advance_to_next("event"))
        assert [event["data"]["n"] for event in held.events] == [1]
        assert governed.run.moment(0).now_s == pytest.approx(0.9 + 3000 + 600 * count)
        held = client.hold()


def test_a_look_at_a_session_that_lives_on_is_nothing_that_happens() -> None:
    governed = Governed("manual", bayeux=Settings(max_interval_ms=10_000, sweep_ms=0))
    client = governed.agent()
    governed.talk.carry_out(governed.run.advance(6))
    assert client.subscribe("/v2/me/x")["successful"]  # a sign of life
    assert [(one.what, one.at_s) for one in governed.run.moment(0.0).pending] == [("expiry", 16.0)]
    governed.talk.carry_out(governed.run.advance_to_next())
    assert governed.run.sessions() == []


def test_the_wall_clock_of_a_manual_run_is_that_of_the_recording() -> None:
    governed = Governed("manual", bayeux=Settings(wall_offset_s=5e9))
    client = governed.agent()
    governed.run.advance(10)
    ext = {"timesync": {"tc": 0, "l": 0, "o": 0}}
    reply = client.connect(ext=ext, advice={"timeout": 0})
    recorded_ms = 1_772_356_500_000  # 2026-03-01T09:15:00Z
    assert reply["ext"]["timesync"]["ts"] == recorded_ms + 10_000


def test_whoever_listens_is_told_of_every_change_until_it_listens_no_more() -> None:
    governed = Governed("manual")
    told: list[bool] = []
    end = governed.run.on_change(lambda: told.append(governed.run.is_held()))
    client = governed.agent()
    client.hold()
    assert told[-1] is True
    governed.run.advance(30)
    assert told[-1] is False
    end()
    told.clear()
    client.hold()
    assert told == []


def test_a_run_in_which_cometape_itself_failed_has_not_passed() -> None:
    governed = Governed()
    agent = governed.agent()
    governed.pull()
    governed.talk.send("GET", "/bins/A", headers=AGENT)
    governed.talk.advance(1)
    agent.poll()
    run = governed.run
    assert run.report().ok
    changes: list[None] = []
    run.on_change(lambda: changes.append(None))
    for _ in range(3):
        run.failed("ValueError: a bug")
    report = run.report()
    assert (report.ok, run.is_ok(), len(changes)) == (False, False, 3)
    assert report.verdict == "replay: 3 internal errors"
    assert "of cometape and not of the client; standard error tells more:\n  ValueError: a bug" in (
        report.text()
    )
    assert report.json()["internal_errors"] == ["ValueError: a bug"]
    run.reset(0.0)
    assert run.report().internal_errors_total == 0
