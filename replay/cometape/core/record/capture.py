"""Captured traffic: what a recorder's shell saw on the wire, as values for the observer.

Times are seconds on any monotonic clock, the same throughout. A *key* names one request until it
is over; a *connection* names the client's TCP connection, and the origin is the upstream's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ..exchange import Headers, Request, Response

CLIENT_LEFT = "client left"
"""`error` of an exchange whose client closed before the whole answer had come."""
RECORDING_ENDED = "recording ended"
"""`error` of an exchange that was still open when the recorder was told to stop."""

NO_WHOLE_ANSWER = "an exchange without a whole answer"
"""What a recording says of an exchange whose `error` is neither of these."""

_FRAMING = (
    "Connection",
    "Content-Length",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
)
_BREAK = re.compile(r"(?:\r?\n|\r)[ \t]*|\0")


def without_framing(headers: Headers) -> Headers:
    """The headers less those that concern one hop or the framing of one transfer.

    RFC 9110 §7.6.1. They say how the bytes travelled between this client and the proxy, not what
    was said, and whoever serves the message again frames it anew. `Upgrade` stays: it is asked for.
    """
    return headers.without(*_FRAMING)


def on_one_line(headers: Headers) -> Headers:
    """The headers with each as one line: what is folded is unfolded (RFC 9112 §5.2).

    A NUL is a blank (RFC 9110 §5.5). A cassette holds no header that could become two.
    """
    if not any(_BREAK.search(name) or _BREAK.search(value) for name, value in headers):
        return headers
    return Headers((_BREAK.sub(" ", name), _BREAK.sub(" ", value)) for name, value in headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedRequest:
    """A complete request on its way to the upstream."""

    key: str
    connection: str
    origin: str
    """`scheme://host[:port]` the request goes to, without the scheme's own port."""
    request: Request
    at_s: float
    """When its head had arrived."""
    session: str | None = None
    """Name of the client session, where the source of the traffic tells; None: to be found out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedExchange:
    """A request and how it ended."""

    asked: CapturedRequest
    response: Response | None
    """None, or with a part of the body, where `error` says why."""
    ended_s: float
    error: str | None = None
    """`client left`, `server closed the connection`, …; no secret in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketText:
    """One text message over a WebSocket, whole and decompressed."""

    sender: Literal["client", "server"]
    text: str
    at_s: float
