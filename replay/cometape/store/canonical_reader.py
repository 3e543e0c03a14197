"""One document as `yaml_emitter` writes it, read line by line: several times as fast as YAML.

What we write ourselves is a small part of YAML: blocks indented by two, one scalar or one flow
collection on a line, texts plain or in double quotes with JSON's escapes, literal blocks. Whoever
reads a large cassette for the first time waits for this alone. Anything else, one comment or one
blank too many, is `None` here, and `yaml_documents` reads it. What is read here is what it would
read, with the same lines: a law in `tests/store/test_canonical_reader.py`.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from cometape.core.catalogue import EntryHead
from cometape.core.json_value import Json

from .entry_fields import END, ENTRY_FIELDS
from .yaml_block import MAX_SIMPLE_KEY
from .yaml_documents import FIRST_OF_NON_TEXT, LIMITS, TABLE_LEVELS, Limits, Table, core_value
from .yaml_scalar import NEVER_RAW, PLAIN_ID, PLAIN_IN_BLOCK, PLAIN_IN_FLOW

_PRINTABLE_ASCII = bytes([10, *range(32, 127)])
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_LINE = re.compile(
    r"( *)((?:- )*)"
    rf"(?:({PLAIN_IN_FLOW.pattern}|{PLAIN_ID.pattern}|{_QUOTED}):(?: |\Z))?"
    r"(.*)"
)
_TOKEN = re.compile(rf'{_QUOTED}|[\[\]{{}}]|: |, |[^\[\]{{}},:" ]+(?: [^\[\]{{}},:" ]+)*|.')
_SHARED_ESCAPES = re.compile(
    r'"(?:[^"\\]|\\(?:["\\bfnrt]|u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2})))*"'
)
"""A text whose escapes JSON and YAML share: no half of a surrogate pair, no `\\/`."""
_CACHED_LENGTH = 120
"""Longer lines and texts seldom come again."""

_OPENS, _SCALAR, _FLOW, _LITERAL = range(4)
_Line = tuple[int, int, str | None, int, Any]
"""Indentation, dashes, key, what stands there, and that."""


class _NotCanonical(Exception):
    """Something that we do not write."""


def canonical_document(data: bytes, before: int = 0, limits: Limits = LIMITS) -> Table | None:
    """The document that begins with `---`, or None where it is not written as we write.

    `before` is how many lines of the file come before `data`.
    """
    if len(data) > limits.max_scalar or not data.startswith(b"---\n"):
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if data.translate(None, _PRINTABLE_ASCII) and NEVER_RAW.search(text):
        return None
    lines = text.split("\n")
    if lines.pop():
        return None
    if lines[-1] == END:
        lines.pop()
    try:
        return _Document(lines, before, limits.max_depth).read()
    except (_NotCanonical, ValueError, IndexError):
        # ValueError: an integer of thousands of digits. IndexError: a line that ends too soon.
        return None


_HEAD = re.compile(
    rb"---\n(?P<kind>[a-z]+): (?P<number>[1-9]\d{0,17})\n(?P<session>session: [^\n]*)\n"
    rb"(?:at_s: (?P<at_s>\d{1,12}\.\d{1,12})\n)?(?:cause: (?P<cause>[1-9]\d{0,17}|spontaneous)\n)?"
    rb"(?P<channel>channel: [^\n]*\n)?(?=[a-z_]+:[ \n]|\.\.\.\n|\Z)"
)


def canonical_head(data: bytes) -> EntryHead | None:
    """The head of an entry's document; None where it is not written as we write.

    The rest of the document is not looked at.
    """
    found = _HEAD.match(data)
    if found is None:
        return None
    kind, number, session, at_s, cause, channel = found.groups()
    is_event = kind == b"event"
    if (at_s is None and b"at_s" in data) or (is_event and cause is None and b"cause" in data):
        return None  # it may stand further down
    if kind not in _RECORDS or (channel is None if is_event else cause is not None):
        return None
    try:
        name = _text_of(session)
        channel_name = _text_of(channel[:-1]) if is_event else ""
    except (_NotCanonical, ValueError, UnicodeDecodeError):
        return None
    return EntryHead(
        _RECORDS[kind],
        int(number),
        name,
        None if at_s is None else float(at_s),
        "spontaneous" if cause == b"spontaneous" else None if cause is None else int(cause),
        channel_name,
    )


@lru_cache(1024)
def _text_of(line: bytes) -> str:
    """The text that a line gives its key. Raises _NotCanonical, ValueError."""
    text = line.decode("utf-8")
    _, dashes, key, kind, value = _line(text)
    is_text = kind == _SCALAR and isinstance(value, str)
    if NEVER_RAW.search(text) or dashes or key is None or not is_text:
        raise _NotCanonical
    return str(value)


_RECORDS = {kind.encode(): record for kind, (record, _) in ENTRY_FIELDS.items()}


class _Document:
    """The lines of one document, and the blocks that are open where the reading of them is."""

    def __init__(self, lines: list[str], before: int, max_depth: int) -> None:
        self._lines = lines
        self._first_line = before + 1
        self._max_depth = max_depth
        self._root = Table(before + 2)
        self._open: list[tuple[int, Any]] = [(0, self._root)]
        """How far each is indented, and what is in it."""

    def read(self) -> Table:
        """All of it. Raises _NotCanonical, ValueError, IndexError."""
        lines, count, at = self._lines, len(self._lines), 1
        waiting: tuple[Any, str] | None = None  # for what stands under the last line's key
        while at < count:
            text = lines[at]
            short = len(text) <= _CACHED_LENGTH
            indent, dashes, key, kind, value = _cached_line(text) if short else _line(text)
            inner = self._open[-1]
            if waiting is not None:
                if indent != inner[0] + 2:
                    raise _NotCanonical
                container = waiting[0][waiting[1]] = self._new(dashes, indent, at)
            else:
                while inner[0] > indent:
                    self._open.pop()
                    inner = self._open[-1]
                container = inner[1]
                if inner[0] != indent or (dashes > 0) is not (type(container) is list):
                    raise _NotCanonical
            for more in range(dashes - 1, -1, -1):
                indent += 2
                if more or key is not None:
                    item = self._new(more, indent, at)
                    container.append(item)
                    container = item
            line = at
            if kind == _FLOW:
                is_table = key is not None and len(self._open) < TABLE_LEVELS
                value = self._flow(value, at if is_table else None)
            elif kind == _LITERAL:
                at, value = self._literal(at, indent if key is None else indent + 2, value)
            at += 1
            waiting = None
            if key is None:
                if kind == _OPENS or type(container) is not list:
                    raise _NotCanonical
                container.append(value)
                continue
            if key in container:
                raise _NotCanonical
            container[key] = value
            if type(container) is Table:
                container.lines[key] = self._first_line + line
            if kind == _OPENS:
                waiting = container, key
        if waiting is not None or count < 2:
            raise _NotCanonical
        return self._root

    def _new(self, dashes: int, indent: int, at: int) -> Any:
        """A block that begins at a line."""
        depth = len(self._open) + 1
        if depth > self._max_depth:
            raise _NotCanonical
        found: Any = []
        if not dashes:
            found = Table(self._first_line + at) if depth <= TABLE_LEVELS else {}
        self._open.append((indent, found))
        return found

    def _flow(self, text: str, table_at: int | None) -> Json:
        """A collection on one line; `table_at` is the line of one that has to be a table."""
        tokens = _TOKEN.findall(text)
        value, end = _collection(tokens, 0, self._max_depth - len(self._open))
        if end != len(tokens):
            raise _NotCanonical
        if table_at is None or not isinstance(value, dict):
            return value
        table = Table(self._first_line + table_at)
        table.update(value)
        table.lines = dict.fromkeys(value, table.line)
        return table

    def _literal(self, at: int, indent: int, end: str) -> tuple[int, str]:
        """Lines of text, each after so many blanks; and the place of the last."""
        lines, pad, found = self._lines, " " * indent, list[str]()
        for text in lines[at + 1 :]:
            if text and not text.startswith(pad):
                break
            found.append(text[indent:])
        if not found or found[0][:1] in ("", " ") or not found[-1]:
            raise _NotCanonical
        if any(text[-1:] == " " for text in found):
            raise _NotCanonical
        return at + len(found), "\n".join(found) + end


def _line(text: str) -> _Line:
    """One line outside a literal block. Raises _NotCanonical, ValueError."""
    found = _LINE.fullmatch(text)
    if found is None:
        raise _NotCanonical
    pad, dashes, key, value = found.groups()
    if key is not None:
        key = _key(key)
    if value[:1] in ("[", "{"):
        return len(pad), len(dashes) // 2, key, _FLOW, value
    if value == "|":
        return len(pad), len(dashes) // 2, key, _LITERAL, "\n"
    if value == "|-":
        return len(pad), len(dashes) // 2, key, _LITERAL, ""
    if not value and key is not None and text[-1] == ":":
        return len(pad), len(dashes) // 2, key, _OPENS, None
    return len(pad), len(dashes) // 2, key, _SCALAR, _scalar(value, PLAIN_IN_BLOCK)


_cached_line = lru_cache(8192)(_line)


def _scalar(text: str, plain: re.Pattern[str]) -> Json:
    """What one scalar says. Raises _NotCanonical, ValueError."""
    if text[0] == '"':
        return _quoted(text)
    if plain.fullmatch(text) or PLAIN_ID.fullmatch(text):
        return core_value(text) if text[0] in FIRST_OF_NON_TEXT else text
    value = core_value(text)
    if value is None or isinstance(value, str):  # `~` is not ours, nor is any other text
        raise _NotCanonical
    return value


def _quoted(text: str) -> str:
    if "\\" in text:
        if _SHARED_ESCAPES.fullmatch(text) is None:
            raise _NotCanonical
        found: str = json.loads(text)
        return found
    if text[-1] != '"' or text.count('"') != 2:
        raise _NotCanonical
    return text[1:-1]


def _key(text: str) -> str:
    if len(text) > MAX_SIMPLE_KEY:
        raise _NotCanonical
    return _quoted(text) if text[0] == '"' else text


@lru_cache(8192)
def _cached_item(token: str) -> Json:
    return _scalar(token, PLAIN_IN_FLOW)


@lru_cache(1024)
def _flow_key(token: str) -> str:
    if token[0] != '"' and not (PLAIN_IN_FLOW.fullmatch(token) or PLAIN_ID.fullmatch(token)):
        raise _NotCanonical
    return _key(token)


def _item(tokens: list[str], at: int, room: int) -> tuple[Json, int]:
    """The value that begins at a token, and the token after it."""
    token = tokens[at]
    if token in ("[", "{"):
        return _collection(tokens, at, room)
    short = len(token) <= _CACHED_LENGTH
    return _cached_item(token) if short else _scalar(token, PLAIN_IN_FLOW), at + 1


def _collection(tokens: list[str], at: int, room: int) -> tuple[Json, int]:
    """The collection that begins at a token. Raises _NotCanonical, ValueError, IndexError."""
    if room < 1:
        raise _NotCanonical
    opening, at = tokens[at], at + 1
    closing = "]" if opening == "[" else "}"
    if tokens[at] == closing:
        return [] if opening == "[" else {}, at + 1
    items: list[Json] = []
    members: dict[str, Json] = {}
    while True:
        if opening == "[":
            value, at = _item(tokens, at, room - 1)
            items.append(value)
        else:
            key = _flow_key(tokens[at])
            if key in members or tokens[at + 1] != ": ":
                raise _NotCanonical
            members[key], at = _item(tokens, at + 2, room - 1)
        following, at = tokens[at], at + 1
        if following == closing:
            return items if opening == "[" else members, at
        if following != ", ":
            raise _NotCanonical
