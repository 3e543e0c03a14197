"""From a cassette file to its playbook: by its index, kept in the cache; entries read as needed.

A small file is read whole, which takes no longer. Of a larger one every entry is read and checked
once, when its index is made; afterwards an entry is parsed when it is played. The index is named
after the content of the file, the profile and this code: what changes gets another one.
"""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Callable, Iterator

from cometape.core.cassette import Event
from cometape.core.playbook.columns import Columns, pack, unpack
from cometape.core.playbook.index_compiler import IndexCompiler
from cometape.core.playbook.playbook import Playbook
from cometape.core.playbook.playbook_index import PlaybookIndex
from cometape.core.profile.profile import Profile
from cometape.store import cassette_file

from .document_extents import CassetteFile
from .entries_in_file import EXTENTS, EntriesInFile, Extents
from .entry_stream import EntryStream, Unusual, kept_open, read_whole
from .index_cache import IndexCache
from .index_name import content_digest, index_digest

SMALL_BYTES = 256 * 1024
"""A file up to this size is read whole, without an index in the cache."""
MAX_BYTES = 16 << 30
"""A larger file is refused."""

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
        cassette = cassette_file.load(path)
    except (OSError, Unusual) as error:
        cassette = read_whole(path, error)  # tells what is wrong, or knows better
    return Playbook.of(cassette, find_profile(cassette.header.profile))


def _indexed(
    path: str | os.PathLike[str],
    find_profile: FindProfile,
    cache: IndexCache | None,
    progress: Progress | None,
) -> Playbook:
    """Raises Unusual, OSError, CassetteError."""
    file = kept_open(path)
    stream = EntryStream(file.blocks(), file.path)
    profile = find_profile(stream.header.profile)
    content = content_digest(file)
    digest = index_digest("playbook", content, profile)
    columns = _kept(cache, digest)
    if columns is None:
        columns = _compiled(file, profile, progress)
        made_of_this = columns.pop("content") == content
        if cache is not None and made_of_this:
            cache.write(digest, pack(columns))
    return Playbook(
        PlaybookIndex.in_columns(columns), profile, EntriesInFile(file, columns, stream.format)
    )


def _kept(cache: IndexCache | None, digest: bytes) -> Columns | None:
    """The columns in the cache; None where they are not there, or no index."""
    data = cache.read(digest) if cache is not None else None
    if cache is None or data is None:
        return None
    try:
        columns = unpack(data)
        index = PlaybookIndex.in_columns(columns)
        if any(len(columns[name]) != len(index.numbers) for name in EXTENTS):
            raise ValueError("extents of something else")
    except (ValueError, KeyError):
        cache.forget(digest)
        return None
    return columns


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
    extents = Extents()
    collecting = gc.isenabled()
    gc.disable()  # nothing here is garbage before it is done
    try:
        for entry, extent in stream:
            if not find_causes and isinstance(entry, Event) and entry.cause is None:
                raise _CauseMissing
            compiler.add(entry)
            extents.add(extent)
            if progress is not None:
                progress(extent.offset + len(extent.data), file.size)
        index = compiler.finish()
    finally:
        if collecting:
            gc.enable()
    return {**index.columns(), **extents.columns(), "content": seen.digest()}
