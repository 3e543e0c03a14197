"""`cometape replay`: a cassette, served."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import click

from cometape.core.bayeux.dialect import DIALECTS
from cometape.core.bayeux.settings import Settings
from cometape.core.errors import ConfigurationError
from cometape.core.replay.miss import Miss
from cometape.core.replay.playbook import Playbook
from cometape.core.replay.player import Pace
from cometape.core.replay.replay_service import MAX_INTERVAL_MS, ReplayService, ReplaySettings
from cometape.profiles import load_profile
from cometape.server.listener import serve
from cometape.store.cassette_file import load

from .address import address_options
from .front import Refusals, check_front, front_options, proxy_for, tls_for

SECONDS = click.FloatRange(min=0)


@click.command("replay")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@address_options
@front_options
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    metavar="N",
    help="What fresh ids are derived from: the same seed, the same ids.",
)
@click.option(
    "--pace",
    default="instant",
    show_default=True,
    metavar="PACE",
    help="When events follow their cause: instant, recorded, or xN (N times as fast as recorded).",
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
    "--profile",
    metavar="NAME|FILE",
    help="The profile to use.  [default: the one the cassette names]",
)
@click.option(
    "--timeout-s",
    type=SECONDS,
    default=30.0,
    show_default=True,
    metavar="S",
    help="How long a Bayeux connect is held when there is nothing to deliver.",
)
@click.option(
    "--max-interval-s",
    type=SECONDS,
    default=MAX_INTERVAL_MS / 1000,
    show_default=True,
    metavar="S",
    help="How long a Bayeux session lives without a connect.",
)
@click.option(
    "--dialect",
    type=click.Choice(list(DIALECTS)),
    help="In whose words Bayeux errors are told.  [default: as recorded, else the profile's]",
)
@click.option(
    "--report",
    "report_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.json",
    help="Write the report to this file as well, for machines.",
)
def command(
    file: Path,
    port: int,
    host: str,
    proxy: bool,
    origins: tuple[str, ...],
    tls: bool,
    certificate: Path | None,
    confdir: Path,
    seed: int,
    pace: str,
    strict: bool | None,
    repeats: bool,
    repeated: tuple[str, ...],
    profile: str | None,
    timeout_s: float,
    max_interval_s: float,
    dialect: str | None,
    report_file: Path | None,
) -> None:
    """Serve a cassette to real clients, without the live system.

    Any number of clients may come, one after the other or at once, over long-polling,
    callback-polling or WebSocket. The first line on standard output is "listening on
    http://HOST:PORT"; each request that no recording answers is explained on standard error;
    Ctrl-C ends the replay with a report of what was missed and left over.

    With --proxy the address is that of a proxy, for clients that insist on the real host name; with
    --tls it is "https://HOST:PORT". Both need clients that trust the authority of cometape ca.
    """
    check_front(proxy=proxy, origins=origins, tls=tls, certificate=certificate)
    if report_file is not None and not report_file.parent.is_dir():
        raise ConfigurationError(
            f"--report: there is no folder {str(report_file.parent)!r}",
            hint="Create it, or choose another place for the report.",
            reason="bad-option",
        )
    speed = Pace.parse(pace)
    cassette = load(file)
    spoken = load_profile(profile or cassette.header.profile)
    service = ReplayService(
        Playbook.of(cassette, spoken),
        ReplaySettings(
            seed=seed,
            pace=speed,
            strict=bool(os.environ.get("CI")) if strict is None else strict,
            repeats=repeats or repeated,
            dialect=dialect,
            bayeux=Settings(
                timeout_ms=round(timeout_s * 1000),
                max_interval_ms=round(max_interval_s * 1000),
                wall_offset_s=time.time() - time.monotonic(),
            ),
        ),
    )
    service.on_miss(_tell)
    refusals = Refusals()
    if proxy:
        front = proxy_for(
            cassette, origins, host=host, port=port, confdir=confdir, refusals=refusals
        )
        serve(service, front=front)
    elif tls:
        context = tls_for(cassette, certificate, host=host, confdir=confdir)
        serve(service, host=host, port=port, tls=context)
    else:
        serve(service, host=host, port=port)
    if refusals.hosts:
        click.echo(refusals.text())
    report = service.report()
    click.echo(report.text())
    if report_file is not None:
        text = json.dumps(report.json(), ensure_ascii=False, indent=2) + "\n"
        report_file.write_text(text, encoding="utf-8")
    if service.settings.strict and not report.ok:
        click.get_current_context().exit(1)


def _tell(miss: Miss) -> None:
    click.echo(miss.text(), err=True)
