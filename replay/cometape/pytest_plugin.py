"""pytest plugin: one marker, one fixture.

    @pytest.mark.cometape("pull_workitem.yaml")
    def test_a_supervisor_pulls_a_workitem(cometape):
        desk = AgentDesktop(cometape.url)
        …

Each test gets a replay of its own on a free port: a fresh, strict run that no other test sees. It
fails when it misses (asks what no recording answers), and when it leaves recordings unplayed or
events undelivered, with the explanation; `strict=False` lets it.

Everything of weight is imported when a test wants a replay, so that other test runs are not slowed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cometape.core.playbook.playbook import Playbook
    from cometape.core.profile.profile import Profile
    from cometape.live_replay import LiveReplay

MARKER = (
    "cometape(cassette, *, seed=0, pace='instant', strict=True, profile=None, repeats=False,"
    " dates='recorded', as_recorded=False, faults=(), order=None, patience_s=0.5, timeout_s=30,"
    " max_interval_s=300, dialect=None): the cassette that the fixture `cometape` replays; relative"
    " paths are looked up beside the test file, in cassettes/ beside it and in cassettes/ of the"
    " root directory"
)
SETTLE_S = 0.25
"""How long events that are on their way may take to arrive after the last line of a test. (They
follow the answer of their cause by 10 ms.)"""


class Guard:
    """Decides when a test that used a replay has failed, and says so once."""

    def __init__(self, live: LiveReplay, *, strict: bool) -> None:
        self.live = live
        self.strict = strict
        self.has_dependents = False
        """Whether other fixtures use the replay: they may still play recordings in their end."""
        self.is_owing = False
        """Whether leftovers are still to be looked at."""

    def after_call(self) -> None:
        """The body of the test has passed. Fails the test on a miss, or on leftovers if it may."""
        if not self.strict:
            return
        if self.live.misses or not self.has_dependents:
            self._fail_unless_ok()
        else:
            self.is_owing = True

    def after_fixtures(self) -> None:
        """Everything that used the replay is torn down."""
        if self.is_owing:
            self._fail_unless_ok()

    def _fail_unless_ok(self) -> None:
        if not self.live.clock.is_manual:
            with suppress(AssertionError):
                self.live.until(self._is_settled, within_s=SETTLE_S)
        report = self.live.report()
        if not report.ok:
            text = f"{self.live.cassette.name}\n{report.text()}\n{self._time_told()}"
            pytest.fail(text.rstrip(), pytrace=False)

    def _is_settled(self) -> bool:
        return bool(self.live.misses) or not self.live.is_undelivered()

    def _time_told(self) -> str:
        """What a clock that nobody has advanced any more still holds back."""
        clock = self.live.clock
        due = [one for one in clock.pending if one.what == "event"] if clock.is_manual else []
        if not due:
            return ""
        in_s = round(due[0].at_s - clock.now_s, 3)
        return (
            f"the clock stands at {clock.now_s:g} s; event {due[0].entry} is due in {in_s:g} s:"
            f" cometape.clock.advance({in_s:g})"
        )


GUARD = pytest.StashKey[Guard]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a failure that `cometape explore` has found be met again in a test."""
    parser.getgroup("cometape").addoption(
        "--cometape-order",
        metavar="NAME",
        help="the order of answers and events, as `cometape explore` names it, in which the"
        " fixture `cometape` replays",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture(name="cometape")
def cometape_fixture(request: pytest.FixtureRequest) -> Iterator[LiveReplay]:
    """A replay of the cassette that `@pytest.mark.cometape` names, for this test alone."""
    item = request.node
    marker = item.get_closest_marker("cometape")
    if marker is None:
        pytest.fail(
            "the fixture `cometape` does not know what to replay\n"
            '  mark the test: @pytest.mark.cometape("CASSETTE.yaml")',
            pytrace=False,
        )
    from cometape.core.errors import CometapeError

    try:
        live = _replay_of(marker, item).start()
    except CometapeError as error:
        pytest.fail(f"{item.nodeid}: {error}", pytrace=False)
    try:
        guard = Guard(live, strict=live.strict)
        item.stash[GUARD] = guard
        yield live
        del item.stash[GUARD]
        guard.after_fixtures()
    finally:
        live.stop()


def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> None:
    """Note which tests use the replay through fixtures of their own."""
    if "cometape" in fixturedef.argnames:
        guard = request.node.stash.get(GUARD, None)
        if guard is not None:
            guard.has_dependents = True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test that passed fail by its replay; show the misses of one that failed."""
    try:
        result = yield
    except BaseException:  # pytest.fail raises no Exception
        guard = item.stash.get(GUARD, None)
        if guard is not None and (misses := guard.live.misses):
            text = "\n".join(miss.text() for miss in misses)
            item.add_report_section("call", "cometape", text)
        raise
    guard = item.stash.get(GUARD, None)
    if guard is not None:
        guard.after_call()
    elif any(marker.name == "cometape" for marker in item.own_markers):
        pytest.fail(
            f"{item.nodeid} is marked `cometape`, but uses no replay\n"
            "  take the fixture `cometape`, and let the client use `cometape.url`",
            pytrace=False,
        )
    return result


def _replay_of(marker: pytest.Mark, item: pytest.Item) -> LiveReplay:
    """The replay a marker asks for. Raises CometapeError."""
    from cometape.core.errors import ConfigurationError
    from cometape.live_replay import LiveReplay
    from cometape.profiles import load_profile
    from cometape.replay_options import OPTIONS, replay_settings

    unknown = sorted(marker.kwargs.keys() - OPTIONS - {"profile"})
    if unknown or len(marker.args) != 1 or not isinstance(marker.args[0], str | Path):
        what = f"has no option {unknown[0]!r}" if unknown else "takes one cassette"
        raise ConfigurationError(
            f"@pytest.mark.cometape {what}",
            hint='@pytest.mark.cometape("CASSETTE.yaml", seed=0, pace="instant", strict=True)',
            reason="bad-option",
        )
    options = dict(marker.kwargs)
    profile_name = options.pop("profile", None)
    if (order := item.config.getoption("--cometape-order")) is not None:
        options["order"] = order
    path = _find(Path(marker.args[0]), item.path.parent, item.config.rootpath)
    state = path.stat()
    chosen = None if profile_name is None else load_profile(profile_name, beside=path.parent)
    playbook = _playbook(path, state.st_mtime_ns, state.st_size, profile_name, chosen)
    return LiveReplay(playbook, replay_settings(options, playbook.profile), path)


@lru_cache(maxsize=32)
def _playbook(
    path: Path, mtime_ns: int, size: int, profile_name: str | None, profile: Profile | None
) -> Playbook:
    """What all replays of a cassette share, made once as long as neither file changes."""
    from cometape.profiles import profile_finder
    from cometape.store.index_cache import IndexCache
    from cometape.store.playbook_file import open_playbook

    return open_playbook(path, profile_finder(path, profile_name), cache=IndexCache())


def _find(name: Path, beside: Path, root: Path) -> Path:
    """The cassette a test means. Raises CassetteError telling where it was looked for."""
    from cometape.core.errors import CassetteError

    folders = list(dict.fromkeys((beside, beside / "cassettes", root / "cassettes")))
    places = [folder / name for folder in folders] if not name.is_absolute() else [name]
    for place in places:
        if place.is_file():
            return place

    def told(path: Path) -> str:
        return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)

    there = {
        file.name: file
        for place in reversed(places)
        if place.parent.is_dir()
        for file in place.parent.iterdir()
        if file.suffix in (".yaml", ".yml")
    }
    near = [told(there[close]) for close in get_close_matches(name.name, there, n=3, cutoff=0.4)]
    nearest = ", ".join(near) if near else "no cassette with a name like this"
    raise CassetteError(
        f"there is no cassette {str(name)!r}",
        hint=f"looked for: {', '.join(told(place) for place in places)}\n"
        f"  nearest: {nearest}\n"
        f"  correct the name, or record it: cometape record URL -o {told(places[-1])}",
        reason="missing",
    )
