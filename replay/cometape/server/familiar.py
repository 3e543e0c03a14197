"""Familiar requests: what a client has said before, byte for byte, is not parsed again.

Clients repeat themselves: a page asks for the same resources with the same headers, a poll is the
same as the last one but for a number in its body. A piece of input that was one whole request when
a connection expected one is that request whenever a connection expects one: HTTP/1.1 is stateless
(RFC 9110 §3.3). And when its head alone comes again, with as many bytes after it, those are its
body.
"""

from __future__ import annotations

from cometape.core.exchange import Request

MAX_BYTES = 4096
"""Longer requests are parsed each time."""
MAX_REQUESTS = 512
"""So many are known at once, and so many heads: of more, those asked for lately."""

_END = b"\r\n\r\n"


class FamiliarRequests:
    """Requests by their bytes. Only such as leave the connection open, of HTTP/1.1, with a body
    in the answer: what else there is about an exchange does not need to be known of them."""

    def __init__(self) -> None:
        self._young: dict[bytes, Request] = {}
        self._old: dict[bytes, Request] = {}
        """Those known before the younger ones; who is met again becomes a younger one."""
        self._heads: dict[bytes, tuple[int, Request]] = {}
        """How long a request with this head is, and the last one there was."""

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def find(self, data: bytes) -> Request | None:
        """The request that these bytes are."""
        found = self._young.get(data)
        if found is not None:
            return found
        found = self._old.get(data)
        if found is None:
            at = data.find(_END) + 4
            length, like = self._heads.get(data[:at], (0, None))
            if like is None or length != len(data):
                return None
            found = Request(
                method=like.method,
                target=like.target,
                headers=like.headers,
                body=data[at:],
                scheme=like.scheme,
            )
        self._keep(data, found)
        return found

    def learn(self, data: bytes, request: Request) -> None:
        """These bytes were this request, from its first to its last."""
        if len(data) > MAX_BYTES:
            return
        data = bytes(data)
        self._keep(data, request)
        at = data.find(_END) + 4
        if request.body and request.body == data[at:] and _is_measured(request):
            if len(self._heads) >= MAX_REQUESTS:
                self._heads.clear()
            self._heads[data[:at]] = len(data), request

    def _keep(self, data: bytes, request: Request) -> None:
        if len(self._young) >= MAX_REQUESTS // 2:
            self._old, self._young = self._young, {}
        self._young[data] = request


def _is_measured(request: Request) -> bool:
    """Whether nothing but its length says where the body ends, and what its bytes mean."""
    first = request.headers.first
    return (
        first("Content-Length") is not None
        and first("Transfer-Encoding") is None
        and first("Content-Encoding") is None
    )
