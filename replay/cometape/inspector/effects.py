"""Operations and spontaneous events with what they caused, each made of a catalogue's entries."""

from __future__ import annotations

from collections.abc import Iterator

from cometape.core.body import json_of
from cometape.core.cassette import Entry, Event, Exchange, Publish
from cometape.core.catalogue import Catalogue
from cometape.core.profile.identity_places import identities_of_response
from cometape.core.profile.profile import Profile

from .summary import Effect, OperationSummary, SpontaneousEvent
from .wording import event_words, operation_label, operation_subject, outcome


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


def operation(catalogue: Catalogue, place: int, profile: Profile) -> OperationSummary:
    """The operation at a place."""
    entry = catalogue.entry(place)
    assert isinstance(entry, Exchange | Publish)
    exchange = entry if isinstance(entry, Exchange) else None
    return OperationSummary(
        number=entry.number,
        session=entry.session,
        at_s=entry.at_s,
        took_s=exchange.took_s if exchange else None,
        name=operation_label(entry, profile),
        subject=operation_subject(entry, profile),
        method=exchange.request.method if exchange else None,
        target=entry.request.target if isinstance(entry, Exchange) else entry.channel,
        outcome=outcome(entry) or ("" if exchange else "ok"),
        correlation_ids=tuple(correlation_ids(entry, profile)),
        effects=tuple(_effects(catalogue, place, entry)),
    )


def spontaneous(catalogue: Catalogue, place: int, after: int | None) -> SpontaneousEvent:
    """The event at a place, which nothing explains."""
    entry = catalogue.entry(place)
    assert isinstance(entry, Event)
    return SpontaneousEvent(
        number=entry.number,
        session=entry.session,
        at_s=entry.at_s,
        channel=entry.channel,
        words=event_words(entry.data),
        after=after,
        effects=tuple(_effects(catalogue, place, entry)),
    )


def correlation_ids(entry: Exchange | Publish, profile: Profile) -> Iterator[tuple[str, str | int]]:
    """Identities that the answer issued and that the profile expects in events."""
    if not isinstance(entry, Exchange) or entry.response is None:
        return
    for found in identities_of_response(profile, json_of(entry.response.body)):
        in_events = any(place.part == "event.data" for place in found.kind.used)
        if found.issued and in_events and isinstance(found.value, str | int):
            yield found.kind.name, found.value


def _effects(catalogue: Catalogue, place: int, cause: Entry) -> Iterator[Effect]:
    for at in catalogue.effects(place):
        event = catalogue.entry(at)
        assert isinstance(event, Event)
        yield effect(event, cause)
