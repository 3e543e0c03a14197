"""What a reverse proxy changes in an answer's head, and that it changes nothing else."""

from __future__ import annotations

import pytest

from cometape.core.exchange import Headers
from cometape.recorder.client_view import headers_for_client

UPSTREAM, CLIENT = "https://gws.example", "http://localhost:8080"


def seen(name: str, value: str, *, secure: bool = False) -> str:
    headers = Headers([(name, value)])
    ((same, changed),) = headers_for_client(
        headers, upstream=UPSTREAM, client=CLIENT, secure_client=secure
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
