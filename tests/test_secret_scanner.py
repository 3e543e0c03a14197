"""The scanner's first look misses nothing that its detectors would find."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.secret_scanner import Scanner, scanner

PATTERNS = [
    pytest.param(pattern, id=f"{type(detector).__name__}-{number}")
    for detector in Scanner()._detectors
    for number, pattern in enumerate(detector.denylist)
]


def test_there_are_detectors() -> None:
    assert len(PATTERNS) > 20


@pytest.mark.parametrize("pattern", PATTERNS)
@settings(max_examples=15)
@given(data=st.data())
def test_the_first_look_lets_pass_what_a_detector_finds(
    pattern: re.Pattern[str], data: Any
) -> None:
    text = data.draw(st.from_regex(pattern))
    if list(scanner()(text)):
        assert scanner().suspects(text)


@given(st.text(st.sampled_from("aB3xK9mQ2/=+_- .:"), max_size=80))
def test_the_first_look_lets_pass_random_characters(text: str) -> None:
    if list(scanner()(text)):
        assert scanner().suspects(text)


@pytest.mark.parametrize(
    "text",
    ["", "PullWorkitem", "about order 9937", "application/json;charset=UTF-8", "0123456789" * 3],
)
def test_the_first_look_suspects_nobody_without_a_reason(text: str) -> None:
    assert not scanner().suspects(text)
