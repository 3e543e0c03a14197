"""HAR 1.2 files to traffic, in the dialects of those who write them.

The format: "HTTP Archive 1.2" (Odvarko). Beyond it, and read here: `_webSocketMessages` (Chrome,
Firefox, mitmproxy), `_error` (Chrome, mitmproxy), `connection`, `:authority` and other
pseudo-headers of HTTP/2 (Chrome, Charles), `_charlesStatus`, form parameters in the place of
`text` (Charles), headers as pairs (Slack), cookies without their header (sanitised exports).
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote_plus

from ..core.errors import CassetteError
from ..core.exchange import Headers, Request, Response
from ..core.record.capture import CLIENT_LEFT, CapturedExchange, CapturedRequest, SocketText
from ..core.record.traffic import Traffic
from .har_fields import date_of, encoded, epoch_s, named_values, number_of, set_cookies, text_of
from .source import (
    NO_DATE,
    Source,
    TooLongError,
    UnusableUrlError,
    bad_entry,
    origin_and_target,
    too_long,
    uncoded,
)

OWN = "_cometape"
"""The custom field in which an export keeps what HAR has no field for."""
_TEXT_OPCODE = 1
"""RFC 6455 §5.2."""


def read(document: Any, name: str) -> Source:
    """What a parsed HAR file holds. Raises CassetteError naming the HAR entry (from 1)."""
    log = document.get("log") if isinstance(document, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list) or log is None:
        raise CassetteError(
            "not a HAR file: it has no list `log.entries`",
            hint="Export the requests once more, as HAR with content.",
            reason="bad-har",
            path=name,
        )
    own = log.get(OWN)
    own = own if isinstance(own, dict) else None
    started, is_timed = _started(log, entries)
    source = Source(name=name, format="har", started=started if is_timed else None)
    if own is not None:
        source.profile = text_of(own.get("profile"))
        source.bayeux = text_of(own.get("bayeux"))
        source.scenario = _title(log)
        allowed = own.get("allowed")
        source.allowed = tuple(map(str, allowed)) if isinstance(allowed, list) else ()
        source.recorded = started != NO_DATE
        if own.get("timed") is False:
            source.started = None
    creator = log.get("creator")
    source.writer = (text_of(creator.get("name")) or "") if isinstance(creator, dict) else ""
    at_s = 0.0
    for number, entry in enumerate(entries, start=1):
        reader = _EntryReader(name, number, entry, started, at_s, source, verbatim=own is not None)
        traffic = reader.traffic()
        if traffic is not None:
            source.traffic.append(traffic)
            at_s = traffic.exchange.ended_s
    return source


def _started(log: dict[str, Any], entries: list[Any]) -> tuple[datetime, bool]:
    """The earliest time in the file, and whether its entries have times at all."""
    pages = log.get("pages")
    dated = [date_of(one.get("startedDateTime")) for one in entries if isinstance(one, dict)]
    found = [date for date in dated if date is not None]
    if not found:
        return NO_DATE, False
    for page in pages if isinstance(pages, list) else ():
        date = date_of(page.get("startedDateTime")) if isinstance(page, dict) else None
        if date is not None:
            found.append(date)
    return min(found), True


class _EntryReader:
    """Reads one HAR entry."""

    def __init__(
        self,
        name: str,
        number: int,
        entry: Any,
        started: datetime,
        default_s: float,
        source: Source,
        *,
        verbatim: bool,
    ) -> None:
        self._name = name
        self._number = number
        self._entry = self._object(entry, "the entry")
        self._started = started
        self._default_s = default_s
        self._source = source
        self._verbatim = verbatim
        """Whether it is an export of a cassette, in which nothing is coded or framed."""

    def traffic(self) -> Traffic | None:
        entry = self._entry
        asked = self._object(entry.get("request"), "`request`")
        method, url = asked.get("method"), asked.get("url")
        if not isinstance(method, str) or not isinstance(url, str) or not method:
            raise self._bad("its `request` has no `method` and `url`")
        if method.upper() == "CONNECT":
            self._source.skipped["tunnels"] += 1
            return None
        try:
            origin, target = origin_and_target(url)
        except UnusableUrlError as error:
            self._source.skipped[f"requests over {error}:"] += 1
            return None
        except ValueError as error:
            raise self._bad(f"its `request.url` is no URL: {error}") from error
        own = entry.get(OWN) if self._verbatim else None
        own = own if isinstance(own, dict) else {}
        began_s, ended_s = self._times()
        headers, body = self._request_parts(asked)
        request = CapturedRequest(
            key=f"{self._number}",
            connection=str(entry.get("connection") or ""),
            origin=origin,
            request=Request(
                method=method,
                target=text_of(own.get("target")) or target,
                headers=headers,
                body=body,
            ),
            at_s=began_s,
            session=text_of(own.get("session")),
        )
        response, failure = self._response()
        messages = entry.get("_webSocketMessages")
        if isinstance(messages, list) and (response is None or response.status in (101, 200, 0)):
            return self._socket(request, response, messages, began_s, ended_s)
        if response is not None and response.status == 101 and failure is None:
            self._source.problem("a WebSocket whose messages are not in the file", self._number)
        return Traffic(
            exchange=CapturedExchange(
                asked=request, response=response, ended_s=ended_s, error=failure
            )
        )

    # -- requests ------------------------------------------------------------------------------

    def _request_parts(self, asked: dict[str, Any]) -> tuple[Headers, bytes]:
        headers = self._headers(asked.get("headers"), "request")
        if headers.first("Cookie") is None:
            pairs = [f"{name}={value}" for name, value in named_values(asked.get("cookies"))]
            headers = headers.plus(("Cookie", "; ".join(pairs))) if pairs else headers
        posted = asked.get("postData")
        if not isinstance(posted, dict):
            size = asked.get("bodySize")
            if isinstance(size, int) and size > 0:
                self._source.problem("a request's body is not in the file", self._number)
            return self._uncoded(headers, b"")
        mime = text_of(posted.get("mimeType")) or ""
        encoding = posted.get("encoding", posted.get("_encoding"))
        text = posted.get("text")
        if not isinstance(text, str) or (not text and posted.get("params")):
            text = self._form(posted.get("params"), mime)
        return self._uncoded(headers, self._bytes(text, encoding, headers, mime, "request"))

    def _form(self, params: Any, mime: str) -> str:
        """A form from its parameters. A body that is no form Charles takes for one name."""
        pairs = list(named_values(params))
        if "multipart" in mime.lower() and pairs:
            self._source.problem("a multipart body is in the file as parameters only", self._number)
            return ""
        if len(pairs) == 1 and not pairs[0][1]:
            return pairs[0][0]
        return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)

    # -- responses -----------------------------------------------------------------------------

    def _response(self) -> tuple[Response | None, str | None]:
        answer = self._entry.get("response")
        if answer is None:
            return None, "server closed the connection"
        answer = self._object(answer, "`response`")
        error = self._error(answer)
        status = answer.get("status")
        if isinstance(status, str) and status.isdecimal():
            status = int(status)
        if not isinstance(status, int) or not 100 <= status <= 599:
            return None, error or CLIENT_LEFT
        headers = self._headers(answer.get("headers"), "response")
        if headers.first("Set-Cookie") is None:
            headers = headers.plus(*set_cookies(answer.get("cookies")))
        content = answer.get("content")
        content = content if isinstance(content, dict) else {}
        text, size = content.get("text"), content.get("size")
        mime = text_of(content.get("mimeType")) or ""
        if not isinstance(text, str):
            text = ""
            if isinstance(size, int) and size > 0 and status not in (101, 204, 304):
                self._source.problem("an answer's body is not in the file", self._number)
        body = self._bytes(text, content.get("encoding"), headers, mime, "response")
        headers, body = self._uncoded(headers, body)
        return Response(status=status, headers=headers, body=body), error

    def _error(self, answer: dict[str, Any]) -> str | None:
        error = text_of(answer.get("_error")) or text_of(self._entry.get("_error"))
        if self._verbatim:
            return error
        if error:
            if "ABORTED" in error or error.startswith("Client disconnected"):
                return CLIENT_LEFT
            if error.startswith("server closed connection"):
                return "server closed the connection"
            return f"failed in the browser: {error}" if error.startswith("net::") else error
        status = text_of(answer.get("_charlesStatus")) or "COMPLETE"
        if status.upper() == "COMPLETE":
            return None
        return "server closed the connection"

    def _socket(
        self,
        request: CapturedRequest,
        response: Response | None,
        messages: list[Any],
        began_s: float,
        ended_s: float,
    ) -> Traffic:
        texts: list[SocketText] = []
        at_s = began_s
        for message in messages:
            message = self._object(message, "a message of `_webSocketMessages`")
            if message.get("opcode", _TEXT_OPCODE) != _TEXT_OPCODE:
                self._source.skipped["WebSocket frames that are not text"] += 1
                continue
            at = epoch_s(message.get("time"))
            if at is not None:
                at_s = max(round(at - self._started.timestamp(), 6), began_s)
            sender: Literal["client", "server"]
            sender = "server" if message.get("type") == "receive" else "client"
            text = text_of(message.get("data")) or ""
            texts.append(SocketText(sender=sender, text=text, at_s=at_s))
        opened = response if response is not None else Response(status=101)
        exchange = CapturedExchange(asked=request, response=opened, ended_s=began_s)
        return Traffic(exchange=exchange, is_socket=True, texts=tuple(texts), closed_s=ended_s)

    # -- parts ---------------------------------------------------------------------------------

    def _times(self) -> tuple[float, float]:
        """Beginning and end, seconds since the earliest in the file."""
        date = date_of(self._entry.get("startedDateTime"))
        began_s = self._default_s if date is None else (date - self._started).total_seconds()
        took_ms = number_of(self._entry.get("time"))
        if took_ms is not None and self._source.writer == "mitmproxy":
            took_ms -= self._connecting_ms()
        if took_ms is None or took_ms < 0:
            timings = self._entry.get("timings")
            parts = map(number_of, timings.values() if isinstance(timings, dict) else ())
            took_ms = sum(part for part in parts if part is not None and part > 0)
        return round(began_s, 6), round(began_s + took_ms / 1000, 6)

    def _connecting_ms(self) -> float:
        """mitmproxy counts the time to connect in, but from when the request had come already."""
        timings = self._entry.get("timings")
        parts = [timings.get("connect"), timings.get("ssl")] if isinstance(timings, dict) else []
        return sum(part for part in map(number_of, parts) if part is not None and part > 0)

    def _headers(self, value: Any, whose: str) -> Headers:
        if value is None:
            return Headers()
        if not isinstance(value, list):
            raise self._bad(f"the headers of its {whose} are no list")
        pairs = []
        for one in value:
            if isinstance(one, list) and len(one) == 2:
                name, text = one
            else:
                one = self._object(one, f"a header of its {whose}")
                name, text = one.get("name"), one.get("value")
            if not isinstance(name, str) or not isinstance(text, str | int | float | None):
                raise self._bad(f"a header of its {whose} has no text as `name` and `value`")
            pairs.append((name, "" if text is None else str(text)))
        if self._verbatim:
            return Headers(pairs)
        named = {name.lower() for name, _ in pairs}
        found = []
        for name, text in pairs:
            if name == ":authority" and "host" not in named:
                found.append(("Host", text))
            elif not name.startswith(":") and name:
                # Some write repeated headers as one with line feeds between the values (Chrome).
                found += [(name, line) for line in text.split("\n")]
        return Headers(found)

    def _bytes(self, text: str, encoding: Any, headers: Headers, mime: str, whose: str) -> bytes:
        """The bytes that a text was decoded from: by its charset, or base64."""
        if encoding == "base64":
            try:
                return base64.b64decode("".join(text.split()), validate=True)
            except (binascii.Error, ValueError) as error:
                raise self._bad(f"the body of its {whose} is not base64") from error
        return encoded(text, headers.first("Content-Type") or mime)

    def _uncoded(self, headers: Headers, body: bytes) -> tuple[Headers, bytes]:
        if self._verbatim:
            return headers, body
        try:
            return uncoded(headers, body)
        except TooLongError:
            raise too_long(self._name, self._number) from None

    def _object(self, value: Any, what: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._bad(f"{what} is no object")
        return value

    def _bad(self, what: str) -> CassetteError:
        return bad_entry(self._name, self._number, what, reason="bad-har")


def _title(log: dict[str, Any]) -> str:
    pages = log.get("pages")
    first = pages[0] if isinstance(pages, list) and pages else None
    return (text_of(first.get("title")) or "") if isinstance(first, dict) else ""
