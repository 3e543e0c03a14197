"""The control API: runs are made, listed, reset and deleted, and never meet."""

from __future__ import annotations

from typing import Any

import pytest

from cometape.core.playbook.playbook import Playbook
from cometape.profiles import load_profile
from control_talk import AGENT, ITEMS, ControlTalk, playbook
from scripted import Script


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


@pytest.mark.parametrize("what", ["held?session=agent7&wait_s=60", "verify?wait_s=60"])
def test_who_waits_for_something_in_a_run_is_told_when_it_is_deleted(what: str) -> None:
    talk = ControlTalk()
    for name in "ab":
        talk.post("/runs", {"name": name})
    waits, waits_elsewhere = (talk.begin("GET", f"/runs/{name}/{what}") for name in "ab")
    assert talk.answer(waits) is None
    talk.delete("/runs/a")
    answer = talk.answer(waits)
    assert answer is not None
    assert (answer.status, answer.reason) == (404, "no-run")
    assert answer.json["hint"] == "There are: default, b."
    assert talk.answer(waits_elsewhere) is None
    assert talk.service.is_waited


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
