"""The runs of `cometape replay`: of which cassettes, where they are, what became of them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import click

from cometape.core.control.runs import Runs
from cometape.core.control.shelf import Shelf, Shelved
from cometape.core.errors import ConfigurationError
from cometape.core.faults.fault_rule import FaultRule
from cometape.core.playbook.playbook import Playbook
from cometape.core.profile.profile import Profile
from cometape.core.replay.replay_service import ReplaySettings
from cometape.core.report.miss import Miss
from cometape.core.run.repeats import check_names
from cometape.profiles import profile_finder
from cometape.server.run_server import RunServer
from cometape.store.index_cache import IndexCache
from cometape.store.playbook_file import MAX_BYTES, SMALL_BYTES, open_playbook

from .progress import telling
from .report import ReportTo

DEFAULT_RUN = "default"
"""The run of the first cassette; those of others are called after them."""


def read_playbook(
    path: Path, *, profile: str | None, index: bool = True, whole: bool = False
) -> Playbook:
    """A cassette file made ready, by the profile it names or another one.

    With `index`, by the one in the cache directory, which is made where there is none. With
    `whole` all of it is read now: a file that is edited in place is not to be read from later.
    """
    return open_playbook(
        path,
        profile_finder(path, profile),
        cache=IndexCache() if index and not whole else None,
        progress=telling(f"reading {path.name} for the first time") if not whole else None,
        small_bytes=MAX_BYTES if whole else SMALL_BYTES,
    )


def runs_of(
    files: Sequence[Path],
    read: Callable[[Path], Playbook],
    settings: ReplaySettings,
    on_miss: Callable[[Miss], None],
    faults: Callable[[Sequence[Profile]], tuple[FaultRule, ...]] = lambda _: (),
) -> Runs:
    """A run of each cassette, in their order.

    Raises ConfigurationError for two of one name, and repeats of what is no operation of theirs.

    `faults` gives what shall go wrong, from the cassettes' profiles.
    """
    if settings.order is not None and len(files) > 1:
        raise ConfigurationError(
            "--order: there is more than one cassette",
            hint="An order is one of one cassette; replay that alone.",
            reason="bad-option",
        )
    taken = {files[0].stem, DEFAULT_RUN}
    for file in files[1:]:
        if file.stem in taken:
            raise ConfigurationError(
                f"{str(file)!r}: another run is called {file.stem!r} already",
                hint="Runs are called after their cassettes, the first one 'default'; rename one.",
                reason="bad-option",
            )
        taken.add(file.stem)
    shelf = Shelf([Shelved(name=file.stem, file=str(file), playbook=read(file)) for file in files])
    if not isinstance(settings.repeats, bool):
        check_names(settings.repeats, [shelved.playbook for shelved in shelf])
    rules = faults([shelved.playbook.profile for shelved in shelf])
    settings = replace(settings, faults=rules)
    runs = Runs(shelf, settings, on_miss=on_miss)
    for place, shelved in enumerate(shelf):
        runs.begin(shelved.name if place else DEFAULT_RUN, shelved.name, time.monotonic())
    return runs


def announce(server: RunServer, ready_file: Path | None, *, tell_token: bool) -> None:
    """Say where everything but the first run listens, and write all of it for machines."""
    runs = server.control.runs.fixed
    for run in runs[1:]:
        click.echo(f"{run.name} on {run.url}")
    if server.control_url:
        click.echo(f"control on {server.control_url}")
        if tell_token:
            click.echo(f"control token {server.control.access.token}")
    if ready_file is not None:
        ready = {
            "url": runs[0].url,
            "control": server.control_url or None,
            "runs": {run.name: run.url for run in runs},
            "pid": os.getpid(),
        }
        draft = ready_file.with_name(f".{ready_file.name}.{os.getpid()}")
        draft.write_text(json.dumps(ready, indent=2) + "\n", encoding="utf-8")
        draft.replace(ready_file)  # whoever waits for the file finds it whole


def conclude(runs: Runs, report_to: ReportTo) -> bool:
    """Report every run there is; whether all strict ones have passed.

    Where calls have made runs, nobody need have come to those from the start.
    """
    idle = [run for run in runs.fixed if runs.created and not run.requests]
    left = [run for run in runs if run not in idle]
    reports = {run.name: run.report(with_played=report_to.wants_played) for run in left}
    if len(left) == 1 and left[0].name == DEFAULT_RUN:
        titles = {}
    else:
        titles = {run.name: f"run {run.name!r} of {run.cassette}:" for run in left}
    report_to.tell(reports, titles, first=runs.get(DEFAULT_RUN).report())
    return all(reports[run.name].ok for run in left if run.settings.strict)
