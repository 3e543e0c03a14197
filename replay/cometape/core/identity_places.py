"""Where identities stand in a request, an answer or an event, as the profile declares it.

The recorder links an event to its cause by them, the replay binds and rewrites them. A value counts
only at a declared place and only in its kind's form: a `17` elsewhere, or a `referenceId` that is
`true`, is not an identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from .exchange import NO_HEADERS, Headers, Request
from .json_value import Json
from .profile import IdentityKind, Part, Place, Profile
from .typed_path import Location

NO_NAMES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityAt:
    """One identity, found."""

    kind: IdentityKind
    part: Part
    location: Location
    """Keys and indexes into the JSON; name (and index among equal names) of a header, cookie or
    query parameter; index of a path segment."""
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
        for location, value in _in_request(place, request, request_json, named_headers):
            if kind.fits(value):
                yield IdentityAt(
                    kind=kind, part=place.part, location=location, value=value, issued=issued
                )


def identities_of_response(
    profile: Profile, response_json: Json, headers: Headers = NO_HEADERS
) -> Iterator[IdentityAt]:
    """The identities in an answer with that JSON body and those headers."""
    for kind, place, issued in profile.places["response"]:
        for location, value in _in_response(place, response_json, headers):
            if kind.fits(value):
                yield IdentityAt(
                    kind=kind, part=place.part, location=location, value=value, issued=issued
                )


def identities_of_event(profile: Profile, data: Json) -> Iterator[IdentityAt]:
    """The identities in an event's data."""
    for kind, place, issued in profile.places["event"]:
        if place.path is not None:
            for location, value in place.path.find(data):
                if kind.fits(value):
                    yield IdentityAt(
                        kind=kind, part=place.part, location=location, value=value, issued=issued
                    )


Change = Callable[[IdentityKind, Json], Json]
"""What becomes of one identity of a kind."""


def rewrite_event(profile: Profile, data: Json, change: Change) -> Json:
    """The data with `change` applied to every identity in it; untouched parts are shared."""
    return _rewrite(profile, data, "event.data", change)


def rewrite_response_json(profile: Profile, response_json: Json, change: Change) -> Json:
    """The answer's JSON with `change` applied to every identity in it."""
    return _rewrite(profile, response_json, "response.json", change)


def rewrite_request_json(profile: Profile, request_json: Json, change: Change) -> Json:
    """The request's JSON with `change` applied to every identity in it."""
    return _rewrite(profile, request_json, "request.json", change)


def cookie_of(header: str) -> tuple[str, str] | None:
    """Name and value that a `Set-Cookie` header sets (RFC 6265 §5.2), or None."""
    name, separator, value = header.partition(";")[0].partition("=")
    return (name.strip(), value.strip()) if separator and name.strip() else None


def _rewrite(profile: Profile, value: Json, part: Part, change: Change) -> Json:
    for kind, place, _ in profile.places[part.partition(".")[0]]:
        if place.part == part and place.path is not None:

            def fitting(found: Json, kind: IdentityKind = kind) -> Json:
                return change(kind, found) if kind.fits(found) else found

            value = place.path.rewrite(value, fitting)
    return value


def _in_request(
    place: Place, request: Request, request_json: Json, named_headers: Mapping[str, str]
) -> Iterable[tuple[Location, Json]]:
    if place.path is not None:
        return place.path.find(request_json)
    if place.part == "request.header":
        if place.named_by is None:
            return _headers(request.headers, place.name)
        names = {key.lower(): value for key, value in named_headers.items()}
        return _headers(request.headers, names.get(place.named_by.lower()))
    name = place.name or ""
    if place.part == "request.cookie":
        cookies = request.cookies()
        return [((name,), cookies[name])] if name in cookies else []
    if place.part == "request.query":
        values = [value for key, value in request.query if key == name]
        return [((name, index), value) for index, value in enumerate(values)]
    return _path_segment(name, request.path)


def _in_response(
    place: Place, response_json: Json, headers: Headers
) -> Iterable[tuple[Location, Json]]:
    if place.path is not None:
        return place.path.find(response_json)
    if place.part == "response.header":
        named = headers.first(place.named_by) if place.named_by else place.name
        return _headers(headers, named)
    cookies = [cookie_of(header) for header in headers.all("Set-Cookie")]
    values = [cookie[1] for cookie in cookies if cookie is not None and cookie[0] == place.name]
    return [((place.name or "", index), value) for index, value in enumerate(values)]


def _headers(headers: Headers, name: str | None) -> list[tuple[Location, Json]]:
    if not name:
        return []
    return [((name, index), value) for index, value in enumerate(headers.all(name))]


def _path_segment(template: str, path: str) -> list[tuple[Location, Json]]:
    wanted, segments = template.split("/"), path.split("/")
    if len(wanted) != len(segments):
        return []
    if any(w not in ("*", "{}", s) for w, s in zip(wanted, segments, strict=True)):
        return []
    index = wanted.index("{}")
    return [((index,), segments[index])]
