"""The pytest plugin, by running pytest: a replay for each test, failures that tell why."""

from __future__ import annotations

import pytest

from plugin_project import run

pytest_plugins = ["pytester"]


def test_a_test_that_plays_everything_passes(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
@pytest.mark.cometape("pull_workitem.yaml")
def test_pull(cometape):
    assert cometape.url.startswith("http://127.0.0.1:")
    Desk(cometape.url).work()
    assert cometape.misses == []
    assert cometape.report().ok
    assert [line.entry for line in cometape.journal.of("event")] == [5]
    assert cometape.cassette.name == "pull_workitem.yaml"
""",
    )
    result.assert_outcomes(passed=1)


def test_each_test_has_a_fresh_run_and_the_same_seed_gives_the_same_ids(
    project: pytest.Pytester,
) -> None:
    result = run(
        project,
        """
seen = {}

@pytest.mark.parametrize("nth", range(3))
@pytest.mark.cometape("pull_workitem.yaml")
def test_same(cometape, nth):
    seen[nth] = Desk(cometape.url).work(), cometape.url
    assert len({number for number, url in seen.values()}) == 1
    assert len({url for number, url in seen.values()}) == len(seen)

@pytest.mark.cometape("pull_workitem.yaml", seed=5)
def test_other(cometape):
    assert Desk(cometape.url).work() != seen[0][0]
""",
    )
    result.assert_outcomes(passed=4)


def test_a_test_that_misses_fails_and_is_told_why(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
import urllib.error

@pytest.mark.cometape("pull_workitem.yaml")
def test_pull(cometape):
    desk = Desk(cometape.url)
    desk.work()
    with pytest.raises(urllib.error.HTTPError):
        desk.ask("/api/v2/me/workitem")
    assert [miss.reason for miss in cometape.misses]
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*pull_workitem.yaml", "*GET /api/v2/me/workitem", "*nearest:*", "*what to do:*"]
    )
    result.stdout.fnmatch_lines(["replay: 1 miss"])
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_a_test_that_fails_by_itself_shows_its_misses_beside_its_own_failure(
    project: pytest.Pytester,
) -> None:
    result = run(
        project,
        """
@pytest.mark.cometape("pull_workitem.yaml")
def test_pull(cometape):
    Desk(cometape.url).ask("/api/v2/nothing")
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*HTTPError*", "*Captured cometape call*", "*GET /api/v2/nothing"])


def test_a_test_that_leaves_recordings_unplayed_fails_and_is_told_which(
    project: pytest.Pytester,
) -> None:
    result = run(
        project,
        """
@pytest.mark.cometape("pull_workitem.yaml")
def test_pull(cometape):
    Desk(cometape.url).workbins()

@pytest.mark.cometape("pull_workitem.yaml")
def test_nothing(cometape):
    pass
""",
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["*never asked for:", "*entry 4 of 'agent': POST /api/v2/me/workitems/02F0X*"]
    )


def test_a_test_that_leaves_events_undelivered_fails_and_is_told_which(
    project: pytest.Pytester,
) -> None:
    result = run(
        project,
        """
@pytest.mark.cometape("pull_workitem.yaml")
def test_pull(cometape):
    desk = Desk(cometape.url)
    desk.workbins()
    desk.pull()
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*never delivered:", "*event 5 of 'agent' on /v2/me/workitems*"])
    result.stdout.fnmatch_lines(["replay: 1 event never delivered"])


def test_an_event_that_is_on_its_way_when_the_test_ends_is_waited_for(
    project: pytest.Pytester,
) -> None:
    result = run(
        project,
        """
import threading

@pytest.mark.cometape("pull_workitem.yaml")
def test_pull(cometape):
    desk = Desk(cometape.url)
    desk.workbins()
    desk.subscribe()
    listening = threading.Thread(target=desk.event)
    listening.start()
    desk.pull()
    request_finalizers.append(listening.join)

request_finalizers = []

@pytest.fixture(autouse=True)
def joined():
    yield
    for join in request_finalizers:
        join()
""",
    )
    result.assert_outcomes(passed=1)


def test_what_fixtures_play_in_their_end_counts_and_leftovers_are_told_after_them(
    project: pytest.Pytester,
) -> None:
    result = run(
        project,
        """
@pytest.fixture
def desk(cometape):
    desk = Desk(cometape.url)
    desk.subscribe()
    yield desk
    desk.pull()
    desk.event()

@pytest.mark.cometape("pull_workitem.yaml")
def test_all(desk):
    desk.workbins()

@pytest.mark.cometape("pull_workitem.yaml")
def test_not_all(desk):
    pass
""",
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        ["*ERROR at teardown of test_not_all*", "*never asked for:", "*entry 1 of 'agent'*"]
    )


def test_a_skipped_or_expectedly_failing_test_is_not_blamed_for_leftovers(
    project: pytest.Pytester,
) -> None:
    result = run(
        project,
        """
@pytest.mark.cometape("pull_workitem.yaml")
def test_skipped(cometape):
    pytest.skip("not today")

@pytest.mark.cometape("pull_workitem.yaml")
@pytest.mark.xfail(strict=True)
def test_expected(cometape):
    Desk(cometape.url).workbins()

@pytest.mark.cometape("pull_workitem.yaml")
def test_failing(cometape):
    assert 1 == 2
""",
    )
    result.assert_outcomes(skipped=1, xfailed=1, failed=1)
    result.stdout.no_fnmatch_line("*never asked for*")
