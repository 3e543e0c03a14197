"""What is recorded, seen from a replay: requests with their recordings, events, sessions.

All of it knows its entry by place and asks its playbook for the whole of it when that is needed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast, overload

from cometape.core.bayeux import channel as channels
from cometape.core.cassette import Entry, Event, Exchange, Handshake, Publish, Subscribe

from .columns import Column
from .matching import Shape
from .playbook_index import SessionIndex

if TYPE_CHECKING:
    from .playbook import Playbook

ReadEntry = Callable[[int], Entry]
"""Gives the entry at a place, from 0, wherever it is kept."""
Kind = TypeVar("Kind", bound=Entry)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Playable:
    """A recorded exchange (or publish) that a live one can be answered with."""

    playbook: Playbook
    place: int
    number: int
    session: str
    is_operation: bool
    """Whether its method is unsafe: it advances the run. Else it is a read."""
    is_publish: bool
    repeatable: bool
    ends_session: bool
    past: int
    """How many facts of the recording came before it: the state it shows, or changes."""
    name: str | None
    """The operation it names, `PullWorkitem`."""
    what: str
    """The shape of the request, and that name."""

    @property
    def entry(self) -> Exchange | Publish:
        """The recording."""
        return cast("Exchange | Publish", self.playbook.read(self.place))

    @property
    def exchange(self) -> Exchange:
        """The exchange; a publish is none."""
        entry = self.entry
        assert isinstance(entry, Exchange)
        return entry

    @property
    def shape(self) -> Shape:
        """What of the request is compared."""
        return self.playbook.shape(self.place)

    def __str__(self) -> str:
        return self.what


class Recordings(Sequence[Playable]):
    """One session's recordings of one request, in recorded order."""

    __slots__ = ("_playbook", "key", "lanes", "places")

    def __init__(self, playbook: Playbook, lanes: tuple[int, ...], places: Column) -> None:
        self._playbook = playbook
        self.lanes = lanes
        self.places = places
        self.key: Hashable = lanes[0] if len(lanes) == 1 else lanes
        """Equal for the same recordings of one playbook."""

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> Playable: ...
    @overload
    def __getitem__(self, index: slice) -> list[Playable]: ...
    def __getitem__(self, index: int | slice) -> Playable | list[Playable]:
        if isinstance(index, slice):
            return [self._playbook.playable_at(place) for place in self.places[index]]
        return self._playbook.playable_at(self.places[index])

    def number(self, index: int) -> int:
        """The entry number of one of them."""
        return self._playbook.index.numbers[self.places[index]]

    def since(self, number: int) -> int:
        """How many of them come before or are the entry with that number."""
        numbers = self._playbook.index.numbers
        return bisect_right(self.places, number, key=numbers.__getitem__)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recordings) and other.key == self.key

    def showing(self, state: int) -> tuple[int, int]:
        """From where to where they show a state: so many facts came before."""
        past = self._playbook.index.pasts.__getitem__
        first = bisect_left(self.places, state, key=past)
        return first, bisect_right(self.places, state, first, key=past)

    @property
    def numbers(self) -> Iterator[int]:
        """Their entry numbers."""
        return map(self._playbook.index.numbers.__getitem__, self.places)

    @property
    def states(self) -> list[int]:
        """The states they show, ascending."""
        pasts = self._playbook.index.pasts
        return list(dict.fromkeys(pasts[place] for place in self.places))


@dataclass(frozen=True, slots=True)
class Matches:
    """The recordings of one request, by recorded session."""

    requests: tuple[int, ...]
    """One; or several whose placeholders a live request fits."""
    by_session: dict[str, Recordings]
    are_operations: bool
    """Whether they advance a run; all or none do, for they have one method."""
    are_wild: bool = False
    """Whether placeholders are in them, which fit any text."""

    def __bool__(self) -> bool:
        return bool(self.by_session)

    def __hash__(self) -> int:
        return hash(self.requests)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Matches) and other.requests == self.requests

    @property
    def sessions(self) -> frozenset[str]:
        """Sessions that made this request."""
        return frozenset(self.by_session)

    def of(self, session: str) -> Sequence[Playable]:
        """That session's recordings; none where it made no such request."""
        return self.by_session.get(session, ())


NO_MATCHES = Matches((), {}, False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Follower:
    """An event with what sets it off."""

    playbook: Playbook
    place: int
    number: int
    session: str
    channel: str
    what: str
    """The event in a few words."""
    anchor: int
    """Number of the entry after which it comes, an event included; `START` when nothing precedes
    it."""
    caused: bool
    """False: spontaneous; it only follows its anchor."""
    delay_s: float
    """Recorded time from the end of the anchor to the event; 0 when the event overtook it."""
    unsubscribed: bool
    """Whether it came without any matching subscription, and so needs none."""
    fact: int
    """Its place among the facts."""

    @property
    def event(self) -> Event:
        """The event, whole."""
        return cast("Event", self.playbook.read(self.place))

    def __str__(self) -> str:
        return f"{self.what} on {self.channel}"


class Entries(Sequence[Kind]):
    """Some entries of one kind, each read when it is asked for."""

    __slots__ = ("_places", "_read")

    def __init__(self, read: ReadEntry, places: Column) -> None:
        self._read = read
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Kind: ...
    @overload
    def __getitem__(self, index: slice) -> list[Kind]: ...
    def __getitem__(self, index: int | slice) -> Kind | list[Kind]:
        if isinstance(index, slice):
            return [cast("Kind", self._read(place)) for place in self._places[index]]
        return cast("Kind", self._read(self._places[index]))


class RecordedSession:
    """What one recorded client did in Bayeux."""

    __slots__ = (
        *("comebacks", "ended", "exchanges", "first", "handshakes", "last", "name"),
        *("operations", "subscribes"),
    )

    def __init__(self, index: SessionIndex, read: ReadEntry) -> None:
        self.name = index.name
        self.first = index.first
        self.last = index.last
        self.handshakes: Sequence[Handshake] = Entries(read, index.handshakes)
        self.subscribes: dict[str, Sequence[Subscribe]] = {
            channel: Entries(read, places) for channel, places in index.subscribes.items()
        }
        self.operations = index.operations
        """Numbers of what it did that advances a run."""
        self.exchanges = index.exchanges
        """How many there are; 0 where it is Bayeux alone."""
        self.comebacks = index.comebacks
        """How often it shook hands again after a disconnect: so often a live client may, too."""
        self.ended = index.ended
        """Number of the entry by which it first finished: a disconnect, an operation that ends
        it."""

    def subscribes_to(self, channel: str) -> bool:
        """Whether it asked for a channel, or by a pattern for it, or for some of a pattern."""
        return any(
            channels.matches(channel, other) or channels.matches(other, channel)
            for other in self.subscribes
        )

    @property
    def attempts(self) -> Iterator[Handshake | Subscribe]:
        """Its handshakes and subscriptions."""
        yield from self.handshakes
        for subscribes in self.subscribes.values():
            yield from subscribes
