"""docs/clients.md lists the clients that the tests drive, and what they drive them over."""

from __future__ import annotations

import json
import re
from pathlib import Path

from real_clients import CLIENTS, NODE, OVER

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")


def rows() -> dict[str, list[str]]:
    """The cells behind each client, by the client's name in the tests."""
    table = PAGE.partition("## What is proven")[0]
    found = re.findall(r"^\| .*\(`([\w-]+)`\) \| (.*) \|$", table, re.MULTILINE)
    return {name: cells.split(" | ") for name, cells in found}


def test_the_table_is_what_the_tests_drive() -> None:
    assert list(rows()) == list(CLIENTS)
    kinds = ("long-polling", "websocket", "callback-polling")
    said = {
        (name, kind)
        for name, cells in rows().items()
        for kind, cell in zip(kinds, cells, strict=True)
        if cell == "yes"
    }
    assert said == set(OVER)


def test_the_versions_are_those_of_the_lock_files() -> None:
    for part, package in [(f"cometd{n}", "cometd") for n in (3, 4, 5, 7, 9)] + [("faye", "faye")]:
        manifest = json.loads((NODE / part / "package.json").read_text(encoding="utf-8"))
        assert f"npm `{package}` {manifest['dependencies'][package]} (`{part}`)" in PAGE
    lock = (ROOT / "requirements" / "dev.lock").read_text(encoding="utf-8")
    for package in ("aiocometd-ng", "aiocometd-noloop"):
        version = re.search(rf"^{package}==(\S+)", lock, re.MULTILINE)
        assert version is not None
        assert f"PyPI `{package}` {version[1]} (" in PAGE


def test_the_tests_it_names_are_there() -> None:
    for pattern in re.findall(r"`(test_[\w*]+\.py)`", PAGE):
        assert list((ROOT / "tests" / "end_to_end").glob(pattern)), pattern
