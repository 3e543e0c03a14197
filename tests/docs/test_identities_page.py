"""`docs/identities.md` names every key of the JSON, every kind of proposal, and every option."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

from click.testing import CliRunner

from cometape.cli import identities, main
from cometape.core.discovery.proposals import What

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "identities.md").read_text(encoding="utf-8")


def test_every_option_is_named() -> None:
    parameters = identities.command.params
    options = [one for parameter in parameters for one in parameter.opts if one[:2] == "--"]
    assert [option for option in options if option not in PAGE] == []


def test_every_kind_of_proposal_is_explained() -> None:
    assert [what for what in get_args(What) if f"| `{what}`" not in PAGE] == []


def test_every_key_of_the_json_is_named() -> None:
    file = str(ROOT / "cassettes" / "pull_workitem.yaml")
    arguments = ["identities", file, "--profile", "bayeux", "--json"]
    found = json.loads(CliRunner().invoke(main, arguments).output)
    keys = {*found, *found["known"][0], *found["known"][0]["values"][0], *found["proposed"][0]}
    assert [key for key in sorted(keys) if f"`{key}`" not in PAGE] == []
