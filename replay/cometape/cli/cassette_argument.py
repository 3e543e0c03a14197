"""What `inspect` and `show` share: a cassette file, and its profile to understand it by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cometape.core.cassette import Cassette
from cometape.core.causality.inference import infer_causes
from cometape.core.errors import CassetteError
from cometape.core.profile.profile import Profile
from cometape.profiles import load_profile
from cometape.store.cassette_file import load

Command = TypeVar("Command", bound=Callable[..., Any])


def cassette_options(command: Command) -> Command:
    """Adds the argument FILE and the options `--profile` and `--recover`."""
    for decorate in (
        click.option(
            "--recover", is_flag=True, help="Of a file that was cut off, show what is whole."
        ),
        click.option(
            "--profile",
            metavar="NAME|FILE",
            help="The profile to use.  [default: the one the cassette names]",
        ),
        click.argument("file", type=click.Path(path_type=Path), metavar="FILE"),
    ):
        command = decorate(command)
    return command


def understood(file: Path, profile: str | None, recover: bool) -> tuple[Cassette, Profile]:
    """The cassette with a cause for every event, and its profile."""
    cassette = load(file, recover=recover)
    known = load_profile(profile or cassette.header.profile)
    try:
        return infer_causes(cassette, known), known
    except CassetteError as error:
        error.path = error.path or str(file)
        raise
