"""Cassette files: load, save atomically, append to a recording without ever losing what is there.

A file appears under its name with a whole header or not at all, an existing file is replaced only
by one that is safely on disk, and an append is one write of one whole entry. So a process killed at
any instant leaves a file that loads and holds every entry whose `append` had returned.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Self

from cometape.core.cassette import Cassette, Entry, Header
from cometape.core.errors import CassetteError
from cometape.store import yaml_reader

from .file_lock import try_lock
from .yaml_documents import LIMITS, Limits
from .yaml_emitter import SEPARATOR, TERMINATOR, dump, dump_entry, dump_header

_TEMPORARY = itertools.count()


def load(
    path: str | os.PathLike[str], *, recover: bool = False, limits: Limits = LIMITS
) -> Cassette:
    """The cassette in a file; with `recover`, without its torn last entry. Raises CassetteError."""
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(min(size, limits.max_bytes) + 1)
    except FileNotFoundError:
        raise CassetteError(
            "there is no such file", hint=_nearest(Path(path)), reason="missing", path=name
        ) from None
    except OSError as error:
        raise CassetteError(
            f"cannot be read: {error.strerror}", reason="unreadable", path=name
        ) from error
    return yaml_reader.load(data, name, recover=recover, limits=limits)


def _nearest(path: Path) -> str:
    if not path.parent.is_dir():
        return f"Its folder {str(path.parent)!r} is missing as well."
    there = sorted(file.name for file in path.parent.iterdir() if file.suffix in (".yaml", ".yml"))
    near = get_close_matches(path.name, there, n=1)
    if near:
        return f"Did you mean {str(path.parent / near[0])!r}?"
    return f"In {str(path.parent)!r} there {'are ' + ', '.join(there) if there else 'is none'}."


def save(cassette: Cassette, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write the whole cassette: it appears under `path` complete or not at all.

    Raises CassetteError when the file exists (without `overwrite`), is being recorded into, or
    cannot be written; what was there stays.
    """
    write(dump(cassette).encode("utf-8"), path, overwrite=overwrite)


def write(data: bytes, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a file of any kind as `save` writes a cassette. Raises CassetteError as `save` does."""
    write_pieces([data], path, overwrite=overwrite)


def write_pieces(
    pieces: Iterable[bytes], path: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """The same for a file that comes in pieces: nothing of it is kept in memory."""
    os.close(_create(Path(os.path.realpath(path)), pieces, os.fspath(path), overwrite))


class CassetteWriter:
    """A cassette being recorded: a header, then entries appended one by one.

    `append` returns when the entry is with the operating system: it survives the end of this
    process (not a loss of power; `close` sees to the disk). The file ends with its terminator at
    any time, so it loads at any time; each append puts its entry in the terminator's place.
    """

    def __init__(
        self, path: str | os.PathLike[str], header: Header, *, overwrite: bool = False
    ) -> None:
        """Create the file. Raises CassetteError: it exists, is locked, cannot be written."""
        self.path = Path(path)
        self.count = 0
        """Entries appended so far."""
        self._last_number = 0
        data = (dump_header(header) + TERMINATOR).encode("utf-8")
        self._file: int | None = _create(
            Path(os.path.realpath(path)), [data], os.fspath(path), overwrite
        )
        self._end = len(data) - len(TERMINATOR)
        """Where the terminator stands, and the next entry will."""

    @property
    def size(self) -> int:
        """Length of the file, bytes."""
        return self._end + len(TERMINATOR)

    @property
    def end(self) -> int:
        """Where the last entry ends."""
        return self._end

    def append(self, entry: Entry) -> int:
        """Write one entry; returns where it stands in the file.

        Raises CassetteError when it cannot; what was written stays whole.
        """
        file = self._file
        if file is None:
            raise self._error("the recording is closed", reason="closed", entry=entry.number)
        if entry.number <= self._last_number:
            raise self._error(
                f"the number {entry.number} comes after {self._last_number}", entry=entry.number
            )
        data = dump_entry(entry).encode("utf-8")
        try:
            if not os.fstat(file).st_nlink:
                raise OSError(0, "the file was deleted while it was recorded into")
            _write(file, data + TERMINATOR.encode(), self._end)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.pwrite(file, TERMINATOR.encode(), self._end)  # needs no new space
                os.ftruncate(file, self._end + len(TERMINATOR))
            raise self._error(
                f"entry {entry.number} cannot be written: {error.strerror}",
                hint=f"The {self.count} entries before it are whole.",
                reason="unwritable",
            ) from error
        offset = self._end
        self._end += len(data)
        self._last_number = entry.number
        self.count += 1
        return offset

    def close(self) -> None:
        """Bring the file to the disk and release it; a second call does nothing."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            os.fsync(file)
        except OSError as error:
            raise self._error(
                f"cannot be brought to the disk: {error.strerror}", reason="unwritable"
            ) from error
        finally:
            os.close(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _error(
        self, what: str, *, hint: str = "", reason: str = "invalid", entry: int | None = None
    ) -> CassetteError:
        return CassetteError(what, hint=hint, reason=reason, path=str(self.path), entry=entry)


assert len(SEPARATOR) == len(TERMINATOR)  # an append overwrites exactly the terminator


def _create(target: Path, pieces: Iterable[bytes], name: str, overwrite: bool) -> int:
    """Put a file of these pieces at `target`, locked; returns its open descriptor."""
    old: int | None = None
    new: int | None = None
    temporary = target.with_name(f".{target.name}.{os.getpid()}-{next(_TEMPORARY)}.part")
    try:
        old = _claim(target, name, overwrite)
        new = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            try_lock(new)
            if old is not None:
                os.fchmod(new, stat.S_IMODE(os.fstat(old).st_mode))
            offset = 0
            for piece in pieces:
                _write(new, piece, offset)
                offset += len(piece)
            os.fsync(new)
            _publish(temporary, target, overwrite)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        _sync_folder(target.parent)
    except OSError as error:
        if new is not None:
            os.close(new)
        if isinstance(error, FileExistsError):
            raise _exists(name) from None
        raise CassetteError(
            f"cannot be written: {error.strerror}",
            hint=f"Its folder {str(target.parent)!r} is missing; make it first."
            if not target.parent.is_dir()
            else "",
            reason="unwritable",
            path=name,
        ) from error
    finally:
        if old is not None:
            os.close(old)
    return new


def _claim(target: Path, name: str, overwrite: bool) -> int | None:
    """Lock the file that is to be replaced, if there is one."""
    try:
        old = os.open(target, os.O_RDONLY | os.O_NONBLOCK)  # a FIFO would block
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(os.fstat(old).st_mode):
        os.close(old)
        raise CassetteError("is not a file", reason="unwritable", path=name)
    if not try_lock(old):
        os.close(old)
        raise CassetteError(
            "is being recorded into by another process",
            hint="End that recording, or choose another file.",
            reason="locked",
            path=name,
        )
    if not overwrite:
        os.close(old)
        raise _exists(name)
    return old


def _exists(name: str) -> CassetteError:
    return CassetteError(
        "exists already, and is left as it is",
        hint="Choose another file, or allow it to be replaced (--overwrite, overwrite=True).",
        reason="exists",
        path=name,
    )


def _publish(temporary: Path, target: Path, overwrite: bool) -> None:
    """Give the finished file its name; without `overwrite`, only if nobody has it."""
    if overwrite:
        os.replace(temporary, target)
        return
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if target.exists():
            raise FileExistsError(target) from None
        os.rename(temporary, target)
    else:
        os.unlink(temporary)


def _write(file: int, data: bytes, offset: int) -> None:
    """All of `data` at `offset`: one write, unless the disk is full or a signal came between."""
    written = os.pwrite(file, data, offset)
    while written < len(data):
        written += os.pwrite(file, data[written:], offset + written)


def _sync_folder(folder: Path) -> None:
    """Make the name last as well; not every file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
