"""Familiar requests: what a client has said before, byte for byte, is not parsed again.

Clients repeat themselves: a page asks for the same resources with the same headers, a poll is the
same as the last one. A piece of input that was one whole request when a connection expected one is
that request whenever a connection expects one: HTTP/1.1 is stateless (RFC 9110 §3.3).
"""

from __future__ import annotations

from cometape.core.exchange import Request

MAX_BYTES = 4096
"""Longer requests are parsed each time."""
MAX_REQUESTS = 512
"""So many are known at once; then all are forgotten, which costs less than to forget one by one."""


class FamiliarRequests:
    """Requests by their bytes. Only such as leave the connection open, of HTTP/1.1, with a body
    in the answer: what else there is about an exchange does not need to be known of them."""

    def __init__(self) -> None:
        self._requests: dict[bytes, Request] = {}

    def __len__(self) -> int:
        return len(self._requests)

    def find(self, data: bytes) -> Request | None:
        """The request that these bytes are."""
        return self._requests.get(data)

    def learn(self, data: bytes, request: Request) -> None:
        """These bytes were this request, from its first to its last."""
        if len(data) <= MAX_BYTES:
            if len(self._requests) >= MAX_REQUESTS:
                self._requests.clear()
            self._requests[bytes(data)] = request
