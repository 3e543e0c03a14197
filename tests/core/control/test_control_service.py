"""The control API, call by call, in memory; the OpenAPI file judges every call and answer."""

from __future__ import annotations

import pytest

from cometape.core.control.control_service import ENDPOINTS
from cometape.core.control.problem import STATUSES
from control_talk import AGENT, ITEMS, ControlTalk
from openapi_check import DESCRIPTION, operations


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
    "query",
    [
        "since=-1",
        "since=x",
        "since=1_0",
        "since=1e1",
        "since=%201",
        "limit=0",
        "limit=1001",
        "since=1&since=2",
        "colour=red",
    ],
)
def test_a_bad_query_is_refused(query: str) -> None:
    assert ControlTalk().get(f"/runs/default/journal?{query}").reason == "bad-query"


@pytest.mark.parametrize(("path", "method"), ENDPOINTS)
def test_a_parameter_that_an_endpoint_does_not_know_is_refused_before_anything_is_done(
    path: str, method: str
) -> None:
    talk = ControlTalk()
    talk.post("/runs", {"name": "a", "pace": "manual"})
    talk.post("/runs/a/faults", {"faults": ["lost"]})
    talk.clients("a").client(headers=AGENT).begin(ITEMS).hold()
    before = [talk.get(what).json for what in ("/runs", "/runs/a/faults", "/runs/a/sessions")]
    target = path.replace("{run}", "a").replace("{session}", "agent7").replace("{fault}", "1")
    refused = talk.call(method, f"{target}?colour=red")
    assert (refused.status, refused.reason) == (400, "bad-query")
    assert "'colour'" in refused.json["detail"]
    after = [talk.get(what).json for what in ("/runs", "/runs/a/faults", "/runs/a/sessions")]
    assert after == before


def test_misses_are_told_in_full() -> None:
    talk = ControlTalk()
    talk.clients().send("GET", "/bins/B", headers=AGENT)
    (miss,) = talk.get("/runs/default/misses?since=0").json["misses"]
    assert (miss["number"], miss["reason"]) == (0, "no-match")
    assert talk.get("/runs/default/misses?since=1").json["misses"] == []
