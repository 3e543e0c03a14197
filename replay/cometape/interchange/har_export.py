"""A cassette as a HAR 1.2 file that any HAR viewer reads, and that `har.read` reads back exactly.

What HAR has no field for is in custom ones, which begin with an underscore as the format asks:
`_webSocketMessages`, `_error` and `_resourceType` as Chrome writes them, and `_cometape`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from cometape.core.profile.profile import Profile

from .. import __version__
from ..core.cassette import Cassette
from ..core.errors import CassetteError
from ..core.exchange import Headers
from ..core.record.capture import CapturedExchange
from ..core.record.moments import is_timed
from ..core.record.rendering import render
from ..core.record.traffic import Traffic
from .har import OWN
from .har_fields import date_of, encoded
from .source import NO_DATE, origin_and_target

_URI_SAFE = "/?#[]@!$&'()*+,;=:%-._~"
"""RFC 3986 §2.2 and §2.3, and the percent sign; placeholders have `<` and `>`."""
_PAGE = "page_1"


def dump(cassette: Cassette, profile: Profile) -> bytes:
    """The HAR file of a cassette, as bytes; the same cassette gives the same bytes."""
    header = cassette.header
    started = date_of(header.recorded_at) or NO_DATE
    traffic = render(cassette, profile)
    own = {
        "format": header.format,
        "profile": header.profile,
        "bayeux": header.bayeux,
        "timed": is_timed(cassette.entries),
        "allowed": list(header.allowed) or None,
    }
    log = {
        "version": "1.2",
        "creator": {"name": "cometape", "version": __version__},
        "pages": [
            {
                "startedDateTime": _date(started, 0.0),
                "id": _PAGE,
                "title": header.scenario,
                "pageTimings": {},
            }
        ],
        "entries": [_Entry(one, started, _end_s(traffic)).document() for one in traffic],
        OWN: {name: value for name, value in own.items() if value is not None},
    }
    return (json.dumps({"log": log}, indent=2) + "\n").encode("ascii")


@dataclass(frozen=True, slots=True)
class _Entry:
    traffic: Traffic
    started: datetime
    end_s: float
    """When the recording ended."""

    def document(self) -> dict[str, Any]:
        exchange = self.traffic.exchange
        asked = exchange.asked
        target = asked.request.target
        slash = "" if target.startswith("/") else "/"  # `*` asks for no path at all
        url = quote(asked.origin + slash + target, safe=_URI_SAFE)
        own: dict[str, Any] = {"session": asked.session}
        if _target(url) != target:
            own["target"] = target
        ended_s = exchange.ended_s
        entry: dict[str, Any] = {
            "pageref": _PAGE,
            "startedDateTime": _date(self.started, asked.at_s),
            "time": _ms(ended_s - asked.at_s),
            "request": self._request(url),
            "response": _response(exchange),
            "cache": {},
            "timings": {"send": 0, "wait": _ms(ended_s - asked.at_s), "receive": 0},
            "connection": asked.connection,
            "comment": self.traffic.comment,
            OWN: own,
        }
        if self.traffic.is_socket:
            self._add_messages(entry)
        return entry

    def _request(self, url: str) -> dict[str, Any]:
        request = self.traffic.exchange.asked.request
        if self.traffic.is_socket:
            url = "ws" + url.removeprefix("http")
        found: dict[str, Any] = {
            "method": request.method,
            "url": url,
            "httpVersion": "HTTP/1.1",
            "cookies": [{"name": n, "value": v} for n, v in request.cookies().items()],
            "headers": _headers(request.headers),
            "queryString": [
                {"name": name, "value": value}
                for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)
            ],
            "headersSize": -1,
            "bodySize": len(request.body),
        }
        if request.body:
            content_type = request.headers.first("Content-Type") or ""
            found["postData"] = {"mimeType": content_type, **_text(request.body, content_type)}
            if "encoding" in found["postData"]:  # HAR 1.2 has it in `content` only
                found["postData"]["_encoding"] = found["postData"].pop("encoding")
        return found

    def _add_messages(self, entry: dict[str, Any]) -> None:
        closed_s = self.traffic.closed_s
        asked = self.traffic.exchange.asked
        entry["time"] = _ms((self.end_s if closed_s is None else closed_s) - asked.at_s)
        entry["_resourceType"] = "websocket"
        zero_s = self.started.timestamp()
        entry["_webSocketMessages"] = [
            {
                "type": "send" if text.sender == "client" else "receive",
                "time": round(zero_s + text.at_s, 6),
                "opcode": 1,
                "data": text.text,
            }
            for text in self.traffic.texts
        ]


def _response(exchange: CapturedExchange) -> dict[str, Any]:
    response = exchange.response
    headers = response.headers if response is not None else Headers()
    body = response.body if response is not None else b""
    content_type = headers.first("Content-Type") or ""
    status = response.status if response is not None else 0
    found: dict[str, Any] = {
        "status": status,
        "statusText": _phrase(status),
        "httpVersion": "HTTP/1.1" if response is not None else "unknown",
        "cookies": _set_cookies(headers),
        "headers": _headers(headers),
        "content": {"size": len(body), "mimeType": content_type or "x-unknown"},
        "redirectURL": headers.first("Location") or "",
        "headersSize": -1,
        "bodySize": len(body) if response is not None else -1,
    }
    if body:
        found["content"].update(_text(body, content_type))
    if exchange.error is not None:
        found["_error"] = exchange.error
    return found


def _text(body: bytes, content_type: str) -> dict[str, str]:
    """The body as text where its charset gives the bytes back, else base64."""
    try:
        text = body.decode("utf-8")
        if encoded(text, content_type) == body:
            return {"text": text}
    except UnicodeDecodeError:
        pass
    return {"text": base64.b64encode(body).decode("ascii"), "encoding": "base64"}


def _headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _set_cookies(headers: Headers) -> list[dict[str, Any]]:
    found = []
    for header in headers.all("Set-Cookie"):
        pair, *attributes = header.split(";")
        name, _, value = pair.strip().partition("=")
        cookie: dict[str, Any] = {"name": name, "value": value}
        for attribute in attributes:
            key, _, text = attribute.strip().partition("=")
            if key.lower() in ("path", "domain"):
                cookie[key.lower()] = text
            elif key.lower() in ("httponly", "secure"):
                cookie["httpOnly" if key.lower() == "httponly" else "secure"] = True
        found.append(cookie)
    return found


def _target(url: str) -> str | None:
    try:
        return origin_and_target(url)[1]
    except ValueError:
        return None


def _end_s(traffic: Sequence[Traffic]) -> float:
    """When the last thing happened, seconds."""
    texts = [text.at_s for one in traffic for text in one.texts]
    return max([*texts, *(one.exchange.ended_s for one in traffic)], default=0.0)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _date(started: datetime, seconds: float) -> str:
    try:
        date = started.astimezone(UTC) + timedelta(microseconds=round(seconds * 1_000_000))
    except OverflowError:
        raise CassetteError(
            f"a HAR file has a date for everything, and {seconds:g} s after {started} is none",
            hint="Mend `at_s` and `took_s` of the entry, or `recorded_at` of the header.",
        ) from None
    return date.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
