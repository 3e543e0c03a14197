"""What is made faster in mitmproxy does what it did before."""

from __future__ import annotations

import pytest
from mitmproxy import http
from mitmproxy.coretypes import multidict

from cometape.mitm.lean_master import _header, _header_values

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
