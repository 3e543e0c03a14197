"""From a document's mapping to a header or an entry: the schema, and errors that say what to do.

Every message names file, line, entry and key, what was expected, what was found, and the known key
that is nearest to an unknown one. An unknown key is an error: a misspelt `casue` would otherwise
silently change what a replay does.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, NoReturn

from cometape.core.body import Body, JsonStyle
from cometape.core.cassette import FORMAT, BayeuxEntry, Entry, Exchange, Header
from cometape.core.errors import CassetteError
from cometape.core.exchange import NO_HEADERS, Headers, Request, Response
from cometape.core.json_value import Json

from .entry_fields import (
    BODY_KEYS,
    DEFAULT_SESSION,
    END,
    ENTRY_FIELDS,
    ENTRY_KEYS,
    HEADER_FIELDS,
    JSON_TEXT,
    REQUEST_KEYS,
    RESPONSE_KEYS,
    Field,
)
from .wire_form import (
    FINAL_STATUS,
    MAX_NUMBER,
    is_channel,
    is_header_text,
    is_method,
    is_origin,
    is_target,
)
from .yaml_documents import Table

_MISSING: Any = object()
_EXAMPLE_TARGET = "For example /api/v2/me/workbins?fields=*: path and query."


def read_format(document: Json, path: str, line: int) -> int:
    """The format number of the first document. Raises CassetteError when it is not a cassette."""
    if not isinstance(document, Table) or "cassette" not in document:
        raise CassetteError(
            "not a cassette: its first document has no key `cassette`",
            hint=_what_it_is(document),
            reason="not-a-cassette",
            path=path,
            line=line,
        )
    form = document["cassette"]
    if type(form) is not int or form < 1:
        raise CassetteError(
            f"`cassette` must be the number of the format, not {_shown(form)}",
            hint=f"Write `cassette: {FORMAT}`.",
            path=path,
            line=document.lines["cassette"],
        )
    if form > FORMAT:
        raise CassetteError(
            f"format {form}, this cometape reads {FORMAT}: upgrade",
            hint="Install a newer cometape (`pip install --upgrade cometape`), or record again.",
            reason="newer-format",
            path=path,
            line=document.lines["cassette"],
        )
    return form


def _what_it_is(document: Json) -> str:
    first = f"A cassette begins with the line `cassette: {FORMAT}`."
    if isinstance(document, dict):
        near = get_close_matches("cassette", document, n=1)
        if near:
            return f"{first} Did you mean that by `{near[0]}`?"
        if {"interactions", "http_interactions"} & document.keys():
            return f"{first} This looks like a cassette of VCR, which holds no CometD."
        if "log" in document:
            return f"{first} This looks like a HAR file."
        if any(kind in document for kind in ENTRY_FIELDS):
            return f"{first} Put a header before this entry, with a line `---` between them."
    return f"{first} Is this the right file?"


def read_header(document: Table, path: str) -> tuple[Header, bool]:
    """The header, and whether the file says that it ends with a line `...`."""
    reader = _Reader(document, path)
    reader.know(["cassette", *(field.key for field in HEADER_FIELDS), "ends_with"])
    values = {field.name: reader.field(field) for field in HEADER_FIELDS}
    ends_with = reader.value("ends_with")
    if ends_with is not _MISSING and ends_with != END:
        reader.fail("ends_with", f"must be {END!r}", ends_with, "Or leave the key out.")
    origin = values["origin"]
    if origin is not None and not is_origin(origin):
        hint = "Write its scheme, host and port: https://gws.example:8090"
        reader.fail("origin", "must be the address of the system recorded", origin, hint)
    return Header(**values), ends_with is not _MISSING


def read_entry(document: Json, path: str, line: int) -> Entry:
    """One entry. Raises CassetteError naming what is wrong where."""
    if not isinstance(document, Table):
        raise CassetteError(
            f"an entry must be a mapping, not {_shown(document)}",
            hint=f"Begin it with one of {_listed(f'{kind}: N' for kind in ENTRY_FIELDS)}.",
            path=path,
            line=line,
        )
    kind = _kind(document, path)
    record, fields = ENTRY_FIELDS[kind]
    number = document[kind]
    reader = _Reader(document, path)
    if type(number) is not int or number < 1:
        reader.fail(kind, "must be the entry's number, 1 or more", number)
    if number > MAX_NUMBER:
        hint = f"Entries are counted from 1; the highest number there can be is {MAX_NUMBER}."
        reader.fail(kind, "is too high a number for an entry", number, hint)
    reader.entry = number
    reader.know([kind, *ENTRY_KEYS, *(field.key for field in fields)])
    values: dict[str, Any] = {field.name: reader.field(field) for field in fields}
    if issubclass(record, BayeuxEntry) and "successful" not in document:
        values["successful"] = values["error"] is None
    if record is Exchange and values["response"] is None and values["error"] is None:
        reader.fail(
            None,
            "an exchange needs `response`, or `error` that says why there is none",
            hint="Write `response: {status: 200}` or `error: server closed`.",
        )
    if "channel" in values and values.get("successful", True):  # one that is refused may be any
        reader.check_channel(values["channel"])
    return record(
        number=number,
        session=reader.field(Field("session", "text", DEFAULT_SESSION)),
        at_s=reader.field(Field("at_s", "seconds")),
        **values,
    )


def _kind(document: Table, path: str) -> str:
    kinds = [key for key in document if key in ENTRY_FIELDS]
    if len(kinds) == 1:
        return kinds[0]
    if kinds:
        raise CassetteError(
            f"an entry is one thing, this is {_listed(kinds)}",
            hint="Put a line `---` between two entries.",
            path=path,
            line=document.lines[kinds[1]],
        )
    first = next(iter(document), "")
    near = get_close_matches(first, ENTRY_FIELDS, n=1)
    raise CassetteError(
        "an entry that does not say what it is"
        + (f": unknown key `{first}`" if first else "")
        + (f". Did you mean `{near[0]}`?" if near else ""),
        hint=f"Begin it with one of {_listed(f'{kind}: N' for kind in ENTRY_FIELDS)}.",
        path=path,
        line=document.line,
    )


class _Reader:
    """Takes the values of one mapping, and knows where it stands for the error messages."""

    def __init__(self, table: Table, path: str, entry: int | None = None, within: str = "") -> None:
        self.table = table
        self.path = path
        self.entry = entry
        self.within = within
        """`request.` inside a request."""

    def fail(self, key: str | None, what: str, found: Json = _MISSING, hint: str = "") -> NoReturn:
        """Raise the CassetteError about `key`, or about the whole mapping."""
        line = self.table.line if key is None else self.table.lines.get(key, self.table.line)
        name = "" if key is None else f"`{self.within}{key}` "
        instead = "" if found is _MISSING else f", not {_shown(found)}"
        raise CassetteError(
            f"{name}{what}{instead}", hint=hint, path=self.path, line=line, entry=self.entry
        )

    def know(self, keys: Iterable[str]) -> None:
        """Refuse every key but these."""
        known = list(keys)
        for key in self.table:
            if key in known or key.removesuffix(JSON_TEXT) in known:
                continue
            near = get_close_matches(key, known, n=1)
            self.fail(
                key,
                "is not a known key" + (f"; did you mean `{near[0]}`?" if near else ""),
                hint=f"Known here: {', '.join(known)}.",
            )

    def value(self, key: str) -> Any:
        """The value under `key`, or under `<key>_json` as JSON text; `_MISSING` without."""
        text_key = key + JSON_TEXT
        if text_key not in self.table:
            return self.table.get(key, _MISSING)
        if key in self.table:
            self.fail(text_key, f"and `{key}` exclude each other", hint="Remove one.")
        try:
            return json.loads(self.text(text_key))
        except (ValueError, RecursionError) as error:
            self.fail(text_key, f"must be JSON text: {error}")

    def field(self, field: Field) -> Any:
        """The value of a field, checked, or its default."""
        value = self.value(field.key)
        if value is not _MISSING and (value is not None or field.kind == "json"):
            return _READ[field.kind](self, field.key, value)
        if value is None and not (field.default is None and not field.required):
            self.fail(field.key, "has no value", hint="Give it one, or remove the key.")
        if field.required:
            self.fail(None, f"`{self.within}{field.key}` is missing")
        return field.default

    def check_channel(self, channel: str) -> None:
        """Refuse a channel on which nothing can ever come."""
        if not is_channel(channel):
            hint = f"Channels begin with a slash: /{channel or 'v2/me/workitems'}"
            self.fail("channel", "can be no channel", channel, hint)

    def text(self, key: str) -> str:
        value = self.table[key]
        return self.as_text(key, value)

    def as_text(self, key: str, value: Json) -> str:
        if isinstance(value, str):
            return value
        scalar = not isinstance(value, dict | list)
        hint = f"Put it in double quotes: {json.dumps(str(value))}." if scalar else ""
        self.fail(key, "must be text", value, hint)

    def as_flag(self, key: str, value: Json) -> bool:
        if isinstance(value, bool):
            return value
        self.fail(key, "must be true or false", value)

    def as_integer(self, key: str, value: Json) -> int:
        if type(value) is int:
            return value
        self.fail(key, "must be a whole number", value)

    def as_seconds(self, key: str, value: Json) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                seconds = float(value)
            except OverflowError:
                seconds = math.inf
            if math.isfinite(seconds) and seconds >= 0:
                return seconds
        self.fail(key, "must be a number of seconds, 0 or more", value)

    def as_json(self, key: str, value: Json) -> Json:
        return dict(value) if isinstance(value, Table) else value

    def as_object(self, key: str, value: Json) -> dict[str, Json]:
        if isinstance(value, dict):
            return dict(value)
        self.fail(key, "must be a mapping", value)

    def as_texts(self, key: str, value: Json) -> tuple[str, ...]:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(str(item) for item in value)
        self.fail(key, "must be a list of texts", value, "For example [websocket, long-polling].")

    def as_cause(self, key: str, value: Json) -> int | str:
        if value == "spontaneous":
            return "spontaneous"
        if type(value) is int and 0 < value <= MAX_NUMBER:
            return value
        hint = "Leave it out and it is inferred."
        self.fail(key, "must be the number of an entry, or spontaneous", value, hint)

    def as_by(self, key: str, value: Json) -> str:
        if value in ("client", "server"):
            return str(value)
        self.fail(key, "must be client or server", value)

    def _inner(self, key: str, value: Json, keys: tuple[str, ...]) -> _Reader:
        if not isinstance(value, Table):
            if isinstance(value, dict):  # it came as JSON text
                table = Table(self.table.lines.get(key + JSON_TEXT, self.table.line))
                table.update(value)
                value = table
            else:
                self.fail(key, "must be a mapping", value)
        inner = _Reader(value, self.path, self.entry, f"{self.within}{key}.")
        inner.know(keys)
        return inner

    def as_request(self, key: str, value: Json) -> Request:
        inner = self._inner(key, value, REQUEST_KEYS)
        method = inner.field(Field("method", "text", required=True))
        target = inner.field(Field("target", "text", required=True))
        if not is_method(method):
            hint = "For example GET: one word, without blanks."
            inner.fail("method", "can be no method of a request", method, hint)
        if not is_target(target):
            hint = f"A path with its query begins with a slash: /{target.lstrip('/')}"
            hint = hint if is_target(f"/{target}") and "://" not in target else _EXAMPLE_TARGET
            inner.fail("target", "can be asked for by no client", target, hint)
        return Request(method=method, target=target, headers=inner.headers(), body=inner.body())

    def as_response(self, key: str, value: Json) -> Response:
        inner = self._inner(key, value, RESPONSE_KEYS)
        status = inner.field(Field("status", "integer", required=True))
        if status not in FINAL_STATUS:
            hint = "100 to 199 only announce an answer; write the one that follows."
            hint = hint if 100 <= status < 200 else ""
            inner.fail("status", "must be the HTTP status of an answer, 200 to 599", status, hint)
        return Response(
            status=status, headers=inner.headers(), body=inner.body(), chunks=inner.chunks()
        )

    def chunks(self) -> tuple[tuple[float, int], ...]:
        value = self.value("chunks")
        if value is _MISSING:
            return ()
        example = "For example [[0.012, 512], [0.431, 96]]."
        if not isinstance(value, list):
            self.fail("chunks", "must be a list of [seconds, bytes] pairs", value, example)
        found: list[tuple[float, int]] = []
        for pair in value:
            if not (isinstance(pair, list) and len(pair) == 2):
                self.fail("chunks", "must be a list of [seconds, bytes] pairs", pair, example)
            size = self.as_integer("chunks", pair[1])
            if size < 0:
                self.fail("chunks", "must be a list of [seconds, bytes] pairs", pair, example)
            found.append((self.as_seconds("chunks", pair[0]), size))
        return tuple(found)

    def headers(self) -> Headers:
        value = self.value("headers")
        if value is _MISSING:
            return NO_HEADERS
        example = "For example [[Content-Type, application/json]]; a number goes in double quotes."
        if not isinstance(value, list):
            self.fail("headers", "must be a list of [name, value] pairs", value, example)
        for pair in value:
            if not (
                isinstance(pair, list)
                and len(pair) == 2
                and isinstance(pair[0], str)
                and isinstance(pair[1], str)
            ):
                self.fail("headers", "must be a list of [name, value] pairs", pair, example)
            for text in pair:
                if not is_header_text(text):
                    hint = "Write it as one line, and a further header as a pair of its own."
                    self.fail("headers", "must have no line break or NUL in them", text, hint)
        return Headers((pair[0], pair[1]) for pair in value)

    def body(self) -> bytes:
        present = [key for key in BODY_KEYS if self.value(key) is not _MISSING]
        style_words = self.field(Field("json_style", "text", ""))
        if len(present) > 1:
            self.fail(present[1], f"and `{present[0]}` are both the body", hint="Remove one.")
        if style_words and present != ["json"]:
            self.fail("json_style", "says how `json` was written, and there is no `json`")
        if not present:
            return b""
        try:
            style = JsonStyle.parse(style_words)
        except ValueError as error:
            hint = "A style is made of the words spaced, ascii, indent-2, newline."
            self.fail("json_style", f"is no style: {error}", hint=hint)
        return self._bytes(present[0], style)

    def _bytes(self, form: Any, style: JsonStyle) -> bytes:
        value = self.value(form)
        try:
            if form == "json":
                return Body("json", value, style).to_bytes()
            text = self.as_text(form, value)
            if form == "text":
                return text.encode()
            return base64.b64decode("".join(text.split()), validate=True)
        except UnicodeEncodeError:
            self.fail(form, "has half of a surrogate pair, which UTF-8 cannot hold")
        except binascii.Error as error:
            self.fail(form, f"is not base64: {error}")


_READ: dict[str, Callable[[_Reader, str, Json], Any]] = {
    "text": _Reader.as_text,
    "flag": _Reader.as_flag,
    "integer": _Reader.as_integer,
    "seconds": _Reader.as_seconds,
    "json": _Reader.as_json,
    "object": _Reader.as_object,
    "texts": _Reader.as_texts,
    "cause": _Reader.as_cause,
    "by": _Reader.as_by,
    "request": _Reader.as_request,
    "response": _Reader.as_response,
}


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _shown(value: Json) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
