"""What is in a cassette: sessions, operations with the events they caused, problems. Pure.

`summarise` wants a cassette whose causes are inferred (`core.causality.infer_causes`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cometape.core.bayeux.channel import patterns_of
from cometape.core.body import json_of
from cometape.core.cassette import (
    BayeuxEntry,
    Cassette,
    Connect,
    Entry,
    Event,
    Exchange,
    Handshake,
    Header,
    Publish,
    Subscribe,
    Unsubscribe,
)
from cometape.core.causality.chains import root_of, written_causes
from cometape.core.profile.identity_places import identities_of_event, identities_of_response
from cometape.core.profile.profile import Profile

from .wording import event_words, is_operation, operation_label, operation_subject, outcome, title

ProblemKind = Literal["failed", "refused", "no-event", "no-cause", "not-subscribed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A channel a session asked for."""

    number: int
    channel: str
    error: str | None = None
    """Why it was refused."""
    ended: bool = False
    """Whether the recording shows its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSummary:
    """One recorded client session."""

    name: str
    connection_types: tuple[str, ...]
    """By which its connects came."""
    handshakes: int
    subscriptions: tuple[Subscription, ...]
    operations: int
    reads: int
    events: int
    began_s: float | None
    ended_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An event, seen from what caused it."""

    number: int
    session: str
    channel: str
    words: str
    after_request_s: float | None
    after_answer_s: float | None
    """Negative when it overtook the answer of the operation that caused it."""
    cause: int
    """Number of the entry that caused it: the operation, or another event of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSummary:
    """An exchange that may change something, or a publish, with what it caused."""

    number: int
    session: str
    at_s: float | None
    took_s: float | None
    name: str
    method: str | None
    """None for a publish."""
    subject: str
    """Ids and words beside its name in the request's JSON: `02F0XAMPLE00001A`."""
    target: str
    """Target of the request, channel of the publish."""
    outcome: str
    correlation_ids: tuple[tuple[str, str | int], ...]
    """Kind and value of every id in the answer that events refer to: `("reference-id", 17)`."""
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSummary:
    """Reads of one target by one session."""

    session: str
    method: str
    target: str
    outcomes: tuple[str, ...]
    """Different ones, in order."""
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpontaneousEvent:
    """An event that nothing recorded explains."""

    number: int
    session: str
    at_s: float | None
    channel: str
    words: str
    after: int | None
    """The client action of that session which it follows: where a replay anchors it."""
    effects: tuple[Effect, ...] = ()
    """Events that it caused, at any remove."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something a reviewer should look at."""

    kind: ProblemKind
    entry: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What is in a cassette."""

    header: Header
    entries: int
    duration_s: float | None
    sessions: tuple[SessionSummary, ...]
    operations: tuple[OperationSummary, ...]
    reads: tuple[ReadSummary, ...]
    spontaneous: tuple[SpontaneousEvent, ...]
    problems: tuple[Problem, ...]


def summarise(cassette: Cassette, profile: Profile) -> Summary:
    """The summary of a cassette whose causes are inferred."""
    caused: defaultdict[int, list[Event]] = defaultdict(list)
    causes = written_causes(cassette.entries)
    for entry in cassette.entries:
        if isinstance(entry, Event) and entry.number in causes:
            caused[root_of(entry.number, causes)].append(entry)
    operations = tuple(
        _operation(entry, caused[entry.number], profile)
        for entry in cassette.entries
        if isinstance(entry, Exchange | Publish)
        and (is_operation(entry, profile) or caused[entry.number])
    )
    times = [end for entry in cassette.entries if (end := end_s(entry)) is not None]
    return Summary(
        header=cassette.header,
        entries=len(cassette.entries),
        duration_s=max(times, default=None),
        sessions=tuple(_session(name, cassette, profile) for name in cassette.sessions),
        operations=operations,
        reads=tuple(_reads(cassette, profile, {one.number for one in operations})),
        spontaneous=tuple(_spontaneous(cassette, caused)),
        problems=tuple(
            sorted(_problems(cassette, operations, profile), key=lambda problem: problem.entry)
        ),
    )


def end_s(entry: Entry) -> float | None:
    """When an entry was complete, seconds since the recording began."""
    took_s = entry.took_s if isinstance(entry, Exchange) else None
    return None if entry.at_s is None else entry.at_s + (took_s or 0.0)


def effect(event: Event, cause: Entry) -> Effect:
    """An event as an effect of `cause`."""
    began, answered = cause.at_s, end_s(cause)
    seen = event.at_s
    assert isinstance(event.cause, int)
    return Effect(
        number=event.number,
        session=event.session,
        channel=event.channel,
        words=event_words(event.data),
        after_request_s=None if seen is None or began is None else round(seen - began, 6),
        after_answer_s=None if seen is None or answered is None else round(seen - answered, 6),
        cause=event.cause,
    )


def _operation(
    entry: Exchange | Publish, events: Iterable[Event], profile: Profile
) -> OperationSummary:
    exchange = isinstance(entry, Exchange)
    return OperationSummary(
        number=entry.number,
        session=entry.session,
        at_s=entry.at_s,
        took_s=entry.took_s if isinstance(entry, Exchange) else None,
        name=operation_label(entry, profile),
        subject=operation_subject(entry, profile),
        method=entry.request.method if isinstance(entry, Exchange) else None,
        target=entry.request.target if isinstance(entry, Exchange) else entry.channel,
        outcome=outcome(entry) or ("" if exchange else "ok"),
        correlation_ids=tuple(_correlation_ids(entry, profile)),
        effects=tuple(effect(event, entry) for event in events),
    )


def _correlation_ids(
    entry: Exchange | Publish, profile: Profile
) -> Iterator[tuple[str, str | int]]:
    """Identities that the answer issued and that the profile expects in events."""
    if not isinstance(entry, Exchange) or entry.response is None:
        return
    for found in identities_of_response(profile, json_of(entry.response.body)):
        in_events = any(place.part == "event.data" for place in found.kind.used)
        if found.issued and in_events and isinstance(found.value, str | int):
            yield found.kind.name, found.value


def _session(name: str, cassette: Cassette, profile: Profile) -> SessionSummary:
    entries = [entry for entry in cassette.entries if entry.session == name]
    exchanges = [entry for entry in entries if isinstance(entry, Exchange | Publish)]
    operations = sum(is_operation(entry, profile) for entry in exchanges)
    ended = {entry.channel for entry in entries if isinstance(entry, Unsubscribe)}
    began = [entry.at_s for entry in entries if entry.at_s is not None]
    return SessionSummary(
        name=name,
        connection_types=tuple(
            dict.fromkeys(one.connection_type for one in entries if isinstance(one, Connect))
        ),
        handshakes=sum(isinstance(entry, Handshake) for entry in entries),
        subscriptions=tuple(
            Subscription(
                number=entry.number,
                channel=entry.channel,
                error=None if entry.successful else entry.error or "refused",
                ended=entry.channel in ended,
            )
            for entry in entries
            if isinstance(entry, Subscribe)
        ),
        operations=operations,
        reads=len(exchanges) - operations,
        events=sum(isinstance(entry, Event) for entry in entries),
        began_s=min(began, default=None),
        ended_s=max((end for one in entries if (end := end_s(one)) is not None), default=None),
    )


def _reads(cassette: Cassette, profile: Profile, shown: set[int]) -> Iterator[ReadSummary]:
    found: dict[tuple[str, str, str], list[Exchange]] = {}
    for entry in cassette.entries:
        if (
            isinstance(entry, Exchange)
            and not is_operation(entry, profile)
            and entry.number not in shown
        ):
            key = (entry.session, entry.request.method, entry.request.target)
            found.setdefault(key, []).append(entry)
    for (session, method, target), exchanges in found.items():
        yield ReadSummary(
            session=session,
            method=method,
            target=target,
            outcomes=tuple(dict.fromkeys(map(outcome, exchanges))),
            numbers=tuple(exchange.number for exchange in exchanges),
        )


def _spontaneous(
    cassette: Cassette, caused: Mapping[int, Sequence[Event]]
) -> Iterator[SpontaneousEvent]:
    latest: dict[str, int] = {}
    for entry in cassette.entries:
        if not isinstance(entry, Event):
            latest[entry.session] = entry.number
        elif not isinstance(entry.cause, int):
            yield SpontaneousEvent(
                number=entry.number,
                session=entry.session,
                at_s=entry.at_s,
                channel=entry.channel,
                words=event_words(entry.data),
                after=latest.get(entry.session),
                effects=tuple(effect(event, entry) for event in caused.get(entry.number, ())),
            )


def _problems(
    cassette: Cassette, operations: Iterable[OperationSummary], profile: Profile
) -> Iterator[Problem]:
    for entry in cassette.entries:
        if isinstance(entry, Exchange):
            status = entry.response.status if entry.response is not None else None
            if entry.error is not None or (status is not None and status >= 500):
                what = f"{operation_label(entry, profile)} failed: {outcome(entry)}"
                yield Problem(kind="failed", entry=entry.number, what=what)
            elif status is not None and status >= 400:
                what = f"{operation_label(entry, profile)} was refused: {outcome(entry)}"
                yield Problem(kind="refused", entry=entry.number, what=what)
        elif isinstance(entry, BayeuxEntry) and not entry.successful:
            what = f"{title(entry, profile)} was {outcome(entry)}"
            yield Problem(kind="refused", entry=entry.number, what=what)
    for operation in operations:
        direct = sum(effect.cause == operation.number for effect in operation.effects)
        missing = len(operation.correlation_ids) - direct
        if operation.correlation_ids and missing > 0:
            named = ", ".join(f"{kind} {value}" for kind, value in operation.correlation_ids)
            came = "no event came" if not operation.effects else f"{missing} of its events missing"
            what = f"{operation.name} was answered with {named}, and {came}"
            yield Problem(kind="no-event", entry=operation.number, what=what)
    yield from _event_problems(cassette, profile)


def _event_problems(cassette: Cassette, profile: Profile) -> Iterator[Problem]:
    subscribed: defaultdict[str, set[str]] = defaultdict(set)
    for entry in cassette.entries:
        if isinstance(entry, Subscribe) and entry.successful:
            subscribed[entry.session].add(entry.channel)
    for event in cassette.entries:
        if not isinstance(event, Event):
            continue
        named = [
            f"{found.kind.name} {found.value}"
            for found in identities_of_event(profile, event.data)
            if any(place.part.startswith("response.") for place in found.kind.issued)
        ]
        if named and not isinstance(event.cause, int):
            what = f"an event on {event.channel} with {', '.join(named)}, which nothing here issued"
            yield Problem(kind="no-cause", entry=event.number, what=what)
        if "/" not in event.channel or event.channel.startswith("/service/"):
            continue
        if subscribed[event.session].isdisjoint(patterns_of(event.channel)):
            what = f"an event on {event.channel}, to which {event.session} never subscribed"
            yield Problem(kind="not-subscribed", entry=event.number, what=what)
