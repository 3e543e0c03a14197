"""The playbook: a cassette made ready for replay, once, and shared by all its runs.

Requests are indexed by key, every event hangs on the entry that sets it off (its cause, or for a
spontaneous one the action of its session that came before it), and each recorded session knows its
handshakes, subscriptions and publishes. Nothing here changes while a cassette is being replayed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Self

from ..bayeux import channel as channels
from ..cassette import (
    Cassette,
    Disconnect,
    Entry,
    Event,
    Exchange,
    Handshake,
    Publish,
    Subscribe,
    Unsubscribe,
)
from ..causality.chains import root_of, written_causes
from ..causality.inference import infer_causes
from ..json_value import Json
from ..profile import Profile
from .event_template import EventTemplate
from .matching import Shape, Shaper, differences
from .relation import Relations, Subject
from .rewriting import ResponseTemplate, Rewriter

_INTEGER = re.compile(r"(?<![\w.])\d{1,18}(?![\w.])")
START = 0
"""The entry number on which events hang that nothing precedes: the client's first sign of life."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Playable:
    """A recorded exchange (or publish) that a live one can be answered with."""

    number: int
    session: str
    entry: Exchange | Publish
    shape: Shape
    is_operation: bool
    """Whether its method is unsafe: it advances the run. Else it is a read."""
    name: str | None
    """The operation it names, `PullWorkitem`."""
    repeatable: bool
    ends_session: bool
    past: int
    """How many facts of the recording came before it: the state it shows, or changes."""

    @property
    def exchange(self) -> Exchange:
        """The exchange; a publish is none."""
        assert isinstance(self.entry, Exchange)
        return self.entry

    def __str__(self) -> str:
        name = f" {self.name}" if self.name else ""
        return f"{self.shape}{name}"


@dataclass(slots=True, eq=False)
class Matches:
    """The recordings of one request, by recorded session, each in recorded order."""

    by_session: dict[str, list[Playable]] = field(default_factory=dict)
    are_operations: bool = False
    """Whether they advance a run; all or none do, for they have one method."""

    def add(self, playable: Playable) -> None:
        """One more recording."""
        self.are_operations = playable.is_operation
        self.by_session.setdefault(playable.session, []).append(playable)

    def __bool__(self) -> bool:
        return bool(self.by_session)

    @property
    def sessions(self) -> frozenset[str]:
        """Sessions that made this request."""
        return frozenset(self.by_session)

    @property
    def all(self) -> list[Playable]:
        """All of them, in recorded order."""
        found = [one for recordings in self.by_session.values() for one in recordings]
        return sorted(found, key=lambda one: one.number)


NO_MATCHES = Matches()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Follower:
    """An event with what sets it off."""

    event: Event
    anchor: int
    """Number of the entry after which it comes, an event included; `START` when nothing precedes
    it."""
    caused: bool
    """False: spontaneous; it only follows its anchor."""
    delay_s: float
    """Recorded time from the end of the anchor to the event; 0 when the event overtook it."""
    unsubscribed: bool
    """Whether it came without any matching subscription, and so needs none."""

    def __str__(self) -> str:
        return f"{summary(self.event.data)} on {self.event.channel}"


@dataclass(slots=True, eq=False)
class RecordedSession:
    """What one recorded client did in Bayeux."""

    name: str
    first: int
    last: int
    handshakes: list[Handshake] = field(default_factory=list)
    subscribes: dict[str, list[Subscribe]] = field(default_factory=dict)
    unsubscribes: dict[str, list[Unsubscribe]] = field(default_factory=dict)
    exchanges: int = 0
    """How many there are; 0 where it is Bayeux alone."""
    comebacks: int = 0
    """How often it shook hands again after a disconnect: so often a live client may, too."""
    ended: int | None = None
    """Number of the entry by which it first finished: a disconnect, an operation that ends it."""


class Playbook:
    """A cassette, its profile and the indexes over both."""

    @classmethod
    def of(cls, cassette: Cassette, profile: Profile) -> Self:
        """The playbook of a cassette as it was loaded. Raises CassetteError for a bad cause."""
        return cls(infer_causes(cassette, profile), profile)

    def __init__(self, cassette: Cassette, profile: Profile) -> None:
        """The cassette's causes are known: `core.causality.infer_causes` has seen it."""
        self.cassette = cassette
        self.profile = profile
        origins = [cassette.header.origin] if cassette.header.origin else []
        self.shaper = Shaper(profile, origins)
        self.entries: dict[int, Entry] = {entry.number: entry for entry in cassette.entries}
        self.sessions: dict[str, RecordedSession] = {}
        self.playables: dict[int, Playable] = {}
        self.by_key: dict[tuple[object, ...], Matches] = {}
        self.wild: dict[tuple[str, int], list[Playable]] = {}
        """Requests with placeholders, by method and number of path segments."""
        self.unanswered: list[tuple[Exchange, Shape]] = []
        """Exchanges that ended without a response; they cannot be played."""
        self.followers: dict[int, list[Follower]] = {}
        """Events by the number of their anchor, in recorded order."""
        self.anchors: dict[int, int] = {}
        """The anchor of every event, by number."""
        self.relations = Relations()
        self.read_weights: dict[tuple[int, str], list[float]] = {}
        """How much each fact counts for a session's recordings of a read; runs fill it in."""
        self._wild_matches: dict[tuple[int, ...], Matches] = {}
        self._rewriter = Rewriter(profile)
        self._responses: dict[int, ResponseTemplate] = {}
        self._events: dict[int, EventTemplate] = {}
        self._index()
        self._hang_events()

    # ---------------------------------------------------------------- what runs ask

    def matches(self, shape: Shape) -> Matches:
        """The recordings that a live request of this shape is, by one look-up."""
        return self.by_key.get(shape.key, NO_MATCHES)

    def wild_matches(self, shape: Shape) -> Matches:
        """The recordings whose placeholders a live request of this shape fits."""
        found = [
            one
            for one in self.wild.get((shape.method, len(shape.segments)), ())
            if not differences(one.shape, shape)
        ]
        if not found:
            return NO_MATCHES
        known = self._wild_matches.setdefault(tuple(one.number for one in found), Matches())
        if not known:
            for one in found:
                known.add(one)
        return known

    def response(self, playable: Playable) -> ResponseTemplate:
        """The template of its response, compiled at the first asking."""
        found = self._responses.get(playable.number)
        if found is None:
            found = self._responses[playable.number] = self._rewriter.response(playable.exchange)
        return found

    def event(self, event: Event) -> EventTemplate:
        """The template of its message, compiled at the first asking."""
        found = self._events.get(event.number)
        if found is None:
            found = self._events[event.number] = self._rewriter.event(event)
        return found

    @cached_property
    def recorded_integers(self) -> frozenset[int]:
        """Every integer in an answer or event, identity or not: none of them is ever issued."""
        texts = [
            entry.response.body.decode("utf-8", "replace")
            for entry in self.cassette.entries
            if isinstance(entry, Exchange) and entry.response is not None
        ]
        events = [entry for entry in self.cassette.entries if isinstance(entry, Event)]
        texts += [json.dumps(event.data) for event in events]
        return frozenset(int(number) for text in texts for number in _INTEGER.findall(text))

    @property
    def bayeux_paths(self) -> tuple[str, ...]:
        """Where Bayeux is served: the recorded endpoint first, then the profile's."""
        recorded = self.cassette.header.bayeux
        return tuple(dict.fromkeys(([recorded] if recorded else []) + [*self.profile.bayeux_paths]))

    # ---------------------------------------------------------------- making it

    def _index(self) -> None:
        for entry in self.cassette.entries:
            session = self.sessions.setdefault(
                entry.session, RecordedSession(entry.session, entry.number, entry.number)
            )
            session.last = entry.number
            if isinstance(entry, Exchange):
                self._index_exchange(entry, session)
            elif isinstance(entry, Event):
                self.relations.add(entry.number, partial(Subject.of_json, entry.data), event=True)
            elif isinstance(entry, Handshake):
                session.comebacks += session.ended is not None and entry.successful
                session.handshakes.append(entry)
            elif isinstance(entry, Subscribe):
                session.subscribes.setdefault(entry.channel, []).append(entry)
            elif isinstance(entry, Unsubscribe):
                session.unsubscribes.setdefault(entry.channel, []).append(entry)
            elif isinstance(entry, Publish):
                self._index_publish(entry)
            elif isinstance(entry, Disconnect) and session.ended is None:
                session.ended = entry.number

    def _index_exchange(self, entry: Exchange, session: RecordedSession) -> None:
        profile, request = self.profile, entry.request
        session.exchanges += 1
        found = self.shaper.shape(request, recorded=True)
        if entry.response is None:
            self.unanswered.append((entry, found))
            return
        name = profile.operation_name(request)
        playable = Playable(
            number=entry.number,
            session=entry.session,
            entry=entry,
            shape=found,
            is_operation=request.method not in profile.safe_methods,
            name=name,
            repeatable=name in profile.repeatable,
            ends_session=name in profile.ends_session,
            past=len(self.relations),
        )
        self._add(playable)
        if playable.is_operation:
            self.relations.add(entry.number, partial(_about, found, entry.response.body))
        if playable.ends_session and session.ended is None:
            session.ended = entry.number

    def _index_publish(self, entry: Publish) -> None:
        name = self.profile.operation_name(entry.data)
        playable = Playable(
            number=entry.number,
            session=entry.session,
            entry=entry,
            shape=self.shaper.publish(entry.channel, entry.data),
            is_operation=True,
            name=name,
            repeatable=name in self.profile.repeatable,
            ends_session=False,
            past=len(self.relations),
        )
        self._add(playable)
        self.relations.add(entry.number, partial(Subject.of_json, entry.data))

    def _add(self, playable: Playable) -> None:
        shape = playable.shape
        self.playables[playable.number] = playable
        self.by_key.setdefault(shape.key, Matches()).add(playable)
        if shape.wild:
            self.wild.setdefault((shape.method, len(shape.segments)), []).append(playable)

    def _hang_events(self) -> None:
        last_action: dict[str, int] = {}
        last_read: dict[str, int] = {}
        open_channels: dict[str, set[str]] = {}
        for entry in self.cassette.entries:
            if isinstance(entry, Event):
                caused = isinstance(entry.cause, int) and entry.cause in self.entries
                anchor = (
                    entry.cause
                    if caused and isinstance(entry.cause, int)
                    else last_action.get(entry.session, last_read.get(entry.session, START))
                )
                follower = Follower(
                    event=entry,
                    anchor=anchor,
                    caused=caused,
                    delay_s=self._delay_s(entry, anchor),
                    unsubscribed=not self._has_subscription(entry),
                )
                self.followers.setdefault(anchor, []).append(follower)
                self.anchors[entry.number] = anchor
            elif self._is_anchor(entry, open_channels):
                last_action[entry.session] = entry.number
            elif entry.number in self.playables:
                last_read[entry.session] = entry.number
        effects: dict[int, list[int]] = {}
        causes = written_causes(self.cassette.entries)
        for number in causes:
            effects.setdefault(root_of(number, causes), []).append(number)
        for root, events in effects.items():
            self.relations.share(root, events)

    def _is_anchor(self, entry: Entry, open_channels: dict[str, set[str]]) -> bool:
        """Whether a spontaneous event may hang on an entry: what any client does, in any run.

        A handshake after `402`, and the subscriptions that follow it, are not such: the live
        client may never lose its session.
        """
        opened = open_channels.get(entry.session)
        if isinstance(entry, Handshake) and entry.successful:
            if opened is None:
                open_channels[entry.session] = set()
            return opened is None
        if isinstance(entry, Subscribe) and entry.successful:
            opened = open_channels.setdefault(entry.session, set())
            is_new = entry.channel not in opened
            opened.add(entry.channel)
            return is_new
        if isinstance(entry, Unsubscribe) and opened is not None:
            opened.discard(entry.channel)
        elif isinstance(entry, Disconnect):
            open_channels.pop(entry.session, None)
        playable = self.playables.get(entry.number)
        return playable is not None and playable.is_operation

    def _delay_s(self, event: Event, anchor: int) -> float:
        cause = self.entries.get(anchor)
        if cause is None or cause.at_s is None or event.at_s is None:
            return 0.0
        took_s = cause.took_s or 0.0 if isinstance(cause, Exchange) else 0.0
        return max(0.0, event.at_s - cause.at_s - took_s)

    def _has_subscription(self, event: Event) -> bool:
        subscribes = self.sessions[event.session].subscribes
        return any(
            channels.matches(pattern, event.channel)
            for pattern, attempts in subscribes.items()
            if any(attempt.successful for attempt in attempts)
        )


def _about(request: Shape, answer: bytes) -> Subject:
    return Subject.all_of((Subject.of_shape(request), Subject.of_body(answer)))


def summary(data: Json, words: Sequence[str] = ("messageType", "type", "event", "name")) -> str:
    """A few words that say what an event is: its message type, or the start of its data."""
    if isinstance(data, dict):
        for word in words:
            value = data.get(word)
            if isinstance(value, str):
                return value
    text = json.dumps(data, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"
