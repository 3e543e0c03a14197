"""Who may call the control API, and how."""

from __future__ import annotations

import pytest

from cometape.core.control.access import Access
from control_talk import LOCAL, ControlTalk


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
