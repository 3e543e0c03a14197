"""The entries of a file where they lie: each read and parsed when it is asked for."""

from __future__ import annotations

import zlib
from array import array
from typing import Any

from cometape.core.cassette import Entry
from cometape.core.errors import CassetteError
from cometape.core.memo import Memo
from cometape.core.playbook.columns import Columns

from .document_extents import CassetteFile, Extent
from .entry_stream import parsed_entry
from .yaml_documents import LIMITS, Limits

KEPT_BYTES = 16 << 20
"""How much of a cassette's text is kept parsed at least, and twice that at most."""
EXTENTS = ("extent.offsets", "extent.lengths", "extent.lines", "extent.checks")
"""The names of the columns that say where entries lie."""


class Extents:
    """Where the entries of a file lie, gathered one by one."""

    def __init__(self) -> None:
        self._offsets, self._lengths = array("Q"), array("I")
        self._lines, self._checks = array("I"), array("I")

    def add(self, extent: Extent) -> None:
        """The next."""
        self._offsets.append(extent.offset)
        self._lengths.append(len(extent.data))
        self._lines.append(extent.line)
        self._checks.append(zlib.crc32(extent.data))

    def columns(self) -> dict[str, Any]:
        """As columns, for packing."""
        columns = (self._offsets, self._lengths, self._lines, self._checks)
        return dict(zip(EXTENTS, columns, strict=True))


class EntriesInFile:
    """The entries of a file, each read and parsed when it is asked for; some are kept."""

    def __init__(
        self,
        file: CassetteFile,
        columns: Columns,
        form: int,
        limits: Limits = LIMITS,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self._file = file
        self._offsets, self._lengths, self._lines, self._checks = (
            columns[name] for name in EXTENTS
        )
        self._format = form
        self._limits = limits
        self._recently = Memo(self._parsed, kept_bytes, self._size)

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
                "the file was written to after it had been opened",
                hint="Begin again; `cometape replay --watch` does so by itself.",
                reason="changed",
                path=self._file.path,
                line=self._lines[place] + 1,
            )
        extent = Extent(offset, self._lines[place], data)
        return place, parsed_entry(extent, self._file.path, self._format, self._limits)
