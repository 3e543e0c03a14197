"""The journal of a replay, and the report at its end.

The journal says in order what happened; the report what did not: requests that no recording
answered, recordings that nobody asked for, events that nobody was given, exchanges that were
played more than once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import repeat
from typing import Literal

from cometape.core.faults.fault_ledger import FaultTally
from cometape.core.json_value import JsonObject
from cometape.core.lone_surrogate import encodable

from .miss import Miss
from .past_runs import PastRuns

Kind = Literal[
    "client",
    "answered",
    "repeat",
    "miss",
    "event",
    "handshake",
    "subscribe",
    "publish",
    "end",
    "fault",
    "note",
]
"""What kind of thing happened; the closed set."""

_FULL = 5
"""Misses that are told in full in the text of a report."""
_LISTED = 20
"""Lines of each list in the text of a report; a machine gets all."""
MAX_LINES = 20_000
"""Lines a journal keeps, the oldest go first: a server may run for weeks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that happened."""

    at_s: float
    kind: Kind
    run: int
    client: str
    text: str
    entry: int | None = None
    """Number of the recorded entry, where it is about one."""

    def __str__(self) -> str:
        entry = f" [{self.entry}]" if self.entry is not None else ""
        return f"run {self.run} {self.client}: {self.kind}{entry} {self.text}"

    def json(self) -> JsonObject:
        """For a machine."""
        return {
            "at_s": self.at_s,
            "kind": self.kind,
            "run": self.run,
            "client": self.client,
            "text": self.text,
            "entry": self.entry,
        }


_Note = tuple[float, Kind, int, str, object, int | None]
"""What a line is made of: far more are written than read."""


class Journal:
    """What happened, the latest `MAX_LINES` of it."""

    def __init__(self) -> None:
        self._notes: deque[_Note] = deque(maxlen=MAX_LINES)
        self.total = 0
        """Lines there have ever been; the last one has the number `total` - 1."""

    def __iter__(self) -> Iterator[Line]:
        for at_s, kind, run, client, about, entry in self._notes:
            text = encodable(str(about))
            yield Line(at_s=at_s, kind=kind, run=run, client=client, text=text, entry=entry)

    def __len__(self) -> int:
        return len(self._notes)

    def note(
        self,
        at_s: float,
        kind: Kind,
        run: int,
        client: str,
        about: object,
        entry: int | None,
        times: int = 1,
    ) -> None:
        """One more thing happened, so many times: a line for each.

        `about` is put into words when somebody reads it.
        """
        note = (at_s, kind, run, client, about, entry)
        if times == 1:
            self._notes.append(note)
        else:
            self._notes.extend(repeat(note, times))
        self.total += times

    def copy(self) -> Journal:
        """What happened up to now."""
        copied = Journal()
        copied._notes.extend(self._notes)
        copied.total = self.total
        return copied

    def of(self, kind: Kind) -> list[Line]:
        """The lines of one kind."""
        return [line for line in self if line.kind == kind]

    def text(self) -> str:
        """All of it, a line each."""
        return "\n".join(str(line) for line in self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A recording that was asked for, or an event that was delivered."""

    entry: int
    session: str
    what: str
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplayed:
    """A recording that nobody asked for."""

    entry: int
    session: str
    what: str
    needed: str
    """What would have played it."""
    almost: str | None = None
    """The live request without an answer that came nearest to it, and how it differed."""
    awaited_by: tuple[int, ...] = ()
    """Events that wait for it."""

    def __str__(self) -> str:
        lines = [
            f"entry {self.entry} of {self.session!r}: {self.what}",
            f"    needed: {self.needed}",
        ]
        if self.almost is not None:
            lines.append(f"    almost: {self.almost}")
        if self.awaited_by:
            which = "event" if len(self.awaited_by) == 1 else "events"
            lines.append(f"    awaited by {which} {', '.join(map(str, self.awaited_by))}")
        return "\n".join(lines)

    def json(self) -> JsonObject:
        """For a machine."""
        return {
            "entry": self.entry,
            "session": self.session,
            "what": self.what,
            "needed": self.needed,
            "almost": self.almost,
            "awaited_by": list(self.awaited_by),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """An event that nobody was given."""

    entry: int
    session: str
    channel: str
    what: str
    why: str

    def __str__(self) -> str:
        return (
            f"event {self.entry} of {self.session!r} on {self.channel}: {self.what}"
            f"\n    why: {self.why}"
        )

    def json(self) -> JsonObject:
        """For a machine."""
        return {
            "entry": self.entry,
            "session": self.session,
            "channel": self.channel,
            "what": self.what,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """An operation that was played more than once, as it may be."""

    entry: int
    what: str
    times: int

    def __str__(self) -> str:
        return f"entry {self.entry}, {self.times} times: {self.what}"

    def json(self) -> JsonObject:
        """For a machine."""
        return {"entry": self.entry, "what": self.what, "times": self.times}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What became of one run."""

    run: int
    clients: tuple[tuple[str, str], ...]
    """Each client with the recorded session it took."""
    answered: int
    """Requests answered."""
    delivered: int
    """Events given to clients."""
    forgotten: int = 0
    """Events that waited for their clients until too many did."""
    unplayed: tuple[Unplayed, ...] = ()
    undelivered: tuple[Undelivered, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    played: tuple[Played, ...] = ()
    """What was asked for and delivered, where that was wanted."""

    @property
    def is_complete(self) -> bool:
        """Whether nothing was left over."""
        return not self.unplayed and not self.undelivered

    def text(self) -> str:
        """For a terminal."""
        who = ", ".join(f"{client} as {session!r}" for client, session in self.clients)
        lines = [
            f"run {self.run} ({who or 'no client came'}): {self.answered} requests answered,"
            f" {self.delivered} events delivered"
        ]
        if self.forgotten:
            lines.append(f"  {self.forgotten} events forgotten, for too many waited")
        for title, found in (
            ("never asked for", self.unplayed),
            ("never delivered", self.undelivered),
            ("repeated", self.repeats),
        ):
            if found:
                lines.append(f"  {title}:")
                shown = found[:_LISTED]
                lines += [f"    {line}" for one in shown for line in str(one).splitlines()]
                if len(found) > _LISTED:
                    lines.append(f"    … and {len(found) - _LISTED} more")
        return "\n".join(lines)

    def json(self) -> JsonObject:
        """For a machine."""
        return {
            "run": self.run,
            "clients": [{"client": client, "session": session} for client, session in self.clients],
            "answered": self.answered,
            "delivered": self.delivered,
            "forgotten": self.forgotten,
            "complete": self.is_complete,
            "unplayed": [one.json() for one in self.unplayed],
            "undelivered": [one.json() for one in self.undelivered],
            "repeats": [one.json() for one in self.repeats],
        }


INTERNAL_ERRORS = "internal errors, of cometape and not of the client; standard error tells more:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a replay."""

    cassette: str
    """Its scenario."""
    runs: tuple[RunReport, ...]
    misses: tuple[Miss, ...]
    misses_total: int = 0
    """More than `misses` where there were too many to keep."""
    internal_errors: tuple[str, ...] = ()
    """Faults of cometape itself, each kind once: whoever met one was not served right."""
    internal_errors_total: int = 0
    faults: tuple[FaultTally, ...] = ()
    """What went wrong on purpose; that is never a failure."""
    unrealised: tuple[str, ...] = ()
    """What of the order that was played did not come to pass; nor is that."""
    past: PastRuns = field(default_factory=PastRuns)
    """Runs of long ago, which are not in `runs` any more."""

    @property
    def ok(self) -> bool:
        """No miss or internal error, and nothing left over: what a strict replay asks for."""
        if self.misses or self.internal_errors_total or self.past.complete < self.past.runs:
            return False
        return all(run.is_complete for run in self.runs)

    @property
    def unplayed(self) -> tuple[Unplayed, ...]:
        """Of all runs."""
        return tuple(one for run in self.runs for one in run.unplayed)

    @property
    def undelivered(self) -> tuple[Undelivered, ...]:
        """Of all runs."""
        return tuple(one for run in self.runs for one in run.undelivered)

    @property
    def repeats(self) -> tuple[Repeat, ...]:
        """Of all runs."""
        return tuple(one for run in self.runs for one in run.repeats)

    def text(self) -> str:
        """For a terminal, or a failed test: misses first, then what was left over."""
        lines = list(self._miss_lines())
        if self.internal_errors_total:
            lines += [INTERNAL_ERRORS, *(f"  {what}" for what in self.internal_errors)]
        if self.past.runs:
            lines.append(self.past.text())
        lines += [run.text() for run in self.runs]
        if self.faults:
            lines += ["faults on purpose:", *(f"  {tally}" for tally in self.faults)]
        if self.unrealised:
            lines += ["the client could not meet the order:", *(f"  {x}" for x in self.unrealised)]
        lines.append(self.verdict)
        return encodable("\n".join(lines))

    def _miss_lines(self) -> Iterator[str]:
        """Misses of one kind together; the first kinds in full."""
        kinds: dict[str, list[Miss]] = {}
        for miss in self.misses:
            kinds.setdefault(f"{miss.reason} {miss.request} {miss.body!r}", []).append(miss)
        found = list(kinds.values())
        for same in found[:_FULL]:
            yield same[0].text()
            if len(same) > 1:
                yield f"  the same {len(same) - 1} more times"
        for same in found[_FULL : _FULL + _LISTED]:
            often = f" ({len(same)} times)" if len(same) > 1 else ""
            yield f"miss ({same[0].reason}): {same[0].request}{often}"
        told = sum(len(same) for same in found[: _FULL + _LISTED])
        more = max(self.misses_total, len(self.misses)) - told
        if more > 0:
            yield f"… and {more} more misses"

    @property
    def verdict(self) -> str:
        """The whole report in one line."""
        counts = [
            (self.internal_errors_total, "internal error", "internal errors"),
            (max(self.misses_total, len(self.misses)), "miss", "misses"),
            (
                len(self.unplayed) + self.past.unplayed,
                "recording never asked for",
                "recordings never asked for",
            ),
            (
                len(self.undelivered) + self.past.undelivered,
                "event never delivered",
                "events never delivered",
            ),
        ]
        found = [f"{n} {one if n == 1 else many}" for n, one, many in counts if n]
        verdict = ", ".join(found) if found else "everything asked for and delivered"
        idle = sum(not tally.fired for tally in self.faults)
        if idle:
            verdict += f" ({idle} {'fault' if idle == 1 else 'faults'} never fired)"
        return f"replay: {verdict}"

    def json(self) -> JsonObject:
        """For a machine (`--report FILE.json`)."""
        return {
            "report": 1,
            "scenario": self.cassette,
            "ok": self.ok,
            "verdict": self.verdict,
            "misses": [miss.json() for miss in self.misses],
            "misses_total": max(self.misses_total, len(self.misses)),
            "internal_errors": list(self.internal_errors),
            "internal_errors_total": self.internal_errors_total,
            "runs": [run.json() for run in self.runs],
            "past": self.past.json(),
            "faults": [tally.json() for tally in self.faults],
            "unrealised": list(self.unrealised),
        }
