"""One recording: an observer and the file its entries go to, from start to summary."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from .. import last_scan
from ..core.cassette import Cassette, Entry, Event, Header
from ..core.errors import CometapeError, ResidueError
from ..core.record.closing_warnings import RecordingWarning, closing_warnings
from ..core.record.observer import Observer
from ..core.record.traffic import completed
from ..core.scrub.cleaning import clean
from ..profiles import load_profile
from ..store import cassette_file
from ..store.cassette_file import CassetteWriter
from .recording_summary import Summary

MAX_BODY_BYTES = 8 * 1024 * 1024
"""Longer bodies pass through, but are not kept: to look through more for secrets takes seconds,
in which no client is served, and ten times the memory."""
MAX_FINISHED_BYTES = 32 * 1024 * 1024
"""A longer cassette is not loaded once more when the recording ends: that takes a second and some
20 MB of memory for each megabyte of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSettings:
    """What to record, and where to."""

    out: Path
    scenario: str = ""
    profile: str = "workbins"
    overwrite: bool = False
    origin: str | None = None
    """The upstream's origin where there is only one (a reverse proxy's)."""
    only: frozenset[str] = frozenset()
    """Origins to record; empty: all."""
    bayeux: str | None = None
    """Path of the Bayeux endpoint where it is not one of the profile's."""
    max_body_bytes: int = MAX_BODY_BYTES
    max_finished_bytes: int = MAX_FINISHED_BYTES
    pseudonyms: bool = False
    """Whether personal data is replaced, too."""
    allow: tuple[str, ...] = ()
    """Fields whose values only look like secrets."""


class Recording:
    """An open cassette and the observer that fills it. Raises CometapeError when it cannot open."""

    def __init__(self, settings: RecordingSettings) -> None:
        self.settings = settings
        profile = load_profile(settings.profile)
        if settings.bayeux is not None:
            profile = replace(profile, bayeux_paths=(settings.bayeux, *profile.bayeux_paths))
        self.observer = Observer(
            profile, started_s=time.monotonic(), pseudonyms=settings.pseudonyms
        )
        self._profile = profile
        self._header = Header(
            scenario=settings.scenario,
            recorded_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            origin=settings.origin,
            profile=settings.profile,
            bayeux=settings.bayeux,
            allowed=settings.allow,
        )
        self._writer = CassetteWriter(settings.out, self._header, overwrite=settings.overwrite)
        self._caused = 0
        self.closed = False
        self.watch: Callable[[Entry], None] | None = None
        """Is told each entry when it is on disk; must take next to no time."""
        self.refusal: ResidueError | None = None
        """Why the cassette is not finished, once it is closed."""

    def write(self, entries: Iterable[Entry]) -> None:
        """Put entries on disk; they are with the operating system when it returns.

        Raises CassetteError when the file cannot take them.
        """
        for entry in entries:
            self._writer.append(entry)
            if isinstance(entry, Event) and type(entry.cause) is int:
                self._caused += 1
            if self.watch is not None:
                self.watch(entry)

    def problem(self, what: str) -> None:
        """Something went wrong that the summary must name."""
        self.observer.notices.problem(what)

    def abandon(self) -> None:
        """Close and remove a file that holds no entry: the recorder could not start."""
        self.closed = True
        self._writer.close()
        with contextlib.suppress(OSError):
            self.settings.out.unlink()

    def close(self) -> Summary:
        """Complete the cassette and say what is in it.

        Events that overtook the answer of the exchange that caused them find their cause only now;
        the file is exchanged as a whole, and only if something changes. A file of more than
        `max_finished_bytes` stays as it is.
        """
        self.closed = True
        caused = self._caused
        warnings: tuple[RecordingWarning, ...] = ()
        try:
            self._writer.close()
            if self._writer.size <= self.settings.max_finished_bytes:
                whole = self._finish()
                caused = sum(isinstance(e, Event) and type(e.cause) is int for e in whole.entries)
                warnings = closing_warnings(whole.entries, self._profile)
            else:
                self.problem(
                    f"{self._writer.size // 1_000_000} MB are too much for a last scan when the"
                    f" recording ends: cometape scrub {self.settings.out} makes up for it"
                )
        except (CometapeError, OSError) as error:
            self.problem(f"the recording is whole, but not its causes: {error}")
        counts = self.observer.counts
        kinds = Counter(counts)
        exchanges, events = kinds.pop("Exchange", 0), kinds.pop("Event", 0)
        return Summary(
            out=self.settings.out,
            exchanges=exchanges,
            sessions=tuple(self.observer.sessions),
            bayeux=kinds.total(),
            events=events,
            caused=caused,
            secrets=sum(self.observer.scrubber.replaced.values()),
            skipped=dict(self.observer.notices.skips),
            problems=dict(self.observer.notices.problems),
            warnings=warnings,
        )

    def _finish(self) -> Cassette:
        cassette = cassette_file.load(self.settings.out)
        whole = self._scanned(completed(cassette, self.observer, self._profile))
        if whole != cassette:
            cassette_file.save(whole, self.settings.out, overwrite=True)
        return whole

    def _scanned(self, cassette: Cassette) -> Cassette:
        """The cassette, marked if something in it still looks like a secret."""
        if self.settings.pseudonyms:  # a name met late may stand in an early entry
            cassette = clean(cassette, self._profile, pseudonyms=True).cassette
        found = last_scan.scan(cassette, self._profile)
        if found:
            self.refusal = last_scan.refusal(
                str(self.settings.out), found, "it is kept, but not finished"
            )
        return last_scan.marked(cassette, found)
