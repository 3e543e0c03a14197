"""A response as the bytes that go over the wire.

Nothing is added that differs from run to run (no `Date`, no `Server`): the same response is the
same bytes, always.
"""

from __future__ import annotations

from http import HTTPStatus

from cometape.core.exchange import Response

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


def render(response: Response, *, to_head: bool, keep_alive: bool, http_1_0: bool = False) -> bytes:
    """The status line, headers and body of an answer.

    `to_head`: the answer to a HEAD request, which has no body but tells its length (RFC 9110
    §9.3.2). HTTP/1.0 clients are told when the connection stays open, others when it does not.

    Raises:
        ValueError: a header holds a line break or NUL and would split the answer.
    """
    status = response.status
    lines = [f"HTTP/1.1 {status} {PHRASES.get(status, '')}\r\n"]
    stated_length = None
    for name, value in response.headers:
        lowered = name.lower()
        if lowered in REPLACED:
            if lowered == "content-length":
                stated_length = value
            continue
        lines.append(f"{name}: {value}\r\n")
    body = response.body
    if status == 204 or status < 200:  # RFC 9110 §8.6: no Content-Length, no content
        body = b""
    elif status == 304:
        body = b""
        if stated_length is not None:
            lines.append(f"Content-Length: {stated_length}\r\n")
    elif to_head and not body and stated_length is not None:
        lines.append(f"Content-Length: {stated_length}\r\n")  # as recorded from a HEAD
    else:
        lines.append(f"Content-Length: {len(body)}\r\n")
    if not keep_alive:
        lines.append("Connection: close\r\n")
    elif http_1_0:
        lines.append("Connection: keep-alive\r\n")
    lines.append("\r\n")
    head = "".join(lines)
    if head.count("\n") != len(lines) or head.count("\r") != len(lines) or "\0" in head:
        raise ValueError(f"a header of the {status} answer holds a line break or NUL")
    try:
        encoded = head.encode("latin-1")
    except UnicodeEncodeError:
        encoded = head.encode("utf-8", "surrogateescape")
    return encoded if to_head else encoded + body
