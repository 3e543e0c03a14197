"""Placeholders: equal secrets, equal placeholders."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.scrub.placeholder import (
    Placeholders,
    has_placeholder,
    is_placeholder,
    placeholder_kind,
)


def test_secrets_are_counted_by_kind_in_order_of_appearance() -> None:
    placeholders = Placeholders()
    assert [
        placeholders.of("token", "a-secret"),
        placeholders.of("password", "another"),
        placeholders.of("token", "a third"),
        placeholders.of("token", "a-secret"),
    ] == ["<token:1>", "<password:1>", "<token:2>", "<token:1>"]


def test_a_secret_keeps_the_kind_under_which_it_was_met_first() -> None:
    placeholders = Placeholders()
    assert placeholders.of("session", "0123456789abcdef") == "<session:1>"
    assert placeholders.of("token", "0123456789abcdef") == "<session:1>"


def test_other_spellings_of_a_secret_are_the_same_secret() -> None:
    placeholders = Placeholders()
    secret = "a/b+c d=é"
    placeholder = placeholders.of("token", secret)
    encoded = base64.b64encode(secret.encode()).decode()
    for spelling in (
        quote(secret, safe=""),
        quote(secret, safe="").lower(),
        quote(secret),
        encoded,
        encoded.rstrip("="),
        base64.urlsafe_b64encode(secret.encode()).decode(),
    ):
        assert placeholders.of("password", spelling) == placeholder


def test_a_short_secret_has_no_base64_spelling() -> None:
    placeholders = Placeholders()
    assert placeholders.of("password", "abc") == "<password:1>"
    assert placeholders.of("password", base64.b64encode(b"abc").decode()) == "<password:2>"


def test_a_placeholder_stays_what_it_is_and_its_number_is_not_given_away() -> None:
    placeholders = Placeholders()
    assert placeholders.of("token", "<token:3>") == "<token:3>"
    assert placeholders.of("token", "%3Ctoken%3A5%3E") == "<token:5>"
    assert placeholders.of("token", "new") == "<token:6>"


@pytest.mark.parametrize("text", ["<token:1>", "<client-id:12>", "<x2:3>"])
def test_a_placeholder_is_recognised(text: str) -> None:
    assert is_placeholder(text)
    assert has_placeholder(f"Bearer {text}, please")
    assert placeholder_kind(text) == text[1:].partition(":")[0]


@pytest.mark.parametrize(
    "text",
    ["", "token", "<token:0>", "<token:01>", "<Token:1>", "<token:1", "<token>", "x<token:1>"],
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_placeholder(text)
    assert placeholder_kind(text) is None


@settings(deadline=None)
@given(st.lists(st.text(min_size=1)))
def test_equal_secrets_have_equal_placeholders_and_all_are_recognised(secrets: list[str]) -> None:
    placeholders = Placeholders()
    given_out = [placeholders.of("k", secret) for secret in secrets]
    assert given_out == [placeholders.of("k", secret) for secret in secrets]
    assert all(map(is_placeholder, given_out))
