"""`cometape replay`: a cassette, served."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from cometape import __version__
from cometape.core.bayeux.dialect import DIALECTS
from cometape.core.cassette import UNFINISHED
from cometape.core.control.control_service import ControlService
from cometape.core.errors import ConfigurationError
from cometape.core.identity.date_shift import Dates
from cometape.core.replay.replay_service import BAYEUX, MAX_INTERVAL_MS, ReplaySettings
from cometape.core.run.pace import Pace
from cometape.server.listener import serve_until_told
from cometape.server.run_server import RunServer

from .address import address_options
from .bayeux_options import bayeux_options
from .control_options import OPENAPI, access_to, control_options
from .fault_options import fault_options, faults_of
from .front import Refusals, check_front, front_options, proxy_for, tls_for
from .playing_options import playing_options
from .report import ReportTo, check_folder, report_options
from .runs import announce, conclude, read_playbook, runs_of
from .telling import Telling


@click.command("replay")
@click.argument(
    "files", type=click.Path(path_type=Path), metavar="FILE...", nargs=-1, required=True
)
@address_options
@front_options
@playing_options
@bayeux_options(max_interval_s=MAX_INTERVAL_MS / 1000)
@click.option(
    "--pace",
    default="instant",
    show_default=True,
    metavar="PACE",
    help="When events follow their cause: instant, recorded, xN (N times as fast as recorded), or "
    "manual (by a clock that the test advances).",
)
@click.option(
    "--dates",
    metavar="WHEN",
    help="What the dates of the recording become: recorded, now (shifted as if it began now), or a "
    "moment, 2026-03-01T09:15:00Z.  [default: as the profile says: recorded]",
)
@click.option(
    "--strict/--no-strict",
    default=None,
    help="End with exit code 1 after misses, recordings never asked for and events never "
    "delivered.  [default: strict where the environment variable CI is set]",
)
@click.option(
    "--repeats/--no-repeats",
    default=False,
    show_default=True,
    help="Answer an operation again when its recordings are used up, with fresh ids and events.",
)
@click.option(
    "--repeat",
    "repeated",
    multiple=True,
    metavar="OPERATION",
    help="The same for one operation: its name, or 'POST /path'; * stands for any text. As often "
    "as needed.",
)
@click.option(
    "--as-recorded/--smooth",
    default=False,
    help="Lose sessions (402), end them and break exchanges off as the recording did.  "
    "[default: that is smoothed over]",
)
@click.option(
    "--dialect",
    type=click.Choice(list(DIALECTS)),
    help="In whose words Bayeux errors are told.  [default: as recorded, else the profile's]",
)
@fault_options
@click.option(
    "--order",
    metavar="NAME",
    help="Play one order of answers and events, as cometape explore names it.",
)
@report_options
@click.option(
    "--index/--no-index",
    default=True,
    show_default=True,
    help="Keep an index of a large cassette in the cache directory ($COMETAPE_CACHE, else "
    "~/.cache/cometape), and use it: the next replay of it begins at once.",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Begin anew when a cassette's file changes.",
)
@control_options
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.json",
    help="Write the addresses to this file as soon as clients can connect.",
)
def command(
    files: tuple[Path, ...],
    port: int,
    host: str,
    proxy: bool,
    origins: tuple[str, ...],
    tls: bool,
    certificate: Path | None,
    confdir: Path,
    seed: int,
    pace: str,
    dates: str | None,
    strict: bool | None,
    repeats: bool,
    repeated: tuple[str, ...],
    as_recorded: bool,
    profile: str | None,
    timeout_s: float,
    max_interval_s: float,
    dialect: str | None,
    fault_texts: tuple[str, ...],
    fault_files: tuple[Path, ...],
    order: str | None,
    patience: float,
    report_file: Path | None,
    junit_file: Path | None,
    as_json: bool,
    index: bool,
    watch: bool,
    control: bool,
    control_port: int,
    control_host: str,
    control_token: str | None,
    ready_file: Path | None,
) -> None:
    """Serve a cassette to real clients, without the live system.

    Any number of clients may come, one after the other or at once, over long-polling,
    callback-polling or WebSocket. The first line on standard output is "listening on
    http://HOST:PORT"; each request that no recording answers is explained on standard error;
    Ctrl-C ends the replay with a report of what was missed and left over.

    With --proxy the address is that of a proxy, for clients that insist on the real host name; with
    --tls it is "https://HOST:PORT". Both need clients that trust the authority of cometape ca.

    Further cassettes are served on ports of their own. "control on http://HOST:PORT" names the
    control API, which makes more runs of them and governs them all: docs/control.md, --openapi.
    """
    check_front(proxy=proxy, origins=origins, tls=tls, certificate=certificate)
    report_to = ReportTo(report_file=report_file, junit_file=junit_file, as_json=as_json)
    report_to.check()
    check_folder("--ready-file", ready_file)
    settings = ReplaySettings(
        seed=seed,
        pace=Pace.parse(pace),
        dates=None if dates is None else Dates.parse(dates),
        strict=bool(os.environ.get("CI")) if strict is None else strict,
        repeats=repeats or repeated,
        as_recorded=as_recorded,
        dialect=dialect,
        order=order,
        order_patience_s=patience,
        bayeux=replace(
            BAYEUX,
            timeout_ms=round(timeout_s * 1000),
            max_interval_ms=round(max_interval_s * 1000),
            wall_offset_s=time.time() - time.monotonic(),
        ),
    )
    if settings.pace.manual and not control:
        raise ConfigurationError(
            "--pace manual: nobody could advance the clock without the control API",
            hint="Leave out --no-control, or choose another pace.",
            reason="bad-option",
        )
    access = access_to(control_host, control_token)
    faults = partial(faults_of, fault_texts, fault_files)
    read = partial(read_playbook, profile=profile, index=index, whole=watch)
    telling = Telling()
    runs = runs_of(files, read, settings, lambda miss: telling(miss.text()), faults)
    for path, run in zip(files, runs.fixed, strict=True):
        if run.playbook.header.unfinished:
            _warn(f"{path}: {UNFINISHED}; `cometape scrub {path}` finishes it")
    header = runs.fixed[0].playbook.header
    refusals = Refusals()
    front = (
        proxy_for(header, origins, host=host, port=port, confdir=confdir, refusals=refusals)
        if proxy
        else None
    )
    server = RunServer(
        ControlService(runs, access, version=__version__, openapi=OPENAPI.read_bytes),
        host=host,
        port=port,
        tls=tls_for(header, certificate, host=host, confdir=confdir) if tls else None,
        behind_proxy=proxy,
        control_host=control_host,
        control_port=control_port if control else None,
    )
    if watch:
        for path, shelved in zip(files, runs.shelf, strict=True):
            server.watch(path, shelved.name, read, _warn)

    def listening(url: str) -> None:
        runs.fixed[0].url = url
        made = access.token is not None and control_token is None
        announce(server, ready_file, tell_token=made)

    serve_until_told(server, front=front, on_listening=listening)
    telling.end()
    if refusals.hosts:
        click.echo(refusals.text(), err=as_json)
    if not conclude(runs, report_to):
        click.get_current_context().exit(1)


def _warn(text: str) -> None:
    click.echo(text, err=True)
