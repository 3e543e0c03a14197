"""Channel names and patterns (C27)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.bayeux import channel as channels

SEGMENT = st.text("ab*-_!~()$@ .", min_size=0, max_size=3)
NAME = st.lists(SEGMENT, min_size=1, max_size=4).map(lambda segments: "/" + "/".join(segments))


def by_definition(pattern: str, channel: str) -> bool:
    """Bayeux, "Channel Globbing", word for word."""
    if pattern == channel:
        return True
    parent, _, last = pattern.rpartition("/")
    rest = channel.removeprefix(parent + "/")
    if last not in ("*", "**") or rest == channel:
        return False
    return last == "**" or "/" not in rest


@given(NAME, NAME)
def test_c27_a_pattern_matches_by_its_definition(pattern: str, channel: str) -> None:
    assert channels.matches(pattern, channel) == by_definition(pattern, channel)


@pytest.mark.parametrize(
    ("channel", "patterns"),
    [
        ("/a", ("/**", "/*", "/a")),
        ("/a/b", ("/**", "/a/**", "/a/*", "/a/b")),
        ("/a/b/c", ("/**", "/a/**", "/a/b/**", "/a/b/*", "/a/b/c")),
        ("/a/", ("/**", "/a/**", "/a/*", "/a/")),
        ("/a/*", ("/**", "/a/**", "/a/*")),
        ("no-channel", ("no-channel",)),
        ("", ("",)),
    ],
)
def test_patterns_go_from_the_root_to_the_channel(channel: str, patterns: tuple[str, ...]) -> None:
    assert channels.patterns_of(channel) == patterns


def test_kinds() -> None:
    assert channels.is_meta("/meta/connect")
    assert channels.is_service("/service/x")
    assert channels.is_broadcast("/v2/me/workbins")
    assert not channels.is_broadcast("/meta/x")
    assert not channels.is_broadcast("/service/x")
    assert not channels.is_valid("/a\n")
    assert not channels.is_valid(None)


def test_a_name_that_is_no_path_matches_itself_alone() -> None:
    assert channels.patterns_of("") == ("",)
    assert channels.patterns_of("v2/me") == ("v2/me",)
