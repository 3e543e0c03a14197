"""A Bayeux client over long-polling that costs little, so that a server can be measured.

One keep-alive connection per session. It shakes hands, subscribes and polls; what it is given goes
to `on_answer` as bytes, because thousands of them share a core with the load.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence

import httptools

Message = dict[str, object]


class BayeuxClient(asyncio.Protocol):
    """One session; see the module."""

    def __init__(
        self,
        authority: str,
        path: str,
        subscriptions: Sequence[str],
        on_answer: Callable[[BayeuxClient, bytes], None],
        *,
        headers: str = "",
        first: str = "",
    ) -> None:
        """`first` is the target of a GET before the handshake, for a session cookie."""
        self.client_id = ""
        self.cookie = ""
        self.polls = 0
        self.ready = asyncio.get_running_loop().create_future()
        """Done when the first connect was answered and the second is on its way."""
        self.closed = False
        self._authority = authority
        self._path = path
        self._headers = headers
        self._first = first
        self._on_answer = on_answer
        self._body: list[bytes] = []
        self._poll = b""
        self._subscriptions = subscriptions
        self._step = self._shake_hands if first else self._begin

    # -- asyncio and httptools

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._parser = httptools.HttpResponseParser(self)
        if self._first:
            transport.write(self._request("GET", self._first, b""))
        else:
            self._shake_hands(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before the session was ready"))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"set-cookie":
            pair = value.partition(b";")[0].decode()
            self.cookie = f"{self.cookie}; {pair}" if self.cookie else pair

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        if self._parser.get_status_code() != 200:
            raise RuntimeError(f"answered {self._parser.get_status_code()}: {body!r}")
        self._step(body)

    # -- what it says

    def publish(self, channel: str, data: object) -> None:
        """Publish over this connection, which must be one without subscriptions: it never polls."""
        self._send([{"channel": channel, "data": data, "clientId": self.client_id}])

    def _published(self, body: bytes) -> None:
        if b'"successful":true' not in body:
            raise RuntimeError(f"a publish failed: {body!r}")

    def _shake_hands(self, body: bytes) -> None:
        self._step = self._begin
        self._send(
            [
                {
                    "channel": "/meta/handshake",
                    "version": "1.0",
                    "supportedConnectionTypes": ["long-polling"],
                }
            ]
        )

    def _begin(self, body: bytes) -> None:
        reply = json.loads(body)[-1]
        self.client_id = reply["clientId"]
        if not self._subscriptions:  # one that publishes only
            self._step = self._published
            self.ready.set_result(None)
            return
        self._step = self._subscribed
        self._send(
            [
                {"channel": "/meta/subscribe", "clientId": self.client_id, "subscription": channel}
                for channel in self._subscriptions
            ]
        )

    def _subscribed(self, body: bytes) -> None:
        connect: Message = {
            "channel": "/meta/connect",
            "clientId": self.client_id,
            "connectionType": "long-polling",
        }
        self._poll = self._request("POST", f"{self._path}/connect", json.dumps([connect]).encode())
        self._step = self._connected
        self._send([connect | {"advice": {"timeout": 0}}])

    def _connected(self, body: bytes) -> None:
        self._step = self._answered
        self.transport.write(self._poll)
        self._on_answer(self, body)
        self.ready.set_result(None)

    def _answered(self, body: bytes) -> None:
        self.polls += 1
        self.transport.write(self._poll)
        self._on_answer(self, body)

    def _send(self, messages: list[Message]) -> None:
        name = str(messages[0]["channel"]).rpartition("/")[2]
        body = json.dumps(messages).encode()
        self.transport.write(self._request("POST", f"{self._path}/{name}", body))

    def _request(self, method: str, target: str, body: bytes) -> bytes:
        cookie = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
        head = (
            f"{method} {target} HTTP/1.1\r\nHost: {self._authority}\r\n{self._headers}{cookie}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body
