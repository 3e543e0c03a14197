"""Misses of a replay: what is told of its state, and that what is proposed makes them hits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from cometape.core.profile.profile_format import parse_profile
from cometape.core.report.miss import Reason
from cometape.profiles import load_profile
from cometape.store.cassette_file import load, save
from scripted import Script, Stage

BIN = "/api/v2/users/00025aA4/workbins/3434543f"
PULL = {"operationName": "PullWorkitem", "id": "02F0XAMPLE00001A"}


def story() -> Script:
    script = Script()
    script.ask("supervisor", "GET", "/api/v2/me", None, {"user": 1})
    script.listen("supervisor", "/v2/me/*")
    script.ask("supervisor", "POST", BIN, PULL, {"referenceId": 17})
    script.event("supervisor", "/v2/me/workitems", {"referenceId": 17})
    script.ask("supervisor", "GET", "/api/v2/items/17?view=short", None, {"n": 1})
    script.ask("agent7", "GET", "/api/v2/me", None, {"user": 2})
    script.ask("agent7", "POST", "/api/v2/lost", {"a": 1}, error="server closed")
    return script


def problem(stage: Stage, *request: Any, user: str = "supervisor") -> Any:
    answer = stage.person(user).ask(*request)
    assert answer.status == 599
    return answer.json


def test_each_candidate_names_the_rules_that_rejected_it() -> None:
    found = problem(Stage(story()), "PUT", BIN + "?x=1", PULL | {"id": "Z9"})
    assert [(one["rule"], one["text"]) for one in found["nearest"][0]["rejected_by"]] == [
        ("method", 'method: recorded "POST", sent "PUT"'),
        ("query", 'query x: sent "1", the recording has none'),
        ("body", 'body.id: recorded "02F0XAMPLE00001A", sent "Z9"'),
    ]
    assert found["reason"] == "method-differs"


def test_the_state_of_the_run_is_told_with_sessions_and_what_is_awaited() -> None:
    stage = Stage(story())
    person = stage.person("supervisor")
    person.ask("GET", "/api/v2/me")
    found = problem(stage, "GET", "/api/v2/nothing")
    assert found["run"]["sessions"] == [
        {"session": "supervisor", "client": "supervisor"},
        {"session": "agent7", "client": None},
    ]
    assert found["run"]["waiting"] == [
        'event 5 ({"referenceId": 17}) waits for exchange 4, POST '
        f"{BIN} PullWorkitem, which was not asked for"
    ]
    assert "'supervisor' is supervisor, 'agent7' free" in found["detail"]


def test_a_miss_tells_of_an_event_on_its_way_as_of_one_that_may_still_come() -> None:
    stage = Stage(story())
    person = stage.person("supervisor")
    person.ask("POST", BIN, PULL)
    found = problem(stage, "GET", "/api/v2/nothing")
    assert found["run"]["waiting"] == ['event 5 ({"referenceId": 17}) was still on its way']


def test_what_is_compared_names_volatile_places_and_kinds_of_ids() -> None:
    profile = parse_profile(
        {
            "profile": "own",
            "volatile": ["request.json requestTime"],
            "identities": {
                "ticket": {
                    "form": "uuid",
                    "scope": "run",
                    "issued": ["response.json ticket"],
                    "used": ["request.query ticket"],
                }
            },
        },
        "own.yaml",
        base=load_profile("workbins"),
    )
    found = problem(Stage(story(), profile=profile), "GET", "/api/v2/nothing")
    assert "request.json requestTime" in found["compared"]["left_out"]
    assert "ticket" in found["compared"]["ids"]
    assert "not headers; without request.json requestTime" in found["detail"]


def test_a_live_id_where_the_profile_knows_none_is_recognised() -> None:
    stage = Stage(story())
    person = stage.person("supervisor")
    live = person.ask("POST", BIN, PULL).json["referenceId"]
    found = problem(stage, "GET", f"/api/v2/items/{live}?view=short")
    assert "a live reference-id, recorded as 17" in found["nearest"][0]["rejected_by"][0]["text"]
    assert (
        "profile: under `identities`, `reference-id`: used:"
        ' ["request.path /api/v2/items/{}"]' in found["remedies"]
    )


MISSED: dict[Reason, tuple[Any, ...]] = {
    "no-match": ("GET", "/api/v2/who"),
    "method-differs": ("PUT", BIN, PULL),
    "query-differs": ("GET", "/api/v2/items/17?view=long"),
    "body-differs": ("POST", BIN, PULL | {"id": "X"}),
    "exhausted": ("POST", BIN, PULL),
    "not-answered": ("POST", "/api/v2/lost", {"a": 1}),
}


@pytest.mark.parametrize("reason", get_args(Reason))
def test_whatever_the_reason_it_is_told_what_would_mend_it(reason: Reason) -> None:
    stage = Stage(story())
    if reason == "exhausted":
        assert stage.person("supervisor").ask(*MISSED[reason]).status == 200
    found = problem(stage, *MISSED[reason])
    assert found["reason"] == reason
    assert found["hint"]
    assert found["remedies"] or reason in ("no-match", "method-differs")
    assert found["addition"]


def test_the_edit_of_the_cassette_that_is_proposed_makes_the_miss_a_hit(tmp_path: Path) -> None:
    """Where the client is right and the recording is not; and where an answer is missing."""
    path = tmp_path / "story.yaml"
    save(story().cassette, path)
    text = path.read_text(encoding="utf-8")
    (edit,) = [
        one
        for one in problem(Stage(story()), *MISSED["body-differs"])["remedies"]
        if one.startswith("cassette")
    ]
    assert edit == 'cassette, if the client is right: in entry 4, body.id: "X"'
    text = text.replace("id: 02F0XAMPLE00001A", 'id: "X"').replace(
        'id: "02F0XAMPLE00001A"', 'id: "X"'
    )
    (edit,) = [
        one
        for one in problem(Stage(story()), *MISSED["not-answered"])["remedies"]
        if one.startswith("cassette")
    ]
    assert "in place of `error: server closed`" in edit
    assert re.search(r"^error: ", text, re.MULTILINE)
    text = re.sub(r"^error: .*$", "response: {status: 200, json: {n: 9}}", text, flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    person = Stage(load(path)).person("supervisor")
    assert person.ask(*MISSED["body-differs"]).status == 200
    assert person.ask(*MISSED["not-answered"]).json == {"n": 9}


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        (("POST", BIN, PULL | {"id": "X"}), "volatile: [request.json id]"),
        (("GET", "/api/v2/items/17?view=long"), "volatile: [request.query view]"),
        (("GET", "/api/v2/items/18?view=short"), 'volatile: ["request.path /api/v2/items/{}"]'),
    ],
)
def test_the_line_of_the_profile_that_is_proposed_makes_the_miss_a_hit(
    request_: tuple[Any, ...], line: str
) -> None:
    found = problem(Stage(story()), *request_)
    (proposed,) = [one for one in found["remedies"] if one.startswith("profile")]
    assert proposed.endswith(line)
    profile = {"profile": "own", **yaml.safe_load(line)}
    mended = parse_profile(profile, "own.yaml", base=load_profile("workbins"))
    person = Stage(story(), profile=mended).person("supervisor")
    assert person.ask(*request_).status == 200


@pytest.mark.parametrize("name", ["PullWorkitem", None])
def test_the_option_that_is_proposed_allows_the_repeat(name: str | None) -> None:
    script = Script()
    sent = {"operationName": name} if name else {"x": 1}
    script.ask("a", "POST", "/api/v2/x", sent, {})
    stage = Stage(script)
    stage.person("a").ask("POST", "/api/v2/x", sent)
    found = problem(stage, "POST", "/api/v2/x", sent, user="a")
    assert found["nearest"][0]["rejected_by"] == [
        {"rule": "exhausted", "text": "recorded 1 time, and played as often"}
    ]
    option = found["remedies"][0].removeprefix("option: --repeat ").partition(" (")[0]
    again = Stage(script, repeats=[option.strip("'")]).person("a")
    assert [again.ask("POST", "/api/v2/x", sent).status for _ in range(2)] == [200, 200]


def test_a_recording_of_a_session_that_is_taken_says_by_whom() -> None:
    script = Script()
    for who in ("a", "b"):
        script.ask(who, "GET", "/api/v2/me", None, {})
        script.ask(who, "POST", "/api/v2/x", {"x": 1}, {})
    stage = Stage(script)
    people = [stage.person(who) for who in ("a", "b")]
    for person in people:
        person.ask("GET", "/api/v2/me")
    assert people[0].ask("POST", "/api/v2/x", {"x": 1}).status == 200
    found = people[0].ask("POST", "/api/v2/x", {"x": 1}).json
    assert [one["rejected_by"][0]["rule"] for one in found["nearest"]] == ["exhausted", "session"]
    assert "recorded of 'b', which b has taken" in found["detail"]


def test_a_request_recorded_without_its_answer_says_why_there_is_none() -> None:
    found = problem(Stage(story()), "POST", "/api/v2/lost", {"a": 1}, user="agent7")
    assert found["reason"] == "not-answered"
    assert found["nearest"][0]["rejected_by"] == [
        {"rule": "no-answer", "text": "recorded without an answer: server closed"}
    ]
    assert "in exchange 8 write `response:" in found["remedies"][0]


def test_a_recording_that_was_not_used_names_the_request_that_almost_was_it() -> None:
    stage = Stage(story())
    person = stage.person("supervisor")
    person.ask("GET", "/api/v2/me")
    person.ask("POST", BIN, PULL | {"id": "X"})
    (pull,) = [one for one in stage.service.report().unplayed if one.entry == 4]
    assert pull.almost == (
        f'POST {BIN} of supervisor, but body.id: recorded "02F0XAMPLE00001A", sent "X"'
    )
    assert pull.awaited_by == (5,)
    assert "almost: POST" in stage.service.report().text()
    assert "awaited by event 5" in stage.service.report().text()


def test_what_was_almost_played_is_told_of_the_run_in_which_it_was() -> None:
    script = Script()
    script.ask("a", "POST", "/x", {"n": 1}, {})
    stage = Stage(script)
    for user in ("one", "two"):
        person = stage.person(user)
        person.ask("POST", "/x", {"n": user})
        person.ask("POST", "/x", {"n": 1})
        if user == "one":
            person.ask("POST", "/x", {"n": 1})
    stage.person("three").ask("POST", "/x", {"n": 3})
    almost = [one.almost for run in stage.service.report().runs for one in run.unplayed]
    assert almost == ["POST /x of three, but body.n: recorded 1, sent 3"]


def test_equal_misses_are_told_once_and_counted() -> None:
    stage = Stage(story())
    person = stage.person("supervisor")
    for _ in range(30):
        person.ask("GET", "/api/v2/poll")
    for n in range(8):
        person.ask("GET", f"/api/v2/other/{n}")
    text = stage.service.report().text()
    assert text.count("miss (no-match): GET /api/v2/poll\n") == 1
    assert "the same 29 more times" in text
    assert text.count("what to do") == 5
    assert "38 misses" in text
