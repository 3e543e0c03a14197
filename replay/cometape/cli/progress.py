"""How far something is that takes long, told on standard error where that is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click

PATIENCE_S = 1.0
"""What takes less is not talked about."""
_EVERY_S = 0.2


def telling(what: str) -> Callable[[int, int], None]:
    """Tells `what`, and how many of a hundred parts are done; not where nobody would see it."""
    if not sys.stderr.isatty():
        return lambda done, size: None
    began_s = time.monotonic()
    told_s: float | None = None

    def tell(done: int, size: int) -> None:
        nonlocal told_s
        now_s = time.monotonic()
        is_last = done >= size
        if is_last and told_s is not None:
            click.echo("\r\x1b[K", nl=False, err=True)
            told_s = None
        elif not is_last and now_s - (told_s or began_s + PATIENCE_S - _EVERY_S) >= _EVERY_S:
            told_s = now_s
            click.echo(f"\r{what}: {100 * done // size} %", nl=False, err=True)

    return tell
