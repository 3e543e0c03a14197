"""Every text of an entry, with the name of the field it stands in.

Fields are named as in `response.json workbin.workitems.0.id`: a part of the entry, then a typed
path, or the name of a header (in small letters) or of a query parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from ..body import Body
from ..cassette import (
    BayeuxEntry,
    Entry,
    Event,
    Exchange,
    Handshake,
    Publish,
    Subscribe,
    Unsubscribe,
)
from ..exchange import Headers, Request, Response
from ..json_value import Json

Text = tuple[str, str]
"""Name of the field, and what stands there."""


def texts_of(entry: Entry) -> Iterator[Text]:
    """All texts of an entry in the order of the file; keys of JSON stand for their field."""
    yield "session", entry.session
    if isinstance(entry, Exchange):
        yield from _request(entry.request)
        if entry.response is not None:
            yield from _response(entry.response)
    if isinstance(entry, Event | Publish | Subscribe | Unsubscribe):
        yield "channel", entry.channel
    if isinstance(entry, Handshake) and entry.client_id is not None:
        yield "client_id", entry.client_id
    if isinstance(entry, Exchange | BayeuxEntry) and entry.error is not None:
        yield "error", entry.error
    if isinstance(entry, Event):
        yield from _json("extra", entry.extra)
        yield from _json("event.data", entry.data)
    if isinstance(entry, BayeuxEntry):
        yield from _json("request_extra", entry.request_extra)
        yield from _json("reply_extra", entry.reply_extra)
    if isinstance(entry, Publish):
        yield from _json("publish.data", entry.data)


def _request(request: Request) -> Iterator[Text]:
    path, mark, query = request.target.partition("?")
    yield "request.path", unquote(path)
    for pair in query.split("&") if mark else ():
        name, separator, value = pair.partition("=")
        yield f"request.query {unquote(name)}", unquote(value if separator else name)
    yield from _headers("request", request.headers)
    yield from _body("request", request.body, request.headers)


def _response(response: Response) -> Iterator[Text]:
    yield from _headers("response", response.headers)
    yield from _body("response", response.body, response.headers)


def _headers(half: str, headers: Headers) -> Iterator[Text]:
    for name, value in headers:
        yield f"{half}.header {name.lower()}", value


def _body(half: str, data: bytes, headers: Headers) -> Iterator[Text]:
    body = Body.from_bytes(data, headers.first("Content-Type") or "")
    if body.form == "json":
        yield from _json(f"{half}.json", body.value)
    elif body.form == "text":
        yield f"{half}.text", data.decode("utf-8")
    elif body.form == "base64":
        yield f"{half}.base64", data.decode("iso-8859-1")


def _json(part: str, value: Json, path: tuple[str, ...] = ()) -> Iterator[Text]:
    field = f"{part} {'.'.join(path)}" if path else part
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for key, child in value.items():
            inner = (*path, key)
            yield f"{part} {'.'.join(inner)}", key
            yield from _json(part, child, inner)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _json(part, child, (*path, str(index)))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield field, str(value)
