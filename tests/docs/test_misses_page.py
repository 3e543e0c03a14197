"""`docs/misses.md` lists every reason of a miss, and `docs/replay.md` every option."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from cometape.cli.replay import command
from cometape.core.replay.miss import HINTS, STATUS, Reason

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_lists_every_reason_and_no_other() -> None:
    page = (DOCS / "misses.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z-]+)` \|", page.partition("## Reasons")[2], re.MULTILINE)
    assert sorted(listed) == sorted(get_args(Reason)) == sorted(HINTS)
    assert f"status **{STATUS}**" in page


def test_the_page_lists_every_option() -> None:
    page = (DOCS / "replay.md").read_text(encoding="utf-8").partition("## Options")[2]
    options = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    assert set(re.findall(r"--[a-z][a-z-]*", page)) == options - {"files"}
