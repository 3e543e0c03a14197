"""mitmproxy's flows as captured values: bytes to text, bodies bounded, errors in words."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote_from_bytes

from mitmproxy import http
from mitmproxy.net.http import http1

from ..core.exchange import NO_HEADERS, Headers, Request, Response
from ..core.record.capture import CLIENT_LEFT, CapturedRequest, without_framing
from ..core.record.chunk_times import ChunkTimes
from .content_coding import TooLongError, decode

SERVER_CLOSED = "server closed the connection"
"""`error` of an exchange whose upstream closed before the whole answer had come."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


class BoundedBody:
    """The bytes of a body as they pass, forgotten once there are more than `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self.length = 0

    def add(self, data: bytes) -> None:
        """Some more of it."""
        self.length += len(data)
        if self.is_cut:
            self._kept.clear()
        else:
            self._kept += data

    @property
    def is_cut(self) -> bool:
        """Whether it was longer than the limit and is not kept."""
        return self.length > self._limit

    def __bytes__(self) -> bytes:
        return bytes(self._kept)


@dataclass(slots=True, eq=False)
class FlowCapture:
    """What has been seen of one flow so far."""

    flow: http.HTTPFlow
    max_body_bytes: int
    started_s: float = field(default_factory=time.monotonic)
    asked: CapturedRequest | None = None
    """The request, once it is complete."""
    request_body: BoundedBody = field(init=False)
    response_body: BoundedBody = field(init=False)
    response_headers: Headers = NO_HEADERS
    """As the upstream sent them, before any is changed for the client."""
    expected: int | None = None
    """Length of the response's body as declared, bytes; None: it ends when it ends."""
    chunk_times: ChunkTimes = field(default_factory=ChunkTimes)
    request_streamed: bool = False
    response_streamed: bool = False

    def __post_init__(self) -> None:
        self.request_body = BoundedBody(self.max_body_bytes)
        self.response_body = BoundedBody(self.max_body_bytes)

    def request(self) -> CapturedRequest:
        """The request as far as it has come."""
        if self.asked is not None:
            return self.asked
        sent = self.flow.request
        if not self.request_streamed:
            self.request_body.add(sent.raw_content or b"")
            if sent.raw_content is None and sent.stream:  # mitmproxy's `stream_large_bodies`
                self.request_body.length = self.max_body_bytes + 1
        headers, body = self._decoded(headers_of(sent.headers), self.request_body)
        return CapturedRequest(
            key=self.flow.id,
            connection=self.flow.client_conn.id,
            origin=origin_of(sent),
            request=Request(
                method=sent.method, target=target_of(sent.data.path), headers=headers, body=body
            ),
            at_s=self.started_s,
        )

    def response(self) -> Response | None:
        """The response as far as it has come."""
        answer = self.flow.response
        if answer is None:
            return None
        if not self.response_streamed:
            self.response_body.add(answer.raw_content or b"")
            self.response_streamed = True  # it is all there
        headers, body = self._decoded(
            self.response_headers or headers_of(answer.headers), self.response_body
        )
        return Response(
            status=answer.status_code,
            headers=headers,
            body=body,
            chunks=self.chunk_times.chunks(),
        )

    def response_came(self, data: bytes) -> None:
        """Some more of the response's body."""
        self.response_body.add(data)
        if data:
            self.chunk_times.add(time.monotonic() - self.started_s, len(data))

    def note_response_head(self) -> None:
        """Keep the head of the response, and how long its body will be."""
        answer = self.flow.response
        assert answer is not None
        self.response_headers = headers_of(answer.headers)
        try:
            size = http1.expected_http_body_size(self.flow.request, answer)
        except ValueError:
            size = None
        self.expected = size if size is not None and size >= 0 else None

    @property
    def is_whole(self) -> bool:
        """Whether all of the declared body has come."""
        return self.expected is not None and self.response_body.length >= self.expected

    def cut(self) -> str | None:
        """The `error` that says which body was too long to be kept."""
        for name, body in (("request", self.request_body), ("response", self.response_body)):
            if body.is_cut:
                return f"{name} body longer than {self.max_body_bytes} bytes: not kept"
        return None

    def _decoded(self, headers: Headers, body: BoundedBody) -> tuple[Headers, bytes]:
        try:
            headers, decoded = decode(headers, bytes(body), self.max_body_bytes)
        except TooLongError:
            body.length = self.max_body_bytes + 1
            decoded = b""
        return without_framing(headers), decoded


def headers_of(headers: http.Headers) -> Headers:
    """Header pairs in wire order, spelling and number."""
    fields: Iterable[tuple[bytes, bytes]] = headers.fields
    return Headers.of_pairs([(_text(name), _text(value)) for name, value in fields])


def origin_of(request: http.Request) -> str:
    """`scheme://host[:port]`, without the scheme's own port."""
    host = f"[{request.host}]" if ":" in request.host else request.host
    own = _DEFAULT_PORTS.get(request.scheme) == request.port
    return f"{request.scheme}://{host}" + ("" if own else f":{request.port}")


def reason(message: str) -> str:
    """mitmproxy's words for a failure in ours, without bytes of the traffic in them."""
    if message.startswith("Client disconnected"):
        return CLIENT_LEFT
    if message.startswith(("server closed connection", "HTTP/1 protocol error: peer closed")):
        return SERVER_CLOSED
    for start in ("unexpected server response", "Cannot parse HTTP response"):
        if message.startswith(start):
            return "server answered with something that is not HTTP"
    return f"upstream failed: {message}"


def _text(data: bytes) -> str:
    """RFC 9110 §5.5: historically ISO-8859-1; UTF-8 where it is."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def target_of(path: bytes) -> str:
    """Path and query as text; what is not ASCII percent-encoded."""
    try:
        return path.decode("ascii")
    except UnicodeDecodeError:
        return quote_from_bytes(path, safe="/?#[]@!$&'()*+,;=:%-._~\"<>\\^`{|} ")
