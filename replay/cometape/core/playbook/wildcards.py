"""Recorded requests with placeholders, found for a live one without a look at all of them.

A *mask* says where the placeholders of a request stand. Requests with the same mask are told apart
by all the rest of them: a live request is blanked where a mask says, once for each of the few masks
that a cassette has, and looked up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from cometape.core.identity.identity import PLACEHOLDER
from cometape.core.json_value import Json

from .matching import Shape

_BLANK = "\0blank"
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mask:
    """Where placeholders stand in some requests."""

    method: str
    length: int
    """How many segments their paths have."""
    segments: tuple[int, ...]
    query: tuple[str, ...] | None
    """Names whose value is blanked; None: all of the query is, for a name has a placeholder."""
    body: tuple[Place, ...] | None
    """Places in JSON, or names of a form; None: all of the body is blanked."""

    @classmethod
    def of(cls, recorded: Shape) -> Mask:
        """The mask of a recorded request."""
        segments = (at for at, text in enumerate(recorded.segments) if _is_wild(text))
        return cls(
            recorded.method,
            len(recorded.segments),
            tuple(segments),
            _wild_names(recorded.query),
            _wild_places(recorded),
        )

    @classmethod
    def parse(cls, text: str) -> Mask:
        """The mask that `str` wrote."""
        method, length, segments, query, body = json.loads(text)
        return cls(
            method,
            length,
            tuple(segments),
            None if query is None else tuple(query),
            None if body is None else tuple(map(tuple, body)),
        )

    def __str__(self) -> str:
        return json.dumps([self.method, self.length, self.segments, self.query, self.body])

    def rest(self, shape: Shape) -> str:
        """All of a request that this mask leaves, as text."""
        segments = list(shape.segments)
        for at in self.segments:
            segments[at] = _BLANK
        query = None if self.query is None else _blanked_pairs(shape.query, self.query)
        body = None if self.body is None else self._blanked_body(shape)
        return json.dumps([str(self), segments, query, shape.body_form, body], sort_keys=True)

    def _blanked_body(self, shape: Shape) -> Json:
        assert self.body is not None
        if shape.body_form == "form":
            names = tuple(str(place[0]) for place in self.body)
            return _blanked_pairs(_pairs(shape.body), names)
        body = shape.body
        for place in self.body:
            body = _blanked(body, place)
        return body


def _is_wild(text: str) -> bool:
    return "<" in text and PLACEHOLDER.search(text) is not None


def _wild_names(pairs: tuple[tuple[str, str], ...]) -> tuple[str, ...] | None:
    if any(_is_wild(name) for name, _ in pairs):
        return None
    return tuple(dict.fromkeys(name for name, value in pairs if _is_wild(value)))


def _wild_places(shape: Shape) -> tuple[Place, ...] | None:
    if shape.body_form == "form":
        names = _wild_names(_pairs(shape.body))
        return None if names is None else tuple((name,) for name in names)
    if shape.body_form == "json":
        return tuple(_places(shape.body, ()))
    return None if _is_wild(str(shape.body)) else ()


def _places(value: Json, at: Place) -> Iterator[Place]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _places(child, (*at, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _places(child, (*at, index))
    elif isinstance(value, str) and _is_wild(value):
        yield at


def _pairs(body: Json) -> tuple[tuple[str, str], ...]:
    pairs = body if isinstance(body, list) else []
    return tuple((str(pair[0]), str(pair[1])) for pair in pairs if isinstance(pair, list))


def _blanked_pairs(pairs: tuple[tuple[str, str], ...], names: tuple[str, ...]) -> Json:
    blanked = sorted((name, _BLANK if name in names else value) for name, value in pairs)
    return [list(pair) for pair in blanked]


def _blanked(value: Json, place: Place) -> Json:
    """`value` with a blank where a text stands; as it is where there is none."""
    if not place:
        return _BLANK if isinstance(value, str) else value
    first = place[0]
    if isinstance(value, dict) and isinstance(first, str) and first in value:
        return {**value, first: _blanked(value[first], place[1:])}
    if isinstance(value, list) and isinstance(first, int) and first < len(value):
        return [
            _blanked(child, place[1:]) if at == first else child for at, child in enumerate(value)
        ]
    return value
