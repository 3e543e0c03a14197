"""A request while it is being received: collected, held against the limits, completed.

The grammar is llhttp's business; here are the rules it leaves to its user (RFC 9112 §2.2 to §7).
"""

from __future__ import annotations

import re
import zlib
from urllib.parse import SplitResult, urlsplit

from cometape.core.exchange import Headers, Request, Scheme

from .limits import Limits
from .problem import Refusal
from .uploads import Uploads

NOTED = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"content-encoding", b"expect", b"upgrade")
)

FORWARDED, FORWARDED_TLS = "Forwarded", "proto=https"
"""How our own proxy says that a client came to it by TLS (RFC 7239 §5.4)."""

NAMES: dict[bytes, tuple[str, bytes]] = {}
"""Names of headers met before: as text, and in lower case if the shell notes them (else empty).
Every request brings the same dozen."""
MOST_NAMES = 500

AUTHORITY = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+,;=]*)(?::[0-9]*)?"  # RFC 3986 §3.2.2, .3
)
"""Host and port, as `Host` and an absolute target may name them (RFC 9112 §3.2, RFC 9110 §4.2.4):
what else is there would be read in different ways."""


def _learn(name: bytes) -> tuple[str, bytes]:
    lowered = name.lower()
    known = (name.decode("latin-1"), lowered if lowered in NOTED else b"")
    if len(NAMES) < MOST_NAMES:
        NAMES[name] = known
    return known


class IncomingRequest:
    """One request on its way in; every method may raise `Refusal`."""

    __slots__ = (
        "_body",
        "_headers",
        "_limits",
        "_raw",
        "_size",
        "_target",
        "_uploads",
        "fields",
        "http_1_0",
        "in_head",
        "method",
        "noted",
    )

    def __init__(self, limits: Limits, uploads: Uploads) -> None:
        self._limits = limits
        self._uploads = uploads
        self._target = b""
        self._headers: list[tuple[str, str]] = []
        self.fields: list[tuple[bytes, bytes]] = []
        """Headers as the parser finds them, until `end_head`; then trailers."""
        self._body: list[bytes] = []
        self._size = 0
        self._raw = 0
        self.in_head = True
        self.http_1_0 = False
        self.method = ""
        self.noted: dict[bytes, bytes] = {}
        """The headers that concern the shell, by lower-case name."""

    def __del__(self) -> None:
        """However it ended, its body takes no memory any more."""
        self._uploads.size -= self._size

    def fed(self, size: int) -> None:
        """So many more bytes were parsed, and the request is still not complete.

        The parser hands out a header when it is complete and says nothing of chunk extensions,
        so that pieces of either would count for nothing without this.
        """
        self._raw += size
        limits = self._limits
        if self.in_head:
            if self._raw > limits.max_header_bytes + limits.max_target_bytes:
                raise self._headers_too_large()
        elif self._raw > limits.max_header_bytes + 8 * self._size:  # "1\r\nx\r\n" is 6 bytes
            raise Refusal(400, "bad-request", "far more chunk framing than body")

    def add_target(self, part: bytes) -> None:
        """A piece of the request target arrived."""
        self._target += part
        if len(self._target) > self._limits.max_target_bytes:
            raise Refusal(
                414,
                "target-too-long",
                f"the request target exceeds {self._limits.max_target_bytes} bytes",
            )

    def end_head(self, method: bytes, version: str) -> None:
        """All headers are there: is this a request we can read?"""
        self.in_head = False
        self.method = method.decode("latin-1")
        headers, noted = self._headers, self.noted
        size = 0
        for name, value in self.fields:
            size += len(name) + len(value)
            spelling, lowered = NAMES.get(name) or _learn(name)
            if lowered:
                value = value.rstrip(b" \t")
                if lowered == b"host":
                    if b"host" in noted:
                        raise Refusal(400, "bad-request", "more than one Host header")
                    if AUTHORITY.fullmatch(value) is None:
                        raise Refusal(400, "bad-request", "the Host header is no host and port")
                elif lowered in noted:  # RFC 9110 §5.3: a repeated field is a list
                    value = noted[lowered] + b", " + value
                noted[lowered] = value
            headers.append((spelling, value.decode("latin-1").rstrip(" \t")))
        self.fields = []  # from now on, trailers: they are dropped
        if size > self._limits.max_header_bytes:
            raise self._headers_too_large()
        if version != "1.1":
            if version != "1.0":
                raise Refusal(505, "http-version", f"HTTP/{version} is not spoken here: use 1.1")
            self.http_1_0 = True
        elif b"host" not in noted:  # RFC 9112 §3.2
            raise Refusal(400, "bad-request", "an HTTP/1.1 request needs a Host header")
        if method == b"CONNECT":
            raise Refusal(501, "not-a-proxy", "this server opens no tunnels")
        if len(noted) > (b"host" in noted):
            self._check_noted()
        self._raw = 0

    def _check_noted(self) -> None:
        noted = self.noted
        if b"transfer-encoding" in noted:
            if self.http_1_0:  # RFC 9112 §6.1: framing that an older relay would not see
                raise Refusal(400, "bad-request", "Transfer-Encoding in an HTTP/1.0 request")
            if noted[b"transfer-encoding"].lower() != b"chunked":
                raise Refusal(501, "transfer-coding", "the only transfer coding here is chunked")
        if int(noted.get(b"content-length", b"0")) > self._limits.max_body_bytes:
            raise self._body_too_large()
        coding = noted.get(b"content-encoding", b"identity").lower()
        if coding not in (b"identity", b"gzip", b"x-gzip", b"deflate", b""):
            raise Refusal(
                415,
                "content-coding",
                f"a body may be compressed with gzip or deflate, not {coding.decode('latin-1')}",
                ("Accept-Encoding", "gzip, deflate"),
            )
        expect = noted.get(b"expect")
        if expect is not None and expect.lower() != b"100-continue":
            raise Refusal(417, "expectation", "the only expectation met here is 100-continue")

    @property
    def wants_continue(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends a body (RFC 9110 §10.1.1)."""
        return b"expect" in self.noted and not self.http_1_0 and self.has_body

    @property
    def has_body(self) -> bool:
        """Whether the headers announce a body."""
        noted = self.noted
        return (
            b"transfer-encoding" in noted or noted.get(b"content-length", b"0").strip(b"0") != b""
        )

    @property
    def wants_websocket(self) -> bool:
        """Whether this is an upgrade we know; any other is ignored (RFC 9110 §7.8)."""
        return self.noted.get(b"upgrade", b"").lower() == b"websocket"

    def add_body(self, part: bytes) -> None:
        """A piece of the body arrived, without the chunks' framing."""
        self._size += len(part)
        self._uploads.add(len(part))
        if self._size > self._limits.max_body_bytes:
            raise self._body_too_large()
        self._body.append(part)

    def complete(self, scheme: Scheme | None) -> Request:
        """The whole request: target in origin form, body decompressed.

        `scheme` is how the client came; None: as the proxy in front of this server says.
        """
        body = b"".join(self._body)
        coding = self.noted.get(b"content-encoding")
        if coding and body and coding.lower() != b"identity":
            body = self._inflated(body, coding.lower())
        target = self._target.decode("latin-1")
        if "#" in target:  # RFC 9112 §3.2: no form of target has a fragment
            raise Refusal(400, "bad-request", "the request target has a fragment")
        headers = self._headers
        if not target.startswith("/") and target != "*":
            target, headers = _origin_form(target, headers)
        return Request(
            method=self.method,
            target=target,
            headers=tuple.__new__(Headers, headers),  # pairs already: half the time of Headers()
            body=body,
            scheme=scheme or _forwarded_scheme(headers),
        )

    def without_upgrade(self) -> bytes:
        """The same head as bytes, without asking for an upgrade: to be parsed once more."""
        lines = [f"{self.method} {self._target.decode('latin-1')} HTTP/1.1\r\n"]
        lines += [
            f"{name}: {value}\r\n"
            for name, value in self._headers
            if name.lower() not in ("upgrade", "expect")
        ]
        return "".join((*lines, "\r\n")).encode("latin-1")

    def _headers_too_large(self) -> Refusal:
        limit = self._limits.max_header_bytes
        return Refusal(431, "headers-too-large", f"the headers exceed {limit} bytes")

    def _body_too_large(self) -> Refusal:
        return Refusal(
            413, "body-too-large", f"the body exceeds {self._limits.max_body_bytes} bytes"
        )

    def _inflated(self, body: bytes, coding: bytes) -> bytes:
        limit = self._limits.max_body_bytes
        # 31: a gzip header is wanted; 15: zlib's, which "deflate" means (RFC 9110 §8.4.1.2);
        # -15: neither, which many clients mean by it.
        windows = (15, -15) if coding == b"deflate" else (31,)
        for window in windows:
            inflater = zlib.decompressobj(window)
            try:
                plain = inflater.decompress(body, limit + 1)
            except zlib.error:
                continue
            if len(plain) > limit:
                raise self._body_too_large()
            if inflater.eof:
                return plain
        raise Refusal(400, "bad-request", f"the body is not valid {coding.decode('latin-1')}")


def _forwarded_scheme(headers: list[tuple[str, str]]) -> Scheme:
    """By RFC 7239 §5.4: `Forwarded: proto=https`."""
    forwarded = next((value for name, value in headers if name == FORWARDED), "")
    return "https" if forwarded == FORWARDED_TLS else "http"


def _origin_form(target: str, headers: list[tuple[str, str]]) -> tuple[str, list[tuple[str, str]]]:
    """`http://host/path` as `/path`; its host replaces the Host header (RFC 9112 §3.2.2)."""
    try:
        parts = urlsplit(target)
    except ValueError:  # as `http://[::1`
        parts = SplitResult("", "", "", "", "")
    is_sound = parts.netloc and AUTHORITY.fullmatch(parts.netloc.encode("latin-1")) is not None
    if parts.scheme.lower() not in ("http", "https") or not is_sound:
        raise Refusal(400, "bad-request", "the request target is neither a path nor an http URL")
    path = target.split("://", 1)[1][len(parts.netloc) :]
    if not path.startswith("/"):
        path = f"/{path}"
    replaced = [
        (name, parts.netloc if name.lower() == "host" else value) for name, value in headers
    ]
    return path, replaced
