"""Headers keep order, case and duplicates; look-ups ignore case."""

from __future__ import annotations

from cometape.core.exchange import Headers, Request


def test_headers_keep_what_was_on_the_wire() -> None:
    pairs = [("Set-Cookie", "a=1"), ("content-type", "text/plain"), ("Set-Cookie", "b=2")]
    headers = Headers(pairs)
    assert list(headers) == pairs
    assert headers.all("SET-COOKIE") == ["a=1", "b=2"]
    assert headers.first("Content-Type") == "text/plain"
    assert headers.first("Accept") is None


def test_headers_are_changed_by_making_new_ones() -> None:
    headers = Headers([("A", "1"), ("b", "2")])
    assert headers.without("a") == Headers([("b", "2")])
    assert headers.plus(("C", "3")) == Headers([("A", "1"), ("b", "2"), ("C", "3")])
    assert headers == Headers([("A", "1"), ("b", "2")])


def test_a_request_tells_its_path_query_and_cookies() -> None:
    request = Request(
        method="GET",
        target="/api/v2/me/workbins?fields=*&q=&a=%C3%A9",
        headers=Headers([("Cookie", "JSESSIONID=x=y; lang=de"), ("cookie", "JSESSIONID=other")]),
    )
    assert request.path == "/api/v2/me/workbins"
    assert request.query == [("fields", "*"), ("q", ""), ("a", "é")]
    assert request.cookies() == {"JSESSIONID": "x=y", "lang": "de"}


def test_a_path_that_begins_with_two_slashes_is_a_path() -> None:
    assert Request(method="GET", target="//a/b?c=1").path == "//a/b"
