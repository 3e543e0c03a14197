"""The conformance checklist: no number of it is missing here, C01 to C92 and D01 to D16."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

SERVER_ITEMS = {
    *range(1, 19),  # handshake and connect over HTTP
    *range(20, 40),  # publish and subscribe
    *range(40, 55),  # errors and lifecycle
    *range(60, 73),  # WebSocket
    *(80, 81),  # JSONP
    *(90, 91, 92),  # the acknowledgement extension
}
"""Numbers of the checklist's items; the gaps are the checklist's own."""


def texts(*folders: str) -> str:
    return "\n".join(
        path.read_text("utf-8")
        for folder in folders
        for path in sorted((ROOT / folder).glob("**/*.py"))
        if "node_modules" not in path.parts and path != Path(__file__)
    )


def test_every_item_is_asked_over_sockets() -> None:
    functions = " ".join(re.findall(r"def (test_\w+)", texts("tests/end_to_end")))
    named = {int(number) for number in re.findall(r"_c(\d\d)(?=_)", functions)}
    assert sorted(SERVER_ITEMS - named) == []


def test_every_item_beyond_the_table_is_proven() -> None:
    """By the name of a test, or in the docstring of one; D16, which is a load, by a benchmark."""
    found = texts("tests", "benchmarks")
    named = {int(number) for number in re.findall(r"(?:_d|\bD)(\d\d)(?=_|\b)", found)}
    assert sorted(set(range(1, 17)) - named) == []
