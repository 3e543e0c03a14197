"""What `inspect` and `show` share: a cassette file, and its profile to understand it by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cometape.core.catalogue import Catalogue
from cometape.core.errors import CassetteError
from cometape.core.profile.profile import Profile
from cometape.profiles import profile_finder
from cometape.store.catalogue_file import open_catalogue
from cometape.store.index_cache import IndexCache

from .progress import telling

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


def understood(file: Path, profile: str | None, recover: bool) -> tuple[Catalogue, Profile]:
    """The entries of a cassette with a cause for every event, and its profile."""
    try:
        return open_catalogue(
            file,
            profile_finder(file, profile),
            recover=recover,
            cache=IndexCache(),
            progress=telling(f"reading {file.name} for the first time"),
        )
    except CassetteError as error:
        error.path = error.path or str(file)
        raise
