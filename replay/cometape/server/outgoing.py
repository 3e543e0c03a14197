"""A response as the bytes that go over the wire.

Nothing is added that differs from run to run (no `Date`, no `Server`): the same response is the
same bytes, always.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus

from cometape.core.exchange import Headers, Response

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

PHRASES = {int(status): status.phrase for status in HTTPStatus}

# Framing belongs to the shell: what a recording says of the length, the chunks, the connection or
# the compression of an answer is no longer true of the bytes we send (bodies are kept decoded).
REPLACED = frozenset(
    (
        "connection",
        "content-encoding",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


def render(response: Response, to_head: bool, keep_alive: bool, http_1_0: bool = False) -> bytes:
    """The status line, headers and body of an answer.

    `to_head`: the answer to a HEAD request, which has no body but tells its length (RFC 9110
    §9.3.2). HTTP/1.0 clients are told when the connection stays open, others when it does not.

    Raises:
        ValueError: a header holds a line break or NUL and would split the answer.
    """
    status = response.status
    body = response.body
    head, stated_length = _head(status, response.headers)
    if status >= 200 and status not in (204, 304) and keep_alive and not (to_head or http_1_0):
        return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
    if status == 204 or status < 200:  # RFC 9110 §8.6: no Content-Length, no content
        length, body = "", b""
    elif status == 304 or (to_head and not body):  # as recorded: what a GET would have got
        length, body = stated_length, b""
        if not length and status != 304:
            length = "Content-Length: 0\r\n"
    else:
        length = f"Content-Length: {len(body)}\r\n"
    if not keep_alive:
        length += "Connection: close\r\n"
    elif http_1_0:
        length += "Connection: keep-alive\r\n"
    head += f"{length}\r\n".encode()
    return head if to_head else head + body


@lru_cache(maxsize=1024)
def _head(status: int, headers: Headers) -> tuple[bytes, str]:
    """Status line and headers, and the line that states a length, left out of them.

    Remembered, because a service answers with the same few sets of headers again and again.
    """
    lines = [f"HTTP/1.1 {status} {PHRASES.get(status, '')}\r\n"]
    stated_length = ""
    for name, value in headers:
        lowered = name.lower()
        line = f"{name}: {value}\r\n"
        if lowered not in REPLACED:
            lines.append(line)
        elif lowered == "content-length":
            stated_length = line
    head = "".join((*lines, stated_length))
    breaks = len(lines) + bool(stated_length)
    if head.count("\n") != breaks or head.count("\r") != breaks or "\0" in head:
        raise ValueError(f"a header of the {status} answer holds a line break or NUL")
    head = "".join(lines)
    try:
        return head.encode("latin-1"), stated_length
    except UnicodeEncodeError:
        return head.encode("utf-8", "surrogateescape"), stated_length
