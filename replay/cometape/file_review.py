"""Cassette files gone over entry by entry, however large they are: looked through, and scrubbed.

One entry is held at a time. Only a file that is damaged, or that nobody writes but a hand may, is
read as a whole: that knows better, or says what is wrong.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from .core.cassette import Entry, Header
from .core.causality.inference import Inference
from .core.errors import CassetteError
from .core.profile.profile import Profile
from .core.scrub.cleaning import MAX_PASSES, Cleaning
from .core.scrub.residue import Residue, ResidueScan
from .profiles import profile_finder
from .secret_scanner import scanner
from .store.cassette_file import load, write_pieces
from .store.document_extents import CassetteFile
from .store.entry_stream import EntryStream, Unusual, opened, read_whole
from .store.yaml_emitter import TERMINATOR, dump, dump_entry, dump_header

_BUFFER = 1024 * 1024

Progress = Callable[[int, int], None]
"""Is told now and then how many bytes are done, of how many."""


@dataclass(frozen=True, slots=True)
class Review:
    """What there is to say of a cassette."""

    header: Header
    residue: tuple[Residue, ...]


def review(path: Path, profile: str | None, progress: Progress) -> Review:
    """Whether its causes can be, and what looks like a secret in it. Raises CometapeError."""
    try:
        with opened(path) as file:
            stream = EntryStream(file.blocks(), file.path)
            rules = profile_finder(path, profile)(stream.header.profile)
            return _review(stream.header, _entries(stream, file.size, progress), rules)
    except (Unusual, OSError) as error:
        cassette = read_whole(path, error)
        rules = profile_finder(path, profile)(cassette.header.profile)
        return _review(cassette.header, cassette.entries, rules)


def _entries(stream: EntryStream, size: int, progress: Progress) -> Iterator[Entry]:
    for entry, extent in stream:
        progress(extent.offset, size)
        yield entry
    progress(size, size)


def _review(header: Header, entries: Iterable[Entry], rules: Profile) -> Review:
    inference = Inference(rules, find=False)
    looking = ResidueScan(rules, header.allowed, scanner())
    found = list(looking.header(header))
    is_empty = True
    for entry in entries:
        is_empty = False
        inference.observe(entry)
        found += looking.entry(entry)
    if is_empty:
        raise CassetteError(
            "nothing was recorded: there is no entry in it",
            hint="record again, with a client that comes to the recorder",
            reason="empty",
        )
    inference.causes()
    return Review(header, tuple(found))


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """A file after scrubbing."""

    secrets: Counter[str]
    """How many were replaced, by kind."""
    pseudonyms: Counter[str]
    residue: tuple[Residue, ...]
    """What still looks like a secret."""
    was_unfinished: bool = False
    """Whether the header said so until now."""
    newly_allowed: tuple[str, ...] = ()
    """What the header allows only now."""


def scrub(
    path: Path,
    target: Path,
    *,
    profile: str | None,
    allow: Iterable[str],
    pseudonyms: bool,
    overwrite: bool,
    progress: Progress,
) -> Scrubbed:
    """Write to `target` what the rules leave of a cassette; itself is left if nothing changes.

    Goes over all entries until nothing changes any more, as `Cleaning` says, each time from file to
    file. Raises CometapeError.
    """
    if not path.is_file():
        load(path)  # says what there is instead
    try:
        with contextlib.ExitStack() as stack:
            return _scrub(
                stack, path, target, profile, tuple(allow), pseudonyms, overwrite, progress
            )
    except OSError as error:
        raise CassetteError(
            f"cannot be written: {error.strerror}", reason="unwritable", path=str(target)
        ) from error


def _scrub(
    stack: contextlib.ExitStack,
    path: Path,
    target: Path,
    profile: str | None,
    allow: tuple[str, ...],
    pseudonyms: bool,
    overwrite: bool,
    progress: Progress,
) -> Scrubbed:
    def temporary() -> IO[bytes]:
        folder = target.absolute().parent
        return stack.enter_context(tempfile.TemporaryFile(dir=folder, buffering=_BUFFER))

    file = _usual(stack.enter_context(opened(path)), temporary)
    old = EntryStream(file.blocks(), file.path).header
    rules = profile_finder(path, profile)(old.profile)
    allowed = tuple(dict.fromkeys((*old.allowed, *allow)))
    cleaning = Cleaning(rules, pseudonyms=pseudonyms)
    for entry, _ in EntryStream(file.blocks(), file.path):
        cleaning.reserve(entry)
    header, found, any_changed = old, list[Residue](), False
    for _ in range(MAX_PASSES):
        header = cleaning.header(replace(old, allowed=allowed))
        looking = ResidueScan(rules, allowed, scanner())
        found = list(looking.header(header))
        made = temporary()
        changed = _pass(file, made, header, cleaning, looking, found, progress)
        any_changed = any_changed or changed
        file = CassetteFile(made.fileno(), str(path), made.tell())
        if not changed:
            break
    header = replace(header, residue=len(found), unfinished=False)
    if any_changed or header != old or target != path:
        write_pieces(_with_header(header, file), target, overwrite=overwrite)
    return Scrubbed(
        +cleaning.secrets,
        +cleaning.pseudonyms,
        tuple(found),
        was_unfinished=old.unfinished,
        newly_allowed=allowed[len(old.allowed) :],
    )


def _usual(file: CassetteFile, temporary: Callable[[], IO[bytes]]) -> CassetteFile:
    """The file, or, where it is unusual, one that is usual and means the same."""
    try:
        for _ in EntryStream(file.blocks(), file.path):
            pass
    except Unusual as error:
        cassette = read_whole(file.path, error)
        made = temporary()
        made.write(dump(cassette).encode())
        made.flush()
        return CassetteFile(made.fileno(), file.path, made.tell())
    return file


def _pass(
    file: CassetteFile,
    made: IO[bytes],
    header: Header,
    cleaning: Cleaning,
    looking: ResidueScan,
    found: list[Residue],
    progress: Progress,
) -> bool:
    """Scrub each entry from file to file; whether any changed."""
    changed = False
    made.write(dump_header(header).encode())
    stream = EntryStream(file.blocks(), file.path)
    for entry in _entries(stream, file.size, progress):
        clean = cleaning.entry(entry)
        changed = changed or clean != entry
        found += looking.entry(clean)
        made.write(dump_entry(clean).encode())
    made.write(TERMINATOR.encode())
    made.flush()
    return changed


def _with_header(header: Header, file: CassetteFile) -> Iterator[bytes]:
    """The same entries behind another header."""
    yield dump_header(header).encode()
    stream = EntryStream(file.blocks(), file.path)
    piece = bytearray()
    for extent in stream.extents():
        piece += extent.data
        if len(piece) >= _BUFFER:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)
