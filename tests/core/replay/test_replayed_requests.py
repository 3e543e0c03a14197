"""Which request is which recording, and what a miss tells of it."""

from __future__ import annotations

import pytest

from pulling import PULL, A, pulling
from scripted import Script, Stage


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/api/v2/x?b=2&a=1", b'{"id":1,"n":{"y":[1,2],"x":null}}'),
        ("/api/v2/x?a=1&b=2", b'{ "n": {"x":null, "y":[1.0, 2]},\n "id": 1.0 }'),
        ("/api/v2/%78?a=%31&b=2", b'{"id":1,"n":{"y":[1,2],"x":null}}'),
    ],
)
def test_what_means_the_same_matches(target: str, body: bytes) -> None:
    script = Script()
    script.ask(
        "a", "POST", "/api/v2/x?a=1&b=2", {"n": {"x": None, "y": [1, 2]}, "id": 1}, {"ok": 1}
    )
    headers = [("Content-Type", "text/plain"), ("User-Agent", "another"), ("X-New", "1")]
    assert Stage(script).person().ask("POST", target, body, headers=headers).json == {"ok": 1}


@pytest.mark.parametrize(
    ("method", "target", "body", "reason"),
    [
        ("POST", "/api/v2/x", {"id": 2}, "body-differs"),
        ("POST", "/api/v2/x", {"id": True}, "body-differs"),
        ("POST", "/api/v2/x", {"id": "1"}, "body-differs"),
        ("POST", "/api/v2/x", None, "body-differs"),
        ("POST", "/api/v2/x", b"id=1", "body-differs"),
        ("POST", "/api/v2/x?a=1", {"id": 1}, "query-differs"),
        ("PUT", "/api/v2/x", {"id": 1}, "method-differs"),
        ("POST", "/api/v2/y", {"id": 1}, "no-match"),
        ("POST", "/api/v2/x/", {"id": 1}, "no-match"),
        ("GET", "/", None, "no-match"),
        ("POST", "/api/v2/broken", {"id": 1}, "not-answered"),
    ],
)
def test_what_means_another_thing_is_a_miss_that_says_why(
    method: str, target: str, body: object, reason: str
) -> None:
    script = Script()
    script.ask("a", "POST", "/api/v2/x", {"id": 1}, {"ok": 1})
    script.ask("a", "POST", "/api/v2/broken", {"id": 1}, error="client left")
    stage = Stage(script)
    answer = stage.person().ask(method, target, body)
    assert answer.status == 599
    assert answer.headers.first("Content-Type") == "application/problem+json"
    assert answer.json["reason"] == reason == answer.headers.first("Cometape-Miss")
    assert answer.json["type"].endswith(reason)
    assert stage.service.misses[0].text() == answer.json["detail"]
    assert not stage.service.report().ok


def test_a_secret_in_a_request_matches_its_placeholder() -> None:
    script = Script()
    script.ask("a", "POST", "/login", {"password": "<password:1>", "user": "u"}, {"ok": 1})
    script.ask("a", "GET", "/by/<token:4>/x?access_token=<token:5>", None, {"ok": 2})
    script.ask("a", "POST", "/say", {"text": "it is <token:4>!"}, {"ok": 3})
    person = Stage(script).person()
    assert person.ask("POST", "/login", {"user": "u", "password": "another"}).json == {"ok": 1}
    assert person.ask("GET", "/by/whatever/x?access_token=abc").json == {"ok": 2}
    assert person.ask("POST", "/say", {"text": "it is me!"}).json == {"ok": 3}
    assert person.ask("POST", "/say", {"text": "it is !"}).status == 599


def test_a_miss_does_not_tell_secrets() -> None:
    script = Script()
    script.ask("a", "POST", "/login", {"password": "<password:1>", "user": "u"}, {"ok": 1})
    stage = Stage(script)
    answer = stage.person("me").ask(
        "POST",
        "/login?token=t0psecret-t0psecret",
        {"user": "v", "password": "s3cret-s3cret-s3cret"},
    )
    assert answer.status == 599
    assert b"cret" not in answer.body
    assert b"body.user" in answer.body


def test_a_miss_names_the_nearest_the_state_and_what_waits() -> None:
    stage = Stage(pulling())
    person = stage.person("supervisor")
    person.ask("GET", "/api/v2/me")
    problem = person.ask("POST", A, PULL | {"id": "02F0XAMPLE00009Z"}).json
    assert problem["nearest"][0]["entry"] == 5
    assert problem["nearest"][0]["differences"] == [
        {"facet": "body", "where": "body.id", "recorded": PULL["id"], "sent": "02F0XAMPLE00009Z"}
    ]
    assert "waits for exchange 5, POST" in problem["run"]["waiting"][0]
    assert problem["run"]["session"] == "supervisor"
    assert "supervisor as 'supervisor'" in problem["detail"]
