"""`docs/pytest.md`: every option of the marker, every method of the fixture."""

from __future__ import annotations

import re
from pathlib import Path

from cometape.live_replay import Clock, LiveReplay
from cometape.replay_options import OPTIONS

PAGE = (Path(__file__).parents[2] / "docs" / "pytest.md").read_text(encoding="utf-8")


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


def test_every_option_of_the_marker_is_listed_and_no_other() -> None:
    listed = re.findall(r"^\| `(\w+)=", PAGE, re.MULTILINE)
    assert sorted(listed) == sorted(OPTIONS | {"profile"})


def test_everything_the_fixture_can_do_is_listed() -> None:
    prose = re.sub(r"^```.*?^```", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    shown = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", prose))))
    assert public(LiveReplay) - shown - {"of", "start", "stop", "strict"} == set()
    assert public(Clock) - shown - {"is_manual"} == set()
