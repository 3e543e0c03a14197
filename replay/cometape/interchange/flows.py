"""mitmproxy's flow files (`mitmdump -w`) to traffic, and a cassette to flows.

The only module here that imports mitmproxy, which also knows how to read the files of its older
versions. What a flow has no field for is in its metadata, under names that begin with `cometape_`.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from urllib.parse import urlsplit

from mitmproxy import connection, http, websocket
from mitmproxy import io as flow_io
from mitmproxy.flow import Error
from wsproto.frame_protocol import Opcode

from cometape.core.profile.profile import Profile

from ..core.cassette import Cassette
from ..core.errors import CassetteError
from ..core.exchange import Headers, Request, Response
from ..core.record.capture import CapturedExchange, CapturedRequest, SocketText
from ..core.record.moments import is_timed
from ..core.record.rendering import render
from ..core.record.traffic import Traffic
from ..inspector.wording import printable
from ..recorder.flow_capture import headers_of, origin_of, reason, target_of
from .har_fields import date_of
from .source import NO_DATE, Source, TooLongError, as_on_wire, too_long

_OWN = "cometape_"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LAST_S = 253_402_300_799
"""The end of the year 9999, seconds since 1970: dates go no further."""


def read(data: bytes, name: str) -> Source:
    """What a flow file holds. Raises CassetteError naming the flow (from 1)."""
    flows = _flows(data, name)
    source = Source(name=name, format="flow", started=NO_DATE)
    numbered = ((number, _kept(flow, source)) for number, flow in enumerate(flows, start=1))
    kept = [(number, flow) for number, flow in numbered if flow is not None]
    if not kept:
        source.started = None
        return source
    first = kept[0][1].metadata
    zero_s = min(flow.request.timestamp_start for _, flow in kept)
    if not 0 <= zero_s <= _LAST_S:
        raise _damaged(name, kept[0][0], "its times are none")
    if isinstance(first.get(f"{_OWN}started"), float):
        zero_s = first[f"{_OWN}started"]
        source.profile = str(first.get(f"{_OWN}profile"))
        source.bayeux = first.get(f"{_OWN}bayeux")
        source.scenario = str(first.get(f"{_OWN}scenario", ""))
        source.allowed = tuple(map(str, first.get(f"{_OWN}allowed", ())))
        source.recorded = zero_s != NO_DATE.timestamp()
    source.started = datetime.fromtimestamp(zero_s, UTC)
    if first.get(f"{_OWN}timed") is False:
        source.started = None
    for number, flow in kept:
        try:
            source.traffic.append(_traffic(flow, number, zero_s, source))
        except TooLongError:
            raise too_long(name, number) from None
        except Exception as error:  # any byte may be damaged: mitmproxy checks types, not values
            raise _damaged(name, number, _words(error)) from error
    return source


def dump(cassette: Cassette, profile: Profile) -> bytes:
    """The flow file of a cassette, as bytes; the same cassette gives the same bytes."""
    started_s = (date_of(cassette.header.recorded_at) or NO_DATE).timestamp()
    traffic = render(cassette, profile)
    file = BytesIO()
    writer = flow_io.FlowWriter(file)
    for number, one in enumerate(traffic):
        flow = _flow(one, started_s)
        if number == 0:
            header = cassette.header
            flow.metadata |= {
                f"{_OWN}started": started_s,
                f"{_OWN}scenario": header.scenario,
                f"{_OWN}profile": header.profile,
                f"{_OWN}timed": is_timed(cassette.entries),
                f"{_OWN}allowed": list(header.allowed),
            }
            if header.bayeux is not None:
                flow.metadata[f"{_OWN}bayeux"] = header.bayeux
        writer.add(flow)
    return file.getvalue()


# -- reading -----------------------------------------------------------------------------------


def _flows(data: bytes, name: str) -> list[object]:
    found: list[object] = []
    try:
        reader = flow_io.FlowReader(BytesIO(data))
        found.extend(reader.stream())
    except Exception as error:  # mitmproxy asserts, converts and looks up what any byte may be
        raise _damaged(name, len(found) + 1, _words(error)) from error
    return found


def _damaged(name: str, number: int, what: str) -> CassetteError:
    return CassetteError(
        f"flow {number} cannot be read: {what}",
        hint="The file is damaged or cut off, or from a newer mitmproxy; nothing was written. "
        f"`mitmdump -nr {shlex.quote(name)} -w NEW` writes what can be read of it.",
        reason="bad-flow",
        path=name,
        entry=number,
    )


def _words(error: Exception) -> str:
    return printable(str(error)) or type(error).__name__


def _kept(flow: object, source: Source) -> http.HTTPFlow | None:
    if not isinstance(flow, http.HTTPFlow):
        source.skipped["flows that are not HTTP"] += 1
    elif flow.request.method == "CONNECT":
        source.skipped["tunnels"] += 1
    else:
        return flow
    return None


def _traffic(flow: http.HTTPFlow, number: int, zero_s: float, source: Source) -> Traffic:
    for message, whose in ((flow.request, "a request's"), (flow.response, "an answer's")):
        if message is not None and message.raw_content is None:
            source.problem(f"{whose} body is not in the file (mitmproxy streamed it)", number)
    sent = flow.request
    if sent.scheme not in _DEFAULT_PORTS or not sent.host.isprintable() or not sent.host:
        raise ValueError("it goes to no address of HTTP")
    headers, body = _parts(sent)
    session = flow.metadata.get(f"{_OWN}session")
    asked = CapturedRequest(
        key=flow.id,
        connection=flow.client_conn.id,
        origin=origin_of(sent),
        request=Request(
            method=sent.data.method.decode("utf-8", "surrogateescape"),  # as sent, not upper-cased
            target=flow.metadata.get(f"{_OWN}target") or target_of(sent.data.path),
            headers=headers,
            body=body,
        ),
        at_s=_since(zero_s, sent.timestamp_start),
        session=session if isinstance(session, str) else None,
    )
    answer, response = flow.response, None
    ended_s = asked.at_s
    if answer is not None:
        headers, body = _parts(answer)
        response = Response(status=answer.status_code, headers=headers, body=body)
        ended = answer.timestamp_end or answer.timestamp_start
        ended_s = max(_since(zero_s, ended), asked.at_s) if ended else asked.at_s
    if flow.websocket is not None:
        return _socket(flow.websocket, asked, response, ended_s, zero_s, source)
    error = None
    if flow.error is not None:
        ended_s = max(_since(zero_s, flow.error.timestamp), ended_s)
        error = flow.metadata.get(f"{_OWN}error") or reason(flow.error.msg)
    elif response is None:
        error = "server closed the connection"
    return Traffic(
        exchange=CapturedExchange(asked=asked, response=response, ended_s=ended_s, error=error)
    )


def _socket(
    data: websocket.WebSocketData,
    asked: CapturedRequest,
    response: Response | None,
    opened_s: float,
    zero_s: float,
    source: Source,
) -> Traffic:
    texts: list[SocketText] = []
    for message in data.messages:
        if message.type is not Opcode.TEXT or message.dropped:
            source.skipped["WebSocket frames that are not text, or were dropped"] += 1
            continue
        texts.append(
            SocketText(
                sender="client" if message.from_client else "server",
                text=message.content.decode("utf-8", "replace"),
                at_s=_since(zero_s, message.timestamp),
            )
        )
    closed_s = None if data.timestamp_end is None else _since(zero_s, data.timestamp_end)
    return Traffic(
        exchange=CapturedExchange(asked=asked, response=response, ended_s=opened_s),
        is_socket=True,
        texts=tuple(texts),
        closed_s=closed_s,
    )


def _parts(message: http.Message) -> tuple[Headers, bytes]:
    return as_on_wire(headers_of(message.headers), message.raw_content or b"")


def _since(zero_s: float, at_s: float) -> float:
    return round(at_s - zero_s, 6)


# -- writing -----------------------------------------------------------------------------------


def _flow(one: Traffic, started_s: float) -> http.HTTPFlow:
    exchange = one.exchange
    asked = exchange.asked
    began, ended = started_s + asked.at_s, started_s + exchange.ended_s
    client, server = _connections(asked, began)
    flow = http.HTTPFlow(client, server)
    flow.id = f"cometape-{asked.key}"
    flow.comment = one.comment
    flow.timestamp_created = began
    flow.metadata[f"{_OWN}session"] = asked.session
    flow.request = _request(asked, began)
    if target_of(flow.request.data.path) != asked.request.target:
        flow.metadata[f"{_OWN}target"] = asked.request.target
    if exchange.response is not None:
        flow.response = _response(exchange.response, ended)
    if exchange.error is not None:
        flow.error = Error(exchange.error, timestamp=ended)
        flow.metadata[f"{_OWN}error"] = exchange.error
    if one.is_socket:
        flow.websocket = _websocket(one, started_s)
    return flow


def _connections(
    asked: CapturedRequest, began: float
) -> tuple[connection.Client, connection.Server]:
    parts = urlsplit(asked.origin)
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    client = connection.Client(
        peername=("127.0.0.1", 0), sockname=("127.0.0.1", 0), timestamp_start=began
    )
    client.id = asked.connection
    server = connection.Server(address=(parts.hostname or "", port))
    server.id = f"{asked.connection}-server"
    server.tls = client.tls = parts.scheme == "https"
    return client, server


def _request(asked: CapturedRequest, began: float) -> http.Request:
    parts = urlsplit(asked.origin)
    request = asked.request
    return http.Request(
        host=parts.hostname or "",
        port=parts.port or _DEFAULT_PORTS[parts.scheme],
        method=_bytes(request.method),
        scheme=parts.scheme.encode(),
        authority=b"",
        path=_bytes(request.target),
        http_version=b"HTTP/1.1",
        headers=_headers(request.headers, request.body),
        content=request.body,
        trailers=None,
        timestamp_start=began,
        timestamp_end=began,
    )


def _response(response: Response, ended: float) -> http.Response:
    try:
        phrase = HTTPStatus(response.status).phrase.encode()
    except ValueError:
        phrase = b""
    framed = response.status >= 200 and response.status not in (204, 304)
    return http.Response(
        http_version=b"HTTP/1.1",
        status_code=response.status,
        reason=phrase,
        headers=_headers(response.headers, response.body, framed=framed),
        content=response.body,
        trailers=None,
        timestamp_start=ended,
        timestamp_end=ended,
    )


def _headers(headers: Headers, body: bytes, *, framed: bool = False) -> http.Headers:
    """With the length of the body, without which mitmproxy could not send the message again."""
    pairs = list(headers)
    if (body or framed) and headers.first("Content-Length") is None:
        pairs.append(("Content-Length", str(len(body))))
    return http.Headers([(_bytes(name), _bytes(value)) for name, value in pairs])


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _websocket(one: Traffic, started_s: float) -> websocket.WebSocketData:
    return websocket.WebSocketData(
        messages=_messages(one.texts, started_s),
        closed_by_client=None if one.closed_s is None else True,
        close_code=None if one.closed_s is None else 1000,
        timestamp_end=None if one.closed_s is None else started_s + one.closed_s,
    )


def _messages(texts: Sequence[SocketText], started_s: float) -> list[websocket.WebSocketMessage]:
    return [
        websocket.WebSocketMessage(
            Opcode.TEXT,
            text.sender == "client",
            text.text.encode("utf-8", "surrogatepass"),
            timestamp=started_s + text.at_s,
        )
        for text in texts
    ]
