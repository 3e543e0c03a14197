"""The runs of one server: made of the cassettes on its shelf, found by name, deleted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from cometape.core.identity.date_shift import Dates
from cometape.core.profile.profile import Profile
from cometape.core.report.miss import Miss
from cometape.core.run.pace import Pace

from ..bayeux.settings import LONGEST_S
from ..faults.fault_kind import kinds_of
from ..faults.fault_reading import read_rules
from ..replay.replay_service import ReplaySettings
from .fields import Fields
from .problem import Problem
from .served_run import ServedRun
from .shelf import Shelf

MAX_RUNS = 1000
"""Runs at once: each has a listening socket."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


class Runs:
    """All runs, by name."""

    def __init__(
        self,
        shelf: Shelf,
        defaults: ReplaySettings,
        *,
        max_runs: int = MAX_RUNS,
        on_miss: Callable[[Miss], None] | None = None,
    ) -> None:
        """`defaults` is how runs are played where their creator says nothing else.

        `on_miss` is called with every miss of every run, as it happens.
        """
        self.shelf = shelf
        self.created = 0
        """How many were made by calls."""
        self._defaults = defaults
        self._max_runs = max_runs
        self._on_miss = on_miss
        self._runs: dict[str, ServedRun] = {}
        self._fixed: dict[str, None] = {}

    def __iter__(self) -> Iterator[ServedRun]:
        return iter(tuple(self._runs.values()))

    def __len__(self) -> int:
        return len(self._runs)

    @property
    def fixed(self) -> list[ServedRun]:
        """Those that were there from the start, and stay."""
        return [self._runs[name] for name in self._fixed]

    def get(self, name: str) -> ServedRun:
        """The run of a name. Raises Problem."""
        run = self._runs.get(name)
        if run is None:
            raise self.unknown(name)
        return run

    def unknown(self, name: str) -> Problem:
        """The problem that there is no run of a name, or none any more."""
        there = ", ".join(list(self._runs)[:20])
        return Problem("no-run", f"there is no run {name!r}", hint=f"There are: {there}.")

    def begin(self, name: str, cassette: str, now_s: float) -> ServedRun:
        """A run that is there from the start."""
        shelved = self.shelf.get(cassette)
        self._fixed[name] = None
        return self._add(ServedRun(name, shelved.name, shelved.playbook, self._defaults, now_s))

    def create(self, fields: Fields, now_s: float) -> ServedRun:
        """A run as a call asks for it. Raises Problem, and ConfigurationError for a bad setting."""
        shelved = self.shelf.get(fields.text("cassette"))
        name = fields.text("name", longest=64)
        settings = _settings(fields, self._defaults, shelved.playbook.profile)
        fields.end()
        if name is None:
            name = self._new_name()
        elif not _NAME.match(name):
            raise fields.wrong("name", "letters, digits, '.', '_' and '-', at most 64 of them")
        elif name in self._runs:
            raise Problem("run-exists", f"there is a run {name!r} already", hint="DELETE it first.")
        if len(self._runs) >= self._max_runs:
            raise Problem(
                "too-many-runs",
                f"there are {len(self._runs)} runs, as many as this server keeps",
                hint="DELETE those that are over.",
            )
        self.created += 1
        return self._add(ServedRun(name, shelved.name, shelved.playbook, settings, now_s))

    def _add(self, run: ServedRun) -> ServedRun:
        self._runs[run.name] = run
        if self._on_miss is not None:
            run.on_miss(self._on_miss)
        return run

    def reset(self, run: ServedRun, now_s: float) -> None:
        """Begin a run anew, with its cassette as it is now. Raises as `ServedRun.reset`."""
        run.reset(now_s, self.shelf.get(run.cassette).playbook)

    def delete(self, run: ServedRun) -> None:
        """A run ends. Raises Problem for one that was there from the start."""
        if run.name in self._fixed:
            raise Problem(
                "run-is-fixed",
                f"run {run.name!r} was there from the start and stays",
                hint="Reset it instead.",
            )
        self.remove(run)

    def remove(self, run: ServedRun) -> None:
        """A run is no more."""
        self._runs.pop(run.name, None)

    def _new_name(self) -> str:
        number = self.created + 1
        while f"run-{number}" in self._runs:
            number += 1
        return f"run-{number}"


def _settings(fields: Fields, defaults: ReplaySettings, profile: Profile) -> ReplaySettings:
    seed = fields.whole("seed", -(2**53), 2**53)
    pace = fields.text("pace")
    strict = fields.flag("strict")
    repeats = fields.flag_or_texts("repeats")
    as_recorded = fields.flag("as_recorded")
    timeout_s = fields.number("timeout_s", 0, LONGEST_S)
    max_interval_s = fields.number("max_interval_s", 0, LONGEST_S)
    dates = fields.text("dates")
    order = fields.text("order")
    patience_s = fields.number("patience_s", 0.001, LONGEST_S)
    faults = defaults.faults
    if fields.has("faults"):
        faults = read_rules(fields.any("faults"), kinds_of(profile.faults), option="faults")
    bayeux = defaults.bayeux
    if timeout_s is not None:
        bayeux = replace(bayeux, timeout_ms=round(timeout_s * 1000))
    if max_interval_s is not None:
        bayeux = replace(bayeux, max_interval_ms=round(max_interval_s * 1000))
    return replace(
        defaults,
        seed=defaults.seed if seed is None else seed,
        pace=defaults.pace if pace is None else Pace.parse(pace),
        strict=defaults.strict if strict is None else strict,
        repeats=defaults.repeats if repeats is None else repeats,
        dates=defaults.dates if dates is None else Dates.parse(dates),
        as_recorded=defaults.as_recorded if as_recorded is None else as_recorded,
        faults=faults,
        order=defaults.order if order is None else order,
        order_patience_s=defaults.order_patience_s if patience_s is None else patience_s,
        dialect=fields.text("dialect") or defaults.dialect,
        bayeux=bayeux,
    )
