"""Watches cassette files, and tells when one has changed into what can or cannot be used.

By looking, twice a second: an editor may write a file in place, rename another over it, or live on
a file system that tells of no changes. Time and size say that a file may have changed, its bytes
whether it has.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from cometape.core.errors import CometapeError

Loaded = TypeVar("Loaded")
LOOK_EVERY_S = 0.5


class CassetteWatch(Generic[Loaded]):
    """One file. `load` reads it, in a thread, so that nobody waits for it."""

    def __init__(
        self,
        path: Path,
        load: Callable[[Path], Loaded],
        *,
        changed: Callable[[Loaded], None],
        damaged: Callable[[CometapeError], None],
        every_s: float = LOOK_EVERY_S,
    ) -> None:
        """As the file is now it is known; `changed` and `damaged` are told of what comes."""
        self.path = path
        self._load = load
        self._changed = changed
        self._damaged = damaged
        self._every_s = every_s
        self._seen = _stamp(path)
        self._digest = _digest(path)

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.look()

    async def look(self) -> None:
        """Look once."""
        seen = _stamp(self.path)
        if seen == self._seen:
            return
        digest = await asyncio.to_thread(_digest, self.path)
        if digest is None:
            return  # it is just being replaced, or was removed: what is known stays
        if digest != self._digest:
            try:
                loaded = await asyncio.to_thread(self._load, self.path)
            except CometapeError as error:
                self._damaged(error)
            else:
                self._changed(loaded)
        # Only now, so that a file that was written to meanwhile is looked at once more.
        self._seen, self._digest = seen, digest


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size, state.st_ino


def _digest(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()
    except OSError:
        return None
