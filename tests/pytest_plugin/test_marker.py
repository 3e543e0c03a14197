"""The marker and its options: which cassette, and how it is played."""

from __future__ import annotations

import pytest

from plugin_project import CASSETTE, QUICK, run

pytest_plugins = ["pytester"]


def test_an_operation_that_may_be_repeated_has_new_ids_each_time(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
@pytest.mark.cometape("pull_workitem.yaml", repeats=["Pull"], strict=False)
def test_loop(cometape):
    desk = Desk(cometape.url)
    assert len({desk.work() for _ in range(3)}) == 3
""",
    )
    result.assert_outcomes(passed=1)


def test_dates_are_shifted_when_a_test_asks_for_it(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
@pytest.mark.cometape("pull_workitem.yaml", dates="recorded")
def test_as_recorded(cometape):
    Desk(cometape.url).work()

@pytest.mark.cometape("pull_workitem.yaml", dates="now")
def test_nobody_knows_when_it_was_recorded(cometape):
    pass
""",
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*does not say when it was recorded*"])


def test_strict_can_be_switched_off(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
@pytest.mark.cometape("pull_workitem.yaml", strict=False)
def test_pull(cometape):
    Desk(cometape.url).workbins()
    assert not cometape.report().ok
""",
    )
    result.assert_outcomes(passed=1)


def test_things_go_wrong_on_purpose_and_nobody_is_blamed_for_it(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
import urllib.error

@pytest.mark.cometape(
    "pull_workitem.yaml", faults=["csrf-403 nth=1", {"fault": "changed", "patch": {"state": "No"}}]
)
def test_pull(cometape):
    desk = Desk(cometape.url)
    desk.workbins()
    desk.subscribe()
    with pytest.raises(urllib.error.HTTPError, match="403"):
        desk.pull()
    number = desk.pull()
    assert desk.event() == {"referenceId": number, "state": "No"}

@pytest.mark.cometape("pull_workitem.yaml", faults="lost")
def test_lost(cometape):
    desk = Desk(cometape.url)
    desk.workbins()
    desk.subscribe()
    desk.pull()

@pytest.mark.cometape("pull_workitem.yaml", faults=["losst"])
def test_misspelt(cometape):
    pass
""",
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*faults=…), number 1: there is no fault 'losst'*"])


def test_a_named_order_is_played_by_option_or_marker(project: pytest.Pytester) -> None:
    """The answer waits for a poll that takes the event: this client only polls afterwards."""
    source = """
import time

@pytest.mark.cometape("pull_workitem.yaml"{})
def test_pull(cometape):
    desk = Desk(cometape.url)
    desk.workbins()
    desk.subscribe()
    began_s = time.monotonic()
    number = desk.pull()
    assert time.monotonic() - began_s > 0.4
    assert desk.event() == {{"referenceId": number, "state": "Pulled"}}
"""
    plain = source.format("")
    run(project, plain).assert_outcomes(failed=1)
    run(project, plain, "--cometape-order", "5-before-4").assert_outcomes(passed=1)
    run(project, source.format(', order="5-before-4"')).assert_outcomes(passed=1)
    result = run(project, plain, "--cometape-order", "4-before-1")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*'4-before-1' is no order of this cassette*"])


def test_the_marker_may_stand_on_a_class_or_a_module_and_the_nearest_counts(
    project: pytest.Pytester,
) -> None:
    result = run(
        project,
        """
pytestmark = pytest.mark.cometape("not_there.yaml")

@pytest.mark.cometape("pull_workitem.yaml", strict=False)
class TestPull:
    def test_here(self, cometape):
        assert Desk(cometape.url).workbins()["statusCode"] == 0

def test_that_needs_no_replay():
    pass
""",
    )
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize("where", ["tests", "tests/cassettes", "cassettes"])
def test_a_cassette_is_looked_up_beside_the_test_and_in_folders_called_cassettes(
    project: pytest.Pytester, where: str
) -> None:
    (project.path / "cassettes" / "pull_workitem.yaml").unlink()
    folder = project.path / where
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.yaml").write_text(CASSETTE, encoding="utf-8")
    (project.path / "tests").mkdir(exist_ok=True)
    (project.path / "tests" / "test_mine.py").write_text(
        "import pytest\nfrom desk import Desk\n"
        "@pytest.mark.cometape('mine.yaml')\n"
        "def test_mine(cometape):\n    Desk(cometape.url).work()\n",
        encoding="utf-8",
    )
    project.runpytest_inprocess("-W", "error", *QUICK).assert_outcomes(passed=1)


def test_a_missing_cassette_is_told_with_where_it_was_looked_for_and_near_names(
    project: pytest.Pytester,
) -> None:
    result = run(
        project,
        """
@pytest.mark.cometape("pull_workitm.yaml")
def test_pull(cometape):
    pass
""",
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "*there is no cassette 'pull_workitm.yaml'",
            "*looked for: pull_workitm.yaml, cassettes/pull_workitm.yaml",
            "*nearest: cassettes/pull_workitem.yaml",
            "*cometape record URL -o cassettes/pull_workitm.yaml",
        ]
    )


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ('("pull_workitem.yaml", sead=1)', "*has no option 'sead'"),
        ("()", "*takes one cassette"),
        ('("a.yaml", "b.yaml")', "*takes one cassette"),
        ('("pull_workitem.yaml", pace="slowly")', "*'slowly' is not a pace*"),
        ('("pull_workitem.yaml", profile="nobodys")', "*no profile 'nobodys'*"),
        ('("broken.yaml")', "*broken.yaml:1*"),
    ],
)
def test_a_marker_that_cannot_be_used_is_an_error_that_says_so(
    project: pytest.Pytester, marker: str, told: str
) -> None:
    (project.path / "cassettes" / "broken.yaml").write_text("cassette", encoding="utf-8")
    result = run(
        project,
        f"""
@pytest.mark.cometape{marker}
def test_pull(cometape):
    pass
""",
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([told])


def test_the_fixture_without_the_marker_says_what_is_missing(project: pytest.Pytester) -> None:
    result = run(project, "def test_pull(cometape): pass")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*mark the test: @pytest.mark.cometape("CASSETTE.yaml")'])


def test_a_marked_test_that_uses_no_replay_fails_unless_the_mark_is_for_many(
    project: pytest.Pytester,
) -> None:
    result = run(
        project,
        """
@pytest.mark.cometape("pull_workitem.yaml")
def test_forgot_it():
    pass

@pytest.mark.cometape("pull_workitem.yaml", strict=False)
def test_asks_for_it_late(request):
    request.getfixturevalue("cometape")

@pytest.mark.cometape("pull_workitem.yaml")
class TestMany:
    def test_that_needs_none(self):
        pass
""",
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*test_forgot_it is marked `cometape`, but uses no replay*"])


def test_a_cassette_that_changes_is_read_again(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
from pathlib import Path

@pytest.mark.parametrize("status", [0, 1000])
@pytest.mark.cometape("pull_workitem.yaml", strict=False)
def test_pull(cometape, status):
    assert Desk(cometape.url).workbins()["statusCode"] == status
    text = cometape.cassette.read_text()
    cometape.cassette.write_text(text.replace("statusCode: 0, w", "statusCode: 1000, w"))
""",
    )
    result.assert_outcomes(passed=2)
