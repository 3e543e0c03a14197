"""What one entry has to do with others: its cause, its effects, its neighbours in the session."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cometape.core.cassette import Entry
from cometape.core.catalogue import Catalogue
from cometape.core.profile.profile import Profile

from .effects import end_s
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


def links(catalogue: Catalogue, number: int, profile: Profile) -> EntryLinks | None:
    """The links of the entry with a number; None: no such entry."""
    place = catalogue.place(number)
    if place is None:
        return None
    entry = catalogue.entry(place)
    causes = [catalogue.entry(at) for at in catalogue.chain(place)]
    before = [_link(cause, profile, end_s(cause), entry.at_s) for cause in causes]
    effects = [catalogue.entry(at) for at in catalogue.direct_effects(place)]
    return EntryLinks(
        entry=entry,
        cause=before[0] if before else None,
        earlier_causes=tuple(before[1:]),
        effects=tuple(_link(one, profile, end_s(entry), one.at_s) for one in effects),
        previous=_neighbour(catalogue, range(place - 1, -1, -1), place, profile),
        following=_neighbour(catalogue, range(place + 1, len(catalogue)), place, profile),
    )


def _neighbour(
    catalogue: Catalogue, places: Iterable[int], place: int, profile: Profile
) -> Link | None:
    """The first of these places that is of the same session."""
    session_of = catalogue.session_of
    near = next((at for at in places if session_of[at] == session_of[place]), None)
    if near is None:
        return None
    one, other = catalogue.entry(place), catalogue.entry(near)
    return _link(other, profile, one.at_s, other.at_s)


def _link(other: Entry, profile: Profile, one_s: float | None, other_s: float | None) -> Link:
    known = one_s is not None and other_s is not None
    return Link(
        number=other.number,
        kind=type(other).__name__.lower(),
        session=other.session,
        title=" ".join(part for part in (title(other, profile), outcome(other)) if part),
        after_s=round(other_s - one_s, 6) if known else None,  # type: ignore[operator]
    )
