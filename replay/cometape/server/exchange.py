"""One request between its arrival and its answer, on a connection that speaks HTTP/1.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cometape.core.exchange import Headers, Response
from cometape.core.service import Manner

from .outgoing import render

if TYPE_CHECKING:
    from .http_protocol import HttpConnection


class Exchange:
    """One request whose answer is owed to its connection."""

    __slots__ = ("_connection", "answer", "http_1_0", "keep_alive", "number", "to_head")

    def __init__(
        self,
        connection: HttpConnection,
        number: int,
        *,
        to_head: bool = False,
        http_1_0: bool = False,
        keep_alive: bool = True,
    ) -> None:
        self._connection = connection
        self.number = number
        self.to_head = to_head
        self.http_1_0 = http_1_0
        self.keep_alive = keep_alive
        self.answer: bytes | None = None
        """Its bytes, from when it is known until its turn has come."""

    def respond(self, response: Response) -> None:
        """Answer, as soon as all earlier requests of the connection are answered."""
        self.answer = render(response, self.to_head, self.keep_alive, self.http_1_0)
        self._connection.flush()

    def spoil(self, response: Response, manner: Manner) -> None:
        """Answer badly, once earlier requests are answered."""
        data = render(response, self.to_head, self.keep_alive, self.http_1_0)
        self._connection.spoil(self, data, manner)

    def reset(self) -> None:
        """Reset the connection instead of answering, once earlier requests are answered."""
        self._connection.spoil(self, b"", Manner(resets=True))

    def abort(self) -> None:
        """Close the connection instead of answering, once earlier requests are answered."""
        self.answer = b""
        self.keep_alive = False
        self._connection.flush()

    def accept(self, headers: Headers) -> None:
        """Become a WebSocket."""
        self._connection.become_websocket(self, headers)
