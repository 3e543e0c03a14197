"""A cassette as a list to look things up in: whose each entry is, when it was, what caused it.

Of a recording of a million entries some forty bytes are held for each; the entry itself is read
when it is looked at.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, Literal, NamedTuple

from .cassette import Cassette, Entry, Event, Header
from .playbook.columns import Column, Columns, Texts

COLUMNS = ("numbers", "session_of", "at_s", "causes")
"""The names of those columns of a catalogue that have something of each entry."""


class EntryHead(NamedTuple):
    """What an entry says in its first lines."""

    kind: type[Entry]
    number: int
    session: str
    at_s: float | None
    cause: int | Literal["spontaneous"] | None = None
    channel: str = ""
    """Of an event."""


def head_of(entry: Entry) -> EntryHead:
    """The head of an entry."""
    if isinstance(entry, Event):
        said = entry.cause, entry.channel
        return EntryHead(Event, entry.number, entry.session, entry.at_s, *said)
    return EntryHead(type(entry), entry.number, entry.session, entry.at_s)


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The entries of a cassette by their places, from 0, with causes known."""

    header: Header
    sessions: tuple[str, ...]
    """Names, in order of first appearance."""
    numbers: Column
    """Ascending."""
    session_of: Column
    """Places among `sessions`."""
    at_s: Sequence[float]
    """Seconds since the recording began; NaN: unknown."""
    causes: Column
    """Place of the cause plus 1; 0: none that is an entry."""
    read: Callable[[int], Entry]
    """The entry at a place, as it is written."""

    @classmethod
    def of(cls, cassette: Cassette) -> Catalogue:
        """The catalogue of a cassette in memory, whose causes are inferred."""
        builder = CatalogueBuilder()
        for entry in cassette.entries:
            builder.add(head_of(entry))
        return cls.in_columns(cassette.header, builder.columns({}), cassette.entries.__getitem__)

    @classmethod
    def in_columns(
        cls, header: Header, columns: Columns, read: Callable[[int], Entry]
    ) -> Catalogue:
        """The catalogue of the columns that a builder made."""
        return cls(
            header=header,
            sessions=tuple(Texts.in_columns(columns, "sessions")),
            read=read,
            **{name: columns[name] for name in COLUMNS},
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def place(self, number: int) -> int | None:
        """The place of the entry with a number; None: there is none."""
        at = bisect_left(self.numbers, number)
        return at if at < len(self.numbers) and self.numbers[at] == number else None

    def entry(self, place: int) -> Entry:
        """The entry at a place; an event has its cause, or is `spontaneous`."""
        entry = self.read(place)
        if isinstance(entry, Event) and entry.cause is None:
            cause = self.causes[place]
            return replace(entry, cause=self.numbers[cause - 1] if cause else "spontaneous")
        return entry

    def entries(self) -> Iterator[Entry]:
        """All of them, one after the other."""
        return map(self.entry, range(len(self)))

    def cassette(self, most: int | None = None) -> Cassette:
        """All entries in memory, or the first so many."""
        return Cassette(self.header, tuple(islice(self.entries(), most)))

    def root(self, place: int) -> int:
        """The place of the first cause: itself, where nothing causes it, or a circle does."""
        causes, root = self.causes, place
        seen: set[int] = set()
        while causes[root]:
            seen.add(root)
            root = causes[root] - 1
            if root in seen:
                return place
        return root

    def chain(self, place: int) -> Iterator[int]:
        """The place of the cause, of the cause of that, and so on."""
        seen = {place}
        while self.causes[place] and self.causes[place] - 1 not in seen:
            place = self.causes[place] - 1
            seen.add(place)
            yield place

    def effects(self, place: int) -> list[int]:
        """The places of all events that go back to an entry that nothing causes, in their order."""
        first, following = self._effects
        found: list[int] = []
        at = first[place]
        while at:
            found.append(at - 1)
            at = following[at - 1]
        return found

    def direct_effects(self, place: int) -> list[int]:
        """The places of the events that an entry causes itself."""
        return [at for at in self.effects(self.root(place)) if self.causes[at] == place + 1]

    def has_effects(self, place: int) -> bool:
        """Whether an event goes back to an entry that nothing causes."""
        return self._effects[0][place] != 0

    @cached_property
    def _effects(self) -> tuple[array[int], array[int]]:
        """Of each entry its first effect, of each effect the next of its entry, plus 1 each."""
        first, following, last = (array("I", bytes(4 * len(self))) for _ in range(3))
        for place, cause in enumerate(self.causes):
            root = self.root(place) if cause else place
            if root == place:
                continue
            if last[root]:
                following[last[root] - 1] = place + 1
            else:
                first[root] = place + 1
            last[root] = place + 1
        return first, following


class CatalogueBuilder:
    """Takes the heads of the entries of a cassette in their order."""

    def __init__(self) -> None:
        self._numbers = array("Q")
        self._session_of = array("I")
        self._at_s = array("d")
        self._sessions: dict[str, int] = {}
        self._causes = array("Q")
        """Numbers; 0: none is named."""

    def add(self, head: EntryHead) -> None:
        """The next."""
        self._numbers.append(head.number)
        self._session_of.append(self._sessions.setdefault(head.session, len(self._sessions)))
        self._at_s.append(math.nan if head.at_s is None else head.at_s)
        cause = head.cause
        self._causes.append(cause if isinstance(cause, int) and cause < 1 << 64 else 0)

    def columns(self, found: Mapping[int, int]) -> dict[str, Any]:
        """What a catalogue is made of; `found` are causes of events that name none, by number."""
        numbers = self._numbers
        causes = array("I")
        for number, named in zip(numbers, self._causes, strict=True):
            cause = named or found.get(number, 0)
            at = bisect_left(numbers, cause) if cause else len(numbers)
            causes.append(at + 1 if at < len(numbers) and numbers[at] == cause else 0)
        made = (numbers, self._session_of, self._at_s, causes)
        return dict(zip(COLUMNS, made, strict=True)) | Texts.of(self._sessions).columns("sessions")
