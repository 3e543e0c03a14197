"""What a finished recording lacks: warnings that its maker can still act on, by doing it again.

A replay serves what was recorded. An event that never came will not come in the replay either, and
an exchange that was cut off is answered by nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from cometape.core.profile.profile import Profile

from ..cassette import Connect, Entry, Event, Exchange, Handshake, Subscribe
from .awaited_events import AwaitedEvents, is_operation, waiting_ids
from .capture import CLIENT_LEFT, NO_WHOLE_ANSWER, RECORDING_ENDED
from .live_tally import operation_kind

WarningKind = Literal[
    "nothing-recorded", "no-event", "no-cause", "never-subscribed", "cut-off", "body-left-out"
]

NOT_KEPT = "not kept"
"""How the `error` of an exchange ends whose body was too long."""
_MAX_ENTRIES = 20
"""Numbers of entries that a warning names; all are counted."""
_MAX_WARNINGS = 100
_SHOWN = 6

_HINTS: dict[WarningKind, str] = {
    "nothing-recorded": "did the client come to the recorder? A command is told where that is by"
    " the environment variables COMETAPE_URL and HTTP_PROXY",
    "no-event": "a client that waits for it waits for ever; record on until it is there",
    "no-cause": "a replay delivers it by its place alone; was its operation made elsewhere?",
    "never-subscribed": "no event could reach it; did its CometD traffic pass the recorder?",
    "cut-off": "a replay cannot answer it; end the recording when the client is done",
    "body-left-out": "a replay cannot answer it in full",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingWarning:
    """Something that a replay of the recording will lack."""

    kind: WarningKind
    what: str
    times: int = 1
    entries: tuple[int, ...] = ()
    """Numbers of the first entries concerned; empty: a session as a whole."""

    @property
    def hint(self) -> str:
        """What it means for a replay, and what to do."""
        return _HINTS[self.kind]

    def render(self) -> str:
        """Two lines: what is the matter, with the entries, and what it means."""
        shown = ", ".join(map(str, self.entries[:_SHOWN]))
        more = ", …" if self.times > _SHOWN else ""
        noun = "entry" if self.times == 1 else "entries"
        where = f" ({noun} {shown}{more})" if self.entries else ""
        times = f"{self.times} times: " if self.times > 1 else ""
        return f"{times}{self.what}{where}\n  {self.hint}"


@dataclass(slots=True)
class _Session:
    speaks_bayeux: bool = False
    subscribed: bool = False
    events: bool = False
    expects_events: bool = False


def closing_warnings(entries: Iterable[Entry], profile: Profile) -> tuple[RecordingWarning, ...]:
    """The warnings about a recording whose causes are complete, the gravest kind first."""
    closing = ClosingWarnings(profile)
    for entry in entries:
        closing.add(entry)
    return closing.warnings()


class ClosingWarnings:
    """Is told all entries, each once its cause is known, and says in the end what is missing."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._found = _Collected()
        self._awaited = AwaitedEvents(profile)
        self._sessions: dict[str, _Session] = {}

    def add(self, entry: Entry) -> None:
        """The next entry; an event may come later than others, when its cause is known."""
        found, awaited = self._found, self._awaited
        session = self._sessions.setdefault(entry.session, _Session())
        if isinstance(entry, Exchange):
            if entry.error is not None:
                found.add(*_of_error(entry.error), entry.number)
            if is_operation(entry, self._profile):
                waiting = len(awaited)
                awaited.answered(entry, operation_kind(entry, self._profile))
                session.expects_events = session.expects_events or len(awaited) > waiting
        elif isinstance(entry, Event):
            session.events = True
            named = awaited.came(entry)
            if named and type(entry.cause) is not int:
                found.add("no-cause", f"an event on {entry.channel} without a cause", entry.number)
        elif isinstance(entry, Handshake | Connect):
            session.speaks_bayeux = session.speaks_bayeux or entry.successful
        elif isinstance(entry, Subscribe):
            session.subscribed = session.subscribed or entry.successful

    def warnings(self) -> tuple[RecordingWarning, ...]:
        """What is missing, the gravest kind first; ask once, when all entries are told."""
        found, awaited = self._found, self._awaited
        if not self._sessions:
            found.add("nothing-recorded", "nothing was recorded", None)
        for one in awaited:
            what = f"the event of {one.name} never came"
            found.add("no-event", what, one.number, f"{what}: {waiting_ids(one)}")
        if awaited.given_up:
            more = f"the events of {awaited.given_up} more operations never came"
            found.add("no-event", more, None)
        for name, session in self._sessions.items():
            if not session.subscribed and not session.events:
                if session.speaks_bayeux:
                    found.add(
                        "never-subscribed", f"{name} opened CometD and never subscribed", None
                    )
                elif session.expects_events:
                    found.add("never-subscribed", f"{name} never opened CometD", None)
        return found.warnings()


def _of_error(error: str) -> tuple[WarningKind, str]:
    if error in (CLIENT_LEFT, RECORDING_ENDED):
        return "cut-off", f"an exchange was cut off: {error}"
    kind: WarningKind = "body-left-out" if error.endswith(NOT_KEPT) else "cut-off"
    return kind, f"{NO_WHOLE_ANSWER}: {error}"


class _Collected:
    def __init__(self) -> None:
        self._found: dict[tuple[WarningKind, str], tuple[int, list[int], str]] = {}

    def add(
        self, kind: WarningKind, what: str, number: int | None, alone: str | None = None
    ) -> None:
        """One more of `what`; `alone` says it better where it stays the only one."""
        key = (kind, what)
        if key not in self._found and len(self._found) >= _MAX_WARNINGS:
            return
        times, numbers, _ = self._found.get(key, (0, [], ""))
        if number is not None and len(numbers) < _MAX_ENTRIES:
            numbers.append(number)
        self._found[key] = (times + 1, numbers, alone or what)

    def warnings(self) -> tuple[RecordingWarning, ...]:
        order = list(_HINTS)
        return tuple(
            RecordingWarning(
                kind=kind,
                what=what if times > 1 else alone,
                times=times,
                entries=tuple(numbers),
            )
            for (kind, what), (times, numbers, alone) in sorted(
                self._found.items(), key=lambda item: order.index(item[0][0])
            )
        )
