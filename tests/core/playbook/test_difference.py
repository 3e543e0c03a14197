"""Placeholders of a recording fit any text, of any length."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from cometape.core.identity.identity import PLACEHOLDER
from cometape.core.playbook.difference import value_differences

pieces = st.lists(st.sampled_from(["a", "b", "ab", "<token:1>", "<user:2>", "\n", "<", ""]))


@given(pieces.map("".join), st.text("ab\n<", max_size=12))
@example("<token:1><token:2>", "a")
@example("<token:1><token:2>", "ab")
@example("a<token:1>a", "aa")
@example("a<token:1>ab<token:2>b", "abababb")
def test_a_placeholder_fits_one_character_or_more(recorded: str, live: str) -> None:
    parts = PLACEHOLDER.split(recorded)[::3]
    wanted = re.compile(".+?".join(map(re.escape, parts)), re.DOTALL)
    fits = not list(value_differences(recorded, live, ""))
    assert fits == (wanted.fullmatch(live) is not None)


def test_a_long_text_that_nearly_fits_takes_no_longer_than_another() -> None:
    """One that looks for every way to fit placeholders would never end."""
    recorded = "<token:1>&x=<token:2>&y=<token:3>&z=<token:4>!"
    assert list(value_differences(recorded, "q" + "&x=1&y=2&z=3" * 50_000, ""))
