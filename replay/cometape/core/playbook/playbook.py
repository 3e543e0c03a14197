"""The playbook: a cassette made ready for replay, once, and shared by all its runs.

It works on an index and asks for an entry whole only when that is played: so a cassette of
gigabytes is replayed as one of kilobytes is, wherever its entries lie. Nothing here changes while
a cassette is being replayed but what was made of it lately.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from heapq import merge
from itertools import chain
from typing import Self, cast

from cometape.core.cassette import (
    Cassette,
    Entry,
    Event,
    Exchange,
    Handshake,
    Header,
    Publish,
    Subscribe,
)
from cometape.core.identity.live_ids import LiveIds
from cometape.core.identity.rewriting import Rewriter
from cometape.core.identity.template import EventTemplate, ResponseTemplate, Template
from cometape.core.memo import Memo
from cometape.core.profile.profile import Profile

from .columns import NONE, Integers
from .difference import matches
from .failed_tries import FailedTries
from .index_compiler import compile_index
from .matching import Shape, Shaper
from .nearest import Path, RequestHead
from .playbook_index import (
    CAUSED,
    ENDS_SESSION,
    IS_OPERATION,
    KINDS,
    REPEATABLE,
    UNANSWERED,
    UNSUBSCRIBED,
    WILD,
    PlaybookIndex,
)
from .recordings import (
    NO_MATCHES,
    Follower,
    Matches,
    Playable,
    ReadEntry,
    RecordedSession,
    Recordings,
)
from .relation import NearestState, Relations, Subject
from .wildcards import Mask

START = 0
"""The entry number on which events hang that nothing precedes: the client's first sign of life."""
Compiled = int | tuple[int, bool]
"""The place of an entry; and, where its dates can shift, True."""
KEPT = 2048
"""How many of each are kept that were needed lately: requests, shapes, compiled answers, events."""
KEPT_BYTES = 16 * 1024 * 1024
"""How much of compiled answers is kept at least."""


class Playbook:
    """A cassette's index, its profile, and its entries as they are needed."""

    @classmethod
    def of(cls, cassette: Cassette, profile: Profile) -> Self:
        """The playbook of a cassette as it was loaded. Raises CassetteError for a bad cause."""
        entries = cassette.entries
        unknown = any(isinstance(one, Event) and one.cause is None for one in entries)
        index = compile_index(cassette.header, entries, profile, find_causes=unknown)
        return cls(index, profile, entries.__getitem__)

    def __init__(self, index: PlaybookIndex, profile: Profile, read: ReadEntry) -> None:
        """`read` gives the entry at a place; it is asked again and again."""
        self.index = index
        self.profile = profile
        self.read = read
        self.header: Header = index.header
        origin = index.header.origin
        self.shaper = Shaper(profile, [origin] if origin else [])
        self.sessions = {one.name: RecordedSession(one, read) for one in index.sessions}
        self.relations = Relations(index)
        self._names = [one.name for one in index.sessions]
        self._masks: dict[tuple[str, int], list[Mask]] = {}
        for mask in map(Mask.parse, index.wild_masks):
            self._masks.setdefault((mask.method, mask.length), []).append(mask)
        self.live_ids = LiveIds(profile)
        self._rewriters = [
            Rewriter(profile, created=lambda: self.created_ids, dates=dated)
            for dated in (False, True)
        ]
        self.failed_tries = FailedTries(self)
        self.playable_at = Memo(self._make_playable, KEPT)
        self.shape = Memo(self._make_shape, KEPT)
        self._matches_of = Memo(self._make_matches, KEPT)
        self._by_key = Memo(self._find, KEPT)
        self._responses = Memo(self._make_response, KEPT_BYTES, _size_of_response)
        self._events = Memo(self._make_event, KEPT)
        self._followers = Memo(self._make_followers, KEPT)
        self._nearest = Memo(self._make_nearest, KEPT)

    # ---------------------------------------------------------------- what runs ask

    def matches(self, shape: Shape) -> Matches:
        """The recordings that a live request of this shape is, by one look-up."""
        return self._find(shape.key) if shape.is_large else self._by_key(shape.key)

    def wild_matches(self, shape: Shape) -> Matches:
        """The recordings whose placeholders a live request of this shape fits."""
        index = self.index
        found: list[int] = []
        for mask in self._masks.get((shape.method, len(shape.segments)), ()):
            row = index.wild_rests.find(mask.rest(shape))
            found += index.wild[row] if row is not None else ()
        fitting = tuple(
            request
            for request in sorted(found)
            if matches(self.shape(index.request_places[request]), shape)
        )
        return self._matches_of(fitting) if fitting else NO_MATCHES

    def nearest_state(self, recordings: Recordings) -> NearestState:
        """The states of a read, as they are before anything has happened in a run."""
        return self._nearest(recordings).copy()

    def response(self, playable: Playable, *, dated: bool = False) -> ResponseTemplate:
        """The template of its response, compiled when it is needed; `dated`: dates can shift."""
        return self._responses((playable.place, dated) if dated else playable.place)

    def reply(self, handshake: Handshake, *, dated: bool = False) -> Template:
        """What the reply to a handshake says beside the protocol, with slots, as JSON."""
        return self._rewriters[dated].reply(handshake)

    def event(self, follower: Follower, *, dated: bool = False) -> EventTemplate:
        """The template of its message, compiled when it is needed; `dated`: dates can shift."""
        return self.event_at(follower.place, dated=dated)

    def event_at(self, place: int, *, dated: bool = False) -> EventTemplate:
        """The same by its place."""
        return self._events((place, dated) if dated else place)

    def followers(self, number: int) -> Sequence[Follower]:
        """The events that follow an entry, or `START`, in recorded order."""
        return self._followers(number)

    def all_followers(self) -> Iterator[Follower]:
        """Every event, by what it follows."""
        return self.followers_from(START)

    def followers_from(self, number: int) -> Iterator[Follower]:
        """Every event: those that follow an entry and the entries after it, then the others."""
        place = self.index.place(number)
        return map(self._follower, self.index.followers.from_row(0 if place is None else place + 1))

    def playable(self, number: int) -> Playable | None:
        """The recording with that number; None where it is none that can be played."""
        place = self.index.place(number)
        if place is None or self.index.requests[place] == NONE:
            return None
        return None if self.index.flags[place] & UNANSWERED else self.playable_at(place)

    def playables(self) -> Iterator[Playable]:
        """Every recording that can be played, in recorded order."""
        return self.playables_from(START)

    def playables_from(self, number: int) -> Iterator[Playable]:
        """Every recording that can be played: from that entry on, then those before it."""
        flags, requests = self.index.flags, self.index.requests
        start = self.index.place(number) or 0
        for place in chain(range(start, len(requests)), range(start)):
            if requests[place] != NONE and not flags[place] & UNANSWERED:
                yield self._make_playable(place)

    def fact(self, number: int) -> int:
        """The place of an operation, a publish or an event among the facts."""
        place = self.index.place(number)
        found = NONE if place is None else self.index.facts[place]
        assert found != NONE, number
        return found

    @cached_property
    def shows_states(self) -> bool:
        """Whether a read may have several answers, so that it matters what has happened."""
        index = self.index
        if len(index.wild_masks):  # what fits a live request is known when it comes
            return True
        return any(
            index.lanes.length(lane) > 1 and not index.flags[index.lanes.first(lane)] & IS_OPERATION
            for lane in range(len(index.lane_sessions))
        )

    def recordings_like(self, playable: Playable) -> Recordings:
        """All recordings of its request in its session."""
        request = self.index.requests[playable.place]
        return self._matches_of((request,)).by_session[playable.session]

    def paths(self) -> Iterator[tuple[int, Path]]:
        """The number and the path of every recorded request, once for each session."""
        index = self.index
        lanes = map(index.lanes.first, range(len(index.lane_sessions)))
        for place in (*lanes, *(places[0] for places in index.unanswered_places)):
            yield index.numbers[place], self._path(place)

    def head(self, number: int) -> RequestHead:
        """A recorded request without its body."""
        index = self.index
        place = index.place(number)
        assert place is not None, number
        playable = self.playable(number)
        return RequestHead(
            number=number,
            session=self._names[index.session[place]],
            method=index.texts[index.whats[place]].partition(" ")[0],
            segments=self._path(place),
            times=1 if playable is None else len(self.recordings_like(playable)),
        )

    def shape_of(self, number: int) -> Shape:
        """What is compared of the exchange or publish with that number."""
        place = self.index.place(number)
        assert place is not None, number
        return self.shape(place)

    def unanswered(self, shape: Shape) -> int | None:
        """The number of an exchange of this shape that was recorded without its answer."""
        places = self.unanswered_like(shape)
        return self.index.numbers[places[0]] if places else None

    def unanswered_like(self, shape: Shape) -> Sequence[int]:
        """The places of all exchanges of this shape that were recorded without their answer."""
        request = self.index.keys.find(shape.key_text)
        unanswered = self.index.unanswered
        at = NONE if request is None else bisect_left(unanswered, request)
        found = at < len(unanswered) and unanswered[at] == request
        return self.index.unanswered_places[at] if found else ()

    def unanswered_numbers(self) -> list[int]:
        """The exchanges that were recorded without their answer."""
        numbers = self.index.numbers
        return sorted(numbers[one] for places in self.index.unanswered_places for one in places)

    def session_of(self, number: int) -> str:
        """The recorded session of an entry."""
        place = self.index.place(number)
        assert place is not None, number
        return self._names[self.index.session[place]]

    def error(self, number: int) -> str | None:
        """Why an exchange has no answer; None where it has one."""
        place = self.index.place(number)
        if place is None or not self.index.flags[place] & UNANSWERED:
            return None
        return cast("Exchange", self.read(place)).error

    @property
    def last_number(self) -> int:
        """The number of the last entry; 0 where there is none."""
        return self.index.numbers[-1] if len(self.index.numbers) else 0

    @property
    def recorded_integers(self) -> Integers:
        """Every integer in an answer or event, identity or not: none of them is ever issued."""
        return self.index.integers

    @cached_property
    def created_ids(self) -> dict[str, frozenset[str]]:
        """Recorded ids of the things that operations created, by kind."""
        return {name: frozenset(values) for name, values in self.index.created.items()}

    @property
    def bayeux_paths(self) -> tuple[str, ...]:
        """Where Bayeux is served: the recorded endpoint first, then the profile's."""
        recorded = self.header.bayeux
        return tuple(dict.fromkeys(([recorded] if recorded else []) + [*self.profile.bayeux_paths]))

    @cached_property
    def shaking_sessions(self) -> frozenset[str]:
        """Sessions that shook hands."""
        return frozenset(one.name for one in self.sessions.values() if one.handshakes)

    def kind(self, number: int) -> type[Entry] | None:
        """What the entry with that number is."""
        place = self.index.place(number)
        return None if place is None else KINDS[self.index.kinds[place]]

    def anchor(self, event: int) -> int:
        """The number of the entry that an event follows, or `START`."""
        place = self.index.place(event)
        anchor = 0 if place is None else self.index.anchors[place]
        return self.index.numbers[anchor - 1] if anchor else START

    def title(self, number: int) -> str:
        """An entry in a few words."""
        index = self.index
        place = index.place(number)
        if place is None:
            return f"entry {number}"
        kind, session = KINDS[index.kinds[place]], self._names[index.session[place]]
        if kind is Handshake:
            return f"a handshake of {session!r}"
        if kind is Subscribe:
            return f"a subscription of {session!r} to {index.text(index.labels[place])}"
        what = index.text(index.whats[place])
        if what is not None and kind in (Exchange, Publish):
            return what
        return f"{kind.__name__.lower()} of {session!r}"

    # ---------------------------------------------------------------- making what is asked for

    def _find(self, key: tuple[object, ...]) -> Matches:
        request = self.index.keys.find(repr(key))
        return NO_MATCHES if request is None else self._matches_of((request,))

    def _make_matches(self, requests: tuple[int, ...]) -> Matches:
        index = self.index
        lanes: dict[int, list[int]] = {}
        for request in requests:
            for lane in index.request_lanes[request]:
                lanes.setdefault(index.lane_sessions[lane], []).append(lane)
        by_session = {
            self._names[session]: Recordings(
                self,
                tuple(found),
                index.lanes[found[0]]
                if len(found) == 1
                else list(merge(*(index.lanes[lane] for lane in found))),
            )
            for session, found in lanes.items()
        }
        if not by_session:
            return NO_MATCHES
        place = next(iter(by_session.values())).places[0]
        is_wild = any(index.flags[index.request_places[one]] & WILD for one in requests)
        return Matches(requests, by_session, bool(index.flags[place] & IS_OPERATION), is_wild)

    def _make_playable(self, place: int) -> Playable:
        index = self.index
        flags = index.flags[place]
        return Playable(
            playbook=self,
            place=place,
            number=index.numbers[place],
            session=self._names[index.session[place]],
            is_operation=bool(flags & IS_OPERATION),
            is_publish=KINDS[index.kinds[place]] is Publish,
            repeatable=bool(flags & REPEATABLE),
            ends_session=bool(flags & ENDS_SESSION),
            past=index.pasts[place],
            name=index.text(index.labels[place]),
            what=index.texts[index.whats[place]],
        )

    def _make_shape(self, place: int) -> Shape:
        entry = self.read(place)
        if isinstance(entry, Publish):
            return self.shaper.publish(entry.channel, entry.data)
        assert isinstance(entry, Exchange)
        return self.shaper.shape(entry.request, recorded=True)

    def _make_response(self, key: Compiled) -> ResponseTemplate:
        place, dated = key if isinstance(key, tuple) else (key, False)
        return self._rewriters[dated].response(cast("Exchange", self.read(place)))

    def _make_event(self, key: Compiled) -> EventTemplate:
        place, dated = key if isinstance(key, tuple) else (key, False)
        return self._rewriters[dated].event(cast("Event", self.read(place)))

    def _make_followers(self, number: int) -> tuple[Follower, ...]:
        place = -1 if number == START else self.index.place(number)
        return () if place is None else tuple(map(self._follower, self.index.followers[place + 1]))

    def _follower(self, place: int) -> Follower:
        index = self.index
        flags, anchor = index.flags[place], index.anchors[place]
        return Follower(
            playbook=self,
            place=place,
            number=index.numbers[place],
            session=self._names[index.session[place]],
            channel=index.texts[index.labels[place]],
            what=index.texts[index.whats[place]],
            anchor=index.numbers[anchor - 1] if anchor else START,
            caused=bool(flags & CAUSED),
            delay_s=index.delays_s[place],
            unsubscribed=bool(flags & UNSUBSCRIBED),
            fact=index.facts[place],
        )

    def _make_nearest(self, recordings: Recordings) -> NearestState:
        index = self.index
        asked = Subject.of_shape(self.shape(recordings.places[0]))
        answered = {token for lane in recordings.lanes for token in index.lane_tokens[lane]}
        return NearestState(recordings.states, self.relations.weights(asked, answered))

    def _path(self, place: int) -> Path:
        """The path of a request, out of the few words about it: `POST /path?query Name`."""
        index = self.index
        path, mark, _ = index.texts[index.whats[place]].partition(" ")[2].partition("?")
        if not mark and index.labels[place] != NONE:
            path = path.rpartition(" ")[0]
        return tuple(path.split("/"))


def _size_of_response(template: ResponseTemplate) -> int:
    body = template.body
    texts = (
        body if isinstance(body, bytes) else "".join(p for p in body.pieces if isinstance(p, str))
    )
    return 1000 + len(texts)
