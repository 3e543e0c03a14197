"""`cometape inspect`: what is in a cassette."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from rich.console import Console

from cometape.inspector.as_json import summary_as_json
from cometape.inspector.survey import summarise
from cometape.inspector.table import MAX_ROWS, table
from cometape.inspector.timeline import Timeline

from .cassette_argument import cassette_options, understood
from .progress import telling

WIDTH = 120
"""Columns where the output is no terminal and the variable COLUMNS does not say."""


@click.command("inspect")
@cassette_options
@click.option("--timeline", is_flag=True, help="A sequence over time: one column per session.")
@click.option("--json", "as_json", is_flag=True, help="For machines; see docs/inspect.md.")
@click.option("--strict", is_flag=True, help="End with exit code 1 when there are problems.")
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    default=MAX_ROWS,
    show_default=True,
    metavar="N",
    help="Show at most so many rows of a table.",
)
def command(
    file: Path,
    profile: str | None,
    recover: bool,
    timeline: bool,
    as_json: bool,
    strict: bool,
    rows: int,
) -> None:
    """Show what is in a cassette: sessions, operations, events, causes.

    An event without a cause in the file is shown with the one that a replay would infer. Problems
    are operations whose event never came, events whose cause is not there, failures and refusals.
    """
    if timeline and as_json:
        raise click.UsageError("--timeline and --json exclude each other: the JSON has the times.")
    catalogue, known = understood(file, profile, recover)
    output = console()
    if timeline:
        for line in Timeline(catalogue, known).lines(output.options):
            output.print(line)
        if not strict:
            return
    summary = summarise(catalogue, known, telling(f"looking through {file.name}"))
    if as_json:
        for piece in summary_as_json(summary, str(file)):
            click.echo(piece, nl=False)
    elif not timeline:
        output.print(table(summary, str(file), rows))
    if strict and summary.problems:
        click.get_current_context().exit(1)


def console() -> Console:
    """Standard output, as wide as the terminal or COLUMNS says."""
    wide = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if wide else WIDTH, highlight=False, markup=False, emoji=False)
