"""One recording: an observer and the file its entries go to, from start to summary."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cometape import last_scan

from ..core.cassette import Entry, Header
from ..core.errors import CometapeError, ResidueError
from ..core.record.closing_warnings import RecordingWarning
from ..core.record.observer import Observer
from ..core.record.traffic import completed_header
from ..profiles import load_profile
from ..store.cassette_file import CassetteWriter
from .finishing import Finishing, Progress
from .recording_summary import Summary

MAX_BODY_BYTES = 8 * 1024 * 1024
"""Longer bodies pass through, but are not kept: to look through more for secrets takes seconds,
in which no client is served, and ten times the memory."""


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
            unfinished=True,
        )
        self._finishing = Finishing(profile, self.observer, settings.allow)
        self._writer = CassetteWriter(settings.out, self._header, overwrite=settings.overwrite)
        self.closed = False
        self.watch: Callable[[Entry], None] | None = None
        """Is told each entry when it is on disk; must take next to no time."""
        self.progress: Progress = _nobody_asks
        """Is told how far the end has come, when that takes a while."""
        self.refusal: ResidueError | None = None
        """Why the cassette is not finished, once it is closed."""

    def write(self, entries: Iterable[Entry]) -> None:
        """Put entries on disk; they are with the operating system when it returns.

        Raises CassetteError when the file cannot take them.
        """
        for entry in entries:
            self._finishing.wrote(entry, self._writer.append(entry))
            if self.watch is not None:
                self.watch(entry)

    def catch_up(self) -> None:
        """Do what no client waits for, once its answer is on the way."""
        self.observer.catch_up()
        self._finishing.catch_up(self.observer.take_settled())

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

        The file is written once more, with what is known only now: what caused events that
        overtook their answers, that nothing caused others, and without secrets (or names) that
        were met only after they had been written. It is exchanged as a whole; where that cannot
        be, it stays as it is, and its header says `unfinished`.
        """
        self.closed = True
        warnings: tuple[RecordingWarning, ...] = ()
        try:
            self._writer.close()
            self.observer.settle()  # also where the observer's own end could not be written
            self.catch_up()
            self._finish()
            warnings = self._finishing.warnings()
        except (CometapeError, OSError) as error:
            self.problem(f"the recording is whole, but not finished (cometape scrub): {error}")
        counts = self.observer.counts
        kinds = Counter(counts)
        exchanges, events = kinds.pop("Exchange", 0), kinds.pop("Event", 0)
        return Summary(
            out=self.settings.out,
            exchanges=exchanges,
            sessions=tuple(self.observer.sessions),
            bayeux=kinds.total(),
            events=events,
            caused=self._finishing.caused,
            secrets=sum(self.observer.scrubber.replaced.values()),
            skipped=dict(self.observer.notices.skips),
            problems=dict(self.observer.notices.problems),
            warnings=warnings,
        )

    def _finish(self) -> None:
        found = self._finishing.finish(
            self.settings.out,
            self._writer.end,
            completed_header(self._header, self.observer, self._profile),
            self.progress,
        )
        if found:
            self.refusal = last_scan.refusal(
                str(self.settings.out), found, "it is kept, but not finished"
            )


def _nobody_asks(done: int, total: int) -> None:
    """Nobody asks how far it has come."""
