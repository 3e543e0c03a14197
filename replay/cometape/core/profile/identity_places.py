"""Where identities stand in a request, an answer, an event or a publish, as the profile declares.

The recorder links an event to its cause by them, the replay binds and rewrites them. A value counts
only at a declared place and only in its kind's form: a `17` elsewhere, or a `referenceId` that is
`true`, is not an identity. Ids of created things are not among them: see `replay.created_ids`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cometape.core.exchange import NO_HEADERS, Headers, Request
from cometape.core.json_value import Json, JsonObject
from cometape.core.places.inner_text import View, inside
from cometape.core.places.place import InPath, Part, Place
from cometape.core.places.typed_path import Location

from .profile import IdentityKind, Profile

NO_NAMES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityAt:
    """One identity, found."""

    kind: IdentityKind
    part: Part
    location: Location
    """Keys and indexes into the JSON; name (and index among equal names) of a header, cookie or
    query parameter; index of a path segment. Of what stands inside a text: that of the text."""
    value: Json
    issued: bool
    """Whether the profile says that identities are handed out at this place."""


def identities_of_request(
    profile: Profile,
    request: Request,
    request_json: Json = None,
    named_headers: Mapping[str, str] = NO_NAMES,
) -> Iterator[IdentityAt]:
    """The identities in a request whose body is `request_json`.

    `named_headers` are the response headers this session has seen that name request headers
    (`X-CSRF-HEADER`), with their values.
    """
    for kind, place, issued in profile.places["request"]:
        found = _in_request(place, request, request_json, named_headers)
        yield from _identities(kind, place, found, issued)


def identities_of_response(
    profile: Profile, response_json: Json, headers: Headers = NO_HEADERS
) -> Iterator[IdentityAt]:
    """The identities in an answer with that JSON body and those headers."""
    for kind, place, issued in profile.places["response"]:
        yield from _identities(kind, place, _in_response(place, response_json, headers), issued)


def identities_of_event(
    profile: Profile, data: Json, message: JsonObject | None = None
) -> Iterator[IdentityAt]:
    """The identities in an event's data and in the other fields of its message."""
    for kind, place, issued in profile.places["event"]:
        value = data if place.part == "event.data" else message
        yield from _identities(kind, place, values_at(place, value), issued)


Located = tuple[Location, Json, bool]
"""A value, where it is, and whether it can only be text there."""


def values_at(place: Place, value: Json) -> Iterator[Located]:
    """What is at a place of JSON; what stands inside a text has the location of that text."""
    assert place.path is not None
    for location, found in place.path.find(value):
        if place.key:
            found = location[-1] if location else ""
        if not place.inside:
            yield location, found, place.key
        elif isinstance(found, str):
            for spot in inside(View.of(found), None, place.inside, ()):
                yield location, spot.value, spot.textual


def cookie_of(header: str) -> tuple[str, str] | None:
    """Name and value that a `Set-Cookie` header sets (RFC 6265 §5.2), or None."""
    name, separator, value = header.partition(";")[0].partition("=")
    return (name.strip(), value.strip()) if separator and name.strip() else None


def _identities(
    kind: IdentityKind, place: Place, found: Iterable[Located], issued: bool
) -> Iterator[IdentityAt]:
    for location, value, textual in found:
        identity = kind.read(value, textual=textual)
        if identity is not None:
            yield IdentityAt(
                kind=kind, part=place.part, location=location, value=identity, issued=issued
            )


def _in_request(
    place: Place, request: Request, request_json: Json, named_headers: Mapping[str, str]
) -> Iterator[Located]:
    if place.path is not None:
        return values_at(place, request_json)
    if place.part == "request.header":
        if place.named_by is None:
            return _inner(place, _headers(request.headers, place.name))
        names = {key.lower(): value for key, value in named_headers.items()}
        return _inner(place, _headers(request.headers, names.get(place.named_by.lower())))
    name = place.name or ""
    if place.part == "request.cookie":
        cookies = request.cookies()
        return _inner(place, [((name,), cookies[name])] if name in cookies else [])
    if place.part == "request.query":
        values = [value for key, value in request.query if key == name]
        return _inner(place, [((name, index), value) for index, value in enumerate(values)])
    if place.part == "request.form":
        values = [value for key, value in request.form if key == name]
        return _inner(place, [((name, index), value) for index, value in enumerate(values)])
    path = request.path
    found = InPath(name).find(path)
    return _inner(place, [((index,), path[start:end]) for index, start, end in found])


def _in_response(place: Place, response_json: Json, headers: Headers) -> Iterator[Located]:
    if place.path is not None:
        return values_at(place, response_json)
    if place.part == "response.header":
        named = headers.first(place.named_by) if place.named_by else place.name
        return _inner(place, _headers(headers, named))
    if place.part == "response.callback":  # in the body, which is not at hand
        return iter(())
    cookies = [cookie_of(header) for header in headers.all("Set-Cookie")]
    values = [cookie[1] for cookie in cookies if cookie is not None and cookie[0] == place.name]
    return _inner(place, [((place.name or "", index), value) for index, value in enumerate(values)])


def _inner(place: Place, found: Iterable[tuple[Location, str]]) -> Iterator[Located]:
    for location, text in found:
        if not place.inside:
            yield location, text, True
        else:
            for spot in inside(View.of(text), None, place.inside, ()):
                yield location, spot.value, spot.textual


def _headers(headers: Headers, name: str | None) -> list[tuple[Location, str]]:
    if not name:
        return []
    return [((name, index), value) for index, value in enumerate(headers.all(name))]
