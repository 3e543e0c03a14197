"""Who gets in at the simulated Workbins system, and what wrong requests are answered."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cometape.simulator.demo_data import IN_PROGRESS
from workbins_people import Person, basic, workbins_talk

OWN = f"/api/v2/workbins/{IN_PROGRESS.id}"
JSON = ("Content-Type", "application/json")


def test_the_version_needs_no_login() -> None:
    answer = workbins_talk().send("GET", "/api/v2/diagnostics/version")
    assert answer.json == {"statusCode": 0, "version": "8.5.200.50"}
    assert answer.header("Set-Cookie") is None


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [basic("agent7", "wrong")],
        [basic("nobody", "x")],
        [("Authorization", "Basic ???")],
        [("Authorization", "Bearer abc")],
        [("Cookie", "JSESSIONID=unknown")],
    ],
)
def test_everything_else_does(headers: list[tuple[str, str]]) -> None:
    answer = workbins_talk().send("GET", "/api/v2/me", headers=headers)
    assert answer.status == 401
    assert set(answer.json) == {"statusCode", "statusMessage"}
    assert answer.json["statusCode"] == 20
    assert answer.json["statusMessage"].startswith("Access denied")
    assert answer.header("WWW-Authenticate") is not None


def test_a_login_sets_a_cookie_that_then_suffices() -> None:
    person = Person(workbins_talk(), "agent7")
    answer = person.login()
    assert re.fullmatch(
        r"JSESSIONID=node0[0-9a-z]{26}\.node0; Path=/; HttpOnly", answer.header("Set-Cookie") or ""
    )
    again = person.get("/api/v2/me")
    assert again.request.headers.first("Authorization") is None
    assert again.json["user"]["userName"] == "agent7"
    assert again.header("Set-Cookie") is None


def test_other_credentials_beside_a_cookie_are_another_login() -> None:
    person = Person(workbins_talk(), "agent7")
    person.login()
    cookie = ("Cookie", f"JSESSIONID={person.cookies['JSESSIONID']}")
    answer = person.talk.send(
        "GET", "/api/v2/me", headers=[cookie, basic("agent8", "agent8-password")]
    )
    assert answer.json["user"]["userName"] == "agent8"
    assert answer.header("Set-Cookie") is not None


def test_a_login_is_forgotten_after_long_idleness() -> None:
    person = Person(workbins_talk(http_session_idle_s=60), "agent7")
    person.login()
    person.talk.advance(59)
    assert person.get("/api/v2/me").status == 200
    person.talk.advance(61)
    assert person.get("/api/v2/me").status == 401


def test_behind_a_load_balancer_its_cookie_must_come_back() -> None:
    person = Person(workbins_talk(load_balancer=True), "agent7")
    person.login()
    assert set(person.cookies) == {"JSESSIONID", "AWSELB"}
    assert person.get("/api/v2/me").status == 200
    del person.cookies["AWSELB"]
    assert person.get("/api/v2/me").status == 401


def test_csrf_protection_demands_the_token_of_any_get() -> None:
    agent = Person(workbins_talk(csrf=True), "agent7")
    first = agent.login()
    assert first.header("X-CSRF-HEADER") == "X-CSRF-TOKEN"
    token = first.header("X-CSRF-TOKEN")
    assert agent.get("/api/v2/me").header("X-CSRF-TOKEN") == token  # as long as the session
    assert agent.post(OWN, "Subscribe").status == 200

    for wrong in (None, "0b0e4b0e-6a35-4b9e-9d4e-3d0a9f6e2c11"):
        agent.token = wrong
        refused = agent.post(OWN, "Subscribe")
        assert refused.status == 403
        assert refused.body == "Missing or invalid Csrf token"


def test_under_csrf_protection_clients_without_cookies_cannot_post() -> None:
    talk = workbins_talk(csrf=True)
    person = Person(talk, "agent7")
    token = person.login().header("X-CSRF-TOKEN")
    assert token is not None
    answer = talk.send(
        "POST",
        OWN,
        headers=[person.authorization, JSON, ("X-CSRF-TOKEN", token)],
        body='{"operationName":"Subscribe"}',
    )
    assert answer.status == 403


@pytest.mark.parametrize(("setting", "status"), [("on", 403), ("off", 200)])
def test_whether_cometd_needs_the_token_is_a_switch(setting: str, status: int) -> None:
    talk = workbins_talk(csrf=True, switches={"csrf-on-notifications": setting})
    person = Person(talk, "agent7")
    person.login()
    client = talk.client(headers=[("Cookie", f"JSESSIONID={person.cookies['JSESSIONID']}")])
    assert client.send(client.message("/meta/handshake", version="1.0")).status == status
    person.arrive()  # with the token it works either way


def test_a_client_without_cookies_counts_on() -> None:
    talk = workbins_talk(first_reference_id=1)
    person = Person(talk, "agent7")

    def post(connection: int | None) -> Any:
        return talk.send(
            "POST",
            OWN,
            headers=[person.authorization, JSON],
            body=json.dumps({"operationName": "Subscribe"}),
            connection=connection,
        )

    client = talk.client(headers=[person.authorization]).begin("/v2/me/*")
    answers = [post(None), post(None), post(901), post(901)]

    assert [answer.json["referenceId"] for answer in answers] == [1, 2, 3, 4]
    cookies = [answer.header("Set-Cookie") for answer in answers]
    assert len({*cookies}) == 4  # three sessions, and none for the known connection
    assert cookies[3] is None
    talk.advance(1)
    assert len([m for m in client.poll() if "data" in m]) == 4

    end = talk.send(
        "POST",
        "/api/v2/me",
        headers=[person.authorization, JSON],
        body='{"operationName":"EndContactCenterSession"}',
    )
    assert end.json == {"statusCode": 0}
    assert client.poll()[0]["error"].startswith("402")


def test_a_cookie_that_comes_back_late_continues_the_numbers() -> None:
    talk = workbins_talk(first_reference_id=5)
    person = Person(talk, "agent7")
    first = person.post(OWN, "Subscribe")  # without any GET before
    second = person.post(OWN, "Unsubscribe")
    assert [first.json["referenceId"], second.json["referenceId"]] == [5, 6]


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "allow"),
    [
        ("DELETE", "/api/v2/me/workbins", 405, 3, "GET, POST"),
        ("PUT", OWN, 405, 3, "GET, POST"),
        ("POST", "/api/v2/contacts", 405, 3, "GET"),
        ("GET", "/api/v2/me/channels/voice", 405, 3, "POST"),
    ],
)
def test_a_wrong_method_is_forbidden(
    method: str, path: str, status: int, code: int, allow: str
) -> None:
    person = Person(workbins_talk(), "agent7")
    answer = person.send(method, path)
    assert (answer.status, answer.json["statusCode"]) == (status, code)
    assert answer.header("Allow") == allow


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("{", "application/json", 400, 1),
        ("[" * 100_000, "application/json", 400, 1),
        ("[]", "application/json", 400, 1),
        ("", "application/json", 400, 1),
        ('{"operationName":17}', "application/json", 400, 1),
        ('{"operationName":"Dance"}', "application/json", 400, 10),
        ('{"operationName":"Subscribe"}', "text/plain", 415, 3),
        ("operationName=Subscribe", "application/x-www-form-urlencoded", 415, 3),
        ('{"operationName":"Subscribe"}', "Application/JSON; charset=utf-8", 200, 0),
    ],
)
def test_a_wrong_body_says_so(body: str, content_type: str, status: int, code: int) -> None:
    person = Person(workbins_talk(), "agent7")
    person.login()
    answer = person.send("POST", OWN, body, ("Content-Type", content_type))
    assert (answer.status, answer.json["statusCode"]) == (status, code)


def test_a_body_that_is_no_utf8_says_so() -> None:
    person = Person(workbins_talk(), "agent7")
    answer = person.talk.send(
        "POST", OWN, headers=[person.authorization, JSON], body=b'{"operationName":"\xff"}'
    )
    assert answer.json["statusCode"] == 1


def test_the_http_status_of_a_code_is_configurable() -> None:
    person = Person(workbins_talk(http_statuses={6: 200, 20: 200}), "agent7")
    assert person.get("/api/v2/nothing").status == 200
    assert person.talk.send("GET", "/api/v2/me").json["statusCode"] == 20


def test_browsers_of_other_origins_are_let_in() -> None:
    talk = workbins_talk(csrf=True)
    preflight = talk.send(
        "OPTIONS",
        OWN,
        headers=[
            ("Origin", "http://desk.example"),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type,x-csrf-token"),
        ],
    )
    assert preflight.header("Access-Control-Allow-Origin") == "http://desk.example"
    answer = talk.send(
        "GET",
        "/api/v2/me",
        headers=[("Origin", "http://desk.example"), basic("agent7", "agent7-password")],
    )
    assert answer.header("Access-Control-Allow-Credentials") == "true"
    exposed = (answer.header("Access-Control-Expose-Headers") or "").lower()
    assert "x-csrf-token" in exposed
    assert "x-csrf-header" in exposed
