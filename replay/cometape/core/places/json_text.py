"""Where each scalar of a JSON text stands, so that one can be exchanged and no other byte changes.

Parsing and writing again would lose how a server writes its JSON: spaces, escapes, the form of a
number, a key given twice. A replay promises to change identities and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from json.decoder import scanstring  # type: ignore[attr-defined]  # CPython's own, also in C

from cometape.core.json_value import Json

from .typed_path import Location

_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null|NaN|-?Infinity")
"""The last two are no JSON (RFC 8259 §6), but Python and others write them."""
Scalar = tuple[Location, int, int, Json]
"""Location, where the text of it starts and ends, and the value."""
Found = tuple[Location, int, int, Json, bool]
"""The same, and whether it is the key of what stands at that location."""
MAX_DEPTH = 200
"""Deeper than any JSON a server means; bounds the recursion."""


def scalars(text: str) -> Generator[Scalar, None, None]:
    """Each string, number, boolean and null: its location, start, end and value, in text order.

    Raises ValueError when `text` is not JSON (or deeper than `MAX_DEPTH`).
    """
    for location, start, end, value, is_key in scalars_and_keys(text):
        if not is_key:
            yield location, start, end, value


def scalars_and_keys(text: str) -> Generator[Found, None, None]:
    """The same with the keys of objects, each before its value. Raises ValueError."""
    end = yield from _value(text, _skip(text, 0), (), 0)
    if _skip(text, end) != len(text):
        raise ValueError("text after the JSON value")


def _value(text: str, at: int, location: Location, depth: int) -> Generator[Found, None, int]:
    """Yield the scalars and keys of the value at `at`; returns where it ends."""
    if depth > MAX_DEPTH:
        raise ValueError("JSON too deep")
    first = text[at : at + 1]
    if first == '"':
        string, after = scanstring(text, at + 1, True)
        yield location, at, after, string, False
        return int(after)
    if first == "{":
        at = _skip(text, at + 1)
        if text[at : at + 1] == "}":
            return at + 1
        while True:
            if text[at : at + 1] != '"':
                raise ValueError("a key is missing")
            start = at
            key, at = scanstring(text, at + 1, True)
            yield (*location, key), start, int(at), key, True
            at = _expect(text, at, ":")
            at = yield from _value(text, at, (*location, key), depth + 1)
            at = _skip(text, at)
            if text[at : at + 1] == "}":
                return at + 1
            at = _expect(text, at, ",")
    if first == "[":
        at = _skip(text, at + 1)
        if text[at : at + 1] == "]":
            return at + 1
        index = 0
        while True:
            at = yield from _value(text, at, (*location, index), depth + 1)
            at = _skip(text, at)
            if text[at : at + 1] == "]":
                return at + 1
            at = _expect(text, at, ",")
            index += 1
    found = _SCALAR.match(text, at)
    if found is None:
        raise ValueError(f"no JSON value at character {at}")
    yield location, at, found.end(), json.loads(found.group()), False
    return found.end()


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()


def _expect(text: str, at: int, mark: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != mark:
        raise ValueError(f"{mark!r} is missing at character {at}")
    return _skip(text, at + 1)
