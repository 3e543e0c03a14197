"""The options of every command that plays a cassette."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from cometape.core.explore.conductor import PATIENCE_S

from .seconds import Seconds

F = TypeVar("F", bound=Callable[..., Any])


def playing_options(command: F) -> F:
    """Add `--profile`, `--seed` and `--patience`."""
    for decorate in (
        click.option(
            "--patience",
            type=Seconds(min_open=True),
            default=PATIENCE_S,
            show_default=True,
            metavar="S",
            help="How long a client may do nothing before what an order holds back is let go.",
        ),
        click.option(
            "--seed",
            type=int,
            default=0,
            show_default=True,
            metavar="N",
            help="What fresh ids are derived from: the same seed, the same ids.",
        ),
        click.option(
            "--profile",
            metavar="NAME|FILE",
            help="The profile to use.  [default: the one the cassette names]",
        ),
    ):
        command = decorate(command)
    return command
