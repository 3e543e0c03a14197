"""Chains of causes: an operation causes an event, which causes another one, and so on.

The causes of a cassette are a forest: every event has one cause or none. A written cause can close
a circle, in which no event could ever come first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..cassette import Entry, Event
from ..errors import CassetteError


def written_causes(entries: Iterable[Entry]) -> dict[int, int]:
    """Number of the cause, by number of the event, where a cause is named."""
    return {
        entry.number: entry.cause
        for entry in entries
        if isinstance(entry, Event) and isinstance(entry.cause, int)
    }


def root_of(number: int, causes: Mapping[int, int]) -> int:
    """The first cause of an entry: itself, where nothing causes it, or a circle of causes does."""
    seen: set[int] = set()
    root = number
    while root in causes and root not in seen:
        seen.add(root)
        root = causes[root]
    return number if root in seen else root


def circle_in(causes: Mapping[int, int]) -> list[int]:
    """The numbers of the first circle of causes, each caused by the next; empty without one."""
    sound: set[int] = set()
    for start in causes:
        path: dict[int, None] = {}
        number = start
        while number in causes and number not in sound:
            if number in path:
                found = list(path)
                return found[found.index(number) :]
            path[number] = None
            number = causes[number]
        sound.update(path)
    return []


def check_no_circle(causes: Mapping[int, int]) -> None:
    """Raises CassetteError naming the events of a circle."""
    circle = circle_in(causes)
    if circle:
        told = ", ".join(f"{one} by {causes[one]}" for one in circle)
        raise CassetteError(
            f"events cause each other in a circle: {told}; so none of them can be the first",
            hint=f"give one of the events {', '.join(map(str, sorted(circle)))} another `cause`: "
            "the exchange that sets all of them off, or `spontaneous`",
            reason="cause-circle",
            entry=min(circle),
        )


def without_circles(causes: Mapping[int, int], inferred: Iterable[int]) -> dict[int, int]:
    """The causes less those inferred ones that would close a circle with written ones."""
    found = dict(causes)
    doubtful = set(inferred)
    while circle := circle_in(found):
        guess = next((one for one in circle if one in doubtful), None)
        if guess is None:
            break
        del found[guess]
    return found
