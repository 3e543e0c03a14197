"""A test that holds the clock of its replay."""

from __future__ import annotations

import pytest

from plugin_project import run

pytest_plugins = ["pytester"]

CLOCK = """
import threading

@pytest.mark.cometape("pull_workitem.yaml", pace="manual", timeout_s=20)
def test_pull(cometape):
    desk = Desk(cometape.url)
    desk.workbins()
    desk.subscribe()
    desk.say("/meta/connect", connectionType="long-polling")
    reference = desk.pull()
    got = []
    listening = threading.Thread(target=lambda: got.append(desk.event()))
    listening.start()
    cometape.held()
    assert [one.what for one in cometape.clock.pending] == ["event", "timeout"]
    cometape.clock.advance_to_next("event")
    listening.join(10)
    assert got == [{"referenceId": reference, "state": "Pulled"}]
"""


def test_a_test_holds_the_clock(project: pytest.Pytester) -> None:
    run(project, CLOCK).assert_outcomes(passed=1)


def test_events_that_the_clock_still_holds_back_are_told_with_the_time_they_are_due(
    project: pytest.Pytester,
) -> None:
    result = run(
        project,
        """
@pytest.mark.cometape("pull_workitem.yaml", pace="manual")
def test_pull(cometape):
    desk = Desk(cometape.url)
    desk.workbins()
    desk.subscribe()
    desk.pull()
    cometape.clock.advance(0.004)
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["the clock stands at 0.004 s; event 5 is due in 0.006 s: cometape.clock.advance(0.006)"]
    )
