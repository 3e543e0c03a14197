"""A body: exact bytes on the wire, structure in the cassette where structure gives the bytes back.

JSON is written as structure when `json.dumps` in a known style reproduces the bytes; the style is
noted only when it is not the common one. Anything else is text, and what is not text is base64. So
`Body.from_bytes(data).to_bytes() == data` holds for all bytes.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from .json_value import Json, is_deeper_than

MAX_JSON_DEPTH = 64
"""Deeper JSON is kept as text: the cassette reader bounds the depth of a whole document."""


@dataclass(frozen=True, slots=True)
class JsonStyle:
    """How JSON was serialised, so that the same bytes can be made again."""

    spaced: bool = False
    """`", "` and `": "` instead of `","` and `":"`."""
    ascii: bool = False
    """Non-ASCII characters as `\\uXXXX`."""
    indent: int = 0
    """Spaces per level; 0 is one line."""
    newline: bool = False
    """A line feed at the end."""

    def dumps(self, value: Json) -> str:
        """Serialise `value` in this style."""
        text = _encoder(self.spaced, self.ascii, self.indent).encode(value)
        return text + "\n" if self.newline else text

    def render(self) -> str:
        """The style in words, as a cassette notes it: `spaced ascii indent-2 newline`."""
        words = [word for word in ("spaced", "ascii") if getattr(self, word)]
        words += [f"indent-{self.indent}"] if self.indent else []
        words += ["newline"] if self.newline else []
        return " ".join(words)

    @classmethod
    def parse(cls, words: str) -> JsonStyle:
        """The style that `render` wrote. Raises ValueError naming the word it does not know."""
        known: dict[str, int | bool] = {}
        for word in words.split():
            name, _, number = word.partition("-")
            if name == "indent" and number.isdigit() and 0 < int(number) <= 16:
                known["indent"] = int(number)
            elif word in ("spaced", "ascii", "newline"):
                known[word] = True
            else:
                raise ValueError(f"unknown JSON style {word!r}")
        return cls(**known)  # type: ignore[arg-type]

    @classmethod
    def candidates(cls, text: str) -> Iterator[JsonStyle]:
        """The styles in which `text` can have been written, the most common first."""
        indent = _INDENT.match(text)
        for spaced in (False,) if indent else (False, True):
            for ascii in (False, True) if text.isascii() and "\\u" in text else (False,):
                yield cls(
                    spaced=spaced,
                    ascii=ascii,
                    indent=len(indent[1]) if indent else 0,
                    newline=text.endswith("\n"),
                )


COMPACT = JsonStyle()
_INDENT = re.compile(r"[\[{]\n( {1,8})\S")


@lru_cache(maxsize=64)
def _encoder(spaced: bool, ascii: bool, indent: int) -> json.JSONEncoder:
    item = "," if indent or not spaced else ", "
    return json.JSONEncoder(
        ensure_ascii=ascii,
        separators=(item, ": " if spaced or indent else ":"),
        indent=indent or None,
    )


@dataclass(frozen=True, slots=True)
class Body:
    """A body in the form a cassette writes; build it with `Body.from_bytes` or `Body.of_json`."""

    form: Literal["empty", "json", "text", "base64"]
    value: Json = None
    """The JSON value, the text, or the base64 text."""
    style: JsonStyle = COMPACT

    @classmethod
    def from_bytes(cls, data: bytes, content_type: str = "") -> Body:
        """The most readable form that gives `data` back.

        JSON is tried when the content type says so or the first byte opens an object or array.
        Equal bytes may give the same `Body`, so its value must not be changed.
        """
        if not data:
            return cls("empty")
        if len(data) <= _CACHED_BYTES:  # a recorder looks at each body twice: to scrub and to write
            return _cached(data, content_type)
        return cls._parsed(data, content_type)

    @classmethod
    def _parsed(cls, data: bytes, content_type: str) -> Body:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return cls("base64", base64.b64encode(data).decode("ascii"))
        if text[0] in "{[" or "json" in content_type.lower():
            found = _as_json(text)
            if found is not None:
                return found
        return cls("text", text)

    @classmethod
    def of_json(cls, value: Json, style: JsonStyle = COMPACT) -> Body:
        """A JSON body of our own making."""
        return cls("json", value, style)

    def to_bytes(self) -> bytes:
        """The exact bytes. Raises ValueError when a hand-written base64 text is not base64."""
        if self.form == "empty":
            return b""
        if self.form == "json":
            return self.style.dumps(self.value).encode("utf-8")
        text = str(self.value)
        return base64.b64decode(text, validate=True) if self.form == "base64" else text.encode()

    @property
    def json(self) -> Json:
        """The JSON value, or None where the body is not JSON (or is `null`)."""
        return self.value if self.form == "json" else None


_CACHED_BYTES = 16 * 1024


@lru_cache(maxsize=128)
def _cached(data: bytes, content_type: str) -> Body:
    return Body._parsed(data, content_type)


def json_of(data: bytes) -> Json:
    """The JSON object or array a body is, in whatever style, or None.

    Equal bytes may give the same value, so it must not be changed.
    """
    if data.lstrip()[:1] not in (b"{", b"["):
        return None
    return _cached_json(data) if len(data) <= _CACHED_BYTES else _parsed_json(data)


def _parsed_json(data: bytes) -> Json:
    try:
        value: Json = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value


_cached_json = lru_cache(maxsize=128)(_parsed_json)


def _as_json(text: str) -> Body | None:
    try:
        value: Json = json.loads(text)
        if is_deeper_than(MAX_JSON_DEPTH, value):
            return None
    except (ValueError, RecursionError):
        return None
    for style in JsonStyle.candidates(text):
        if style.dumps(value) == text:
            if _SURROGATE_ESCAPE.search(text):
                try:
                    COMPACT.dumps(value).encode("utf-8")
                except UnicodeEncodeError:  # a lone surrogate, which no YAML can hold
                    return None
            return Body("json", value, style)
    return None


_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
