"""Secrets inside another encoding than that of what carries them."""

from __future__ import annotations

import base64
import json
import string
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.exchange import Headers, Request, Response
from cometape.core.json_value import Json
from cometape.core.profile.profile_format import parse_profile
from cometape.core.scrub.scrubber import Scrubber
from cometape.profiles import load_profile

WORKBINS = load_profile("workbins")
laws = settings(deadline=None)
secrets = st.text(string.ascii_letters + string.digits + "-._~", min_size=1, max_size=30).map(
    lambda text: f"Zq{text}qZ"
)


def body(data: bytes, content_type: str) -> bytes:
    headers = Headers([("Content-Type", content_type)])
    return Scrubber(WORKBINS).response(Response(status=200, headers=headers, body=data)).body


@laws
@given(secrets, st.integers(0, 4))
def test_a_url_in_a_url_in_a_url(secret: str, depth: int) -> None:
    url = f"http://h/x?y=1&token={secret}&z=2"
    for _ in range(depth):
        url = f"http://h/?next={quote(url, safe='')}&y=1"
    clean = Scrubber(WORKBINS).request(Request(method="GET", target=url.removeprefix("http://h")))
    assert "Zq" not in clean.target
    assert "<token:1>" in clean.target
    assert Scrubber(WORKBINS).request(clean) == clean
    assert "Zq" not in str(Scrubber(WORKBINS).json([{"uri": url}]))


@laws
@given(
    secrets, st.booleans(), st.sampled_from([None, 1]), st.sampled_from(["{}", "s={}", "a {} b"])
)
def test_json_in_base64(secret: str, url_safe: bool, indent: int | None, frame: str) -> None:
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    for value in ({"a": "é?>", "password": secret}, [{"accessToken": secret}]):
        word = encode(json.dumps(value, indent=indent).encode()).decode()
        text = frame.format(word)
        for scrubbed in (
            Scrubber(WORKBINS).text(text),
            str(Scrubber(WORKBINS).json({"state": text})),
            Scrubber(WORKBINS).request(Request(method="GET", target=f"/x?state={word}")).target,
            str(Scrubber(WORKBINS).message({"channel": "/c", "ext": {"state": text}})),
        ):
            assert word.rstrip("=") not in scrubbed
            assert "<token:" in scrubbed


@laws
@given(secrets, st.sampled_from(["utf-16", "utf-16-be", "utf-32", "iso-8859-1", "windows-1252"]))
def test_a_body_in_another_charset(secret: str, name: str) -> None:
    text = json.dumps({"note": "für", "password": secret}, ensure_ascii=False)
    mark = b"\xfe\xff" if name == "utf-16-be" else b""
    clean = body(mark + text.encode(name), f"application/json;charset={name}")
    assert "Zq" not in clean.replace(b"\0", b"").decode("latin-1")
    assert (mark + text.replace(secret, "<password:1>").encode(name)) == clean


@laws
@given(st.binary(min_size=1), st.sampled_from(["application/json", "image/png", "text/plain", ""]))
def test_bytes_without_a_secret_are_kept_whatever_they_claim_to_be(
    data: bytes, content_type: str
) -> None:
    assert body(b"\xff\xfa" + data, content_type) == b"\xff\xfa" + data


@pytest.mark.parametrize("name", ["rot13", "nonsense", "hex", "idna"])
def test_a_charset_that_is_none_is_no_charset(name: str) -> None:
    data = b'\xff{"password": "Zq"}'
    assert b"Zq" not in body(data, f"application/json;charset={name}")


@pytest.mark.parametrize(
    "text",
    [
        "100%25 of it",
        "a%2Fb%3Fc",
        "eyebrows-and-eyelids",
        base64.b64encode(b'{"state": "open", "n": 1}').decode(),
        "Wyoming2024Wyoming",
    ],
)
def test_an_encoding_without_a_secret_is_kept(text: str) -> None:
    value: Json = {"note": text}
    assert Scrubber(WORKBINS).json(value) is value


def test_a_token_in_a_subprotocol_of_a_websocket() -> None:
    token = "Zq0123456789" + "abcdef"
    for before in ("v10.stomp, bearer, {}", "base64url.bearer.authorization.k8s.io.{}, x"):
        headers = Headers([("Sec-WebSocket-Protocol", before.format(token))])
        clean = Scrubber(WORKBINS).request(Request(method="GET", target="/", headers=headers))
        assert clean.headers.first("sec-websocket-protocol") == before.format("<token:1>")


def test_patterns_that_do_not_go_together_work_each_by_itself() -> None:
    rule = {"name": "a", "kind": "pin", "patterns": ["(?i)pin (?P<n>\\d+)", "nip (?P<n>\\d+)"]}
    profile = parse_profile({"profile": "mine", "secrets": [rule]}, "mine")
    assert Scrubber(profile).text("PIN 1, nip 2") == "PIN <pin:1>, nip <pin:2>"
