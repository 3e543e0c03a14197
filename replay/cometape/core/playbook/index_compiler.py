"""From entries, one by one, to the index of a playbook; no entry is kept.

Requests get their keys, every event hangs on the entry that sets it off (its cause, or for a
spontaneous one the action of its session that came before it), and what each fact is about is
noted by the ids in it.
"""

from __future__ import annotations

import json
import math
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from cometape.core.bayeux import channel as channels
from cometape.core.bayeux.dialect import DIALECTS, narrowed, settled
from cometape.core.cassette import (
    BayeuxEntry,
    Disconnect,
    Entry,
    Event,
    Exchange,
    Handshake,
    Header,
    Publish,
    Subscribe,
    Unsubscribe,
)
from cometape.core.causality.chains import root_of
from cometape.core.causality.inference import Inference
from cometape.core.identity.created_ids import CreatedIds
from cometape.core.profile.profile import Profile

from .columns import NONE, Integers, Lookup, Rows, Texts, fingerprint
from .matching import Shape, Shaper
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
from .relation import SHARED, SPONTANEOUS, UNIT, Subject, beginning, exactly, named
from .session_notes import SessionNotes
from .summary import summary
from .wildcards import Mask

_INTEGER = re.compile(r"\d(?<![\w.]\d)\d{0,17}(?![\w.])")
"""Begins with what it looks for: so nothing is looked at before a digit."""
_KIND = {kind: position for position, kind in enumerate(KINDS)}
_EVENT, _EXCHANGE = _KIND[Event], _KIND[Exchange]
_UNKNOWN = math.nan


def compile_index(
    header: Header, entries: Iterable[Entry], profile: Profile, *, find_causes: bool = True
) -> PlaybookIndex:
    """The index of a cassette. Raises CassetteError for a cause that cannot be.

    Without `find_causes` no cause is looked for: every one is written down.
    """
    compiler = IndexCompiler(header, profile, find_causes=find_causes)
    for entry in entries:
        compiler.add(entry)
    return compiler.finish()


@dataclass(slots=True)
class _Lane:
    """One session's recordings of one request."""

    session: int
    places: array[int] = field(default_factory=lambda: array("I"))
    answered: set[int] = field(default_factory=set)
    """Tokens of the ids in the answers."""


class _Numbered:
    """Texts, each with a number of its own."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))


class IndexCompiler:
    """Takes the entries of one cassette in their order."""

    def __init__(self, header: Header, profile: Profile, *, find_causes: bool = True) -> None:
        self._header = header
        self._profile = profile
        self._shaper = Shaper(profile, [header.origin] if header.origin else [])
        self._inference = Inference(profile, find=find_causes)
        self._dialects = frozenset(DIALECTS)
        """Those in whose words the errors so far may be."""
        self._sessions: dict[str, SessionNotes] = {}
        self._session_numbers: dict[str, int] = {}
        self._numbers = array("Q")
        self._kinds = array("B")
        self._flags = array("B")
        self._session = array("I")
        self._whats = array("I")
        self._labels = array("I")
        self._requests = array("I")
        self._pasts = array("I")
        self._facts = array("I")
        self._fallback_anchors = array("I")
        """Of an event, what it hangs on when it has no cause."""
        self._named_causes: dict[int, int | None] = {}
        """Of an event, by place; None: to be inferred."""
        self._cause_of: dict[int, int] = {}
        self._at_s = array("d")
        self._took_s = array("d")
        self._texts = _Numbered()
        self._keys: dict[int, int] = {}
        """Requests by the fingerprint of their key."""
        self._lanes: list[dict[int, _Lane]] = []
        """Of each request, by session."""
        self._masks: dict[str, None] = {}
        self._wild: dict[str, list[int]] = {}
        """Requests with placeholders, by what their mask leaves of them."""
        self._wild_requests: set[int] = set()
        self._unanswered: dict[int, list[int]] = {}
        """Exchanges without an answer, by request."""
        self._request_places = array("I")
        self._integers: set[int] = set()
        self._created = CreatedIds(profile)
        self._tokens = _Numbered()
        self._fact_places = array("I")
        self._fact_tokens: list[array[int]] = []
        self._fact_path: dict[int, tuple[str, ...]] = {}

    def add(self, entry: Entry) -> None:
        """The next entry."""
        self._inference.observe(entry)
        place = len(self._numbers)
        session = self._session_of(entry)
        self._numbers.append(entry.number)
        self._kinds.append(_KIND[type(entry)])
        self._session.append(self._session_numbers[entry.session])
        self._at_s.append(_UNKNOWN if entry.at_s is None else entry.at_s)
        took_s = entry.took_s if isinstance(entry, Exchange) else None
        self._took_s.append(took_s or 0.0)
        self._pasts.append(len(self._fact_places))
        self._fallback_anchors.append(session.last_action or session.last_read)
        for column in (self._whats, self._labels, self._requests, self._facts):
            column.append(NONE)
        self._flags.append(0)
        if isinstance(entry, Exchange):
            self._add_exchange(entry, place, session)
        elif isinstance(entry, Event):
            self._add_event(entry, place)
        elif isinstance(entry, BayeuxEntry):
            self._add_bayeux(entry, place, session)

    def _session_of(self, entry: Entry) -> SessionNotes:
        session = self._sessions.get(entry.session)
        if session is None:
            self._session_numbers[entry.session] = len(self._sessions)
            session = SessionNotes(entry.session, entry.number, entry.number)
            self._sessions[entry.session] = session
        session.last = entry.number
        return session

    def _add_exchange(self, entry: Exchange, place: int, session: SessionNotes) -> None:
        profile, request = self._profile, entry.request
        session.exchanges += 1
        shape = self._shaper.shape(request, recorded=True)
        if entry.response is None:
            self._whats[place] = self._texts.number(f"{request.method} {request.target}")
            request_number = self._requests[place] = self._request_of(shape, place)
            if request_number not in self._unanswered:
                self._unanswered[request_number] = []
            self._unanswered[request_number].append(place)
            self._flags[place] |= UNANSWERED
            return
        self._note_integers(entry.response.body.decode("utf-8", "replace"))
        name = profile.operation_name(request)
        self._whats[place] = self._texts.number(f"{shape} {name}" if name else str(shape))
        lane = self._lane_of(shape, entry, place)
        if request.method in profile.safe_methods:
            session.last_read = place + 1
            lane.answered.update(self._ids(Subject.of_body(entry.response.body)))
        else:
            answer = Subject.of_body(entry.response.body)
            self._add_operation(place, session, Subject.all_of((Subject.of_shape(shape), answer)))
            self._created.operation(place, entry, name)
        self._name(place, name)
        if name in profile.ends_session:
            self._flags[place] |= ENDS_SESSION
            if session.ended is None:
                session.ended = entry.number

    def _add_publish(self, entry: Publish, place: int, session: SessionNotes) -> None:
        name = self._profile.operation_name(entry.data)
        shape = self._shaper.publish(entry.channel, entry.data)
        self._whats[place] = self._texts.number(f"{shape} {name}" if name else str(shape))
        self._lane_of(shape, entry, place)
        self._add_operation(place, session, Subject.of_json(entry.data))
        self._created.operation(place, entry, name)
        self._name(place, name)

    def _name(self, place: int, name: str | None) -> None:
        if name is not None:
            self._labels[place] = self._texts.number(name)
        if name in self._profile.repeatable:
            self._flags[place] |= REPEATABLE

    def _add_operation(self, place: int, session: SessionNotes, subject: Subject) -> None:
        self._flags[place] |= IS_OPERATION
        session.operations.append(self._numbers[place])
        session.last_action = place + 1
        self._add_fact(place, subject)

    def _add_event(self, entry: Event, place: int) -> None:
        self._note_integers(json.dumps(entry.data))
        self._created.event(place, entry)
        self._whats[place] = self._texts.number(summary(entry.data))
        self._labels[place] = self._texts.number(entry.channel)
        self._add_fact(place, Subject.of_json(entry.data))
        if entry.cause != "spontaneous":
            self._named_causes[place] = entry.cause

    def _add_bayeux(self, entry: BayeuxEntry, place: int, session: SessionNotes) -> None:
        if entry.error:
            self._dialects = narrowed(self._dialects, entry.error)
        opened = session.open_channels
        if isinstance(entry, Handshake):
            session.comebacks += session.ended is not None and entry.successful
            session.handshakes.append(place)
            if entry.successful and opened is None:
                session.open_channels = set()
                session.last_action = place + 1
        elif isinstance(entry, Subscribe | Unsubscribe):
            self._labels[place] = self._texts.number(entry.channel)
            if isinstance(entry, Subscribe):
                session.subscribes.setdefault(entry.channel, []).append(place)
                if entry.successful:
                    self._open(session, entry.channel, place)
            elif opened is not None:
                opened.discard(entry.channel)
        elif isinstance(entry, Publish):
            self._add_publish(entry, place, session)
        elif isinstance(entry, Disconnect):
            session.open_channels = None
            if session.ended is None:
                session.ended = entry.number

    def _open(self, session: SessionNotes, channel: str, place: int) -> None:
        """A spontaneous event may hang on a subscription that any client makes, in any run.

        A handshake after `402`, and the subscriptions that follow it, are not such: the live
        client may never lose its session.
        """
        session.subscribed.add(channel)
        if session.open_channels is None:
            session.open_channels = set()
        if channel not in session.open_channels:
            session.open_channels.add(channel)
            session.last_action = place + 1

    # ---------------------------------------------------------------- requests and facts

    def _request_of(self, shape: Shape, place: int) -> int:
        request = self._keys.setdefault(fingerprint(shape.key_text), len(self._lanes))
        if request == len(self._lanes):
            self._lanes.append({})
            self._request_places.append(place)
            if shape.wild:
                mask = Mask.of(shape)
                self._flags[place] |= WILD
                self._masks[str(mask)] = None
                self._wild_requests.add(request)
                self._wild.setdefault(mask.rest(shape), []).append(request)
        return request

    def _lane_of(self, shape: Shape, entry: Entry, place: int) -> _Lane:
        request = self._requests[place] = self._request_of(shape, place)
        session = self._session_numbers[entry.session]
        lane = self._lanes[request].get(session)
        if lane is None:
            lane = self._lanes[request][session] = _Lane(session)
        lane.places.append(place)
        return lane

    def _add_fact(self, place: int, subject: Subject) -> None:
        fact = self._facts[place] = len(self._fact_places)
        self._fact_places.append(place)
        self._fact_tokens.append(array("I", self._ids(subject)))
        if subject.path:
            self._fact_path[fact] = subject.path

    def _ids(self, subject: Subject) -> Iterator[int]:
        return (self._tokens.number(named(one)) for one in subject.ids)

    def _note_integers(self, text: str) -> None:
        self._integers.update(map(int, _INTEGER.findall(text)))

    # ---------------------------------------------------------------- putting it together

    def finish(self) -> PlaybookIndex:
        """The index. Raises CassetteError for a cause that cannot be."""
        anchors, followers = self._hang_events()
        groups, bases = self._share()
        members: list[list[int]] = [[] for _ in self._fact_places]
        for fact, group in enumerate(groups):
            members[group].append(fact)
        tokens, token_groups = self._spread_tokens(members)
        lanes = [lane for by_session in self._lanes for lane in by_session.values()]
        first_lanes = accumulate((len(one) for one in self._lanes), initial=0)
        return PlaybookIndex(
            header=self._header,
            sessions=tuple(session.index() for session in self._sessions.values()),
            dialect=settled(self._dialects),
            created=self._created.finish(lambda place: root_of(place, self._cause_of)),
            numbers=self._numbers,
            kinds=self._kinds,
            flags=self._flags,
            session=self._session,
            whats=self._whats,
            labels=self._labels,
            requests=self._requests,
            pasts=self._pasts,
            facts=self._facts,
            anchors=anchors,
            delays_s=self._delays_s(anchors),
            texts=Texts.of(self._texts.numbers),
            followers=Rows.of(followers),
            keys=Lookup.of_fingerprints(self._keys),
            request_lanes=Rows.of(
                range(first, first + len(one))
                for first, one in zip(first_lanes, self._lanes, strict=False)
            ),
            lane_sessions=array("I", [lane.session for lane in lanes]),
            lanes=Rows.of(lane.places for lane in lanes),
            request_places=self._request_places,
            wild_masks=Texts.of(self._masks),
            wild_rests=Lookup.of(self._wild),
            wild=Rows.of(self._wild.values()),
            unanswered=array("I", sorted(self._unanswered)),
            unanswered_places=Rows.of(at for _, at in sorted(self._unanswered.items())),
            integers=Integers(array("Q", sorted(self._integers))),
            fact_groups=array("I", groups),
            group_facts=Rows.of(members),
            fact_sums=array("Q", accumulate(bases, initial=0)),
            fact_paths=array(
                "I", [len(self._fact_path.get(fact, ())) for fact in range(len(groups))]
            ),
            subjects=sum(1 for one in members if one),
            tokens=Lookup.of(tokens),
            token_groups=Rows.of(token_groups),
            lane_tokens=Rows.of(self._answered(tokens)),
        )

    def _causes(self) -> dict[int, int]:
        """The place of the cause of each event that has one, by place."""
        found = self._inference.causes()
        places = {number: place for place, number in enumerate(self._numbers)}
        for place, written in self._named_causes.items():
            cause = found.get(self._numbers[place]) if written is None else written
            if cause is not None and cause in places:
                self._cause_of[place] = places[cause]
        return self._cause_of

    def _hang_events(self) -> tuple[array[int], list[list[int]]]:
        """What each event hangs on, and what hangs on each entry, by place plus 1."""
        anchors = array("I", bytes(4 * len(self._numbers)))
        followers: list[list[int]] = [[] for _ in range(len(self._numbers) + 1)]
        causes = self._causes()
        sessions = list(self._sessions.values())
        texts = list(self._texts.numbers)
        covered: dict[tuple[int, int], bool] = {}
        for place in (at for at, kind in enumerate(self._kinds) if kind == _EVENT):
            cause = causes.get(place)
            if cause is None:
                anchors[place] = self._fallback_anchors[place]
            else:
                anchors[place] = cause + 1
                self._flags[place] |= CAUSED
            followers[anchors[place]].append(place)
            seen = (self._session[place], self._labels[place])
            if seen not in covered:
                covered[seen] = any(
                    channels.matches(pattern, texts[seen[1]])
                    for pattern in sessions[seen[0]].subscribed
                )
            if not covered[seen]:
                self._flags[place] |= UNSUBSCRIBED
        return anchors, followers

    def _delays_s(self, anchors: array[int]) -> array[float]:
        delays = array("d", bytes(8 * len(anchors)))
        for place, anchor in enumerate(anchors):
            if anchor:
                at = anchor - 1
                delay_s = self._at_s[place] - self._at_s[at] - self._took_s[at]
                delays[place] = max(0.0, delay_s) if delay_s == delay_s else 0.0
        return delays

    def _share(self) -> tuple[list[int], list[int]]:
        """The group of each fact, and what it counts: an operation is one with its effects."""
        roots = {event: root_of(event, self._cause_of) for event in self._cause_of}
        effects = Counter(roots.values())
        groups: list[int] = []
        bases: list[int] = []
        for fact, place in enumerate(self._fact_places):
            group, base = fact, SPONTANEOUS if self._kinds[place] == _EVENT else 1.0
            root = roots.get(place)
            if root is not None and self._facts[root] not in (NONE, fact):
                group, base = self._facts[root], SHARED / effects[root]
            groups.append(group)
            bases.append(round(base * UNIT))
        return groups, bases

    def _spread_tokens(self, members: list[list[int]]) -> tuple[list[str], list[array[int]]]:
        """Each token, and the groups of facts that are about it."""
        groups_of: dict[int, array[int]] = {}
        for group, facts in enumerate(members):
            found = {token for fact in facts for token in self._fact_tokens[fact]}
            path = next((self._fact_path[fact] for fact in facts if fact in self._fact_path), ())
            if path:
                found.add(self._tokens.number(exactly(path)))
                starts = (path[:length] for length in range(1, len(path)))
                found.update(self._tokens.number(beginning(start)) for start in starts)
            for token in found:
                groups_of.setdefault(token, array("I")).append(group)
        texts = list(self._tokens.numbers)
        spoken_of = sorted(groups_of)
        return [texts[token] for token in spoken_of], [groups_of[token] for token in spoken_of]

    def _answered(self, tokens: list[str]) -> Iterator[list[int]]:
        """Of each lane of reads that show more than one state, the tokens of its answers."""
        positions = {self._tokens.numbers[text]: at for at, text in enumerate(tokens)}
        for request, by_session in enumerate(self._lanes):
            for lane in by_session.values():
                pasts = {self._pasts[place] for place in lane.places}
                if len(pasts) > 1 or request in self._wild_requests:
                    yield sorted(positions[one] for one in lane.answered if one in positions)
                else:
                    yield []
