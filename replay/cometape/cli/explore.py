"""`cometape explore`: a client's test under every legal order of answers and events."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import click

from cometape.core.errors import ConfigurationError
from cometape.core.explore.enumeration import orders
from cometape.core.explore.order import Order
from cometape.core.explore.plot import Plot
from cometape.core.lone_surrogate import encodable
from cometape.core.replay.replay_service import BAYEUX, ReplaySettings

from .after_dashes import BeforeDashes, after_dashes
from .fault_options import fault_options, faults_of
from .given_options import given_options
from .playing_options import playing_options
from .runs import read_playbook
from .seconds import Seconds

_REPLAYED = ("fault_texts", "fault_files", "seed", "profile", "patience", "strict")
"""What `cometape replay` can be told as well, and what becomes of an order depends on."""


@click.command("explore", cls=BeforeDashes)
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@playing_options
@click.option(
    "--max",
    "most",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="How many orders are tried, or listed, at most.",
)
@click.option(
    "--time-limit",
    type=Seconds(min_open=True),
    metavar="S",
    help="After so many seconds no further order is begun.",
)
@click.option(
    "--command-limit",
    type=Seconds(min_open=True),
    default=60.0,
    show_default=True,
    metavar="S",
    help="A run of COMMAND that takes longer is broken.",
)
@click.option(
    "--only", metavar="NAME", help="Try this order alone, as an earlier exploration named it."
)
@click.option("--all", "goes_on", is_flag=True, help="Go on after an order that breaks COMMAND.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="So many runs of COMMAND at once, each with a replay of its own.",
)
@click.option(
    "--strict/--no-strict",
    default=True,
    show_default=True,
    help="Whether misses, recordings never asked for and events never delivered break an order, "
    "as a failing COMMAND does.",
)
@click.option("--list", "is_list", is_flag=True, help="Name the orders; COMMAND is not needed.")
@click.option("--json", "as_json", is_flag=True, help="The outcome as JSON on standard output.")
@fault_options
def command(
    file: Path,
    most: int,
    time_limit: float | None,
    command_limit: float,
    patience: float,
    only: str | None,
    goes_on: bool,
    jobs: int,
    strict: bool,
    is_list: bool,
    as_json: bool,
    seed: int,
    profile: str | None,
    fault_texts: tuple[str, ...],
    fault_files: tuple[Path, ...],
) -> None:
    """Find the order of answers and events that breaks a client.

    COMMAND is the client's test. It is run under one legal order after the other, the recorded one
    first, then those that differ least from it; each has a replay of its own, whose address is in
    COMETAPE_URL. The first order under which COMMAND fails, or leaves the cassette unplayed, is
    told with a name by which `cometape replay FILE --order NAME` and `--only NAME` play it again.
    """
    test = after_dashes()
    if not test and not is_list:
        raise ConfigurationError(
            "there is no command to run",
            hint="cometape explore FILE -- COMMAND, for example -- pytest tests/test_desk.py",
            reason="bad-option",
        )
    playbook = read_playbook(file, profile=profile)
    plot = Plot.of(playbook)
    chosen = [Order.named(plot, only)] if only is not None else orders(plot)
    if is_list:
        _list(islice(chosen, most + 1), most, as_json=as_json)
        return
    from cometape.explorer import findings
    from cometape.explorer.search import Search
    from cometape.explorer.trial import Outcome, Trials

    assert test is not None
    settings = ReplaySettings(
        seed=seed,
        strict=strict,
        order_patience_s=patience,
        faults=faults_of(fault_texts, fault_files, [playbook.profile]),
        bayeux=replace(BAYEUX, wall_offset_s=time.time() - time.monotonic()),
    )
    trials = Trials(playbook=playbook, settings=settings, command=test, limit_s=command_limit)
    search = Search(trials=trials, most=most, limit_s=time_limit, jobs=jobs, goes_on=goes_on)
    is_terminal = sys.stderr.isatty()

    def told(outcome: Outcome) -> None:
        if not outcome.has_come and len(search.outcomes) == 1:
            click.echo("\n".join(findings.printed(outcome)), err=True)
            raise ConfigurationError(
                f"{test[0]} asked nothing of the replay ({outcome.ending})",
                hint="The replay's address is in the environment variable COMETAPE_URL: let the"
                " test use it. (A test with the fixture `cometape` serves a replay of its own:"
                " `pytest --cometape-order NAME`.)"
                + (" It has to pass without exploration first." if outcome.exit_code else ""),
                reason="no-client",
            )
        if is_terminal:
            line = f"{len(search.outcomes)} of at most {most}: {outcome.order.name}"
            click.echo(f"\r\033[K{line[:100]}: {outcome.verdict}", nl=False, err=True)

    signal.signal(signal.SIGTERM, _as_ctrl_c)
    try:
        why = search.run(chosen, told)
    finally:
        if is_terminal:
            click.echo("\r\033[K", nl=False, err=True)
    if as_json:
        found = json.dumps(findings.as_json(search, why), ensure_ascii=False, indent=2)
        click.echo(encodable(found))
    else:
        typed = findings.Typed(
            file=str(file),
            options=given_options({*_REPLAYED, "command_limit"}),
            replay_options=given_options(_REPLAYED),
            command=test,
        )
        click.echo(encodable(findings.text(search, why, typed)))
    if why == "interrupted":
        click.get_current_context().exit(130)
    if search.broken:
        click.get_current_context().exit(1)


def _list(found: Iterable[Order], most: int, *, as_json: bool) -> None:
    """Name orders as they are found; `found` has one more than `most`, where there are more."""
    if as_json:
        from cometape.explorer import findings

        named = list(found)
        listed = findings.list_json(named[:most], are_all=len(named) <= most)
        click.echo(encodable(json.dumps(listed, ensure_ascii=False, indent=2)))
        return
    for order in islice(found, most):
        click.echo(encodable(f"{order.name}  {order}"))


def _as_ctrl_c(*_: object) -> None:
    """SIGTERM ends an exploration as Ctrl-C does: with what it has found, and with COMMAND."""
    raise KeyboardInterrupt
