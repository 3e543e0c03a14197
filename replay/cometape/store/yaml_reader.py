"""Bytes of a cassette file → Cassette, or an error that says what is wrong where and what to do.

A damaged cassette is never taken for an empty or a shorter one. What was written by cometape says
in its header that it ends with a line `...`; a file that says so and does not was cut off (a
recorder killed in mid-write, a full disk, a copy that broke) and is refused as `truncated`, with
the number of entries that are whole. `recover=True` returns those.

A file written by hand need not have that line; then only a cut that leaves something incomplete
can be noticed, and a file without any entry is refused.
"""

from __future__ import annotations

import gc
import re
import shlex
from dataclasses import replace
from difflib import get_close_matches

from cometape.core.cassette import Cassette, Entry, Event, Header
from cometape.core.errors import CassetteError

from .entry_reader import read_entry, read_format, read_header
from .formats import upgrade
from .yaml_documents import LIMITS, Limits, Table, documents

_SEPARATOR = re.compile(rb"\n---[ \t\r]*(?=\n|\Z)")
_CONFLICT = re.compile(rb"^(?:<<<<<<<|>>>>>>>|\|\|\|\|\|\|\|) |^=======\r?$", re.MULTILINE)


def load(
    data: bytes, path: str = "", *, recover: bool = False, limits: Limits = LIMITS
) -> Cassette:
    """The cassette in `data`; `path` is named in errors.

    With `recover`, a torn last entry is left out instead of refused. Raises CassetteError.
    """
    _refuse_what_is_no_text(data, path, limits)
    collecting = gc.isenabled()
    gc.disable()  # millions of new objects and no garbage: five times as fast without
    try:
        return _load(data, path, recover, limits)
    finally:
        if collecting:
            gc.enable()


def _load(data: bytes, path: str, recover: bool, limits: Limits) -> Cassette:
    stream = documents(data, path, limits)
    first = next(stream, None)
    if first is None:
        raise _empty(path, "holds comments and no header")
    form = read_format(first[0], path, first[1])
    assert isinstance(first[0], Table)
    header, closed = read_header(upgrade(first[0], form), path)
    if closed and not data.rstrip().endswith(b"\n..."):
        return _torn(data, path, recover, limits, None)
    entries: list[Entry] = []
    try:
        for document, line in stream:
            if isinstance(document, Table):
                document = upgrade(document, form)
            _append(entries, read_entry(document, path, line), path, line)
    except CassetteError as error:
        last = _last_document(data)
        cut = error.reason == "not-yaml" and not (closed or data.endswith(b"\n"))
        if not cut or last is None or (error.line or 0) < last[1]:
            raise
        return _torn(data, path, recover, limits, error)
    if not (entries or closed):
        raise _empty(path, "has a header and no entries")
    _check_causes(entries, path, data)
    return Cassette(header, tuple(entries))


def _append(entries: list[Entry], entry: Entry, path: str, line: int) -> None:
    if entries and entry.number <= entries[-1].number:
        raise CassetteError(
            f"the number {entry.number} comes after {entries[-1].number}",
            hint="Numbers are unique and ascend through the file; gaps are fine.",
            path=path,
            line=line,
            entry=entry.number,
        )
    entries.append(entry)


def _check_causes(entries: list[Entry], path: str, data: bytes) -> None:
    numbers = {entry.number for entry in entries}
    for entry in entries:
        if not isinstance(entry, Event) or not isinstance(entry.cause, int):
            continue
        if entry.cause in numbers and entry.cause != entry.number:
            continue
        near = get_close_matches(str(entry.cause), map(str, sorted(numbers)), n=1)
        found = re.search(rb"^event:[ \t]*%d[ \t\r]*$" % entry.number, data, re.MULTILINE)
        raise CassetteError(
            f"`cause` is {entry.cause}, "
            + ("which is the event itself" if entry.cause == entry.number else "and no entry is")
            + (f"; did you mean {near[0]}?" if near and near[0] != str(entry.cause) else ""),
            hint="Name an entry of this file, or `spontaneous`, or leave it out to be inferred.",
            reason="cause",
            path=path,
            line=None if found is None else data.count(b"\n", 0, found.start()) + 1,
            entry=entry.number,
        )


def _last_document(data: bytes) -> tuple[int, int] | None:
    """Offset (of the line feed before it) and line of the last separator."""
    starts = [found.start() for found in _SEPARATOR.finditer(data)]
    return (starts[-1], data.count(b"\n", 0, starts[-1]) + 2) if starts else None


def _torn(
    data: bytes, path: str, recover: bool, limits: Limits, cause: CassetteError | None
) -> Cassette:
    """What a file that was cut off still has: the entries before its last separator."""
    last = _last_document(data)
    if last is None:
        raise CassetteError(
            "cut off: its header is not whole, and no entry is there",
            hint="Record it again, or take it from version control.",
            reason="truncated",
            path=path,
        ) from cause
    offset, line = last
    whole = _whole(data[: offset + 1], path, limits)
    if recover:
        return whole
    count = len(whole.entries)
    name = shlex.quote(path) if path else "FILE"
    raise CassetteError(
        "cut off in its last entry, which begins in this line"
        + (f" ({cause.what})" if cause is not None else "")
        + f"; {count} whole {'entry stands' if count == 1 else 'entries stand'} before it",
        hint=(
            f"To keep the whole ones: head -n {line - 1} {name} > NEW && echo ... >> NEW"
            " (in Python, load(path, recover=True)). If nothing is missing, add the line `...`"
            " at the end."
        ),
        reason="truncated",
        path=path,
        line=line,
    ) from cause


def _whole(data: bytes, path: str, limits: Limits) -> Cassette:
    header: Header | None = None
    form = 0
    entries: list[Entry] = []
    for document, line in documents(data, path, limits):
        if header is None:
            form = read_format(document, path, line)
            assert isinstance(document, Table)
            header, _ = read_header(upgrade(document, form), path)
        else:
            if isinstance(document, Table):
                document = upgrade(document, form)
            _append(entries, read_entry(document, path, line), path, line)
    assert header is not None  # its document stands before the last separator
    numbers = {entry.number for entry in entries}
    kept = (
        replace(entry, cause=None)  # its cause was in what is lost; to be inferred, or spontaneous
        if isinstance(entry, Event) and isinstance(entry.cause, int) and entry.cause not in numbers
        else entry
        for entry in entries
    )
    return Cassette(header, tuple(kept))


def conflict_in(data: bytes) -> re.Match[bytes] | None:
    """The first conflict marker of git."""
    suspicious = any(mark in data for mark in (b"<<<<<<<", b">>>>>>>", b"======="))
    return _CONFLICT.search(data) if suspicious else None


def _empty(path: str, what: str) -> CassetteError:
    return CassetteError(
        f"the cassette {what}",
        hint="Record it again, or take it from version control.",
        reason="empty",
        path=path,
    )


def _refuse_what_is_no_text(data: bytes, path: str, limits: Limits) -> None:
    if len(data) > limits.max_bytes:
        raise CassetteError(
            f"the file has {len(data)} bytes, more than {limits.max_bytes}",
            hint="Record a scenario of its own for each test, or raise the limit.",
            reason="too-large",
            path=path,
        )
    if not data.strip():
        raise _empty(path, "is an empty file")
    try:
        data.decode("utf-8")
        bad = data.find(b"\0")
    except UnicodeDecodeError as error:
        bad = error.start
    if bad >= 0:
        compressed = data[:2] in (b"\x1f\x8b", b"PK", b"BZ") or data[:4] == b"\x28\xb5\x2f\xfd"
        raise CassetteError(
            f"not text in UTF-8: byte 0x{data[bad]:02x} at offset {bad}",
            hint="It is compressed: unpack it." if compressed else "Is this the right file?",
            reason="binary",
            path=path,
            line=data.count(b"\n", 0, bad) + 1,
        )
    conflict = conflict_in(data)
    if conflict is not None:
        raise CassetteError(
            "a conflict marker of git: the file was merged and not resolved",
            hint="Choose one side (git checkout --ours FILE, or --theirs), or record again.",
            reason="conflict",
            path=path,
            line=data.count(b"\n", 0, conflict.start()) + 1,
        )
