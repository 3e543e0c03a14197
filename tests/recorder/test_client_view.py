"""What a reverse proxy changes in heads, and that it changes nothing else."""

from __future__ import annotations

import pytest

from cometape.core.exchange import Headers
from cometape.recorder.client_view import headers_for_client, headers_for_upstream

UPSTREAM, CLIENT = "https://gws.example", "http://localhost:8080"


def seen(name: str, value: str, *, secure: bool = False, created: bool = False) -> str:
    headers = Headers([(name, value)])
    ((same, changed),) = headers_for_client(
        headers, own={UPSTREAM}, client=CLIENT, secure_client=secure, created=created
    )
    assert same == name
    return changed


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://gws.example/a?b#c", "http://localhost:8080/a?b#c"),
        ("https://gws.example", "http://localhost:8080"),
        ("HTTPS://GWS.example/a", "http://localhost:8080/a"),
        ("https://gws.example.evil/a", "https://gws.example.evil/a"),
        ("https://gws.example:444/a", "https://gws.example:444/a"),
        ("/relative", "/relative"),
    ],
)
def test_a_redirect_to_the_upstream_leads_to_the_recorder(location: str, expected: str) -> None:
    assert seen("location", location) == expected


def test_a_cookie_loses_what_would_keep_the_client_from_sending_it() -> None:
    cookie = "A=1; domain=gws.example; Path=/; Secure; HttpOnly; SameSite=None"
    assert seen("Set-Cookie", cookie) == "A=1; Path=/; HttpOnly"
    assert seen("Set-Cookie", cookie, secure=True) == "A=1; Path=/; Secure; HttpOnly; SameSite=None"
    assert seen("Set-Cookie", "A=1; SameSite=Lax") == "A=1; SameSite=Lax"


def test_every_other_header_is_left_alone() -> None:
    assert seen("X-Location", "https://gws.example/a") == "https://gws.example/a"


def test_what_was_created_lies_on_the_recorder_whatever_the_system_calls_itself() -> None:
    assert seen("Location", "http://public/a", created=True) == "http://localhost:8080/a"
    assert seen("Location", "http://public/a") == "http://public/a"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Access-Control-Allow-Origin", "https://gws.example", "http://localhost:8080"),
        ("Access-Control-Allow-Origin", "https://desk.example", "https://desk.example"),
        ("Access-Control-Allow-Origin", "*", "*"),
        ("Link", '<https://gws.example/b>; rel="next"', '<http://localhost:8080/b>; rel="next"'),
        ("Refresh", "5; url=https://gws.example/", "5; url=http://localhost:8080/"),
        (
            "Content-Security-Policy",
            "connect-src https://gws.example https://gws.example.evil",
            "connect-src http://localhost:8080 https://gws.example.evil",
        ),
    ],
)
def test_headers_that_name_the_system_name_the_recorder(
    name: str, value: str, expected: str
) -> None:
    assert seen(name, value) == expected


@pytest.mark.parametrize("name", ["Alt-Svc", "Strict-Transport-Security"])
def test_no_header_sends_a_browser_past_the_recorder(name: str) -> None:
    headers = Headers([(name, "x"), ("A", "b")])
    changed = headers_for_client(headers, own=(), client=CLIENT, secure_client=True)
    assert changed == Headers([("A", "b")])


def test_a_page_of_the_recorder_asks_as_a_page_of_the_system() -> None:
    asked = Headers([("origin", CLIENT), ("Referer", f"{CLIENT}/a?b"), ("X", CLIENT)])
    sent = headers_for_upstream(asked, upstream=UPSTREAM, client=CLIENT)
    assert sent == Headers([("origin", UPSTREAM), ("Referer", f"{UPSTREAM}/a?b"), ("X", CLIENT)])


def test_a_page_from_elsewhere_asks_as_itself() -> None:
    asked = Headers([("Origin", "http://localhost:80801"), ("Referer", "https://desk.example/")])
    assert headers_for_upstream(asked, upstream=UPSTREAM, client=CLIENT) == asked
