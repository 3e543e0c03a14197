"""`cometape inspect`: what is in a cassette."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click
from rich.console import Console

from cometape.inspector.as_json import summary_as_json
from cometape.inspector.summary import summarise
from cometape.inspector.table import table
from cometape.inspector.timeline import Timeline

from .cassette_argument import cassette_options, understood

WIDTH = 120
"""Columns where the output is no terminal and the variable COLUMNS does not say."""


@click.command("inspect")
@cassette_options
@click.option("--timeline", is_flag=True, help="A sequence over time: one column per session.")
@click.option("--json", "as_json", is_flag=True, help="For machines; see docs/inspect.md.")
@click.option("--strict", is_flag=True, help="End with exit code 1 when there are problems.")
def command(
    file: Path, profile: str | None, recover: bool, timeline: bool, as_json: bool, strict: bool
) -> None:
    """Show what is in a cassette: sessions, operations, events, causes.

    An event without a cause in the file is shown with the one that a replay would infer. Problems
    are operations whose event never came, events whose cause is not there, failures and refusals.
    """
    if timeline and as_json:
        raise click.UsageError("--timeline and --json exclude each other: the JSON has the times.")
    cassette, known = understood(file, profile, recover)
    summary = summarise(cassette, known)
    if as_json:
        click.echo(json.dumps(summary_as_json(summary, str(file)), indent=2))
    else:
        output = console()
        output.print(Timeline(cassette, known) if timeline else table(summary, str(file)))
    if strict and summary.problems:
        click.get_current_context().exit(1)


def console() -> Console:
    """Standard output, as wide as the terminal or COLUMNS says."""
    wide = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if wide else WIDTH, highlight=False, markup=False, emoji=False)
