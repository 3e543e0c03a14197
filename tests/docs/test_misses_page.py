"""`docs/misses.md` lists every reason of a miss, and `docs/replay.md` every option."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from cometape.cli.replay import command
from cometape.core.report.miss import HINTS, STATUS, Reason, Rule
from scripted import Script, Stage

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_lists_every_reason_and_no_other() -> None:
    page = (DOCS / "misses.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z-]+)` \|", page.partition("## Reasons")[2], re.MULTILINE)
    assert sorted(listed) == sorted(get_args(Reason)) == sorted(HINTS)
    assert f"status **{STATUS}**" in page


def test_the_page_lists_every_rule() -> None:
    page = (DOCS / "misses.md").read_text(encoding="utf-8")
    rules = page.partition("## Rules")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", rules, re.MULTILINE) == list(get_args(Rule))


def test_the_example_is_what_a_miss_says() -> None:
    page = (DOCS / "misses.md").read_text(encoding="utf-8")
    workbin = "/api/v2/users/00025aA4/workbins/3434543f"
    pull = {"operationName": "PullWorkitem", "id": "02F0XAMPLE00001A"}
    script = Script()
    script.listen("supervisor", "/v2/me/*")
    script.ask("supervisor", "GET", "/api/v2/me", None, {})
    script.ask("supervisor", "POST", workbin, pull, {"referenceId": 17})
    taken = {"messageType": "WorkitemStateChangeMessage", "referenceId": 17}
    script.event("supervisor", "/v2/me/workitems", taken)
    script.ask("agent7", "GET", "/api/v2/me", None, {})
    person = Stage(script).person("supervisor")
    answer = person.ask("POST", workbin, pull | {"id": "02F0XAMPLE00009Z"})
    assert f"```\n{answer.json['detail']}\n```" in page


def test_the_page_lists_every_option() -> None:
    page = (DOCS / "replay.md").read_text(encoding="utf-8").partition("## Options")[2]
    options = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    assert set(re.findall(r"--[a-z][a-z-]*", page)) == options - {"files"}
