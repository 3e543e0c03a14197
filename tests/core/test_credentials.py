"""Whose request it is, by its Basic credentials."""

from __future__ import annotations

import base64

import pytest

from cometape.core.credentials import basic_credentials


def basic(text: str, encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(text.encode(encoding)).decode()


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1"])
def test_the_user_is_read_in_both_encodings_clients_use(encoding: str) -> None:
    assert basic_credentials(basic("jürgen:geheim", encoding)) == ("jürgen", "geheim")


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
        basic("line\nfeed:x"),
        "Bearer " + base64.b64encode(b"a:b").decode(),
        "Basic <credentials:1>",
    ],
)
def test_what_is_no_basic_credential_is_none(value: str) -> None:
    assert basic_credentials(value) is None
