"""What a recording has of the identities that its profile knows: where, which values, whose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cometape.core.identity.created_ids import CreatedIds
from cometape.core.places.inner_text import View, inside
from cometape.core.places.place import Part, Place
from cometape.core.profile.identity_places import cookie_of, values_at
from cometape.core.profile.profile import IdentityKind, Profile

from ..cassette import Cassette, Entry, Event, Exchange, Handshake, Publish, Subscribe
from ..causality.chains import root_of, written_causes
from ..exchange import Headers
from ..json_value import Json


@dataclass(slots=True)
class KnownValue:
    """One identity."""

    value: str
    entries: list[int] = field(default_factory=list)
    """Numbers of the entries that have it, in their order."""


@dataclass(slots=True)
class KnownKind:
    """A kind of identity, as far as the recording has any."""

    kind: IdentityKind
    values: dict[str, KnownValue] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    """How often at each declared place."""
    sessions: dict[str, None] = field(default_factory=dict)
    left_alone: dict[str, int] = field(default_factory=dict)
    """How often texts of digits stand at each place, where its ids are JSON numbers."""

    def note(self, value: str, place: str, entry: Entry) -> None:
        """One more identity was seen."""
        one = self.values.setdefault(value, KnownValue(value))
        if one.entries[-1:] != [entry.number]:
            one.entries.append(entry.number)
        self.places[place] = self.places.get(place, 0) + 1
        self.sessions[entry.session] = None


def known_identities(cassette: Cassette, profile: Profile) -> list[KnownKind]:
    """The kinds of a profile that a cassette (whose causes are inferred) has, with their values."""
    created = _created(cassette, profile)
    found = {kind.name: KnownKind(kind) for kind in profile.identities}
    for entry in cassette.entries:
        if isinstance(entry, Handshake) and entry.client_id is not None:
            for known in found.values():
                if not known.kind.issued:  # by the protocol
                    known.note(entry.client_id, "the answer to /meta/handshake", entry)
        if not isinstance(entry, Exchange | Event | Publish | Handshake | Subscribe):
            continue
        for kind in profile.identities:
            known = found[kind.name]
            for place in dict.fromkeys((*kind.issued, *kind.used)):
                for value, textual in _values(place, entry):
                    identity = kind.read(value, textual=textual)
                    if identity is None:
                        if kind.almost(value):
                            at = str(place)
                            known.left_alone[at] = known.left_alone.get(at, 0) + 1
                        continue
                    text = str(identity)
                    if kind.is_created and text not in created[kind.name]:
                        continue
                    known.note(text, str(place), entry)
    return [known for known in found.values() if known.values or known.left_alone]


def _created(cassette: Cassette, profile: Profile) -> dict[str, list[str]]:
    found = CreatedIds(profile)
    for entry in cassette.entries:
        if isinstance(entry, Event):
            found.event(entry.number, entry)
        elif isinstance(entry, Exchange | Publish):
            said = entry.request if isinstance(entry, Exchange) else entry.data
            found.operation(entry.number, entry, profile.operation_name(said))
    causes = written_causes(cassette.entries)
    return found.finish(lambda number: root_of(number, causes))


def _values(
    place: Place, entry: Exchange | Event | Publish | Handshake | Subscribe
) -> Iterator[tuple[Json, bool]]:
    if isinstance(entry, Handshake):
        if place.part == "handshake.reply":
            root: Json = dict(entry.reply_extra or {})
            yield from ((value, textual) for _, value, textual in values_at(place, root))
    elif isinstance(entry, Subscribe):
        if place.part == "channel":
            yield from _in_channel(place, entry.channel)
    elif isinstance(entry, Event):
        if place.part in ("event.data", "event.message"):
            root = entry.data if place.part == "event.data" else dict(entry.extra or {})
            yield from ((value, textual) for _, value, textual in values_at(place, root))
        elif place.part == "channel":
            yield from _in_channel(place, entry.channel)
    elif isinstance(entry, Publish):
        if place.part == "publish.data":
            yield from ((value, textual) for _, value, textual in values_at(place, entry.data))
        elif place.part == "channel":
            yield from _in_channel(place, entry.channel)
    else:
        for text in _texts(place, entry):
            found = inside(View.of(text), None, place.steps, ())
            yield from ((spot.value, spot.textual) for spot in found)


def _in_channel(place: Place, channel: str) -> Iterator[tuple[Json, bool]]:
    found = inside(View.of(channel), None, place.steps, ())
    return ((spot.value, spot.textual) for spot in found)


def _texts(place: Place, entry: Exchange) -> Iterable[str]:
    request, response, part = entry.request, entry.response, place.part
    if part in ("request.path", "request.query"):
        return [request.target]
    if part == "request.json" or (part == "request.form" and request.form):
        return [request.body.decode("utf-8", "replace")]
    if part == "request.header":
        return _named(place, request.headers, part)
    if part == "request.cookie":
        return [value for name, value in request.cookies().items() if name == place.name]
    if response is None:
        return []
    if part == "response.json":
        return [response.body.decode("utf-8", "replace")]
    if part == "response.header":
        return _named(place, response.headers, part)
    if part == "response.cookie":
        pairs = [cookie_of(header) for header in response.headers.all("Set-Cookie")]
        return [pair[1] for pair in pairs if pair is not None and pair[0] == place.name]
    return []


def _named(place: Place, headers: Headers, part: Part) -> list[str]:
    name = place.name
    if place.named_by is not None and part == "response.header":
        name = headers.first(place.named_by)
    return headers.all(name) if name is not None else []
