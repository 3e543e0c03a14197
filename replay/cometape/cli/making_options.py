"""The options of commands that make a cassette: what becomes of secrets, and of the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def making_options(command: F) -> F:
    """Add `--out`, `--scenario`, `--bayeux`, `--overwrite` and the `scrubbing_options`."""
    for decorate in (
        click.option("--overwrite", is_flag=True, help="Replace the cassette if it exists."),
        scrubbing_options,
        click.option(
            "--bayeux",
            metavar="PATH",
            help="Path of the CometD endpoint, if the profile does not know it.",
        ),
        click.option("--scenario", default="", metavar="TEXT", help="What this is a recording of."),
        click.option(
            "-o",
            "--out",
            type=click.Path(path_type=Path, dir_okay=False),
            required=True,
            metavar="CASSETTE",
            help="The cassette to write (*.yaml).",
        ),
    ):
        command = decorate(command)
    return command


def scrubbing_options(command: F) -> F:
    """Add `--pseudonyms` and `--allow`."""
    pseudonyms = click.option(
        "--pseudonyms",
        is_flag=True,
        help="Replace names, addresses, numbers and what was written, too.",
    )
    allow = click.option(
        "--allow",
        multiple=True,
        metavar="FIELD",
        help="A field that only looks like a secret, as the last scan names it; noted in the "
        "cassette. May be repeated.",
    )
    return pseudonyms(allow(command))
