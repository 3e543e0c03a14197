"""What is made faster in mitmproxy does what it did before."""

from __future__ import annotations

import pytest
from mitmproxy import http
from mitmproxy.coretypes import multidict
from mitmproxy.options import Options
from mitmproxy.optmanager import _Option

from cometape.mitm.lean_master import _header, _header_values, _option_value

HEADERS = http.Headers(
    [
        (b"Host", b"a.example"),
        (b"set-COOKIE", b"a=1"),
        (b"Set-Cookie", b"b=2"),
        (b"X-\xff", b"caf\xe9 \xc3\xa9"),
        (b"Empty", b""),
    ]
)
ORIGINAL = multidict._MultiDict


@pytest.mark.parametrize(
    "name", ["host", "HOST", b"Host", "set-cookie", "Empty", "absent", b"x-\xff", "X-\udcff", ""]
)
def test_headers_are_found_as_mitmproxy_finds_them(name: str | bytes) -> None:
    key = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    expected = [
        value.decode("utf-8", "surrogateescape") for value in ORIGINAL.get_all(HEADERS, key)
    ]
    assert _header_values(HEADERS, name) == expected
    assert _header(HEADERS, name) == (", ".join(expected) if expected else None)
    assert _header(HEADERS, name, "default") == (", ".join(expected) if expected else "default")


def test_a_header_that_is_changed_is_found_as_changed() -> None:
    headers = HEADERS.copy()
    assert _header(headers, "host") == "a.example"
    headers["HOST"] = "b.example"
    headers.add("set-cookie", "c=3")
    del headers["empty"]
    assert _header(headers, "host") == "b.example"
    assert _header_values(headers, "set-cookie") == ["a=1", "b=2", "c=3"]
    assert _header_values(headers, "empty") == []
    _header_values(headers, "host").append("nobody's")
    assert _header_values(headers, "host") == ["b.example"]
    assert http.Headers(headers.fields) == headers
    assert headers.copy() == headers


def test_options_are_what_mitmproxy_says_they_are() -> None:
    options = Options(listen_port=8080, mode=["regular", "socks5"])
    for name in options.keys():  # noqa: SIM118 (it is no mapping)
        option = options._options[name]
        assert _option_value(option) == _Option.current(option)
    mode = _option_value(options._options["mode"])
    mode.append("mine")
    assert _option_value(options._options["mode"]) == ["regular", "socks5"]
