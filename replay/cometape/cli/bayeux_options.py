"""The options of every command that is a Bayeux server: how long it waits for its clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from .seconds import Seconds

F = TypeVar("F", bound=Callable[..., Any])


def bayeux_options(*, max_interval_s: float) -> Callable[[F], F]:
    """Adds `--timeout-s` and `--max-interval-s`; the latter with this default."""

    def add(command: F) -> F:
        timeout = click.option(
            "--timeout-s",
            type=Seconds(),
            default=30.0,
            show_default=True,
            metavar="S",
            help="How long a Bayeux connect is held when there is nothing to deliver.",
        )
        max_interval = click.option(
            "--max-interval-s",
            type=Seconds(),
            default=max_interval_s,
            show_default=True,
            metavar="S",
            help="How long a Bayeux session lives without a connect.",
        )
        return timeout(max_interval(command))

    return add
