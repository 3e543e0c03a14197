"""Whose request it is, by its Basic credentials."""

from __future__ import annotations

import base64

import pytest

from cometape.core.credentials import basic_credentials, user_of
from cometape.core.exchange import Headers, Request


def request(*authorizations: str) -> Request:
    pairs = [("authorization", value) for value in authorizations]
    return Request(method="GET", target="/", headers=Headers(pairs))


def basic(text: str, encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(text.encode(encoding)).decode()


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1"])
def test_the_user_is_read_in_both_encodings_clients_use(encoding: str) -> None:
    assert user_of(request(basic("jürgen:geheim", encoding))) == "jürgen"


def test_a_password_may_have_colons_and_be_empty() -> None:
    assert basic_credentials(basic("agent7:a:b")) == ("agent7", "a:b")
    assert basic_credentials(basic("agent7:").replace("Basic", "basic")) == ("agent7", "")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        basic(":password only"),
        basic("line\nfeed:x"),
        "Bearer " + base64.b64encode(b"a:b").decode(),
        "Basic <credentials:1>",
    ],
)
def test_what_is_no_basic_credential_names_nobody(value: str) -> None:
    assert user_of(request(value)) is None


def test_a_request_without_the_header_names_nobody() -> None:
    assert user_of(request()) is None


def test_the_first_credential_that_names_a_user_counts() -> None:
    assert user_of(request("Bearer x", basic("agent7:x"), basic("agent8:x"))) == "agent7"
