"""The two options of every command that listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def address_options(command: F) -> F:
    """Add `--port` and `--host` to a command, as its parameters `port` and `host`."""
    port = click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=0,
        show_default="a free one",
        metavar="N",
        help="The port to listen on.",
    )
    host = click.option(
        "--host",
        default="127.0.0.1",
        show_default=True,
        metavar="ADDRESS",
        help="The address to listen on; 0.0.0.0 lets other machines in.",
    )
    return port(host(command))
