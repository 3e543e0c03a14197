"""The plugin beside others, in parallel runs, left out, and what it imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from plugin_project import QUICK, run

pytest_plugins = ["pytester"]

MANY = """
@pytest.mark.parametrize("nth", range(12))
@pytest.mark.cometape("pull_workitem.yaml")
def test_pull(cometape, nth):
    Desk(cometape.url).work()
"""


def test_it_works_in_parallel_under_xdist(project: pytest.Pytester) -> None:
    project.makepyfile(test_it=f"import pytest\nfrom desk import Desk\n{MANY}")
    project.makeini("[pytest]\npythonpath = .\n")
    result = project.runpytest_subprocess("-n", "2", "-W", "error", *QUICK)
    result.assert_outcomes(passed=12)


def test_a_failure_is_explained_under_xdist_too(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it="""
        import pytest
        @pytest.mark.cometape("pull_workitem.yaml")
        def test_pull(cometape): pass
        """
    )
    result = project.runpytest_subprocess("-n", "2", *QUICK)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*never asked for:"])


def test_it_works_beside_pytest_recording(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
import urllib.request

@pytest.mark.cometape("pull_workitem.yaml")
def test_ours(cometape):
    Desk(cometape.url).work()

@pytest.mark.vcr
def test_theirs(vcr):
    assert vcr is not None

@pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
@pytest.mark.cometape("pull_workitem.yaml")
def test_both(cometape):
    Desk(cometape.url).work()
""",
    )
    result.assert_outcomes(passed=3)


def test_a_run_without_replays_imports_nothing_of_weight(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it="""
        import sys
        def test_light():
            ours = {name for name in sys.modules if name.startswith("cometape")}
            assert ours == {"cometape", "cometape.pytest_plugin"}
        """
    )
    project.runpytest_subprocess(*QUICK).assert_outcomes(passed=1)


def test_a_replay_imports_neither_mitmproxy_nor_rich_nor_the_command_line(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(
        test_it="""
        import sys, pytest
        from desk import Desk
        @pytest.mark.cometape("pull_workitem.yaml")
        def test_pull(cometape):
            Desk(cometape.url).work()
            assert not {"mitmproxy", "rich", "click", "wsproto"} & set(sys.modules)
        """
    )
    project.makeini("[pytest]\npythonpath = .\n")
    project.runpytest_subprocess(*QUICK).assert_outcomes(passed=1)


def test_the_marker_and_the_fixture_are_documented(project: pytest.Pytester) -> None:
    markers = project.runpytest_inprocess("--markers", *QUICK)
    markers.stdout.fnmatch_lines(["@pytest.mark.cometape(cassette, *, seed=0*"])
    fixtures = project.runpytest_inprocess("--fixtures", *QUICK)
    fixtures.stdout.fnmatch_lines(["cometape*", "*A replay of the cassette*"])


def test_the_plugin_can_be_left_out(project: pytest.Pytester) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cometape", "--fixtures", *QUICK],
        capture_output=True,
        text=True,
        check=False,
        cwd=project.path,
    )
    assert "cometape" not in done.stdout.replace(str(project.path), "")
