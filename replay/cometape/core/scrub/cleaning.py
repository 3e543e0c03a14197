"""Scrubbing a cassette that exists already: newer rules for an old recording."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from cometape.core.profile.profile import Profile

from ..cassette import BayeuxEntry, Cassette, Entry, Event, Exchange, Handshake, Header, Publish
from ..json_value import JsonObject
from .entry_texts import texts_of
from .placeholder import Placeholders
from .pseudonym import Pseudonyms
from .scrubber import Scrubber

MAX_PASSES = 4
"""How often all entries are gone over at most."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A cassette after scrubbing."""

    cassette: Cassette
    secrets: Counter[str]
    """How many were replaced, by kind."""
    pseudonyms: Counter[str]


def clean(cassette: Cassette, profile: Profile, *, pseudonyms: bool = False) -> Cleaned:
    """The cassette without what the profile's rules call secret or, if asked for, personal.

    Goes over all entries until nothing changes: what is met in a late entry may stand in an early
    one. Placeholders that are there already keep their numbers.
    """
    cleaning = Cleaning(profile, pseudonyms=pseudonyms)
    for entry in cassette.entries:
        cleaning.reserve(entry)
    entries = cassette.entries
    for _ in range(MAX_PASSES):
        before = entries
        entries = tuple(map(cleaning.entry, entries))
        if entries == before:
            break
    cleaned = Cassette(cleaning.header(cassette.header), entries)
    return Cleaned(cleaned, +cleaning.secrets, +cleaning.pseudonyms)


class Cleaning:
    """What was met in the entries of one cassette, gone over one by one and again."""

    def __init__(self, profile: Profile, *, pseudonyms: bool) -> None:
        self._placeholders = Placeholders()
        self._scrubber = Scrubber(profile, self._placeholders)
        self._personal = Pseudonyms(profile, self._placeholders) if pseudonyms else None

    @property
    def secrets(self) -> Counter[str]:
        """How many were replaced, by kind."""
        return self._scrubber.replaced

    @property
    def pseudonyms(self) -> Counter[str]:
        """How many personal values were replaced, by kind."""
        return Counter() if self._personal is None else self._personal.replaced

    def reserve(self, entry: Entry) -> None:
        """Placeholders that an entry has keep their numbers; to be told of all of them first."""
        for _, text in texts_of(entry):
            self._placeholders.reserve(text)

    def entry(self, entry: Entry) -> Entry:
        """The entry without what is known by now."""
        clean = scrub_entry(entry, self._scrubber)
        return clean if self._personal is None else self._personal.entry(clean)

    def header(self, header: Header) -> Header:
        """The header, whose words may have a secret, too."""
        return replace(header, scenario=self._scrubber.text(header.scenario))


def scrub_entry(entry: Entry, scrubber: Scrubber) -> Entry:
    """The entry without its secrets; itself if it has none."""
    changes: dict[str, Any] = {}
    if isinstance(entry, Exchange):
        changes["request"] = scrubber.request(entry.request)
        if entry.response is not None:
            changes["response"] = scrubber.response(entry.response)
    if isinstance(entry, Exchange | BayeuxEntry) and entry.error is not None:
        changes["error"] = scrubber.text(entry.error)
    if isinstance(entry, Event | Publish):
        changes["data"] = scrubber.json(entry.data)
    if isinstance(entry, Event) and entry.extra is not None:
        changes["extra"] = scrubber.message(entry.extra)
    if isinstance(entry, BayeuxEntry):
        if entry.request_extra is not None:
            changes["request_extra"] = _extra(entry, entry.request_extra, {}, scrubber)
        if entry.reply_extra is not None:
            reply: JsonObject = {"successful": entry.successful}
            changes["reply_extra"] = _extra(entry, entry.reply_extra, reply, scrubber)
    if isinstance(entry, Handshake) and entry.client_id is not None:
        changes["client_id"] = scrubber.message({"clientId": entry.client_id})["clientId"]
    new = replace(entry, **changes)
    return entry if new == entry else new


def _extra(
    entry: BayeuxEntry, extra: JsonObject, protocol: JsonObject, scrubber: Scrubber
) -> JsonObject:
    """Custom fields of a message, which mean more in a handshake."""
    if isinstance(entry, Handshake):
        protocol = {"channel": "/meta/handshake", **protocol}
    message = scrubber.message({**protocol, **extra})
    return {name: value for name, value in message.items() if name not in protocol}
