"""From a cassette file to its playbook: by its index, kept in the cache; entries read as needed.

A small file is read whole, which takes no longer. Of a larger one every entry is read and checked
once, when its index is made; afterwards an entry is parsed when it is played. The index is named
after the content of the file, the profile and this code: what changes gets another one.
"""

from __future__ import annotations

import gc
import hashlib
import os
import weakref
import zlib
from array import array
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import cometape
from cometape.core.cassette import Entry, Event
from cometape.core.errors import CassetteError
from cometape.core.memo import Memo
from cometape.core.playbook.columns import Columns, pack, unpack
from cometape.core.playbook.index_compiler import IndexCompiler
from cometape.core.playbook.playbook import Playbook
from cometape.core.playbook.playbook_index import PlaybookIndex
from cometape.core.profile.profile import Profile
from cometape.store import cassette_file

from .document_extents import CassetteFile, Extent
from .entry_stream import EntryStream, Unusual, parsed_entry
from .index_cache import IndexCache
from .yaml_documents import LIMITS, Limits

SMALL_BYTES = 256 * 1024
"""A file up to this size is read whole, without an index in the cache."""
MAX_BYTES = 16 << 30
"""A larger file is refused."""
KEPT_BYTES = 16 << 20
"""How much of a cassette's text is kept parsed at least, and twice that at most."""

FindProfile = Callable[[str], Profile]
"""Gives the profile that a cassette names."""
Progress = Callable[[int, int], None]
"""Is told while an index is made: how many bytes are done, of how many."""


def open_playbook(
    path: str | os.PathLike[str],
    find_profile: FindProfile,
    *,
    cache: IndexCache | None = None,
    progress: Progress | None = None,
    small_bytes: int = SMALL_BYTES,
) -> Playbook:
    """The playbook of a cassette file. Raises CassetteError as `cassette_file.load` does.

    Without a `cache` the index is made anew. Files up to `small_bytes` are read whole.
    """
    try:
        size = os.stat(path).st_size
        if small_bytes < size <= MAX_BYTES:
            return _indexed(path, find_profile, cache, progress)
    except (OSError, Unusual):
        pass  # reading it whole tells what is wrong, or knows better
    cassette = cassette_file.load(path)
    return Playbook.of(cassette, find_profile(cassette.header.profile))


def _indexed(
    path: str | os.PathLike[str],
    find_profile: FindProfile,
    cache: IndexCache | None,
    progress: Progress | None,
) -> Playbook:
    """Raises Unusual, OSError, CassetteError."""
    file = _opened(path)
    stream = EntryStream(file.blocks(), file.path)
    profile = find_profile(stream.header.profile)
    content = _content(file)
    digest = _digest(content, profile)
    columns = _kept(cache, digest)
    if columns is None:
        columns = _compiled(file, profile, progress)
        made_of_this = columns.pop("content") == content
        if cache is not None and made_of_this:
            cache.write(digest, pack(columns))
    return Playbook(
        PlaybookIndex.in_columns(columns), profile, EntriesInFile(file, columns, stream.format)
    )


def _opened(path: str | os.PathLike[str]) -> CassetteFile:
    """The file, closed when nobody refers to it any more."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    file = CassetteFile(descriptor, os.fspath(path), os.fstat(descriptor).st_size)
    weakref.finalize(file, os.close, descriptor)
    return file


def _content(file: CassetteFile) -> bytes:
    digest = hashlib.sha256()
    for block in file.blocks():
        digest.update(block)
    return digest.digest()


def _digest(content: bytes, profile: Profile) -> bytes:
    """The name of an index: it changes with whatever the index is made of."""
    parts = (content, repr(profile).encode("utf-8", "surrogatepass"), _code())
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


# The folders whose code decides what stands in an index.
_INDEX_CODE = (
    "core",
    "core/bayeux",
    "core/causality",
    "core/identity",
    "core/places",
    "core/playbook",
    "core/profile",
    "store",
)


@cache
def _code() -> bytes:
    """Which code makes indexes: its version and, for a checkout has one for long, its files."""
    package = Path(__file__).parents[1]
    states = [cometape.__version__]
    for folder in _INDEX_CODE:
        with os.scandir(package / folder) as files:
            for file in sorted(files, key=lambda one: one.name):
                if file.name.endswith(".py"):
                    state = file.stat()
                    states.append(f"{folder}/{file.name} {state.st_size} {state.st_mtime_ns}")
    return "\n".join(states).encode()


def _kept(cache: IndexCache | None, digest: bytes) -> Columns | None:
    """The columns in the cache; None where they are not there, or no index."""
    data = cache.read(digest) if cache is not None else None
    if cache is None or data is None:
        return None
    try:
        columns = unpack(data)
        index = PlaybookIndex.in_columns(columns)
        if any(len(columns[name]) != len(index.numbers) for name in _EXTENTS):
            raise ValueError("extents of something else")
    except (ValueError, KeyError):
        cache.forget(digest)
        return None
    return columns


_EXTENTS = ("extent.offsets", "extent.lengths", "extent.lines", "extent.checks")


def _compiled(file: CassetteFile, profile: Profile, progress: Progress | None) -> dict[str, object]:
    """The columns of an index made anew, and the digest of the content it was made of.

    A recording names every cause. In what does not, looking for them is a third of the work.
    """
    try:
        return _columns(file, profile, progress, find_causes=False)
    except _CauseMissing:
        return _columns(file, profile, progress, find_causes=True)


class _CauseMissing(Exception):
    """An event names no cause."""


def _columns(
    file: CassetteFile, profile: Profile, progress: Progress | None, *, find_causes: bool
) -> dict[str, object]:
    """Raises Unusual, CassetteError; _CauseMissing where one has to be found."""
    seen = hashlib.sha256()

    def blocks() -> Iterator[bytes]:
        for block in file.blocks():
            seen.update(block)
            yield block

    stream = EntryStream(blocks(), file.path)
    compiler = IndexCompiler(stream.header, profile, find_causes=find_causes)
    offsets, lengths, lines, checks = array("Q"), array("I"), array("I"), array("I")
    collecting = gc.isenabled()
    gc.disable()  # nothing here is garbage before it is done
    try:
        for entry, extent in stream:
            if not find_causes and isinstance(entry, Event) and entry.cause is None:
                raise _CauseMissing
            compiler.add(entry)
            offsets.append(extent.offset)
            lengths.append(len(extent.data))
            lines.append(extent.line)
            checks.append(zlib.crc32(extent.data))
            if progress is not None:
                progress(extent.offset + len(extent.data), file.size)
        index = compiler.finish()
    finally:
        if collecting:
            gc.enable()
    extents = dict(zip(_EXTENTS, (offsets, lengths, lines, checks), strict=True))
    return {**index.columns(), **extents, "content": seen.digest()}


class EntriesInFile:
    """The entries of a file, each read and parsed when it is asked for; some are kept."""

    def __init__(
        self, file: CassetteFile, columns: Columns, form: int, limits: Limits = LIMITS
    ) -> None:
        self._file = file
        self._offsets, self._lengths, self._lines, self._checks = (
            columns[name] for name in _EXTENTS
        )
        self._format = form
        self._limits = limits
        self._recently = Memo(self._parsed, KEPT_BYTES, self._size)

    def __call__(self, place: int) -> Entry:
        """The entry at a place. Raises CassetteError when the file has changed meanwhile."""
        return self._recently(place)[1]

    def _size(self, parsed: tuple[int, Entry]) -> int:
        length: int = self._lengths[parsed[0]]
        return length

    def _parsed(self, place: int) -> tuple[int, Entry]:
        offset, length = self._offsets[place], self._lengths[place]
        data = self._file.read(offset, length)
        if zlib.crc32(data) != self._checks[place]:
            raise CassetteError(
                "the file has changed since its replay began",
                hint="Begin the replay again.",
                reason="changed",
                path=self._file.path,
                line=self._lines[place] + 1,
            )
        extent = Extent(offset, self._lines[place], data)
        return place, parsed_entry(extent, self._file.path, self._format, self._limits)
