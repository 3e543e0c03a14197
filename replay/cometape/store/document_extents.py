"""Where the documents of a cassette file lie: cut at their separators, and nothing parsed.

A line that begins with `---` begins a document wherever it stands: no scalar of YAML can contain
one (YAML 1.2, rule 206, `c-forbidden`). So a file of any size is cut piece by piece.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from cometape.core.errors import CassetteError

_SEPARATOR = re.compile(rb"\n---(?=[ \t\r\n])")
_BLOCK = 1 << 20
_SEPARATOR_BYTES = 5
"""A separator with what must be around it."""


class Extent(NamedTuple):
    """Where a document lies."""

    offset: int
    """Bytes before it."""
    line: int
    """Lines before it."""
    data: bytes
    """Its text, with its separator."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class CassetteFile:
    """A file that is read in pieces, by offset, by any number of threads."""

    descriptor: int
    path: str
    """As given; for messages."""
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """A piece of it; shorter where the file ends. Raises CassetteError."""
        try:
            return os.pread(self.descriptor, length, offset)
        except OSError as error:
            raise CassetteError(
                f"cannot be read: {error.strerror}", reason="unreadable", path=self.path
            ) from error

    def blocks(self) -> Iterator[bytes]:
        """All of it."""
        offset = 0
        while block := self.read(offset, _BLOCK):
            offset += len(block)
            yield block


def extents(blocks: Iterator[bytes], *, path: str, max_document: int) -> Iterator[Extent]:
    """Each document; the first is all before the first separator. Raises CassetteError."""
    offset = line = searched = 0
    rest = b""
    for block in blocks:
        rest += block
        start = 0
        for found in _SEPARATOR.finditer(rest, searched):
            end = found.start() + 1
            data = rest[start:end]
            yield Extent(offset, line, data)
            offset += len(data)
            line += data.count(b"\n")
            start = end
        rest = rest[start:]
        searched = max(0, len(rest) - _SEPARATOR_BYTES)
        if len(rest) > max_document:
            raise CassetteError(
                f"a document of more than {max_document} bytes",
                hint="A cassette is not the place for such a body; record without it.",
                reason="too-large",
                path=path,
                line=line + 1,
            )
    yield Extent(offset, line, rest)
