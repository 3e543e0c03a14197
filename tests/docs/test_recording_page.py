"""`docs/recording.md` explains every warning and every key of the summary for machines."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from cometape.core.record.closing_warnings import RecordingWarning, WarningKind
from cometape.core.record.live_tally import LiveView, OperationRow
from cometape.recorder.recording_summary import Summary

PAGE = (Path(__file__).parents[2] / "docs" / "recording.md").read_text(encoding="utf-8")


def test_every_kind_of_warning_is_explained() -> None:
    assert [kind for kind in get_args(WarningKind) if f"| `{kind}` |" not in PAGE] == []


def test_every_key_of_the_json_is_named() -> None:
    warning = RecordingWarning(kind="no-event", what="x")
    summary = Summary(out=Path("x.yaml"), warnings=(warning,)).as_json()
    warnings = summary["warnings"]
    assert isinstance(warnings, list)
    assert isinstance(warnings[0], dict)
    assert [key for key in [*summary, *warnings[0]] if f"`{key}`" not in PAGE] == []


@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_the_options_are_named(option: str) -> None:
    assert f"`{option}`" in PAGE


def test_the_summary_it_shows_is_one_that_is_printed() -> None:
    warnings = (
        RecordingWarning(
            kind="no-event",
            what="the event of PullWorkitem never came: reference-id 2",
            entries=(22,),
        ),
        RecordingWarning(kind="never-subscribed", what="supervisor never opened CometD"),
    )
    summary = Summary(
        out=Path("pull_workitem.yaml"),
        exchanges=12,
        sessions=("agent7", "supervisor"),
        bayeux=4,
        events=7,
        caused=7,
        secrets=26,
        skipped={"idle polls": 7, "cancelled polls": 1},
        warnings=warnings,
    )
    assert f"```\n^C{summary.render()}\n```" in PAGE


def test_the_screen_it_shows_is_one_that_is_drawn() -> None:
    from rich.console import Console

    from cometape.core.record.awaited_events import Waiting
    from cometape.recorder.live_table import Screen, drawn

    names = ("StartContactCenterSession", "Subscribe", "PullWorkitem", "Complete")
    numbers = ((2, 0, 1, 0), (1, 0, 1, 0), (3, 0, 4, 1), (1, 0, 1, 0), (1, 0, 0, 0), (1, 1, 0, 0))
    all_names = (*names, "EndContactCenterSession", "POST /api/v2/agents/…")
    rows = tuple(
        OperationRow(name=name, times=times, failed=failed, events=events, waiting=waiting)
        for name, (times, failed, events, waiting) in zip(all_names, numbers, strict=True)
    )
    awaited = Waiting(
        number=22,
        session="supervisor",
        name="PullWorkitem",
        since_s=2.0,
        ids=(("reference-id", 2),),
    )
    view = LiveView(
        operations=rows,
        reads=OperationRow(name="reads", times=3),
        exchanges=12,
        sessions=2,
        subscriptions=1,
        events=7,
        matched=7,
        waiting=(awaited,),
        waiting_total=1,
        secrets=26,
    )
    screen = Screen(url="http://127.0.0.1:43991", out="pull_workitem.yaml", elapsed_s=4, view=view)
    console = Console(width=80)
    with console.capture() as captured:
        console.print(drawn(screen, height=30))
    lines = "\n".join(line.rstrip() for line in captured.get().splitlines())
    assert f"```\n{lines}\n```" in PAGE
