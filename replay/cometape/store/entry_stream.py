"""The entries of a cassette file one by one, however large it is: one document is held at a time.

What is unusual (damaged, or YAML that nobody writes but everybody may) is `Unusual` here: who meets
it reads the file as a whole, by `cassette_file.load`, which says what is wrong or knows better.
"""

from __future__ import annotations

import contextlib
import os
from array import array
from bisect import bisect_left
from collections.abc import Iterator

from cometape.core.cassette import Entry, Event, Header
from cometape.core.errors import CassetteError
from cometape.core.json_value import Json

from .canonical_reader import canonical_document
from .document_extents import CassetteFile, Extent, extents
from .entry_reader import read_entry, read_format, read_header
from .formats import upgrade
from .yaml_documents import LIMITS, Limits, Table, documents
from .yaml_reader import conflict_in

_MAX_NUMBER = (1 << 63) - 1


class Unusual(Exception):
    """A file that is not read piece by piece."""


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[CassetteFile]:
    """The file while it is read. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield CassetteFile(descriptor, os.fspath(path), os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)


class EntryStream:
    """The header of a cassette, and its entries in their order with where they lie."""

    def __init__(self, blocks: Iterator[bytes], path: str = "", limits: Limits = LIMITS) -> None:
        """Raises Unusual."""
        self.path = path
        self.limits = limits
        self._extents = extents(blocks, path=path, max_document=2 * limits.max_scalar)
        first = next(self._extents)
        document = self._document(first)
        try:
            self.format = read_format(document, path, first.line + 1)
            assert isinstance(document, Table)
            self.header, self._is_closed = read_header(upgrade(document, self.format), path)
        except CassetteError as error:
            raise Unusual from error
        self._last = first

    def extents(self) -> Iterator[Extent]:
        """Where the entries lie, unread; this or the entries themselves, once."""
        return self._extents

    def __iter__(self) -> Iterator[tuple[Entry, Extent]]:
        """Every entry. Raises Unusual."""
        numbers = array("Q")
        awaited: set[int] = set()  # causes that are named before they come
        for extent in self._extents:
            entry = self._entry(extent)
            if entry.number > _MAX_NUMBER or (numbers and entry.number <= numbers[-1]):
                raise Unusual
            numbers.append(entry.number)
            awaited.discard(entry.number)
            if isinstance(entry, Event) and isinstance(entry.cause, int):
                if entry.cause > entry.number:
                    awaited.add(entry.cause)
                elif entry.cause == entry.number or not _has(numbers, entry.cause):
                    raise Unusual
            self._last = extent
            yield entry, extent
        whole = self._last.data.rstrip().endswith(b"\n...")
        if not numbers or not (whole if self._is_closed else self._last.data.endswith(b"\n")):
            raise Unusual
        if awaited:
            raise Unusual

    def _entry(self, extent: Extent) -> Entry:
        try:
            return parsed_entry(extent, self.path, self.format, self.limits)
        except CassetteError as error:
            raise Unusual from error

    def _document(self, extent: Extent) -> Json:
        try:
            return parsed_document(extent, self.path, self.limits)
        except CassetteError as error:
            raise Unusual from error


def _has(numbers: array[int], number: int) -> bool:
    at = bisect_left(numbers, number)
    return at < len(numbers) and numbers[at] == number


def parsed_document(extent: Extent, path: str, limits: Limits = LIMITS) -> Json:
    """The one document at a place. Raises CassetteError, and Unusual where it is not one."""
    data = extent.data
    canonical = canonical_document(data, extent.line, limits)
    if canonical is not None:
        return canonical
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unusual from error
    if conflict_in(data) is not None:
        raise Unusual
    found = list(documents(data, path, limits, before=extent.line))
    if len(found) != 1:
        raise Unusual
    return found[0][0]


def parsed_entry(extent: Extent, path: str, form: int, limits: Limits = LIMITS) -> Entry:
    """The entry at a place. Raises CassetteError, and Unusual where it is not one document."""
    document = parsed_document(extent, path, limits)
    if isinstance(document, Table):
        document = upgrade(document, form)
    return read_entry(document, path, extent.line + 1)


def header_of(path: str | os.PathLike[str]) -> Header | None:
    """The header alone; None where the file as a whole has to say what is wrong with it."""
    try:
        with opened(path) as file:
            return EntryStream(file.blocks(), file.path).header
    except (OSError, Unusual, CassetteError):
        return None
