"""The control API, call by call, in memory; the OpenAPI file judges every call and answer."""

from __future__ import annotations

from typing import Any

import pytest

from cometape.core.control.access import Access
from cometape.core.control.control_service import ENDPOINTS
from cometape.core.control.problem import STATUSES
from cometape.core.playbook.playbook import Playbook
from cometape.profiles import load_profile
from control_talk import AGENT, ITEMS, LOCAL, ControlTalk, playbook
from openapi_check import DESCRIPTION, operations
from scripted import Script


def test_the_description_lists_every_endpoint_and_no_other() -> None:
    assert set(operations()) == {(path, method) for path, method in ENDPOINTS}


def test_the_description_lists_every_status_of_every_problem() -> None:
    described = {
        int(code)
        for operation in operations().values()
        for code, answer in operation["responses"].items()
        if "application/problem+json" in answer["content"]
    }
    assert described | {405} == set(STATUSES.values())


def test_health_and_readiness() -> None:
    talk = ControlTalk()
    assert talk.get("/health").json == {"status": "up", "version": "1.2.3", "runs": 1}
    assert talk.get("/ready").json == {"ready": True}
    talk.runs.get("default").url = ""
    assert talk.get("/ready").status == 503


def test_the_description_is_served() -> None:
    assert ControlTalk().get("/openapi.json").json == DESCRIPTION


# ---------------------------------------------------------------- runs


def test_there_is_a_run_from_the_start() -> None:
    (run,) = ControlTalk(seed=5).get("/runs").json["runs"]
    assert run == {
        "run": "default",
        "url": "http://127.0.0.1/default",
        "cassette": "pull",
        "pace": "instant",
        "seed": 5,
        "strict": True,
        "repeats": False,
        "dates": "recorded",
        "as_recorded": False,
        "faults": [],
        "order": None,
        "patience_s": 0.5,
        "timeout_s": 30.0,
        "max_interval_s": 300.0,
        "dialect": "cometd3",
        "resets": 0,
        "requests": 0,
    }


def test_a_run_is_made_as_it_is_asked_for() -> None:
    talk = ControlTalk("pull", "transfer")
    wish = {
        "cassette": "transfer",
        "name": "transfer-1",
        "seed": 9,
        "pace": "x4",
        "strict": False,
        "repeats": True,
        "dates": "2026-03-01T09:15:00Z",
        "as_recorded": True,
        "faults": ["lost channel=/v2/me/workitems times=1", {"fault": "status", "code": 503}],
        "order": "5-before-4",
        "patience_s": 1.25,
        "timeout_s": 1.5,
        "max_interval_s": 20,
        "dialect": "cometd5",
        "port": 0,
    }
    made = talk.post("/runs", wish)
    assert made.status == 201
    assert made.header("Location") == "/runs/transfer-1"
    assert made.json["url"] == "http://127.0.0.1/transfer-1"
    shown = talk.get("/runs/transfer-1").json
    asked = {key: shown[key] for key in wish if key not in ("name", "faults", "port")}
    assert asked == {key: wish[key] for key in asked}
    assert shown["faults"] == [
        {"fault": "lost", "channel": ITEMS, "times": 1},
        {"fault": "status", "code": "503"},
    ]


def test_a_run_is_played_in_the_order_it_is_asked_for() -> None:
    """The answer waits for the event; the default run is played as recorded."""
    talk = ControlTalk()
    talk.post("/runs", {"name": "a", "order": "5-before-4"})
    for run, waits in (("default", False), ("a", True)):
        clients = talk.clients(run)
        poll = clients.client(headers=AGENT).begin(ITEMS).hold()
        pulled = clients.send(
            "POST",
            "/bins/A",
            headers=[*AGENT, ("Content-Type", "application/json")],
            body='{"operationName":"Pull"}',
        )
        assert (pulled.answered, poll.answered) == (not waits, waits)
        clients.advance(0.05)
        assert poll.events[0]["data"]["referenceId"] == pulled.json["referenceId"]


def test_a_run_whose_order_the_changed_cassette_does_not_have_goes_on_as_it_was() -> None:
    talk = ControlTalk()
    talk.post("/runs", {"name": "a", "order": "5-before-4"})
    talk.runs.shelf.reload("pull", Playbook.of(Script().cassette, load_profile("workbins")))
    refused = talk.post("/runs/a/reset")
    assert (refused.status, refused.reason) == (422, "bad-order")
    assert talk.get("/runs/a").json["resets"] == 0
    assert talk.pull("a") is not None


def test_runs_that_are_not_named_are_numbered() -> None:
    talk = ControlTalk()
    talk.post("/runs", {"name": "run-2"})
    assert talk.post("/runs").json["run"] == "run-3"
    assert talk.post("/runs", {}).json["run"] == "run-4"
    assert [run["run"] for run in talk.get("/runs").json["runs"]] == [
        *("default", "run-2", "run-3", "run-4")
    ]


def test_runs_never_meet() -> None:
    talk = ControlTalk()
    for name in ("a", "b"):
        talk.post("/runs", {"name": name})
    assert talk.pull("a") == talk.pull("b")
    talk.clients("a").send("GET", "/nowhere")
    assert talk.get("/runs/a/misses").json["total"] == 1
    assert talk.get("/runs/b/misses").json["total"] == 0
    assert talk.get("/runs/default").json["requests"] == 0


@pytest.mark.parametrize(
    ("wish", "status", "reason", "says"),
    [
        ({"cassette": "x"}, 404, "no-cassette", "There are: pull"),
        ({"cassette": "../pull"}, 404, "no-cassette", "named at the start"),
        ({"name": "default"}, 409, "run-exists", "already"),
        ({"name": "a/b"}, 422, "bad-body", "'name' must be letters"),
        ({"name": ""}, 422, "bad-body", "'name' must be"),
        ({"seed": 1.5}, 422, "bad-body", "'seed' must be a whole number"),
        ({"seed": "1"}, 422, "bad-body", "'seed' must be a number"),
        ({"strict": 1}, 422, "bad-body", "'strict' must be true or false"),
        ({"timeout_s": -1}, 422, "bad-body", "'timeout_s' must be a number from 0 to 86400"),
        ({"pace": "fast"}, 422, "pace", "'fast' is not a pace"),
        ({"dates": "yesterday"}, 422, "dates", "says no time"),
        ({"order": "5-before-3"}, 422, "bad-order", "'5-before-3' is no order of this cassette"),
        ({"order": ""}, 422, "bad-body", "'order' must be"),
        ({"patience_s": 0}, 422, "bad-body", "'patience_s' must be"),
        ({"dialect": "x"}, 422, "unknown-dialect", "x"),
        ({"port": 70000}, 422, "bad-body", "'port' must be"),
        ({"colour": "red"}, 422, "bad-body", "there is no such field: 'colour'"),
        ([], 422, "bad-body", "not a JSON object"),
        (b"{", 400, "bad-json", "not JSON"),
        (b'{"seed": NaN}', 400, "bad-json", "NaN"),
        (b"[" * 100_000, 400, "bad-json", "not JSON"),
    ],
)
def test_a_run_that_cannot_be_made_is_refused(
    wish: Any, status: int, reason: str, says: str
) -> None:
    talk = ControlTalk()
    refused = talk.post("/runs", wish)
    assert (refused.status, refused.reason) == (status, reason)
    assert says in refused.json["detail"] + refused.json["hint"]
    assert len(talk.runs) == 1


def test_a_port_that_cannot_be_had_leaves_no_run() -> None:
    talk = ControlTalk(refuses=[8080])
    refused = talk.post("/runs", {"name": "a", "port": 8080})
    assert (refused.status, refused.reason) == (409, "port-in-use")
    assert talk.get("/runs/a").status == 404
    assert talk.post("/runs", {"name": "a"}).status == 201


def test_there_are_no_more_runs_than_the_server_keeps() -> None:
    talk = ControlTalk(max_runs=2)
    assert talk.post("/runs").status == 201
    assert talk.post("/runs").reason == "too-many-runs"
    talk.delete("/runs/run-1")
    assert talk.post("/runs").status == 201


def test_a_run_is_deleted_with_its_last_report() -> None:
    talk = ControlTalk()
    talk.post("/runs", {"name": "a"})
    talk.pull("a")
    gone = talk.delete("/runs/a")
    assert gone.json["runs"][0]["answered"] == 1
    assert talk.closed == ["a"]
    assert talk.get("/runs/a").reason == "no-run"


def test_the_run_of_the_command_line_stays() -> None:
    assert ControlTalk().delete("/runs/default").reason == "run-is-fixed"


def test_a_run_is_reset_and_its_clients_are_cut_off() -> None:
    talk = ControlTalk()
    first = talk.pull()
    talk.clients().send("GET", "/nowhere")
    assert talk.post("/runs/default/reset").json["resets"] == 1
    assert talk.disconnected == ["default"]
    assert talk.get("/runs/default/misses").json == {
        "misses": [],
        "next": 0,
        "total": 0,
        "resets": 1,
    }
    assert talk.pull() == first


def test_a_reset_takes_the_cassette_as_it_is_now() -> None:
    talk = ControlTalk()
    talk.shelf.reload("pull", playbook(answer=18))
    assert talk.clients().send("GET", "/bins/A", headers=AGENT).json == {"seen": 17}
    talk.post("/runs/default/reset")
    assert talk.clients().send("GET", "/bins/A", headers=AGENT).json == {"seen": 18}


def test_cassettes_are_listed_with_their_damage() -> None:
    talk = ControlTalk("pull", "transfer")
    talk.shelf.damaged("transfer", "transfer.yaml:7 (entry 3): it ends in the middle")
    pull, transfer = talk.get("/cassettes").json["cassettes"]
    assert pull["scenario"] == "the agent pulls a workitem"
    assert (pull["entries"], pull["version"], pull["damage"]) == (5, 1, None)
    assert "entry 3" in transfer["damage"]
    talk.shelf.reload("transfer", playbook())
    again = talk.get("/cassettes").json["cassettes"][1]
    assert (again["version"], again["damage"]) == (2, None)


# ---------------------------------------------------------------- what became of it


def finish(talk: ControlTalk) -> None:
    """All that the cassette holds."""
    client = talk.clients().client(headers=AGENT).begin(ITEMS)
    talk.clients().send("GET", "/bins/A", headers=AGENT)
    talk.pull()
    talk.pass_time(0.1)
    client.poll()


def test_a_run_is_verified() -> None:
    talk = ControlTalk()
    failed = talk.get("/runs/default/verify")
    assert (failed.status, failed.reason) == (409, "not-passed")
    assert "2 recordings never asked for" in failed.json["detail"]
    assert "POST /bins/A" in failed.json["hint"]
    assert failed.json["report"]["passed"] is False
    finish(talk)
    passed = talk.get("/runs/default/verify")
    assert (passed.status, passed.json["ok"], passed.json["passed"]) == (200, True, True)


def test_a_run_that_is_not_strict_always_passes() -> None:
    talk = ControlTalk(strict=False)
    report = talk.get("/runs/default/verify").json
    assert (report["ok"], report["passed"]) == (False, True)
    assert talk.get("/runs/default/report").json == report


def test_a_verdict_may_wait_for_what_is_on_its_way() -> None:
    talk = ControlTalk()
    call = talk.begin("GET", "/runs/default/verify?wait_s=5")
    assert talk.answer(call) is None
    finish(talk)
    answer = talk.answer(call)
    assert answer is not None
    assert answer.status == 200
    talk.post("/runs/default/reset")
    call = talk.begin("GET", "/runs/default/verify?wait_s=5")
    talk.pass_time(5)
    answer = talk.answer(call)
    assert answer is not None
    assert answer.status == 409


def test_the_journal_is_read_page_by_page() -> None:
    talk = ControlTalk()
    finish(talk)
    whole = talk.get("/runs/default/journal").json
    assert [line["number"] for line in whole["lines"]] == list(range(whole["total"]))
    assert [line["kind"] for line in whole["lines"]][:3] == ["client", "handshake", "subscribe"]
    page = talk.get("/runs/default/journal?since=1&limit=2").json
    assert page["lines"] == whole["lines"][1:3]
    assert page["next"] == 3
    rest = talk.get(f"/runs/default/journal?since={whole['next']}").json
    assert (rest["lines"], rest["next"]) == ([], whole["next"])
    assert talk.get("/runs/default/journal?since=99999").json["lines"] == []


def test_a_journal_says_what_it_keeps_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cometape.core.report.journal.MAX_LINES", 3)
    talk = ControlTalk()
    for _ in range(5):
        talk.clients().send("GET", "/bins/A", headers=AGENT)
    page = talk.get("/runs/default/journal").json
    assert (page["total"], page["lost"], page["next"]) == (6, 3, 6)
    assert [line["number"] for line in page["lines"]] == [3, 4, 5]


@pytest.mark.parametrize(
    "query", ["since=-1", "since=x", "limit=0", "limit=1001", "since=1&since=2", "colour=red"]
)
def test_a_bad_query_is_refused(query: str) -> None:
    assert ControlTalk().get(f"/runs/default/journal?{query}").reason == "bad-query"


def test_misses_are_told_in_full() -> None:
    talk = ControlTalk()
    talk.clients().send("GET", "/bins/B", headers=AGENT)
    (miss,) = talk.get("/runs/default/misses?since=0").json["misses"]
    assert (miss["number"], miss["reason"]) == (0, "no-match")
    assert talk.get("/runs/default/misses?since=1").json["misses"] == []


# ---------------------------------------------------------------- the clock


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


# ---------------------------------------------------------------- sessions and events


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


# ---------------------------------------------------------------- faults on purpose


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


# ---------------------------------------------------------------- who may call, and how


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/runs/x", 404),
        ("GET", "/runs/default/nowhere", 404),
        ("GET", "/runs/default/sessions/a/nowhere", 404),
        ("GET", "/runs/", 404),
        ("PUT", "/runs", 405),
        ("GET", "/runs/default/reset", 405),
        ("OPTIONS", "/runs", 405),
    ],
)
def test_what_is_not_there_is_said(method: str, target: str, status: int) -> None:
    answer = ControlTalk().call(method, target)
    assert answer.status == status
    assert (answer.header("Allow") is not None) == (status == 405)


@pytest.mark.parametrize(
    "headers",
    [
        [LOCAL, ("Origin", "http://evil.example")],
        [LOCAL, ("Origin", "null")],
        [LOCAL, ("Origin", "http://127.0.0.1:8091")],
        [LOCAL, ("Sec-Fetch-Site", "cross-site")],
        [LOCAL, ("Sec-Fetch-Site", "same-site")],
        [("Host", "evil.example:8091")],
        [("Host", "127.0.0.1.evil.example")],
        [],
    ],
)
def test_a_web_page_may_not_call(headers: list[tuple[str, str]]) -> None:
    talk = ControlTalk()
    for method, target in (("GET", "/runs"), ("POST", "/runs"), ("GET", "/health")):
        refused = talk.call(method, target, headers=headers)
        assert refused.status == 403
        assert refused.header("Access-Control-Allow-Origin") is None
    assert len(talk.runs) == 1


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8091"])
def test_this_machine_may_call_itself_by_any_of_its_names(host: str) -> None:
    assert ControlTalk().call("GET", "/runs", headers=[("Host", host)]).status == 200


@pytest.mark.parametrize("given", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_a_form_could_send_is_refused(given: str | None) -> None:
    headers = [LOCAL, ("Content-Type", given)] if given else [LOCAL, ("Content-Type", "")]
    refused = ControlTalk().call("POST", "/runs", b"{}", headers=headers)
    assert (refused.status, refused.reason) == (415, "not-json")


TOKEN = "a-token-of-some-length"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (None, 401),
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        ("Bearer wrong", 401),
        (f"Basic {TOKEN}", 401),
        ("Bearer é", 401),
        ("Bearer", 401),
    ],
)
def test_a_token_is_asked_for_where_there_is_one(given: str | None, status: int) -> None:
    talk = ControlTalk(access=Access(token=TOKEN, hosts=None))
    headers = [("Host", "ci.example")] + ([("Authorization", given)] if given else [])
    answer = talk.call("GET", "/runs", headers=headers)
    assert answer.status == status
    if status == 401:
        assert answer.header("WWW-Authenticate") == 'Bearer realm="cometape"'
    assert talk.call("GET", "/health", headers=[("Host", "ci.example")]).status == 200


def test_a_token_does_not_let_a_page_in() -> None:
    talk = ControlTalk(access=Access(token=TOKEN, hosts=None))
    headers = [("Authorization", f"Bearer {TOKEN}"), ("Origin", "http://ci.example")]
    assert talk.call("GET", "/runs", headers=headers).reason == "foreign-origin"


def test_answers_are_not_cached_or_taken_for_something_else() -> None:
    answer = ControlTalk().get("/runs")
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("X-Content-Type-Options") == "nosniff"
