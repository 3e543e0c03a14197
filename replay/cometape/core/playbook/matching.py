"""Matching: which recorded request a live one is, or why it is none of them.

A request is compared by its *shape*: method, path, query and body. Headers and the origin are out:
they differ with the client library and the address. Query pairs are compared without regard to
order, JSON as JSON, forms as pairs; volatile parts (a profile names them) are left out, of ids that
clients make only the kind counts, and a placeholder of the recording fits any text.

Equal shapes have equal keys, so the exact match is one look-up however large the cassette is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import parse_qsl, unquote

from cometape.core.exchange import Request
from cometape.core.identity.identity import PLACEHOLDER
from cometape.core.json_value import Json
from cometape.core.places.inner_text import HTTP_ORIGIN, Spot, path_of, query_of
from cometape.core.places.inner_value import rewritten_value
from cometape.core.places.place import Place
from cometape.core.places.request_text import RequestClaims
from cometape.core.profile.profile import IdentityKind, Profile

PUBLISH = "PUBLISH"
"""Stands for the method in the shape of a published message."""
MAX_DEPTH = 200
"""Deeper JSON is compared as text."""
REMEMBERED_SHAPES = 512
REMEMBERED_BODY_BYTES = 8 * 1024
"""A client that polls says the same again and again: the shapes of requests with bodies up to this
size are remembered."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What of a request is compared."""

    method: str
    segments: tuple[str, ...]
    """The path, split and percent-decoded (RFC 3986 §6.2.2.2)."""
    query: tuple[tuple[str, str], ...]
    """Sorted."""
    body_form: Literal["none", "json", "form", "text"]
    body: Json
    """JSON; for a form its sorted pairs; for anything else the text."""
    key: tuple[object, ...]
    """Equal for requests that match, placeholders apart."""
    wild: bool
    """Whether a placeholder is in it."""
    characters: int
    """Those of its body, as text."""

    @property
    def is_large(self) -> bool:
        """Whether it is too large to be remembered beside thousands of others."""
        return self.characters > REMEMBERED_BODY_BYTES

    @property
    def path(self) -> str:
        """The path, decoded."""
        return "/".join(self.segments)

    @property
    def key_text(self) -> str:
        """The key as text, the same wherever it is made."""
        return repr(self.key)

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.query)
        return f"{self.method} {self.path}" + (f"?{query}" if query else "")


class Shaper:
    """Makes shapes, in the way one profile asks for."""

    def __init__(self, profile: Profile, origins: Iterable[str] = ()) -> None:
        """`origins` are those of the recorded system: URIs in requests are compared without."""
        self._origins = {origin.lower() for origin in origins}
        self._uri_fields = profile.uri_fields
        whole = [p for p in profile.volatile if not (p.inside or p.key)]
        inner = [p for p in profile.volatile if p.inside or p.key]
        self._volatile_json = [
            place.path for place in whole if place.part == "request.json" and place.path is not None
        ]
        self._volatile_data = [
            place.path for place in whole if place.part == "publish.data" and place.path is not None
        ]
        self._volatile_query = {place.name for place in whole if place.part == "request.query"}
        self._volatile_form = {place.name for place in whole if place.part == "request.form"}
        self._volatile_path = [
            place.name.split("/")
            for place in whole
            if place.part == "request.path" and place.name is not None
        ]
        # What clients make up, and what is volatile inside a text, is masked: it must be there.
        masked: list[tuple[IdentityKind | None, Place]] = [
            (kind, place)
            for kind in profile.identities
            if kind.made_by == "client"
            for place in kind.issued
        ]
        masked += [(None, place) for place in inner]
        self._masked = RequestClaims.of(masked)
        self._masked_data = [(tag, p) for tag, p in masked if p.part == "publish.data"]
        self._remembered = lru_cache(REMEMBERED_SHAPES)(self._shape)

    def shape(self, request: Request, *, recorded: bool = False) -> Shape:
        """The shape of a request; `recorded` ones never have the live server's origin in them."""
        if self._masked:
            request = self._masked.rewrite(request, _mask)
        first, body = request.headers.first, request.body
        host = None if recorded else first("Host")
        known = not recorded and len(body) <= REMEMBERED_BODY_BYTES
        find = self._remembered if known else self._shape
        return find(request.method, request.target, host, first("Content-Type") or "", body)

    def _shape(
        self, method: str, target: str, host: str | None, content_type: str, content: bytes
    ) -> Shape:
        """By all that may count: what is no argument cannot make a remembered shape wrong."""
        origins = self._origins
        if host is not None:
            origins = origins | {f"http://{host}".lower(), f"https://{host}".lower()}
        segments = self._path(path_of(target))
        query = tuple(
            sorted(
                (name, _without_origin(value, origins))
                for name, value in parse_qsl(query_of(target), keep_blank_values=True)
                if name not in self._volatile_query
            )
        )
        body_form, body = self._body(content, content_type, origins)
        return shape(method, segments, query, body_form, body)

    def publish(self, channel: str, data: Json) -> Shape:
        """The shape of a published message, so that it is matched as a request is."""
        if self._masked_data:
            data = rewritten_value(data, self._masked_data, _mask)
        for path in self._volatile_data:
            data = _dropped(data, [location for location, _ in path.find(data)])
        try:
            body = self._json(data, self._origins)
        except ValueError:
            body = json.dumps(data)
        return shape(PUBLISH, tuple(channel.split("/")), (), "json", body)

    def _path(self, path: str) -> tuple[str, ...]:
        raw = path.split("/")
        for template in self._volatile_path:
            if len(template) == len(raw) and all(
                t in ("*", "{}", s) for t, s in zip(template, raw, strict=True)
            ):
                raw = ["*" if t == "{}" else s for t, s in zip(template, raw, strict=True)]
        return tuple(unquote(segment) if "%" in segment else segment for segment in raw)

    def _body(
        self, content: bytes, content_type: str, origins: set[str]
    ) -> tuple[Literal["none", "json", "form", "text"], Json]:
        if not content:
            return "none", None
        media_type = content_type.lower()
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
        if text.lstrip()[:1] in ("{", "[") or "json" in media_type:
            try:
                value: Json = json.loads(text)
                return "json", self._json(value, origins)
            except (ValueError, RecursionError):
                return "text", text
        if "x-www-form-urlencoded" in media_type:
            pairs = parse_qsl(text, keep_blank_values=True)
            return "form", [
                [name, _without_origin(value, origins)]
                for name, value in sorted(pairs)
                if name not in self._volatile_form
            ]
        boundary = re.search(r'boundary="?([^";]+)', content_type)
        # A multipart boundary is made up anew for every request (RFC 2046 §5.1.1).
        return "text", text.replace(boundary[1], "boundary") if boundary else text

    def _json(self, value: Json, origins: set[str]) -> Json:
        for path in self._volatile_json:
            value = _dropped(value, [location for location, _ in path.find(value)])
        for path in self._uri_fields:
            value = path.rewrite(value, _without_any_origin)
        return _canonical(value, origins, 0)


def shape(
    method: str,
    segments: tuple[str, ...],
    query: tuple[tuple[str, str], ...],
    body_form: Literal["none", "json", "form", "text"],
    body: Json,
) -> Shape:
    """A shape with its key."""
    text = json.dumps(body, sort_keys=True, ensure_ascii=False) if body_form != "none" else ""
    key: tuple[object, ...] = (method, segments, query, body_form, text)
    wild = "<" in text or any("<" in part for part in segments)
    wild = wild or any("<" in name or "<" in value for name, value in query)
    if wild:
        wild = any(PLACEHOLDER.search(part) for part in (*segments, text, *map("=".join, query)))
    if wild:
        key = (
            method,
            tuple(_kind_only(part) for part in segments),
            tuple(sorted((_kind_only(name), _kind_only(value)) for name, value in query)),
            body_form,
            _kind_only(text),
        )
    return Shape(method, segments, query, body_form, body, key, wild, len(text))


def _kind_only(text: str) -> str:
    return PLACEHOLDER.sub(r"<\1>", text)


def _canonical(value: Json, origins: set[str], depth: int) -> Json:
    if isinstance(value, str):
        return _without_origin(value, origins)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if depth > MAX_DEPTH:
        raise ValueError("JSON too deep")
    if isinstance(value, dict):
        return {key: _canonical(child, origins, depth + 1) for key, child in value.items()}
    if isinstance(value, list):
        return [_canonical(child, origins, depth + 1) for child in value]
    return value


def _without_origin(text: str, origins: set[str]) -> str:
    if text[:4].lower() != "http":
        return text
    found = HTTP_ORIGIN.match(text)
    if found is None or found.group().lower() not in origins:
        return text
    return text[found.end() :] or "/"


def _without_any_origin(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    found = HTTP_ORIGIN.match(value)
    return value if found is None else value[found.end() :] or "/"


def _mask(spot: Spot[IdentityKind | None]) -> str | None:
    if spot.tag is None:
        return "<any>" if isinstance(spot.value, str) else "0"
    if spot.tag.read(spot.value, textual=spot.textual) is None:
        return None
    return "0" if isinstance(spot.value, int) else f"<{spot.tag.name}>"


def _dropped(value: Json, locations: Sequence[tuple[str | int, ...]]) -> Json:
    """`value` without the members at some locations."""
    if not locations:
        return value
    here = {location[0] for location in locations if len(location) == 1}
    below: dict[str | int, list[tuple[str | int, ...]]] = {}
    for location in locations:
        if len(location) > 1 and location[0] not in here:
            below.setdefault(location[0], []).append(location[1:])
    if isinstance(value, dict):
        return {k: _dropped(v, below.get(k, ())) for k, v in value.items() if k not in here}
    if isinstance(value, list):
        return [_dropped(v, below.get(i, ())) for i, v in enumerate(value) if i not in here]
    return value
