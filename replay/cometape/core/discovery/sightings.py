"""Sightings: every value of a cassette with where it stands, in a profile's own words.

Ids in the way (indexes, ids in paths, ids as keys) are `*`, so that equal places have equal words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import unquote

from cometape.core.places.inner_text import path_of
from cometape.core.places.place import Part
from cometape.core.places.typed_path import Location, Segment, TypedPath
from cometape.core.profile.identity_places import cookie_of
from cometape.core.profile.profile import Profile

from ..cassette import Entry, Event, Exchange, Publish, Subscribe
from ..exchange import Headers
from ..json_value import Json
from .shapes import is_id

Half = Literal["request", "response", "event", "publish"]
"""Who says it: a subscription is a request of its client."""
MAX_VALUES = 20_000
"""Of one body or event; what is larger is a table of data, and says the same again and again."""
_MAX_TEXT = 512
_IGNORED = frozenset(
    {
        *("host", "accept", "accept-encoding", "accept-language", "user-agent", "content-type"),
        *("content-length", "connection", "origin", "referer", "cache-control", "pragma", "date"),
        *("server", "vary", "etag", "last-modified", "expires", "upgrade", "transfer-encoding"),
        *("sec-websocket-key", "sec-websocket-accept", "sec-websocket-version"),
        *("authorization", "cookie", "set-cookie", "location"),
    }
)
"""Headers in which nothing is looked for here; cookies and `Location` have sightings of their
own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A value that was seen."""

    entry: int
    session: str
    half: Half
    part: Part
    place: str = ""
    """As profiles write it: `event.data workitem.id`, `request.path /api/v2/me/workitems/{}`."""
    name: str = ""
    """The last word of it, by which people call it: `id`, `JSESSIONID`."""
    location: Location = ()
    """In JSON, that of the value, or of the text or key it is in; of a path the segment."""
    steps: tuple[str, ...] = ()
    """By which it is inside: `key`, `json`, `url`."""
    value: str | int = ""
    operation: str | None = None
    """The operation of that request, or of the one that caused the event."""
    cause: int | None = None
    """Of an event, the exchange that caused it; else the entry itself."""


def sightings(entries: Iterable[Entry], profile: Profile) -> Iterator[Sighting]:
    """Every value in exchanges, events and publishes, of a cassette whose causes are inferred."""
    operations: dict[int, str | None] = {}
    for entry in entries:
        if isinstance(entry, Exchange):
            unsafe = entry.request.method not in profile.safe_methods
            operation = profile.operation_name(entry.request) if unsafe else None
            operations[entry.number] = operation
            for found in (*_of_request(entry), *_of_response(entry)):
                yield replace(found, operation=operation, cause=entry.number)
        elif isinstance(entry, Event):
            cause = entry.cause if isinstance(entry.cause, int) else None
            seen = Sighting(
                entry=entry.number,
                session=entry.session,
                half="event",
                part="event.data",
                operation=operations.get(cause or 0),
                cause=cause,
            )
            operations[entry.number] = seen.operation
            yield from _of_channel(entry.channel, seen)
            yield from _of_json(entry.data, seen)
            if entry.extra:
                yield from _of_json(dict(entry.extra), replace(seen, part="event.message"))
        elif isinstance(entry, Publish):
            operations[entry.number] = profile.operation_name(entry.data)
            seen = Sighting(
                entry=entry.number,
                session=entry.session,
                half="publish",
                part="publish.data",
                operation=operations[entry.number],
                cause=entry.number,
            )
            yield from _of_channel(entry.channel, replace(seen, half="request"))
            yield from _of_json(entry.data, seen)
        elif isinstance(entry, Subscribe):
            seen = Sighting(
                entry=entry.number,
                session=entry.session,
                half="request",
                part="channel",
            )
            yield from _of_channel(entry.channel, seen)


def _of_request(entry: Exchange) -> Iterator[Sighting]:
    request = entry.request
    seen = Sighting(
        entry=entry.number,
        session=entry.session,
        half="request",
        part="request.path",
    )
    yield from _of_path(request.path, seen)
    for part, pairs in (("request.query", request.query), ("request.form", request.form)):
        for name, value in pairs:
            at = replace(seen, part=part, place=f"{part} {name}", name=name)  # type: ignore[arg-type]
            yield from _of_text(value, at)
    for name, value in request.cookies().items():
        place = f"request.cookie {name}"
        yield replace(seen, part="request.cookie", place=place, name=name, value=value)
    yield from _of_headers(request.headers, replace(seen, part="request.header"))
    yield from _of_body(request.body, replace(seen, part="request.json"))


def _of_channel(channel: str, seen: Sighting) -> Iterator[Sighting]:
    yield from _of_path(channel, replace(seen, part="channel"))


def _of_path(path: str, seen: Sighting) -> Iterator[Sighting]:
    """The ids among the segments of a path, or of the name of a channel."""
    raw = path.split("/")
    for index, segment in enumerate(raw):
        if is_id(unquote(segment)):
            template = ["*" if is_id(unquote(one)) else one for one in raw]
            template[index] = "{}"
            yield replace(
                seen,
                place=f"{seen.part} {'/'.join(template)}",
                name=raw[index - 1],
                location=(index,),
                value=unquote(segment),
            )


def _of_response(entry: Exchange) -> Iterator[Sighting]:
    if entry.response is None:
        return
    seen = Sighting(
        entry=entry.number,
        session=entry.session,
        half="response",
        part="response.cookie",
    )
    for header in entry.response.headers.all("Set-Cookie"):
        pair = cookie_of(header)
        if pair is not None and pair[1]:
            place = f"response.cookie {pair[0]}"
            yield replace(seen, place=place, name=pair[0], value=pair[1])
    at = replace(seen, part="response.header", place="response.header Location", name="Location")
    for header in entry.response.headers.all("Location"):
        yield from _of_text(header, at)
    yield from _of_headers(entry.response.headers, replace(seen, part="response.header"))
    yield from _of_body(entry.response.body, replace(seen, part="response.json"))


def _of_headers(headers: Headers, seen: Sighting) -> Iterator[Sighting]:
    for name, value in headers:
        if name.lower() not in _IGNORED:
            yield replace(seen, place=f"{seen.part} {name}", name=name, value=value)


def _of_body(body: bytes, seen: Sighting) -> Iterator[Sighting]:
    if body.lstrip()[:1] in (b"{", b"["):
        try:
            value: Json = json.loads(body)
        except (ValueError, RecursionError):
            return
        yield from _of_json(value, seen)


def _of_json(value: Json, seen: Sighting) -> Iterator[Sighting]:
    left = MAX_VALUES
    waiting: list[tuple[Json, Location, tuple[Segment, ...]]] = [(value, (), ())]
    while waiting and left:
        node, location, path = waiting.pop()
        left -= 1
        if isinstance(node, dict):
            below = []
            for key, child in node.items():
                segment = Segment("any") if is_id(key) else Segment("key", key)
                if segment.form == "any":
                    at = replace(seen, location=(*location, key), steps=("key",))
                    words = f"{seen.part} {_words((*path, segment))} > key"
                    yield replace(at, place=words, name=_name(path), value=key)
                below.append((child, (*location, key), (*path, segment)))
            waiting += reversed(below)
        elif isinstance(node, list):
            waiting += reversed(
                [
                    (child, (*location, index), (*path, Segment("any")))
                    for index, child in enumerate(node)
                ]
            )
        elif isinstance(node, str | int) and not isinstance(node, bool) and path:
            at = replace(
                seen,
                location=seen.location or location,
                place=f"{seen.place or seen.part} {_words(path)}",
                name=_name(path),
            )
            if isinstance(node, str):
                yield from _of_text(node, at)
            else:
                yield replace(at, value=node)


def _of_text(text: str, seen: Sighting) -> Iterator[Sighting]:
    """A text, what a URL in it leads to, what stands in it if it is JSON."""
    if text[:1] in ("{", "[") and len(seen.steps) < 4:
        try:
            value: Json = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict | list):
            inside = replace(seen, place=f"{seen.place} > json", steps=(*seen.steps, "json"))
            yield from _of_json(value, inside)
            return
    if len(text) > _MAX_TEXT:
        return
    yield replace(seen, value=text)
    if text.startswith(("http://", "https://", "/")):
        segments = path_of(text).split("/")
        for index, segment in enumerate(segments):
            if is_id(unquote(segment)):
                before = segments[index - 1]
                fixed = f"/{before}" if before and not is_id(before) else ""
                rest = "/**" if index < len(segments) - 1 else ""
                yield replace(
                    seen,
                    place=f"{seen.place} > url /**{fixed}/{{}}{rest}",
                    steps=(*seen.steps, "url"),
                    name=before or seen.name,
                    value=unquote(segment),
                )


def _words(path: tuple[Segment, ...]) -> str:
    return str(TypedPath(path))


def _name(path: tuple[Segment, ...]) -> str:
    return next((one.key for one in reversed(path) if one.form == "key"), "")
