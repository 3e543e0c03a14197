"""`docs/interchange.md` names every option, every format, and code that runs."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import get_args, get_type_hints

import click
import pytest

from cometape.core.cassette import Cassette
from cometape.interchange.source import Source

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "interchange.md").read_text(encoding="utf-8")
SAMPLE = ROOT / "tests" / "interchange" / "samples" / "chrome.har"


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(("name", "title"), [("import", "Import"), ("export", "Export")])
def test_every_option_is_on_the_page_and_no_other(name: str, title: str) -> None:
    command = import_module(f"cometape.cli.{name}").command
    options = {
        option
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }
    rows = re.findall(r"^\| (`-.+?) \|", section(title), flags=re.MULTILINE)
    assert set(re.findall(r"`(-[^`]+)`", " ".join(rows))) == options


def test_every_format_that_is_read_is_on_the_page() -> None:
    formats = set(get_args(get_type_hints(Source)["format"]))
    assert set(re.findall(r"^\| `(\w+)` \|", section("Import"), flags=re.MULTILINE)) == formats


def test_the_python_on_the_page_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    names = {"data": SAMPLE.read_bytes()}
    exec(code, names)
    assert isinstance(names["imported"].cassette, Cassette)  # type: ignore[attr-defined]
