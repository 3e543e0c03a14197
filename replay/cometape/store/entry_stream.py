"""The entries of a cassette file one by one, however large it is: one document is held at a time.

What is unusual (damaged, or YAML that nobody writes but everybody may) is `Unusual` here: who meets
it reads the file as a whole, by `cassette_file.load`, which says what is wrong or knows better.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from array import array
from bisect import bisect_left
from collections.abc import Iterator

from cometape.core.cassette import Cassette, Entry, Event
from cometape.core.catalogue import EntryHead, head_of
from cometape.core.errors import CassetteError
from cometape.core.json_value import Json

from .canonical_reader import canonical_document, canonical_head
from .cassette_file import load
from .document_extents import CassetteFile, Extent, extents
from .entry_reader import read_entry, read_format, read_header
from .formats import upgrade
from .wire_form import MAX_NUMBER
from .yaml_documents import LIMITS, Limits, Table, documents
from .yaml_reader import conflict_in


class Unusual(Exception):
    """A file that is not read piece by piece, and why."""

    def __init__(self, why: CassetteError | str, line: int | None = None) -> None:
        """A line counts from 1."""
        super().__init__(str(why))
        self.why = why
        self.line = line


def read_whole(
    path: str | os.PathLike[str], met: Exception, *, limits: Limits = LIMITS
) -> Cassette:
    """The cassette in a file that `met` kept from being read piece by piece.

    Raises CassetteError, which tells what was met in a file too large to be read as a whole.
    """
    if isinstance(met, Unusual) and os.stat(path).st_size > limits.max_bytes:
        if isinstance(met.why, CassetteError):
            raise met.why from None
        raise CassetteError(
            f"{met.why}; and what is not as a recorder writes it is read up to"
            f" {limits.max_bytes >> 20} MiB only",
            hint="Mend it there, or record it again.",
            reason="too-large",
            path=os.fspath(path),
            line=met.line,
        ) from None
    return load(path, limits=limits)


def kept_open(path: str | os.PathLike[str]) -> CassetteFile:
    """The file, closed when nobody refers to it any more. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    file = CassetteFile(descriptor, os.fspath(path), os.fstat(descriptor).st_size)
    weakref.finalize(file, os.close, descriptor)
    return file


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
            raise Unusual(error) from error
        self._last = first

    def extents(self) -> Iterator[Extent]:
        """Where the entries lie, unread; this or the entries themselves, once."""
        return self._extents

    def __iter__(self) -> Iterator[tuple[Entry, Extent]]:
        """Every entry. Raises Unusual."""
        check = _OrderCheck()
        for extent in self._extents:
            entry = self._entry(extent)
            cause = entry.cause if isinstance(entry, Event) else None
            check.next(entry.number, cause, extent.line + 1)
            self._last = extent
            yield entry, extent
        self._check_end(check)

    def heads(self) -> Iterator[tuple[EntryHead, Extent]]:
        """The head of every entry, the rest of it unread where it is written as usual.

        Raises Unusual.
        """
        check = _OrderCheck()
        for extent in self._extents:
            head = canonical_head(extent.data)
            if head is None:
                head = head_of(self._entry(extent))
            check.next(head.number, head.cause, extent.line + 1)
            self._last = extent
            yield head, extent
        self._check_end(check)

    def _check_end(self, check: _OrderCheck) -> None:
        data = self._last.data
        whole = data.rstrip().endswith(b"\n...") if self._is_closed else data.endswith(b"\n")
        if not whole:
            raise Unusual("it is cut off", self._last.line + data.count(b"\n"))
        if not check.is_whole:
            raise Unusual("it has no entries, or not the cause that an event names")

    def _entry(self, extent: Extent) -> Entry:
        try:
            return parsed_entry(extent, self.path, self.format, self.limits)
        except CassetteError as error:
            raise Unusual(error) from error

    def _document(self, extent: Extent) -> Json:
        try:
            return parsed_document(extent, self.path, self.limits)
        except CassetteError as error:
            raise Unusual(error) from error


class _OrderCheck:
    """Numbers ascend, and every cause is there."""

    def __init__(self) -> None:
        self._numbers = array("Q")
        self._awaited: set[int] = set()
        """Causes that are named before they come."""

    def next(self, number: int, cause: object, line: int) -> None:
        """The next entry, which begins at that line. Raises Unusual."""
        numbers = self._numbers
        if number > MAX_NUMBER or (numbers and number <= numbers[-1]):
            raise Unusual(f"the number {number} is not above those before it", line)
        numbers.append(number)
        self._awaited.discard(number)
        if not isinstance(cause, int):
            return
        if cause > number:
            self._awaited.add(cause)
            return
        at = bisect_left(numbers, cause)
        if cause == number or numbers[at] != cause:
            raise Unusual(f"entry {number} names the cause {cause}, which cannot be", line)

    @property
    def is_whole(self) -> bool:
        """Whether there are entries, and all causes that were named."""
        return bool(self._numbers) and not self._awaited


def parsed_document(extent: Extent, path: str, limits: Limits = LIMITS) -> Json:
    """The one document at a place. Raises CassetteError, and Unusual where it is not one."""
    data = extent.data
    canonical = canonical_document(data, extent.line, limits)
    if canonical is not None:
        return canonical
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unusual("what is not UTF-8", extent.line + 1) from error
    if conflict_in(data) is not None:
        raise Unusual("an unresolved conflict of a merge", extent.line + 1)
    found = list(documents(data, path, limits, before=extent.line))
    if len(found) != 1:
        raise Unusual("something else than one document between separators", extent.line + 1)
    return found[0][0]


def parsed_entry(extent: Extent, path: str, form: int, limits: Limits = LIMITS) -> Entry:
    """The entry at a place. Raises CassetteError, and Unusual where it is not one document."""
    document = parsed_document(extent, path, limits)
    if isinstance(document, Table):
        document = upgrade(document, form)
    return read_entry(document, path, extent.line + 1)
