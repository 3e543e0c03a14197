"""What people see while a large cassette is read for the first time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click

PATIENCE_S = 1.0
"""What takes less is not talked about."""
_EVERY_S = 0.2


def indexing(file: Path) -> Callable[[int, int], None]:
    """Tells on standard error, a terminal, how far the index of a file is."""
    began_s = time.monotonic()
    told_s = 0.0

    def tell(done: int, size: int) -> None:
        nonlocal told_s
        now_s = time.monotonic()
        is_last = done >= size
        if now_s - began_s < PATIENCE_S or not (is_last or now_s - told_s >= _EVERY_S):
            return
        told_s = now_s
        text = f"reading {file.name} for the first time: {100 * done // size} %"
        click.echo(f"\r{text}" + ("\n" if is_last else ""), nl=False, err=True)

    return tell
