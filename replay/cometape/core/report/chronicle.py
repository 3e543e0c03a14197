"""The chronicle: writes down what happens in a replay, and explains what cannot be answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cometape.core.faults.fault_ledger import FaultLedger
from cometape.core.playbook.matching import Shape
from cometape.core.playbook.playbook import Playbook
from cometape.core.run.clients import Clients
from cometape.core.run.live_client import LiveClient
from cometape.core.run.play import Due, Exhausted
from cometape.core.run.player import Run
from cometape.core.shared_text import shared

from .explainer import Explainer
from .journal import Journal, Kind, Report
from .left_over import LeftOver
from .leftovers import run_report
from .miss import Miss
from .past_runs import PastRuns

MAX_ERRORS = 20
"""Internal errors that are told in words; more are only counted."""
MAX_MISSES = 1000
MAX_MISSES_CHARACTERS = 16 * 1024 * 1024
"""Misses kept in full, and of how much JSON together; more are only counted."""


class Chronicle:
    """Journal, misses and report of one replay."""

    def __init__(
        self,
        playbook: Playbook,
        clients: Clients,
        unfetched: Callable[[], Sequence[Due]],
        *,
        as_recorded: bool = False,
    ) -> None:
        """`unfetched` gives the events that lie in Bayeux queues at the moment.

        `as_recorded`: what broke off in the recording is played as well.
        """
        self.journal = Journal()
        self.misses: list[Miss] = []
        self.misses_total = 0
        self._characters = 0
        self._errors: list[str] = []
        self._errors_total = 0
        self.listeners: list[Callable[[Miss], None]] = []
        self.faults: FaultLedger | None = None
        """What goes wrong on purpose, for the report."""
        self.unrealised: Callable[[], tuple[str, ...]] = tuple
        """Gives what of the order that is played did not come to pass."""
        self._playbook = playbook
        self._clients = clients
        self._unfetched = unfetched
        self._explainer = Explainer(playbook, as_recorded=as_recorded)
        self._as_recorded = as_recorded
        self._met = 0
        """How many clients the journal has named."""
        self._left_over = LeftOver(as_recorded=as_recorded)
        self._past = PastRuns()
        clients.seats.on_past.append(self._sum_up)

    def note(
        self,
        now_s: float,
        kind: Kind,
        client: LiveClient,
        about: object,
        entry: int | None = None,
        times: int = 1,
    ) -> None:
        """Something happened, so many times at once; `about` does not change any more."""
        if self._met < self._clients.came:
            self._meet(now_s)
        label = client.user or client.label
        self.journal.note(now_s, kind, client.run.number, label, about, entry, times)

    def _meet(self, now_s: float) -> None:
        """Name the clients that have come since."""
        for newcomer in self._clients.clients[self._met - self._clients.came :]:
            text = shared(f"takes the session {newcomer.session!r}")
            self.journal.note(now_s, "client", newcomer.run.number, newcomer.label, text, None)
        self._met = self._clients.came

    def note_outside(self, now_s: float, client_id: str, text: str) -> None:
        """Somebody outside did something to the client of a Bayeux session."""
        client = self._clients.of_client_id(client_id)
        if client is not None:
            self.note(now_s, "note", client, text)

    def fault(
        self, now_s: float, client: LiveClient | None, text: str, entry: int | None, *, run: int = 0
    ) -> None:
        """Something went wrong on purpose; `run` counts where there is no client yet."""
        if client is not None:
            self.note(now_s, "fault", client, text, entry)
        else:
            self.journal.note(now_s, "fault", run, "nobody yet", text, entry)

    def miss(
        self, shape: Shape, client: LiveClient, chosen: Exhausted | None, now_s: float
    ) -> Miss:
        """Nothing answers a request; whoever listens is told."""
        found = self._explainer.explain(shape, client, chosen, now_s, self._unfetched())
        self.misses_total += 1
        if len(self.misses) < MAX_MISSES and self._characters < MAX_MISSES_CHARACTERS:
            self._characters += found.characters
            self.misses.append(found)
        self.note(now_s, "miss", client, f"{found.reason}: {found.request}")
        for listener in self.listeners:
            listener(found)
        return found

    def failed(self, what: str) -> None:
        """Somebody was not served right because of a fault of ours; its traceback is told."""
        self._errors_total += 1
        if len(self._errors) < MAX_ERRORS and what not in self._errors:
            self._errors.append(what)

    def report(self, *, with_played: bool = False) -> Report:
        """What became of the replay so far; what was played as well if it is wanted."""
        unfetched = self._unfetched()
        return Report(
            cassette=self._playbook.header.scenario,
            runs=tuple(
                run_report(
                    run,
                    unfetched,
                    self._explainer.almost,
                    with_played=with_played,
                    as_recorded=self._as_recorded,
                )
                for run in self._clients.runs
            ),
            misses=tuple(self.misses),
            misses_total=self.misses_total,
            internal_errors=tuple(self._errors),
            internal_errors_total=self._errors_total,
            faults=self.faults.tallies() if self.faults is not None else (),
            unrealised=self.unrealised(),
            past=self._past,
        )

    def is_ok(self) -> bool:
        """Whether the report would say so (`Report.ok`); far cheaper, to be asked repeatedly."""
        runs = self._clients.runs
        if self.misses or self._errors_total or self._past.complete < self._past.runs:
            return False
        return not self._left_over.is_any(runs) and not self._is_any_unfetched(runs)

    def is_undelivered(self) -> bool:
        """Whether the report would tell of an event that was never delivered; as cheap."""
        runs = self._clients.runs
        return self._left_over.is_undelivered(runs) or self._is_any_unfetched(runs)

    def _is_any_unfetched(self, runs: Sequence[Run]) -> bool:
        unfetched = self._unfetched()
        if not unfetched:
            return False
        numbers = {run.number for run in runs}
        return any(due.run.number in numbers for due in unfetched)

    def _sum_up(self, runs: Sequence[Run]) -> None:
        """Runs of long ago are let go."""
        self._left_over.forget()
        for run in runs:
            told = run_report(run, as_recorded=self._as_recorded)
            self._past = self._past.and_also(told)
