"""The cache of compiled indexes: files in the user's cache directory that may vanish at any time.

Each is named after a digest of all it was made of. It holds data alone, is checked before it is
used, and whatever is wrong with it, or with the directory, is as if it were not there.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import stat
import zlib
from collections.abc import Sequence
from pathlib import Path

MAX_BYTES = 1 << 30
"""What all indexes together take at most; those that were not used for the longest time go."""
ENVIRONMENT = "COMETAPE_CACHE"
"""Names the directory instead of `~/.cache/cometape`."""

_MAGIC = b"cometape index 1\n".ljust(24, b"\0")
_DIGEST_BYTES = 32
_CHECK_BYTES = 8
_HEAD_BYTES = len(_MAGIC) + _DIGEST_BYTES + _CHECK_BYTES
_NAME = re.compile(r"[0-9a-f]{64}\.index")
_TEMPORARY = re.compile(r"\.[0-9a-f]{64}\.\d+-\d+\.part")
_COUNT = itertools.count()


def cache_folder() -> Path:
    """Where indexes are kept: `$COMETAPE_CACHE`, else by the XDG base directory specification."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named) / "indexes"
    base = os.environ.get("XDG_CACHE_HOME", "")
    home = Path(base) if os.path.isabs(base) else Path(os.path.expanduser("~/.cache"))
    return home / "cometape" / "indexes"


class IndexCache:
    """The indexes in one directory. Nothing here raises: a cache that fails is an empty one."""

    def __init__(self, folder: Path | None = None, *, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder or cache_folder()
        self._max_bytes = max_bytes

    def read(self, digest: bytes) -> memoryview | None:
        """The index of that name, if it is there, whole, and written by this user."""
        path = self._path(digest)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        with open(descriptor, "rb") as file:
            try:
                state = os.fstat(descriptor)
                if not stat.S_ISREG(state.st_mode) or not _is_ours(state):
                    return None
                data = memoryview(file.read())
            except (OSError, MemoryError):
                return None
        body = data[_HEAD_BYTES:]
        if data[:_HEAD_BYTES] != _MAGIC + digest + _check(zlib.crc32(body)):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # it was used: others go first
        return body

    def write(self, digest: bytes, pieces: Sequence[bytes]) -> bool:
        """Keep an index; others may have to go. False when it cannot be kept."""
        size = sum(map(len, pieces)) + _HEAD_BYTES
        if size > self._max_bytes:
            return False
        check = 0
        for piece in pieces:
            check = zlib.crc32(piece, check)
        target = self._path(digest)
        temporary = target.with_name(f".{target.stem}.{os.getpid()}-{next(_COUNT)}.part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_ours(os.stat(self._folder)):
                return False
            self._prune(self._max_bytes - size)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            try:
                with open(os.open(temporary, flags, 0o600), "wb") as file:
                    file.write(_MAGIC + digest + _check(check))
                    file.writelines(pieces)
                os.replace(temporary, target)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise
        except OSError:
            return False
        return True

    def forget(self, digest: bytes) -> None:
        """Remove an index that turned out to be none."""
        with contextlib.suppress(OSError):
            os.unlink(self._path(digest))

    def _path(self, digest: bytes) -> Path:
        return self._folder / f"{digest.hex()}.index"

    def _prune(self, room: int) -> None:
        """Remove what was not used for the longest time, until the rest takes `room` at most."""
        found: list[tuple[float, int, str]] = []
        with os.scandir(self._folder) as files:
            for file in files:
                if _NAME.fullmatch(file.name) or _TEMPORARY.fullmatch(file.name):
                    with contextlib.suppress(OSError):
                        state = file.stat(follow_symlinks=False)
                        found.append((state.st_mtime, state.st_size, file.path))
        total = 0
        for _, size, path in sorted(found, reverse=True):
            total += size
            if total > room:
                with contextlib.suppress(OSError):
                    os.unlink(path)


def _check(crc: int) -> bytes:
    return crc.to_bytes(_CHECK_BYTES, "little")


def _is_ours(state: os.stat_result) -> bool:
    """Whether nobody else can have written it."""
    mine = not hasattr(os, "getuid") or state.st_uid == os.getuid()
    return mine and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
