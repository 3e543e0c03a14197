"""A cassette as YAML: one document per entry, stable key order, what is the default left out.

`dump_header` and `dump_entry` are what a recording appends piece by piece; `dump` puts the same
pieces together, so a file that was recorded and one that was saved do not differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from cometape.core.body import Body
from cometape.core.cassette import BayeuxEntry, Cassette, Entry, Exchange, Header
from cometape.core.errors import CassetteError
from cometape.core.exchange import Headers, Request, Response
from cometape.core.json_value import Json, JsonObject

from .entry_fields import END, ENTRY_FIELDS, HEADER_FIELDS, JSON_TEXT, KIND_OF, Field
from .yaml_block import WIDTH, block_value
from .yaml_scalar import Unwritable, flow_string

SEPARATOR = "---\n"
"""Begins every entry's document."""
TERMINATOR = END + "\n"
"""Ends the file; as long as SEPARATOR, which an appending writer puts in its place."""
_NESTED = ("request", "response")


def dump(cassette: Cassette) -> str:
    """The whole file. Raises CassetteError for entries that could not be read back."""
    pieces = [dump_header(cassette.header)]
    pieces += map(dump_entry, cassette.entries)
    pieces.append(TERMINATOR)
    return "".join(pieces)


def dump_header(header: Header) -> str:
    """The first document, without a separator before or after it."""
    document: JsonObject = {"cassette": header.format}
    for field in HEADER_FIELDS:
        value = getattr(header, field.name)
        if value != field.default or field.key == "profile":
            document[field.key] = list(value) if isinstance(value, tuple) else value
    document["ends_with"] = END
    return _render(document)


def dump_entry(entry: Entry) -> str:
    """One entry's document, `---` first.

    Raises CassetteError for an exchange with neither response nor error, which no reader accepts.
    """
    return SEPARATOR + _render(entry_document(entry))


def entry_document(entry: Entry) -> JsonObject:
    """The entry as the mapping its document shows, in the order of its keys."""
    kind = KIND_OF[type(entry)]
    if isinstance(entry, Exchange) and entry.response is None and entry.error is None:
        raise CassetteError(
            "an exchange needs a response, or an error that says why there is none",
            hint="This is a mistake of the program that wrote the entry.",
            entry=entry.number,
        )
    document: JsonObject = {kind: entry.number, "session": entry.session}
    if entry.at_s is not None:
        document["at_s"] = float(entry.at_s)
    for field in ENTRY_FIELDS[kind][1]:
        value = getattr(entry, field.name)
        if field.required or value != field.default or _must_say(entry, field):
            document[field.key] = _WRITE[field.kind](value) if field.kind in _WRITE else value
    return document


def _must_say(entry: Entry, field: Field) -> bool:
    """`error` without `successful` means failed; the odd entry that has both says so."""
    return field.key == "successful" and isinstance(entry, BayeuxEntry) and entry.error is not None


def _request_document(request: Request) -> Json:
    document: JsonObject = {"method": request.method, "target": request.target}
    _add_message(document, request.headers, request.body)
    return document


def _response_document(response: Response) -> Json:
    document: JsonObject = {"status": response.status}
    _add_message(document, response.headers, response.body, response.chunks)
    return document


def _add_message(
    document: JsonObject,
    headers: Headers,
    data: bytes,
    chunks: tuple[tuple[float, int], ...] = (),
) -> None:
    if headers:
        document["headers"] = [list(pair) for pair in headers]
    if chunks:
        document["chunks"] = [[float(after_s), size] for after_s, size in chunks]
    if not data:
        return
    body = Body.from_bytes(data, headers.first("Content-Type") or "")
    style = body.style.render()
    if style:
        document["json_style"] = style
    document[body.form] = body.value


_WRITE: dict[str, Callable[[Any], Json]] = {
    "request": _request_document,
    "response": _response_document,
    "texts": list,
    "seconds": float,
}


def _render(document: JsonObject) -> str:
    try:
        lines = _lines(document)
    except Unwritable:
        lines = _lines(_with_json_text(document))
    lines.append("")
    return "\n".join(lines)


def _lines(document: JsonObject) -> list[str]:
    lines: list[str] = []
    for key, value in document.items():
        if key in _NESTED and isinstance(value, dict):
            lines.append(f"{key}:")
            for inner, item in value.items():
                if inner == "headers":
                    _add_headers(lines, item)
                else:
                    block_value(lines, f"  {inner}:", item, "  ", 2)
        else:
            block_value(lines, f"{key}:", value, "", 1)
    return lines


def _add_headers(lines: list[str], headers: Any) -> None:
    """One pair a line, however long; few and short ones on one line."""
    pairs = [_pair(name, value) for name, value in headers]
    on_one_line = f"  headers: [{', '.join(pairs)}]"
    if len(on_one_line) <= WIDTH:
        lines.append(on_one_line)
    else:
        lines.append("  headers:")
        lines += [f"    - {pair}" for pair in pairs]


@lru_cache(maxsize=1024)
def _pair(name: str, value: str) -> str:
    return f"[{flow_string(name)}, {flow_string(value)}]"


def _with_json_text(document: JsonObject) -> JsonObject:
    """The same document, each value that YAML cannot hold as JSON text under `<key>_json`."""
    written: JsonObject = {}
    for key, value in document.items():
        if key in _NESTED and isinstance(value, dict):
            written[key] = _with_json_text(value)
        else:
            try:
                block_value([], f"{key}:", value, "  ", 2)
                written[key] = value
            except Unwritable:
                written[key + JSON_TEXT] = json.dumps(value)
    return written
