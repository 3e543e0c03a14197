"""A replay that is being served in this process, as a test holds it: by the pytest fixture, or

    with LiveReplay.of(Path("pull_workitem.yaml"), pace="manual") as cometape:
        desk = AgentDesktop(cometape.url)
        cometape.held("agent7")
        cometape.clock.advance(30)

Every method may be called from any thread. Those that wait, wait for the thing itself: they are
woken when something has changed, and give up when their time is up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from cometape.core.control.served_run import ServedRun
from cometape.core.virtual_time import checked_seconds
from cometape.server.listener import BackgroundServer

if TYPE_CHECKING:
    from cometape.core.control.served_run import Moment
    from cometape.core.faults.fault_ledger import FaultTally
    from cometape.core.faults.fault_rule import FaultRule
    from cometape.core.json_value import Json
    from cometape.core.playbook.playbook import Playbook
    from cometape.core.replay.live_sessions import LiveSession
    from cometape.core.replay.pending import Pending
    from cometape.core.replay.replay_service import ReplaySettings
    from cometape.core.report.journal import Journal, Report
    from cometape.core.report.miss import Miss
    from cometape.core.service import Action

T = TypeVar("T")
_LEAST_STEP_S = 0.001
"""Past what is due but has not happened, as the shell looks again at a late service."""
PATIENCE_S = 5.0
"""How long to wait for what must come, where nothing else is said."""


class LiveReplay:
    """One replay on an address of its own."""

    def __init__(self, playbook: Playbook, settings: ReplaySettings, cassette: Path) -> None:
        """Nothing is opened before `start` (or the block).

        Raises ConfigurationError for settings that do not fit the cassette.
        """
        self.cassette = cassette
        """The file that is replayed."""
        self._run = ServedRun(cassette.stem, cassette.stem, playbook, settings)
        self._server = BackgroundServer(self._run)
        self.clock = Clock(self._run, self._server)
        """Its clock: read, and with `pace="manual"` advanced."""

    @classmethod
    def of(cls, cassette: Path, *, profile: str | None = None, **settings: Any) -> Self:
        """Of a cassette file; `settings` are the options of the marker `cometape`.

        Raises CassetteError, ProfileError and ConfigurationError for what cannot be used.
        """
        from cometape.profiles import profile_finder
        from cometape.replay_options import replay_settings
        from cometape.store.index_cache import IndexCache
        from cometape.store.playbook_file import open_playbook

        playbook = open_playbook(cassette, profile_finder(cassette, profile), cache=IndexCache())
        return cls(playbook, replay_settings(settings, playbook.profile), cassette)

    def start(self) -> Self:
        """Listen, and return when clients can connect."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Disconnect every client and end."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base URL, `http://127.0.0.1:PORT`."""
        return self._server.url

    # ---------------------------------------------------------------- what there is to see

    @property
    def misses(self) -> list[Miss]:
        """The requests so far that no recording answered."""
        return self._server.call(lambda: list(self._run.misses))

    @property
    def journal(self) -> Journal:
        """What has happened so far, in order; a copy."""
        return self._server.call(lambda: self._run.journal.copy())

    @property
    def strict(self) -> bool:
        """Whether misses and leftovers are a failure."""
        return self._run.settings.strict

    def report(self) -> Report:
        """What became of the replay so far."""
        return self._server.call(self._run.report)

    def is_undelivered(self) -> bool:
        """Whether an event was not delivered so far; a report tells more, and takes far longer."""
        return self._server.call(self._run.is_undelivered)

    def sessions(self, name: str | None = None) -> list[LiveSession]:
        """The living Bayeux sessions; of a client id, user or recorded session, or all."""
        return self._server.call(lambda: self._run.sessions(name))

    def is_held(self, name: str | None = None) -> bool:
        """Whether a connect of somebody of that name (of anybody without one) is held just now."""
        return self._server.call(lambda: self._run.is_held(name))

    # ---------------------------------------------------------------- waiting

    def held(self, name: str | None = None, *, within_s: float = PATIENCE_S) -> LiveSession:
        """Wait until a connect of somebody of that name is held; that session.

        Raises AssertionError when it does not come to be in time, telling what there is.
        """

        def found() -> LiveSession | None:
            return next((one for one in self._run.sessions(name) if one.held), None)

        def missing() -> str:
            there = ", ".join(f"{one.client} ({one.client_id})" for one in self._run.sessions())
            return (
                f"no connect of {name or 'anybody'} is held after {within_s:g} s;"
                f" living sessions: {there or 'none'}"
            )

        return self._until(found, missing, within_s)

    def subscribed(
        self, channel: str, name: str | None = None, *, within_s: float = PATIENCE_S
    ) -> LiveSession:
        """Wait until somebody (of that name) is subscribed to just this channel; that session.

        Raises AssertionError as `held`.
        """

        def found() -> LiveSession | None:
            sessions = self._run.sessions(name)
            return next((one for one in sessions if channel in one.subscriptions), None)

        def missing() -> str:
            return f"{name or 'nobody'} has not subscribed to {channel} within {within_s:g} s"

        return self._until(found, missing, within_s)

    def until(self, is_so: Callable[[], bool], *, within_s: float = PATIENCE_S) -> None:
        """Wait until something about this replay is so: `lambda: len(cometape.misses) == 1`.

        Raises AssertionError when it does not come to be in time, and at once whatever `is_so`
        raises.
        """
        self._until(lambda: is_so() or None, lambda: f"not so within {within_s:g} s", within_s)

    def _until(
        self, find: Callable[[], T | None], missing: Callable[[], str], within_s: float
    ) -> T:
        return _until(self._run, self._server, find, missing, within_s)

    # ---------------------------------------------------------------- interventions

    def inject(self, channel: str, data: Json, *, to: str | None = None) -> list[LiveSession]:
        """Give an event to whoever is subscribed to its channel (of sessions of the name `to`).

        Its data goes as it is. Who was given it; raises ConfigurationError where that is nobody,
        saying who listens to what, and for data that is not JSON.
        """
        given: list[LiveSession] = []

        def change(now_s: float) -> Sequence[Action]:
            injected = self._run.inject(channel, data, to, now_s)
            given.extend(injected.sessions)
            return injected.actions

        self._server.perform(change)
        return given

    def expire(self, name: str) -> None:
        """End the sessions of a name as silence would: they are told 402, and shake hands again.

        Raises ConfigurationError where there is none; so do `disconnect` and `drop`.
        """
        self._server.perform(lambda now_s: self._run.expire(name, now_s))

    def disconnect(self, name: str) -> None:
        """End the sessions of a name from the server's side: they are told to stop."""
        self._server.perform(lambda now_s: self._run.disconnect(name, now_s))

    def drop(self, name: str | None = None) -> None:
        """Cut the connections on which sessions of a name wait; without a name, all there are."""
        if name is None:
            self._server.disconnect_all()
        else:
            self._server.perform(lambda now_s: self._run.drop(name, now_s))

    def fault(self, rule: str | dict[str, Json] | FaultRule) -> int:
        """Let something go wrong from now on: `"lost channel=/v2/me/workitems times=1"`.

        The number by which `remove_fault` ends it. Raises ConfigurationError for no rule.
        """
        return self._server.call(lambda: self._run.replay.faults.add(rule))

    def remove_fault(self, number: int) -> bool:
        """End a rule; False where there is none of that number."""
        return self._server.call(lambda: self._run.replay.faults.remove(number))

    @property
    def faults(self) -> Sequence[FaultTally]:
        """What became of each rule: how often it fitted, and fired."""
        return self._server.call(lambda: self._run.replay.faults.tallies)

    def reset(self) -> None:
        """Begin anew, as if nobody had come; clients are cut off."""
        self._server.disconnect_all()
        self._server.perform(self._reset)

    def _reset(self, now_s: float) -> Sequence[Action]:
        self._run.reset(now_s)
        return ()


class Clock:
    """The clock of a live replay; times are seconds since it began."""

    def __init__(self, run: ServedRun, server: BackgroundServer) -> None:
        self._run = run
        self._server = server

    @property
    def now_s(self) -> float:
        """What time it is."""
        return self._moment().now_s

    @property
    def is_manual(self) -> bool:
        """Whether it stands still until it is advanced."""
        return self._run.settings.pace.manual

    @property
    def pending(self) -> Sequence[Pending]:
        """What will happen if nobody acts before, the next first."""
        return self._moment().pending

    def advance(self, seconds: float) -> None:
        """Let time pass: what was pending happens, in its order.

        Clients see it, but do not act until it is over: to see one reconnect, advance to its
        timeout, wait until it is held again, and go on. Raises ConfigurationError where the pace is
        not manual, and for what is no number of seconds that can pass.
        """
        self._server.perform(lambda now_s: self._run.advance(seconds))

    def advance_to_next(self, what: str | None = None) -> None:
        """Let time pass until the next thing happens, of a kind (`event`) or of any.

        Raises ConfigurationError as `advance`, and where there is no such kind.
        """
        self._server.perform(lambda now_s: self._run.advance_to_next(what))

    def pass_time(self, seconds: float, *, within_s: float = PATIENCE_S) -> None:
        """Let time pass as clients live through it: an hour of polls, one after the other.

        Goes from one thing that is pending to the next, and whenever a held connect was answered
        waits until that session's next one is held, or the session has ended. Raises AssertionError
        for a client that does not come back in time, ConfigurationError as `advance`.
        """
        until_s = self.now_s + checked_seconds(seconds)
        while (left_s := until_s - self.now_s) > 0:
            next_s = next((one.at_s for one in self.pending), until_s)
            step_s = min(max(next_s - self.now_s, _LEAST_STEP_S), left_s)
            for client_id in self._answered_by(step_s):
                self._back(client_id, within_s)

    def _answered_by(self, step_s: float) -> list[str]:
        """Advance; the client ids of the sessions whose connect is held no longer."""
        found: list[str] = []

        def change(now_s: float) -> Sequence[Action]:
            held = [one.client_id for one in self._run.sessions() if one.held]
            actions = self._run.advance(step_s)
            found.extend(one for one in held if not self._run.is_held(one))
            return actions

        self._server.perform(change)
        return found

    def _back(self, client_id: str, within_s: float) -> None:
        def found() -> bool | None:
            return self._run.is_held(client_id) or not self._run.sessions(client_id) or None

        def missing() -> str:
            client = next((one.client for one in self._run.sessions(client_id)), client_id)
            return f"{client} has not connected again within {within_s:g} s, at {self.now_s:g} s"

        _until(self._run, self._server, found, missing, within_s)

    def _moment(self) -> Moment:
        moments: list[Moment] = []

        def look(now_s: float) -> Sequence[Action]:
            moments.append(self._run.moment(now_s))
            return ()

        self._server.perform(look)
        return moments[0]


def _until(
    run: ServedRun,
    server: BackgroundServer,
    find: Callable[[], T | None],
    missing: Callable[[], str],
    within_s: float,
) -> T:
    """What `find` finds, in the server's thread, now or after a change; else AssertionError.

    What `find` raises is raised here, in the thread that waits: no client is to notice.
    """
    outcome: Future[T] = Future()

    def look() -> None:
        if outcome.done():
            return
        try:
            found = find()
        except BaseException as error:  # pytest.fail() raises no Exception
            outcome.set_exception(error)
        else:
            if found is not None:
                outcome.set_result(found)

    def begin() -> Callable[[], None]:
        end = run.on_change(look)
        look()
        return end

    end = server.call(begin)
    try:
        if not wait((outcome,), within_s).done:
            raise AssertionError(server.call(missing))
    finally:
        server.call(end)
    return outcome.result()
