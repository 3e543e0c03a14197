"""Into a text: where the values stand that the steps of a place lead to, whatever lies around them.

A body, a header, a URL or a string of JSON is a text; in it can stand JSON, in a string of that a
URL or once more JSON, and so on. A `Spot` says which characters of the outermost text are the
value, and how a new value must be written to stand there. So one value can be exchanged and no
other character changes, escapes and spaces included.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, Literal, TypeVar
from urllib.parse import quote, quote_plus

from cometape.core.json_value import Json

from .json_text import scalars_and_keys
from .place import InForm, InJson, InOrigin, InPath, InQuery, Step
from .typed_path import Location

T = TypeVar("T")
Coding = Literal["json", "url", "form"]
"""How a text is written to stand in another: as JSON string, percent-encoded, form-encoded."""

ORIGIN = re.compile(r'^[a-z][a-z0-9+.-]*://[^/\\?#"\s]*', re.IGNORECASE)
"""Scheme and authority of an absolute URL (RFC 3986 §3)."""
HTTP_ORIGIN = re.compile(r'^https?://[^/\\?#"\s]+', re.IGNORECASE)
"""The origin of an absolute URI of HTTP."""
WRITTEN_ORIGIN = re.compile(r'^https?:(?P<slash>\\?/)(?:\\?/)[^/\\?#"\s]+', re.IGNORECASE)
"""The same where JSON may escape its slashes: `http:\\/\\/host`."""
_PATH_ENDS = re.compile(r"[?#]")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")


@dataclass(frozen=True, slots=True)
class Spot(Generic[T]):
    """A value in a text, for somebody who asked for it."""

    tag: T
    start: int
    end: int
    """Its characters in the outermost text, without the quotes of a JSON string."""
    value: Json
    """Decoded."""
    textual: bool
    """Whether it can only be a text there: in a URL a 17 is `17`, in JSON that would be `"17"`."""
    coding: tuple[Coding, ...]
    """How it is written, the innermost first."""
    location: Location
    """Tells it from others of the same place."""

    def write(self, value: str) -> str:
        """`value` as it must be written to stand here."""
        return encoded(value, self.coding)


@dataclass(frozen=True, slots=True)
class View:
    """A decoded text, and where each of its characters stands in the outermost one."""

    text: str
    at: Sequence[int]
    """Of each character, and of the end."""
    coding: tuple[Coding, ...] = ()

    @classmethod
    def of(cls, text: str, start: int = 0, coding: tuple[Coding, ...] = ()) -> View:
        """A text that is written as it is."""
        return cls(text, range(start, start + len(text) + 1), coding)

    def part(self, start: int, end: int) -> View:
        """Some of it."""
        return View(self.text[start:end], self.at[start : end + 1], self.coding)

    def decoded(self, text: str, at: Sequence[int], coding: Coding) -> View:
        """What it is in clear, given the characters' positions in this view."""
        mine = self.at
        where = at if isinstance(mine, range) and mine.start == 0 else [mine[i] for i in at]
        return View(text, where, (coding, *self.coding))


def _end_of_origin(url: str) -> int:
    origin = ORIGIN.match(url)
    return origin.end() if origin is not None else 0


def path_of(url: str) -> str:
    """The path of an absolute URL, or of a request target: also of `//a/b`.

    Of any text, unlike `urlsplit`, which finds no path in one that only looks like a URL.
    """
    return _PATH_ENDS.split(url[_end_of_origin(url) :], maxsplit=1)[0]


def query_of(url: str) -> str:
    """The query of a URL or a request target, as it is written; empty where there is none."""
    return url.partition("#")[0].partition("?")[2]


Claim = tuple[T, Sequence[Step]]
"""Who asks, and for what."""


def spots(text: str, claims: Iterable[Claim[T]]) -> list[Spot[T]]:
    """What is claimed in a text, in its order; of claims that overlap the first ones count."""
    return in_order(found for claim in grouped(View.of(text), claims) for found in claim)


def in_order(found: Iterable[Spot[T]]) -> list[Spot[T]]:
    """Spots sorted, less those that overlap an earlier claim."""
    taken: list[Spot[T]] = []
    starts: list[int] = []
    for spot in found:
        at = bisect_right(starts, spot.start)
        if at and taken[at - 1].end > spot.start:
            continue
        if at < len(taken) and starts[at] < spot.end:
            continue
        taken.insert(at, spot)
        starts.insert(at, spot.start)
    return taken


def grouped(view: View, claims: Iterable[Claim[T]]) -> Iterator[list[Spot[T]]]:
    """The spots of each claim; the text is read as JSON once for all that ask for that."""
    ordered = list(claims)
    asked = [(index, c) for index, c in enumerate(ordered) if c[1] and isinstance(c[1][0], InJson)]
    results: list[list[Spot[T]]] = [[] for _ in ordered]
    if asked:
        for index, spot in _in_json(view, asked):
            results[index].append(spot)
    for index, (tag, steps) in enumerate(ordered):
        if not (steps and isinstance(steps[0], InJson)):
            results[index] = list(inside(view, tag, steps, ()))
    return iter(results)


def inside(view: View, tag: T, steps: Sequence[Step], location: Location) -> Iterator[Spot[T]]:
    """The spots that the steps lead to from a decoded text."""
    if not steps:
        if view.text:
            yield Spot(tag, view.at[0], view.at[-1], view.text, True, view.coding, location)
        return
    step, rest = steps[0], steps[1:]
    if isinstance(step, InJson):
        for _, spot in _in_json(view, [(0, (tag, steps))], location):
            yield spot
    elif isinstance(step, InPath):
        start = _end_of_origin(view.text)
        path = path_of(view.text)
        for index, first, last in step.find(path):
            segment = view.part(start + first, start + last)
            yield from inside(_unquoted(segment, "url"), tag, rest, (*location, index))
    elif isinstance(step, InQuery):
        mark = view.text.find("?")
        if mark >= 0:
            end = view.text.find("#", mark)
            query = view.part(mark + 1, end if end >= 0 else len(view.text))
            yield from _in_form(query, tag, step.name, rest, location)
    elif isinstance(step, InForm):
        yield from _in_form(view, tag, step.name, rest, location)
    elif isinstance(step, InOrigin):
        origin = HTTP_ORIGIN.match(view.text)
        if origin is not None:
            yield from inside(view.part(0, origin.end()), tag, rest, location)
    else:
        start = 0
        for index, item in enumerate(view.text.split(step.separator)):
            text = item.strip()
            first = start + (item.index(text) if text else 0)
            part = view.part(first, first + len(text))
            yield from inside(part, tag, rest, (*location, index))
            start += len(item) + len(step.separator)


def encoded(value: str, coding: tuple[Coding, ...]) -> str:
    """A value written to stand in other texts, the innermost coding first."""
    if not coding or (value.isascii() and value.replace("-", "").isalnum()):
        return value
    return _encoded(value, coding)


@lru_cache(1024)
def _encoded(value: str, coding: tuple[Coding, ...]) -> str:
    for one in coding:
        if one == "json":
            value = json.dumps(value, ensure_ascii=not _is_unicode(value))[1:-1]
        elif one == "url":
            value = quote(value, safe="<>:", errors="replace")
        else:
            value = quote_plus(value, safe="<>:", errors="replace")
    return value


def _is_unicode(text: str) -> bool:
    """Whether there is no lone surrogate in it, which UTF-8 cannot carry."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def spliced(text: str, changes: Iterable[tuple[int, int, str]]) -> str:
    """The text with other characters at some places, given in their order."""
    pieces: list[str] = []
    at = 0
    for start, end, new in changes:
        pieces += (text[at:start], new)
        at = end
    return "".join((*pieces, text[at:]))


def _in_json(
    view: View, claims: Sequence[tuple[int, Claim[T]]], location: Location = ()
) -> Iterator[tuple[int, Spot[T]]]:
    wanted: dict[tuple[Location, bool], list[tuple[int, Claim[T]]]] = {}
    try:
        value: Json = json.loads(view.text)
        if not isinstance(value, dict | list):
            return
        for index, (tag, steps) in claims:
            step = steps[0]
            assert isinstance(step, InJson)
            for where, _ in step.path.find(value):
                wanted.setdefault((where, step.key), []).append((index, (tag, steps[1:])))
        if not wanted:
            return
        found = list(scalars_and_keys(view.text))
    except (ValueError, RecursionError):  # not JSON after all
        return
    for where, start, end, scalar, is_key in found:
        for index, (tag, rest) in wanted.get((where, is_key), ()):
            here = (*location, *where)
            if isinstance(scalar, str):
                string = _unescaped(view.part(start + 1, end - 1))
                for spot in inside(string, tag, rest, here):
                    typed = not rest and not is_key
                    yield index, _typed(spot) if typed else spot
            elif not rest:
                first, last = view.at[start], view.at[end]
                yield index, Spot(tag, first, last, scalar, False, view.coding, here)


def _typed(spot: Spot[T]) -> Spot[T]:
    """The spot of a JSON string as such: its type is its own."""
    return Spot(spot.tag, spot.start, spot.end, spot.value, False, spot.coding, spot.location)


def _in_form(
    view: View, tag: T, name: str, rest: Sequence[Step], location: Location
) -> Iterator[Spot[T]]:
    start = 0
    for index, pair in enumerate(view.text.split("&")):
        key, mark, _ = pair.partition("=")
        first = start + len(key) + len(mark)
        if mark and _unquoted(View.of(key), "form").text == name:
            value = _unquoted(view.part(first, start + len(pair)), "form")
            yield from inside(value, tag, rest, (*location, index))
        start += len(pair) + 1


def _unescaped(view: View) -> View:
    """The content of a JSON string (RFC 8259 §7)."""
    raw = view.text
    if "\\" not in raw:
        return View(raw, view.at, ("json", *view.coding))
    text: list[str] = []
    at: list[int] = []
    position = 0
    while position < len(raw):
        found = _ESCAPE.match(raw, position) if raw[position] == "\\" else None
        if found is None:
            text.append(raw[position])
            at.append(position)
            position += 1
            continue
        end, mark = found.end(), found.group()[1]
        if mark == "u" and found.end() - found.start() == 6:
            code = int(found.group()[2:], 16)
            low = _ESCAPE.match(raw, end) if 0xD800 <= code < 0xDC00 else None
            if low is not None and re.fullmatch(r"\\u[dD][c-fC-F]..", low.group()):
                code = 0x10000 + ((code - 0xD800) << 10) + int(low.group()[2:], 16) - 0xDC00
                end = low.end()
            text.append(chr(code))
        else:
            text.append(_SHORT.get(mark, mark))
        at.append(position)
        position = end
    at.append(len(raw))
    return view.decoded("".join(text), at, "json")


def _unquoted(view: View, coding: Coding) -> View:
    """What stands in a URL, in clear (RFC 3986 §2.1); in a form `+` is a space."""
    raw = view.text.replace("+", " ") if coding == "form" else view.text
    if "%" not in raw:
        return View(raw, view.at, (coding, *view.coding))
    text: list[str] = []
    at: list[int] = []
    position = 0
    for found in _PERCENT.finditer(raw):
        text.append(raw[position : found.start()])
        at += range(position, found.start())
        byte = found.start()
        decoded = bytes.fromhex(found.group().replace("%", "")).decode("utf-8", "replace")
        for character in decoded:
            at.append(byte)
            byte = min(byte + 3 * len(character.encode("utf-8")), found.end() - 3)
        text.append(decoded)
        position = found.end()
    text.append(raw[position:])
    at += range(position, len(raw) + 1)
    return view.decoded("".join(text), at, coding)
