"""Entries as they stand in a file that cometape wrote: found, copied and amended without parsing.

A cassette of a million entries cannot be held in memory, and parsing it takes minutes. What is
known of an entry when the recording ends, most often that nothing caused an event, is one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Literal

from cometape.core.cassette import Entry

from .entry_reader import read_entry
from .yaml_documents import documents
from .yaml_emitter import SEPARATOR

_BLOCK = 1024 * 1024
_BEGINNING = SEPARATOR.encode()
_BORDER = b"\n" + _BEGINNING
_HEAD = re.compile(
    rb"(---\nevent: \d+\nsession: [^\n]*\n(?:at_s: [^\n]*\n)?)(?:cause: [^\n]*\n)?(?=[a-z])"
)


def raw_entries(file: BinaryIO, end: int) -> Iterator[tuple[int, bytes]]:
    """Where each entry's document begins, and all of it, its line `---` first.

    `end` is where the last one ends, before the file's own last line.
    """
    file.seek(0)
    at, done, rest, is_header = 0, 0, b"", True
    while done < end:
        block = file.read(min(_BLOCK, end - done))
        if not block:
            break
        done += len(block)
        *whole, rest = (rest + block).split(_BORDER)
        for part in whole:
            if not is_header:
                yield at - len(_BEGINNING), _BEGINNING + part + b"\n"
            is_header = False
            at += len(part) + len(_BORDER)
    if not is_header and rest:
        yield at - len(_BEGINNING), _BEGINNING + rest


def parsed(document: bytes, path: str = "") -> Entry:
    """The entry in one document. Raises CassetteError."""
    value, line = next(documents(document, path))
    return read_entry(value, path, line)


def with_cause(document: bytes, cause: int | Literal["spontaneous"]) -> bytes | None:
    """The document of an event with that cause; None where it is not written as usual."""
    found = _HEAD.match(document)
    if found is None:
        return None
    return b"%bcause: %b\n%b" % (found[1], str(cause).encode(), document[found.end() :])
