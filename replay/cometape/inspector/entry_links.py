"""What one entry has to do with others: its cause, its effects, its neighbours in the session."""

from __future__ import annotations

from dataclasses import dataclass

from cometape.core.cassette import Cassette, Entry, Event
from cometape.core.causality.chains import written_causes
from cometape.core.profile.profile import Profile

from .summary import end_s
from .wording import outcome, title


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Another entry, as seen from one."""

    number: int
    kind: str
    """`exchange`, `event`, `subscribe`, …"""
    session: str
    title: str
    after_s: float | None
    """Seconds from the one to the other: from a cause's answer (or from when a causing event was
    seen) to the event, else from when the one began or was seen to when the other did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLinks:
    """An entry and those around it."""

    entry: Entry
    cause: Link | None
    """None for everything but an event, and for a spontaneous event."""
    earlier_causes: tuple[Link, ...]
    """The cause of the cause, and so on, where that is an event."""
    effects: tuple[Link, ...]
    previous: Link | None
    """In the same session."""
    following: Link | None


def links(cassette: Cassette, number: int, profile: Profile) -> EntryLinks | None:
    """The links of an entry of a cassette whose causes are inferred; None: no such entry."""
    entry = cassette.entry(number)
    if entry is None:
        return None
    own = [other for other in cassette.entries if other.session == entry.session]
    index = own.index(entry)
    named = entry.cause if isinstance(entry, Event) else None
    cause = cassette.entry(named) if isinstance(named, int) else None
    causes = written_causes(cassette.entries)
    earlier: list[Link] = []
    while isinstance(named, int) and named in causes and len(earlier) < len(causes):
        named = causes[named]
        further = cassette.entry(named)
        if further is not None:
            earlier.append(_link(further, profile, end_s(further), entry.at_s))
    return EntryLinks(
        earlier_causes=tuple(earlier),
        entry=entry,
        cause=None if cause is None else _link(cause, profile, end_s(cause), entry.at_s),
        effects=tuple(
            _link(other, profile, end_s(entry), other.at_s)
            for other in cassette.entries
            if isinstance(other, Event) and other.cause == number
        ),
        previous=_neighbour(own, index - 1, entry, profile),
        following=_neighbour(own, index + 1, entry, profile),
    )


def _neighbour(own: list[Entry], index: int, entry: Entry, profile: Profile) -> Link | None:
    if not 0 <= index < len(own):
        return None
    return _link(own[index], profile, entry.at_s, own[index].at_s)


def _link(other: Entry, profile: Profile, one_s: float | None, other_s: float | None) -> Link:
    known = one_s is not None and other_s is not None
    return Link(
        number=other.number,
        kind=type(other).__name__.lower(),
        session=other.session,
        title=" ".join(part for part in (title(other, profile), outcome(other)) if part),
        after_s=round(other_s - one_s, 6) if known else None,  # type: ignore[operator]
    )
