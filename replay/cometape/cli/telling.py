"""Telling: lines for standard error that nobody has to wait for.

A test harness starts a server with a pipe for its standard error and may never read it. A pipe
holds 64 KiB: who wrote into it from the event loop would stop serving when it is full.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Full, Queue

import click

MOST = 1000
"""Texts that wait to be written; further ones are counted."""
PATIENCE_S = 1.0
"""How long the end waits for what is still to be written."""


class Telling:
    """Writes texts in their order, by a thread of its own that begins with the first one."""

    def __init__(
        self, write: Callable[[str], object] = lambda text: click.echo(text, err=True)
    ) -> None:
        self._write = write
        self._waiting: Queue[str | None] = Queue(MOST)
        self._thread: threading.Thread | None = None
        self.untold = 0
        """Texts for which there was no room."""

    def __call__(self, text: str) -> None:
        """Tell this, some time."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._go_on, name="telling", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait(text)
        except Full:
            self.untold += 1

    def end(self) -> None:
        """What was told so far is written, unless nobody reads it."""
        if self._thread is None:
            return
        if self.untold:
            self(f"{self.untold} more were not told here: standard error was not read")
        try:
            self._waiting.put(None, timeout=PATIENCE_S)
        except Full:
            return
        self._thread.join(PATIENCE_S)

    def _go_on(self) -> None:
        while (text := self._waiting.get()) is not None:
            try:
                self._write(text)
            except (OSError, ValueError):  # closed: nobody can be told
                return
