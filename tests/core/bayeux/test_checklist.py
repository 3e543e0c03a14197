"""The conformance checklist: every item of it is some test's business."""

from __future__ import annotations

import re
from pathlib import Path

SERVER_ITEMS = {
    *range(1, 19),  # handshake and connect over HTTP
    *range(20, 40),  # publish and subscribe
    *range(40, 55),  # errors and lifecycle
    *range(60, 73),  # WebSocket
    *(80, 81),  # JSONP
    *(90, 91, 92),  # the acknowledgement extension
}
"""Numbers of the checklist's items; the gaps are the checklist's own."""


def test_every_item_has_a_test_that_names_it() -> None:
    tests = "\n".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    functions = " ".join(re.findall(r"def (test_\w+)", tests))
    named = {int(number) for number in re.findall(r"_c(\d\d)(?=_)", functions)}
    assert sorted(SERVER_ITEMS - named) == []
