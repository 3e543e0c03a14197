"""The end of a recording, prepared while it lasts: last scan, last causes, closing warnings.

Each entry is looked at once, soon after it was written; what is found out about it only later (what
caused an event, that nothing did) is noted by its place in the file. So the end is one pass over
the file, in which entries are copied as they stand but for those lines, and for secrets and names
that were met only after they were written. Its memory does not grow with the recording, but for 16
bytes of each event that had no cause yet when it came.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from cometape.core.profile.profile import Profile

from ..core.cassette import FORMAT, Entry, Event, Exchange, Header
from ..core.causality.waiting_events import Settled
from ..core.record.closing_warnings import ClosingWarnings, RecordingWarning
from ..core.record.observer import Observer
from ..core.scrub.cleaning import scrub_entry
from ..core.scrub.residue import Residue, ResidueScan
from ..secret_scanner import scanner
from ..store.cassette_file import write_pieces
from ..store.cause_line import with_cause
from ..store.document_extents import CassetteFile, Extent, extents
from ..store.entry_stream import opened, parsed_entry
from ..store.yaml_documents import LIMITS
from ..store.yaml_emitter import TERMINATOR, dump_entry, dump_header

Progress = Callable[[int, int], None]
"""Is told now and then how many bytes are done, of how many."""

_LARGE_BYTES = 128 * 1024
"""Bodies that are not scanned while clients wait, but at the end."""
_MAX_RESIDUE = 1000
"""Entries with something that looks like a secret which are remembered; so many are not looked
through one by one."""
_PIECE_BYTES = 1024 * 1024
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")
_WORD = re.compile(r"\w+(?:[.+'-]\w+)*")
_SPONTANEOUS = 0
"""Stands among the numbers of causes; entries are numbered from 1."""


class Finishing:
    """Is told what was written where, and writes the file once more in the end."""

    def __init__(self, profile: Profile, observer: Observer, allowed: Iterable[str]) -> None:
        self.caused = 0
        """Events whose cause is known."""
        self._observer = observer
        self._scan = ResidueScan(profile, allowed, scanner(), scrubbed=True)
        self._warnings = ClosingWarnings(profile)
        self._unread: deque[tuple[Entry, int]] = deque()
        self._without_cause: dict[int, int] = {}
        """Where events stand that have none yet, by number."""
        self._places = array("q")
        self._causes = array("q")
        """Of events at `_places`, what became known later."""
        self._unscanned: set[int] = set()
        """Where entries stand that are too large to scan in between."""
        self._residue: dict[int, list[Residue]] = {}

    def wrote(self, entry: Entry, offset: int) -> None:
        """An entry was written there."""
        if isinstance(entry, Event):
            if type(entry.cause) is int:
                self.caused += 1
            elif entry.cause is None:
                self._without_cause[entry.number] = offset
        self._unread.append((entry, offset))

    def catch_up(self, settled: Iterable[Settled]) -> None:
        """Look into what was written; at a moment when no client waits for it.

        `settled` are events that were written without a cause.
        """
        while self._unread:
            entry, offset = self._unread.popleft()
            if not isinstance(entry, Event) or entry.cause is not None:
                self._warnings.add(entry)
            if _size(entry) > _LARGE_BYTES:
                self._unscanned.add(offset)
            else:
                self._note(entry)
        for one in settled:
            offset = self._without_cause.pop(one.event.number, -1)
            if offset >= 0:  # else it could not be written
                number = _SPONTANEOUS if one.cause is None else one.cause.number
                self.caused += one.cause is not None
                at = bisect(self._places, offset)  # nearly always the end
                self._places.insert(at, offset)
                self._causes.insert(at, number)
                self._warnings.add(replace(one.event, cause=number or "spontaneous"))

    def warnings(self) -> tuple[RecordingWarning, ...]:
        """What a replay of the recording will lack; ask once, when it is over."""
        return self._warnings.warnings()

    def finish(self, path: Path, end: int, header: Header, progress: Progress) -> list[Residue]:
        """Write the file once more, with this header; what looks like a secret in it.

        `end` is where the last entry ends. Raises CassetteError, OSError when it cannot be written:
        then it stays as it was.
        """
        while True:
            before = self._observer.scrubber.replaced.copy()
            found = [*self._scan.header(header), *self._found()]
            new = replace(header, residue=len(found), unfinished=False)
            try:
                with opened(path) as file:
                    pieces = self._pieces(file, end, new, progress)
                    write_pieces(pieces, path, overwrite=True)
                return found
            except _Recount:  # the header comes first, and what is in the entries is known last
                self._observer.scrubber.replaced = before

    def _pieces(
        self, file: CassetteFile, end: int, header: Header, progress: Progress
    ) -> Iterator[bytes]:
        """The file as it is to be, in pieces of a megabyte."""
        names = self._names()
        piece = bytearray(dump_header(header).encode())
        following = 0
        documents = extents(file.blocks(), path=file.path, max_document=2 * LIMITS.max_scalar)
        next(documents)  # the header
        for offset, _, data in documents:
            document = data[: end - offset]  # without the last line of the file
            number: int | None = None
            if following < len(self._places) and self._places[following] == offset:
                number = self._causes[following]
                following += 1
            piece += self._amended(offset, document, number, names)
            if len(piece) >= _PIECE_BYTES:
                progress(offset, end)
                yield bytes(piece)
                piece.clear()
        piece += TERMINATOR.encode()
        yield bytes(piece)
        if header.residue != len([*self._scan.header(header), *self._found()]):
            raise _Recount

    def _amended(
        self, offset: int, document: bytes, cause: int | None, names: frozenset[str]
    ) -> bytes:
        if cause is not None:
            said = with_cause(document, cause or "spontaneous")
            if said is None:  # a session whose name takes more than a line
                event = _parsed(document)
                assert isinstance(event, Event)
                said = dump_entry(replace(event, cause=cause or "spontaneous")).encode()
            document = said
        if self._may_change(document, names):
            entry = _parsed(document)
            new = scrub_entry(entry, self._observer.scrubber)
            if self._observer.pseudonyms is not None:
                new = self._observer.pseudonyms.entry(new)
            if new != entry:
                document = dump_entry(new).encode()
                self._note(new)
        if offset in self._unscanned:
            self._note(_parsed(document))
        return document

    def _may_change(self, document: bytes, names: frozenset[str]) -> bool:
        """Whether a secret or a name may stand in an entry that was met after it was written."""
        if b"  base64: " in document:
            return True
        text = document.decode()
        if self._observer.scrubber.may_find_met(text):
            return True
        if not names:
            return False
        if "\\u" in text:  # it may be a character of a name
            return True
        plain = _ESCAPE.sub(" ", text)
        if "%" in text:
            plain += unquote(text)
        return not names.isdisjoint(_WORD.findall(plain))

    def _names(self) -> frozenset[str]:
        pseudonyms = self._observer.pseudonyms
        return frozenset() if pseudonyms is None else pseudonyms.first_words()

    def _note(self, entry: Entry) -> None:
        """Look through an entry, and remember what was found in place of what was before."""
        self._residue.pop(entry.number, None)
        if len(self._residue) < _MAX_RESIDUE:
            found = self._scan.entry(entry)
            if found:
                self._residue[entry.number] = found

    def _found(self) -> list[Residue]:
        return [one for number in sorted(self._residue) for one in self._residue[number]]


def _parsed(document: bytes) -> Entry:
    return parsed_entry(Extent(0, 0, document), "", FORMAT)


class _Recount(Exception):
    """More or less was found than the header says."""


def _size(entry: Entry) -> int:
    if not isinstance(entry, Exchange):
        return 0
    return len(entry.request.body) + (len(entry.response.body) if entry.response else 0)
