"""`docs/recording.md` names every option of the two commands it is about."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "recording.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["record", "ca"])
def test_every_option_is_on_the_page(name: str) -> None:
    command = import_module(f"cometape.cli.{name}").command
    assert isinstance(command, click.Command)
    options = {
        option
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }
    assert {option for option in options if not re.search(rf"{option}\b", PAGE)} == set()


def test_every_link_within_the_page_leads_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE, flags=re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\(#([^)]+)\)", PAGE)) <= anchors


def test_every_environment_variable_of_a_recorded_command_is_on_the_page() -> None:
    environment = import_module("cometape.recorder.environment").recorded_environment(
        {}, url="http://127.0.0.1:1", is_proxy=True, bundle=Path("x")
    )
    assert {name for name in environment if name.isupper() and f"`{name}`" not in PAGE} == set()
