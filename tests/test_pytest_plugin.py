"""The pytest plugin, by running pytest: a replay for each test, failures that tell why."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

# Imported here, once: pytester makes Python forget what an inner run imports, which costs time
# in the next one, and the classes of libyaml cannot be imported twice.
for module in ("live_replay", "core.explore.plot", "profiles", "store.cassette_file"):
    import_module(f"cometape.{module}")

pytest_plugins = ["pytester"]

QUICK = ("-p", "no:hypothesispytest", "-p", "no:anyio")
"""Hypothesis' plugin imports all of hypothesis at the end of each inner run: two seconds. That of
anyio warns of itself where pytest is new."""

CASSETTE = """\
cassette: 1
scenario: an agent pulls a workitem
profile: workbins
ends_with: "..."
---
exchange: 1
session: agent
request:
  method: GET
  target: /api/v2/me/workbins
response:
  status: 200
  headers: [[Content-Type, application/json]]
  json: {statusCode: 0, workbins: []}
---
handshake: 2
session: agent
connection_types: [long-polling]
client_id: <client-id:1>
---
subscribe: 3
session: agent
channel: /v2/me/workitems
---
exchange: 4
session: agent
request:
  method: POST
  target: /api/v2/me/workitems/02F0X
  headers: [[Content-Type, application/json]]
  json: {operationName: Pull}
response:
  status: 200
  headers: [[Content-Type, application/json]]
  json: {statusCode: 0, referenceId: 17}
---
event: 5
session: agent
cause: 4
channel: /v2/me/workitems
data: {referenceId: 17, state: Pulled}
...
"""

DESK = '''
import json, urllib.error, urllib.request

class Desk:
    """A client of a few lines, with a cookie and a Bayeux session."""

    def __init__(self, url):
        self.url, self.cookie, self.client_id = url, "", ""

    def ask(self, path, body=None):
        request = urllib.request.Request(self.url + path)
        request.add_header("Content-Type", "application/json")
        if self.cookie:
            request.add_header("Cookie", self.cookie)
        data = None if body is None else json.dumps(body).encode()
        try:
            answer = urllib.request.urlopen(request, data, timeout=10)
        except urllib.error.HTTPError as error:
            error.close()  # it holds the connection
            raise
        with answer:
            for value in answer.headers.get_all("Set-Cookie") or []:
                self.cookie = value.partition(";")[0]
            return json.loads(answer.read())

    def say(self, channel, **more):
        message = {"channel": channel, "clientId": self.client_id, **more}
        return self.ask("/api/v2/notifications", [message])

    def subscribe(self):
        types = ["long-polling"]
        reply, = self.say("/meta/handshake", version="1.0", supportedConnectionTypes=types)
        self.client_id = reply["clientId"]
        self.say("/meta/subscribe", subscription="/v2/me/workitems")

    def workbins(self):
        return self.ask("/api/v2/me/workbins")

    def pull(self):
        return self.ask("/api/v2/me/workitems/02F0X", {"operationName": "Pull"})["referenceId"]

    def event(self):
        while True:
            for message in self.say("/meta/connect", connectionType="long-polling"):
                if message["channel"] == "/v2/me/workitems":
                    return message["data"]

    def work(self):
        self.workbins()
        self.subscribe()
        number = self.pull()
        assert self.event() == {"referenceId": number, "state": "Pulled"}
        return number
'''


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with a cassette and a client."""
    folder = pytester.mkdir("cassettes")
    (folder / "pull_workitem.yaml").write_text(CASSETTE, encoding="utf-8")
    pytester.makepyfile(desk=DESK)
    pytester.syspathinsert()
    return pytester


def run(project: pytest.Pytester, source: str, *options: str) -> pytest.RunResult:
    """Run pytest on one test file, strict about warnings and markers."""
    project.makepyfile(test_it=f"import pytest\nfrom desk import Desk\n{source}")
    return project.runpytest_inprocess("-W", "error", "--strict-markers", *QUICK, *options)


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
