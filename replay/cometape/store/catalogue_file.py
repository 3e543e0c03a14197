"""From a cassette file to its catalogue, however large it is: by the heads of its entries.

Where every cause is named, as in what a recorder wrote, only the first lines of each entry are
read; else all of it is, once, to find causes. The catalogue is kept in the cache, as a playbook is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from cometape.core.cassette import Event
from cometape.core.catalogue import COLUMNS, Catalogue, CatalogueBuilder, EntryHead, head_of
from cometape.core.causality.inference import Inference, infer_causes
from cometape.core.causality.written_causes import WrittenCauses
from cometape.core.playbook.columns import pack, unpack
from cometape.core.profile.profile import Profile
from cometape.store import cassette_file

from .document_extents import CassetteFile, Extent
from .entries_in_file import EXTENTS, EntriesInFile, Extents
from .entry_stream import EntryStream, Unusual, kept_open, read_whole
from .index_cache import IndexCache
from .index_name import content_digest, index_digest
from .playbook_file import MAX_BYTES, SMALL_BYTES, FindProfile, Progress

KEPT_BYTES = 1 << 20
"""How much text is kept parsed at least: an entry is mostly looked at with those around it."""


def open_catalogue(
    path: str | os.PathLike[str],
    find_profile: FindProfile,
    *,
    recover: bool = False,
    cache: IndexCache | None = None,
    progress: Progress | None = None,
    small_bytes: int = SMALL_BYTES,
) -> tuple[Catalogue, Profile]:
    """The catalogue of a file, and the profile by which causes were found.

    Files up to `small_bytes` are read whole, and with `recover` any, without its torn last entry.
    Raises CassetteError.
    """
    try:
        if not recover and small_bytes < os.stat(path).st_size <= MAX_BYTES:
            return _indexed(path, find_profile, cache, progress)
        cassette = cassette_file.load(path, recover=recover)
    except (OSError, Unusual) as error:
        cassette = read_whole(path, error)  # tells what is wrong, or knows better
    profile = find_profile(cassette.header.profile)
    return Catalogue.of(infer_causes(cassette, profile)), profile


def _indexed(
    path: str | os.PathLike[str],
    find_profile: FindProfile,
    cache: IndexCache | None,
    progress: Progress | None,
) -> tuple[Catalogue, Profile]:
    """Raises Unusual, OSError, CassetteError."""
    file = kept_open(path)
    stream = EntryStream(file.blocks(), file.path)
    profile = find_profile(stream.header.profile)
    content = content_digest(file)
    digest = index_digest("catalogue", content, profile)
    columns = _kept(cache, digest)
    if columns is None:
        columns = _columns(file, profile, progress)
        if cache is not None and content_digest(file) == content:
            cache.write(digest, pack(columns))
    read = EntriesInFile(file, columns, stream.format, kept_bytes=KEPT_BYTES)
    return Catalogue.in_columns(stream.header, columns, read), profile


def _kept(cache: IndexCache | None, digest: bytes) -> dict[str, Any] | None:
    data = cache.read(digest) if cache is not None else None
    if cache is None or data is None:
        return None
    try:
        columns = unpack(data)
        if len({len(columns[name]) for name in (*COLUMNS, *EXTENTS)}) != 1:
            raise ValueError("columns of different lengths")
    except (ValueError, KeyError):
        cache.forget(digest)
        return None
    return columns


def _columns(file: CassetteFile, profile: Profile, progress: Progress | None) -> dict[str, Any]:
    """Raises Unusual, CassetteError."""
    with contextlib.suppress(_CauseMissing):
        return _gathered(file, _Written(), progress)
    return _gathered(file, _Inferred(profile), progress)


class _CauseMissing(Exception):
    """An event names no cause."""


class _Written:
    """Causes that are all written down."""

    def __init__(self) -> None:
        self._written = WrittenCauses()

    def heads(self, stream: EntryStream) -> Iterator[tuple[EntryHead, Extent]]:
        """Every head. Raises Unusual, _CauseMissing."""
        for head, extent in stream.heads():
            if head.kind is Event and head.cause is None:
                raise _CauseMissing
            self._written.observe(head)
            yield head, extent

    def causes(self) -> dict[int, int]:
        """None is found. Raises CassetteError for one that cannot be."""
        self._written.check()
        return {}


class _Inferred:
    """Causes that have to be found: whole entries are read."""

    def __init__(self, profile: Profile) -> None:
        self._inference = Inference(profile)

    def heads(self, stream: EntryStream) -> Iterator[tuple[EntryHead, Extent]]:
        """Every head. Raises Unusual."""
        for entry, extent in stream:
            self._inference.observe(entry)
            yield head_of(entry), extent

    def causes(self) -> dict[int, int]:
        """Those found. Raises CassetteError for one that is written and cannot be."""
        return self._inference.causes()


def _gathered(
    file: CassetteFile, by: _Written | _Inferred, progress: Progress | None
) -> dict[str, Any]:
    stream = EntryStream(file.blocks(), file.path)
    extents, builder = Extents(), CatalogueBuilder()
    for head, extent in by.heads(stream):
        builder.add(head)
        extents.add(extent)
        if progress is not None:
            progress(extent.offset, file.size)
    columns = builder.columns(by.causes())
    if progress is not None:
        progress(file.size, file.size)
    return {**columns, **extents.columns()}
