"""What a recording holds so far: entries in, a frozen view out; its memory is bounded.

Nothing here is exact for ever: an event that overtook the answer of its cause is matched with it at
the end of the recording at the latest (`core.causality`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from cometape.core.profile.profile import Profile

from ..cassette import BayeuxEntry, Entry, Event, Exchange, Publish, Subscribe
from .awaited_events import AwaitedEvents, Waiting, is_operation

MAX_KINDS = 100
"""Kinds of operation and of problem that are told apart; what comes later is one of `OTHERS`."""
OTHERS = "other operations"
READS = "reads"
_MAX_CAUSES = 4096
"""Operations whose events can still be counted with them."""
_SHOWN_WAITING = 5
_NONE: Mapping[str, int] = {}
_ID_SEGMENT = re.compile(r"(?=[^/]*\d)[^/]{4,}|\d+|[^/]{33,}")
"""A segment of a path that names one thing: `02F0XAMPLE00001A`, `17`; `v2` names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRow:
    """What became of the operations of one kind."""

    name: str
    times: int
    failed: int = 0
    """Answered with a status from 400 on, or without a whole answer."""
    events: int = 0
    """Events matched to them, of any session."""
    waiting: int = 0
    """Those of which an event has not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveView:
    """A recording at one moment."""

    operations: tuple[OperationRow, ...] = ()
    """In order of first appearance."""
    reads: OperationRow = OperationRow(name=READS, times=0)
    exchanges: int = 0
    sessions: int = 0
    subscriptions: int = 0
    events: int = 0
    matched: int = 0
    """Events whose operation is known."""
    waiting: tuple[Waiting, ...] = ()
    """The oldest operations of which an event has not come."""
    waiting_total: int = 0
    unanswered: int = 0
    """Requests without an answer yet; held connects are none."""
    unanswered_s: float = 0.0
    """For how long the oldest of them has been waiting, seconds."""
    secrets: int = 0
    """Secrets replaced, each occurrence counted."""
    problems: tuple[tuple[str, int], ...] = ()
    """What went wrong, in words, and how often."""

    @property
    def unmatched(self) -> int:
        """Events that nothing explains so far."""
        return self.events - self.matched


@dataclass(slots=True)
class _Row:
    times: int = 0
    failed: int = 0
    events: int = 0


class LiveTally:
    """Counts entries as they are recorded."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._awaited = AwaitedEvents(profile)
        self._rows: dict[str, _Row] = {}
        self._reads = _Row()
        self._row_of: dict[int, _Row] = {}
        self._sessions: set[str] = set()
        self._problems: Counter[str] = Counter()
        self._subscriptions = 0
        self._events = 0
        self._matched = 0

    def observe(self, entry: Entry) -> None:
        """One more entry, scrubbed and numbered, in the order of the cassette."""
        self._sessions.add(entry.session)
        if isinstance(entry, Event):
            self._event(entry)
        elif isinstance(entry, Exchange):
            self._exchange(entry)
        elif isinstance(entry, BayeuxEntry):
            self._bayeux(entry)

    def view(
        self,
        *,
        unanswered_s: Sequence[float] = (),
        secrets: int = 0,
        problems: Mapping[str, int] = _NONE,
    ) -> LiveView:
        """All of it so far, with what entries do not tell.

        `unanswered_s` are the ages of requests without an answer, `problems` those of the recorder.
        """
        by_name = self._awaited.by_name
        return LiveView(
            operations=tuple(_frozen(n, row, by_name[n]) for n, row in self._rows.items()),
            reads=_frozen(READS, self._reads, 0),
            exchanges=self._reads.times + sum(row.times for row in self._rows.values()),
            sessions=len(self._sessions),
            subscriptions=self._subscriptions,
            events=self._events,
            matched=self._matched,
            waiting=tuple(islice(self._awaited, _SHOWN_WAITING)),
            waiting_total=len(self._awaited) + self._awaited.given_up,
            unanswered=len(unanswered_s),
            unanswered_s=max(unanswered_s, default=0.0),
            secrets=secrets,
            problems=(*self._problems.items(), *problems.items()),
        )

    def _exchange(self, entry: Exchange) -> None:
        if not is_operation(entry, self._profile):
            row = self._reads
        else:
            name = operation_kind(entry, self._profile)
            name, row = self._row(name)
            early = self._awaited.answered(entry, name)
            row.events += early
            self._matched += early
            self._remember(entry.number, row)
        row.times += 1
        status = entry.response.status if entry.response is not None else None
        if entry.error is not None or status is None or status >= 400:
            row.failed += 1

    def _event(self, entry: Event) -> None:
        self._events += 1
        self._awaited.came(entry)
        if type(entry.cause) is int:
            self._matched += 1
            row = self._row_of.get(entry.cause)
            if row is not None:
                row.events += 1
                self._remember(entry.number, row)  # it may cause another one

    def _bayeux(self, entry: BayeuxEntry) -> None:
        if isinstance(entry, Publish):
            _, row = self._row(f"publish {_without_ids(entry.channel)}")
            row.times += 1
            row.failed += not entry.successful
            self._remember(entry.number, row)
        elif isinstance(entry, Subscribe) and entry.successful:
            self._subscriptions += 1
        if not entry.successful:
            what = f"{type(entry).__name__.lower()} refused: {entry.error or 'no reason given'}"
            if what in self._problems or len(self._problems) < MAX_KINDS:
                self._problems[what] += 1

    def _row(self, name: str) -> tuple[str, _Row]:
        if name not in self._rows and len(self._rows) >= MAX_KINDS:
            name = OTHERS
        return name, self._rows.setdefault(name, _Row())

    def _remember(self, number: int, row: _Row) -> None:
        self._row_of[number] = row
        if len(self._row_of) > _MAX_CAUSES:
            del self._row_of[next(iter(self._row_of))]


def operation_kind(entry: Exchange, profile: Profile) -> str:
    """What many operations have in common: `PullWorkitem`, else `POST /api/v2/x/…`."""
    name = profile.operation_name(entry.request)
    return name or f"{entry.request.method} {_without_ids(entry.request.path)}"


def _without_ids(path: str) -> str:
    return "/".join("…" if _ID_SEGMENT.fullmatch(part) else part for part in path.split("/"))


def _frozen(name: str, row: _Row, waiting: int) -> OperationRow:
    return OperationRow(
        name=name, times=row.times, failed=row.failed, events=row.events, waiting=waiting
    )
