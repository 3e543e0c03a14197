"""A stream of YAML documents as plain values, with the line of every key that a schema looks at.

libyaml scans and parses (its safe event interface: nothing is ever constructed); composing values
from the events is ours, because a cassette wants what a general loader does not give:

* plain scalars by YAML 1.2's core schema only: `12:30`, `No`, `2024-01-01`, `1_000` written by hand
  are text. Numbers with leading zeros (`0017`) are text as well: readers disagree about them;
* keys are text; a key that stands twice is an error, with both lines;
* no anchors and aliases (a few lines of them unfold to gigabytes), no tags, no merge keys;
* bounds on depth and on the length of a scalar.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from cometape.core.errors import CassetteError
from cometape.core.json_value import Json

try:
    from yaml import CSafeLoader as Parser
except ImportError:  # PyYAML built without libyaml: the same events, an order of magnitude slower
    from yaml import SafeLoader as Parser  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a file may ask of its reader."""

    max_bytes: int = 512 * 1024 * 1024
    max_depth: int = 100
    max_scalar: int = 64 * 1024 * 1024
    """Characters in one scalar; bodies are bounded to 8 MiB when they are recorded."""


LIMITS = Limits()
Scalar = yaml.ScalarEvent


class Table(dict[str, Json]):
    """A mapping that knows where it stands: the outer levels of a document."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        """1-based line on which it begins."""
        self.lines: dict[str, int] = {}
        """Key → its 1-based line."""


TABLE_LEVELS = 2
"""Levels that are composed as `Table`: the document, and `request` and `response` in it."""

FIRST_OF_NON_TEXT = frozenset("0123456789+-.~ntfNTF")
_CORE = re.compile(
    r"(?P<null>~|null|Null|NULL)|(?P<true>true|True|TRUE)|(?P<false>false|False|FALSE)"
    r"|(?P<int>[-+]?(?:0|[1-9][0-9]*))|(?P<oct>0o[0-7]+)|(?P<hex>0x[0-9a-fA-F]+)"
    r"|(?P<inf>[-+]?\.(?:inf|Inf|INF))|(?P<nan>\.(?:nan|NaN|NAN))"
    r"|(?P<float>[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
)


def core_value(text: str) -> Json:
    """What a plain scalar says, by YAML 1.2's core schema.

    Raises ValueError for an integer of more than the 4300 digits that Python reads.
    """
    found = _CORE.fullmatch(text)
    match found.lastgroup if found is not None else None:
        case None:
            return text
        case "null":
            return None
        case "true" | "false" as kind:
            return kind == "true"
        case "int":
            return int(text)
        case "oct" | "hex":
            return int(text, 0)
        case "inf":
            return float(text.replace(".", ""))
        case "nan":
            return float("nan")
    return float(text)


def documents(
    data: bytes, path: str = "", limits: Limits = LIMITS, *, before: int = 0
) -> Iterator[tuple[Json, int]]:
    """Each document's value and first line. Raises CassetteError when it comes to the damage.

    `before` is how many lines of the file come before `data`.
    """
    stream = _Stream(data, path, limits, before)
    try:
        yield from stream.documents()
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, data, path, before) from None
    except yaml.YAMLError as error:  # ReaderError: a character YAML does not allow
        line = data.count(b"\n", 0, int(getattr(error, "position", 0))) + 1 + before
        raise CassetteError(
            f"not YAML: {getattr(error, 'reason', error)}",
            hint="Write characters that are not printable as \\u escapes in double quotes.",
            reason="not-yaml",
            path=path,
            line=line,
        ) from None


def _not_yaml(error: yaml.MarkedYAMLError, data: bytes, path: str, before: int) -> CassetteError:
    mark = error.problem_mark or error.context_mark
    line = None if mark is None else mark.line + 1
    text = b"" if line is None else (data.split(b"\n", line)[line - 1 : line] or [b""])[0]
    hint = "Mend the line (a value with a special character wants double quotes)."
    if b"\t" in text[: len(text) - len(text.lstrip())]:
        hint = "The line is indented with a tab; YAML wants spaces."
    context = f"{error.context}: " if error.context else ""
    return CassetteError(
        f"not YAML: {context}{error.problem}",
        hint=hint,
        reason="not-yaml",
        path=path,
        line=None if line is None else line + before,
    )


class _Stream:
    def __init__(self, data: bytes, path: str, limits: Limits, before: int) -> None:
        self._path = path
        self._limits = limits
        self._first_line = before + 1
        self._next: Callable[[], Any] = Parser(data).get_event

    def documents(self) -> Iterator[tuple[Json, int]]:
        event = self._next()  # the stream's start
        while True:
            event = self._next()
            if isinstance(event, yaml.StreamEndEvent):
                return
            first = self._next()
            value = self._value(first, 1)
            yield value, self._line(first)
            self._next()  # the document's end

    def _value(self, event: Any, depth: int) -> Json:
        kind = type(event)
        if kind is Scalar:
            return self._scalar(event)
        if kind is yaml.AliasEvent:
            self._refuse(
                event, f"an alias (`*{event.anchor}`)", reason="alias", hint="Write the value out."
            )
        if event.anchor is not None:
            self._refuse(
                event,
                f"an anchor (`&{event.anchor}`)",
                reason="alias",
                hint="Write the values out.",
            )
        if event.tag is not None:
            self._refuse(event, f"a tag (`{event.tag}`)", reason="tag", hint="Remove it.")
        if depth > self._limits.max_depth:
            self._refuse(
                event,
                f"more than {self._limits.max_depth} levels",
                reason="too-deep",
                hint="Write the value as JSON text, under the key with `_json` at its end"
                " (`data_json` for `data`).",
            )
        return self._mapping(event, depth) if kind is yaml.MappingStartEvent else self._list(depth)

    def _list(self, depth: int) -> list[Json]:
        found: list[Json] = []
        following = self._next
        while True:
            event = following()
            if type(event) is yaml.SequenceEndEvent:
                return found
            found.append(self._value(event, depth + 1))

    def _mapping(self, start: Any, depth: int) -> dict[str, Json]:
        table = Table(self._line(start)) if depth <= TABLE_LEVELS else None
        found: dict[str, Json] = {} if table is None else table
        following = self._next
        longest = self._limits.max_scalar
        while True:
            event = following()
            if type(event) is not Scalar and type(event) is yaml.MappingEndEvent:
                return found
            key = self._key(event)
            if key in found:
                self._refuse_duplicate(event, key, table)
            if table is not None:
                table.lines[key] = self._line(event)
            event = following()
            if type(event) is Scalar and event.anchor is None and event.tag is None:
                text = event.value  # most values are texts: they are taken without another call
                if (
                    text
                    and (text[0] not in FIRST_OF_NON_TEXT or not event.implicit[0])
                    and len(text) <= longest
                ):
                    found[key] = text
                    continue
            found[key] = self._value(event, depth + 1)

    def _refuse_duplicate(self, event: Any, key: str, table: Table | None) -> NoReturn:
        before = f" (first in line {table.lines[key]})" if table is not None else ""
        self._refuse(
            event, f"the key {key!r} twice{before}", reason="duplicate", hint="Remove one."
        )

    def _key(self, event: Any) -> str:
        if type(event) is not Scalar:
            self._refuse(event, "a key that is not text", reason="invalid", hint="Keys are text.")
        key: str = event.value
        if key == "<<" and event.implicit[0]:
            self._refuse(event, "a merge key (`<<`)", reason="alias", hint="Write the values out.")
        if event.anchor is not None or event.tag is not None:
            self._scalar(event)
        return key

    def _scalar(self, event: Any) -> Json:
        if event.anchor is not None:
            self._refuse(
                event, f"an anchor (`&{event.anchor}`)", reason="alias", hint="Write the value out."
            )
        if event.tag is not None:
            self._refuse(
                event,
                f"a tag (`{event.tag}`)",
                reason="tag",
                hint="Remove it; text goes in double quotes.",
            )
        text: str = event.value
        if len(text) > self._limits.max_scalar:
            self._refuse(
                event,
                f"a scalar of {len(text)} characters, more than {self._limits.max_scalar}",
                reason="too-large",
                hint="A cassette is not the place for such a body; record without it.",
            )
        if not event.implicit[0] or (text and text[0] not in FIRST_OF_NON_TEXT):
            return text
        return self._plain(event, text) if text else None

    def _plain(self, event: Any, text: str) -> Json:
        try:
            return core_value(text)
        except ValueError:
            self._refuse(
                event,
                f"a number of {len(text)} digits",
                reason="too-large",
                hint="Write it as text, in double quotes.",
            )

    def _refuse(self, event: Any, what: str, *, reason: str, hint: str) -> NoReturn:
        raise CassetteError(
            f"{what} is not allowed in a cassette",
            hint=hint,
            reason=reason,
            path=self._path,
            line=self._line(event),
        )

    def _line(self, event: Any) -> int:
        line: int = event.start_mark.line
        return self._first_line + line
