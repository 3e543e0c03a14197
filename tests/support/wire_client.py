"""A Bayeux client of a server in another process: requests over sockets, judged from outside.

    client = WireClient(url, "/cometd").begin("/chat/x")    # handshake, first connect, subscribe
    client.publish("/chat/x", {"n": 1})                     # -> the reply
    held = client.hold()                                    # a connect that stays open: a Poll
    held.answered(within_s=0.2)                             # whether it was answered by then
    held.messages                                           # waits for the answer
    client.poll()                                           # events and reply of a connect at once

`WireClient` speaks HTTP, by POST or as JSONP; `WireSocket` one WebSocket. Neither knows anything of
cometape. Nothing is checked here but that JSON arrays come back.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import select
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from wsproto.events import CloseConnection

from raw_client import PATIENCE_S, WebSocketClient

Message = dict[str, Any]


@dataclass(slots=True)
class Poll:
    """One HTTP exchange under way, on a connection of its own."""

    connection: http.client.HTTPConnection
    sent_s: float
    callback: str | None = None
    _response: http.client.HTTPResponse | None = field(default=None, init=False)
    _body: bytes = field(default=b"", init=False)
    took_s: float = field(default=0.0, init=False)

    def answered(self, within_s: float) -> bool:
        """Whether an answer has begun to come in by then; waits no longer than that."""
        if self._response is not None:
            return True
        readable, _, _ = select.select([self.connection.sock], [], [], within_s)
        return bool(readable)

    def response(self) -> http.client.HTTPResponse:
        """The answer, when it has come."""
        if self._response is None:
            self._response = self.connection.getresponse()
            self._body = self._response.read()
            self.took_s = time.monotonic() - self.sent_s
            self.connection.close()
        return self._response

    @property
    def status(self) -> int:
        """Status of the answer."""
        return self.response().status

    @property
    def body(self) -> bytes:
        """Body of the answer."""
        self.response()
        return self._body

    def header(self, name: str) -> str | None:
        """A header of the answer."""
        return self.response().getheader(name)

    @property
    def messages(self) -> list[Message]:
        """The messages of an answer with status 200."""
        assert self.status == 200, (self.status, self.body)
        text = self.body.decode()
        if self.callback is not None:
            assert text.startswith(f"{self.callback}("), text
            text = text.removeprefix(f"{self.callback}(").rstrip(";").removesuffix(")")
        found = json.loads(text)
        assert isinstance(found, list), found
        return found

    @property
    def message(self) -> Message:
        """The only one."""
        (found,) = self.messages
        return found

    @property
    def events(self) -> list[Message]:
        """Those that carry data."""
        return [message for message in self.messages if "data" in message]

    def leave(self) -> None:
        """Close the connection without waiting any longer."""
        self.connection.close()


class WireClient:
    """A session over HTTP: ids from "1", a connection for each request, no cookies unless given."""

    def __init__(
        self,
        url: str,
        path: str = "/cometd",
        *,
        connection_type: str = "long-polling",
        headers: Message | None = None,
    ) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.host, self.port = parts.hostname, parts.port
        self.url = url
        self.path = path
        self.connection_type = connection_type
        self.headers = dict(headers or {})
        self.client_id: str | None = None
        self._ids = itertools.count(1)

    # -- raw

    def request(self, method: str, target: str, body: bytes | None = None, **headers: str) -> Poll:
        """Any request, sent."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE_S)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent_s = time.monotonic()
        connection.request(method, target, body=body, headers=self.headers | named)
        return Poll(connection, sent_s)

    def post(self, messages: object, *, suffix: str = "", **headers: str) -> Poll:
        """A request with these messages (bytes as they are, anything else as JSON)."""
        body = messages if isinstance(messages, bytes) else json.dumps(messages).encode()
        headers.setdefault("Content_Type", "application/json")
        return self.request("POST", self.path + suffix, body, **headers)

    def send(self, *messages: Message) -> Poll:
        """A request over the client's connection type."""
        if self.connection_type != "callback-polling":
            return self.post(list(messages))
        query = urlencode({"jsonp": "call_1", "message": json.dumps(messages)})
        poll = self.request("GET", f"{self.path}?{query}")
        poll.callback = "call_1"
        return poll

    def message(self, channel: str, **fields: Any) -> Message:
        """A message with the next id and the client's client id."""
        message: Message = {"id": str(next(self._ids)), "channel": channel}
        if self.client_id is not None and channel != "/meta/handshake":
            message["clientId"] = self.client_id
        return message | fields

    # -- well-behaved

    def handshake(self, **fields: Any) -> Message:
        """Begin a session; the reply."""
        wish = {"version": "1.0", "supportedConnectionTypes": [self.connection_type]}
        reply = self.send(self.message("/meta/handshake", **(wish | fields))).message
        self.client_id = reply.get("clientId")
        return reply

    def connect(self, **fields: Any) -> Poll:
        """A connect, sent."""
        kind = {"connectionType": self.connection_type}
        return self.send(self.message("/meta/connect", **(kind | fields)))

    def hold(self, **fields: Any) -> Poll:
        """A connect that is not answered at once."""
        poll = self.connect(**fields)
        assert not poll.answered(within_s=0.05), poll.messages
        return poll

    def poll(self, **fields: Any) -> list[Message]:
        """Whatever waits, and the reply of a connect that is not to be held."""
        return self.connect(**({"advice": {"timeout": 0}} | fields)).messages

    def begin(self, *channels: str, **fields: Any) -> Self:
        """Handshake, first connect, a subscription to each channel."""
        assert self.handshake(**fields)["successful"] is True
        assert self.poll()[-1]["successful"] is True
        for channel in channels:
            assert self.subscribe(channel)["successful"] is True
        return self

    def ask(self, channel: str, **fields: Any) -> Message:
        """Send one message; the reply to it (events that came with it are lost)."""
        message = self.message(channel, **fields)
        found = self.send(message).messages
        (reply,) = [one for one in found if one.get("id") == message["id"] and "data" not in one]
        return reply

    def subscribe(self, channel: str | list[str], **fields: Any) -> Message:
        """Subscribe; the reply."""
        return self.ask("/meta/subscribe", subscription=channel, **fields)

    def unsubscribe(self, channel: str | list[str]) -> Message:
        """Unsubscribe; the reply."""
        return self.ask("/meta/unsubscribe", subscription=channel)

    def publish(self, channel: str, data: Any, **fields: Any) -> Message:
        """Publish; the reply."""
        return self.ask(channel, data=data, **fields)

    def disconnect(self) -> Message:
        """End the session; the reply."""
        return self.ask("/meta/disconnect")

    def over_websocket(self) -> contextlib.AbstractContextManager[WireSocket]:
        """A WebSocket to the same server, for the session to go on over."""
        return wire_socket(self.url, self.path)


class WireSocket:
    """One WebSocket, for whichever sessions."""

    def __init__(self, url: str, path: str = "/cometd", *, compress: bool = False) -> None:
        self._socket = WebSocketClient(url, path, compress=compress)

    def send(self, messages: object) -> None:
        """One frame (text as it is, anything else as JSON)."""
        self._socket.send(messages if isinstance(messages, str) else json.dumps(messages))

    def frame(self) -> list[Message]:
        """The messages of the next frame."""
        found = json.loads(self._socket.text())
        assert isinstance(found, list), found
        return found

    def until(self, message_id: str) -> list[Message]:
        """All messages up to the reply with that id."""
        found: list[Message] = []
        while not any(one.get("id") == message_id and "data" not in one for one in found):
            found += self.frame()
        return found

    def ask(self, message: Message) -> Message:
        """Send one message; the reply to it."""
        self.send([message])
        return self.until(message["id"])[-1]

    def quiet(self, for_s: float) -> bool:
        """Whether nothing comes for so long."""
        if self._socket._events:
            return False
        readable, _, _ = select.select([self._socket.raw.socket], [], [], for_s)
        return not readable

    def close_code(self) -> int:
        """The code the server closes with, whatever it sends before."""
        return int(self._socket.closed().code)

    def close(self) -> None:
        """Close, and wait until the server has closed as well: it knows then."""
        self._socket.send_event(CloseConnection(code=1000))
        self._socket.closed()

    def leave(self) -> None:
        """Close, as a network does."""
        self._socket.raw.close()


@contextlib.contextmanager
def wire_socket(url: str, path: str = "/cometd", **options: bool) -> Iterator[WireSocket]:
    """A WebSocket that is closed in the end."""
    socket = WireSocket(url, path, **options)
    try:
        yield socket
    finally:
        socket.leave()
