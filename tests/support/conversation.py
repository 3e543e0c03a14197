"""A conversation with any Service, in memory: no socket, no thread, no waiting.

The clock stands still until the test moves it, and a test sees what is still held.

    talk = Conversation(Broker())
    client = talk.client()                         # long-polling; talk.client("websocket"), …
    client.handshake()                             # -> the reply; client.client_id is set
    client.connect()                               # the first one is answered at once
    held = client.hold()                           # a connect that must be held: an Exchange
    other.publish("/chat/demo", {"n": 1})          # -> the reply
    assert held.messages[0]["data"] == {"n": 1}    # held.answered, held.response, held.status

Raw, for what a well-behaved client would not do:

    talk.post([{"channel": …}], path="/cometd")    # -> Exchange; a bare object, text, bytes too
    talk.send("GET", "/other?x=1", headers=[…])    # -> Exchange, any request
    socket = talk.open_socket("/cometd")           # -> Socket: .send(messages), .frames, .messages
    exchange.leave(); socket.close()               # the client goes away (Service.gone)
    talk.advance(30)                               # seconds; ticks at every deadline on the way
    talk.carry_out(actions)                        # actions a test got from the service by itself
    talk.held                                      # exchanges not answered yet
    talk.log                                       # every action so far, in order

An exchange that is answered twice, or an action for one that does not exist, fails at once.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from cometape.core.exchange import Headers, Request, Response
from cometape.core.service import (
    Abort,
    Action,
    CloseSocket,
    Manner,
    Reset,
    Respond,
    SendText,
    Service,
    Spoil,
    Upgrade,
)

Message = dict[str, Any]
"""A Bayeux message, as loosely typed as a test wants it."""


class Exchange:
    """One request, and its answer when it has come."""

    def __init__(self, talk: Conversation, number: int, request: Request) -> None:
        self._talk = talk
        self.number = number
        self.request = request
        self.response: Response | None = None
        self.aborted = False
        """Closed or reset without an answer."""
        self.manner: Manner | None = None
        """Where its answer went over the wire badly: how."""
        self.left = False
        self.answered_s: float | None = None

    def __repr__(self) -> str:
        state = self.response if self.response is not None else "held"
        return f"<{self.request.method} {self.request.target} #{self.number}: {state}>"

    @property
    def answered(self) -> bool:
        """Whether there is an answer."""
        return self.response is not None

    @property
    def held(self) -> bool:
        """Whether there is none yet, and the client still waits."""
        return self.response is None and not self.aborted and not self.left

    @property
    def status(self) -> int:
        """Status of the answer."""
        return self._answer().status

    @property
    def body(self) -> str:
        """Body of the answer, as text."""
        return self._answer().body.decode()

    @property
    def json(self) -> Any:
        """Body of the answer, as JSON."""
        return json.loads(self._answer().body)

    @property
    def messages(self) -> list[Message]:
        """The Bayeux messages of the answer, which must be an array."""
        found = self.json
        assert isinstance(found, list), found
        return found

    @property
    def message(self) -> Message:
        """The only message of the answer."""
        (found,) = self.messages
        return found

    @property
    def events(self) -> list[Message]:
        """Messages of the answer that carry data."""
        return [message for message in self.messages if "data" in message]

    def header(self, name: str) -> str | None:
        """A header of the answer."""
        return self._answer().headers.first(name)

    def leave(self) -> None:
        """The client closes the connection before it has the answer."""
        assert self.held, self
        self.left = True
        self._talk.carry_out(self._talk.service.gone(self.number, self._talk.now_s))

    def _answer(self) -> Response:
        assert self.response is not None, f"{self!r} has no answer yet"
        return self.response


class Socket:
    """One WebSocket that was accepted."""

    def __init__(self, talk: Conversation, number: int) -> None:
        self._talk = talk
        self.number = number
        self.texts: list[str] = []
        self.manner: Manner | None = None
        """Where its last text went over the wire badly: how."""
        self.close_code: int | None = None
        """Code with which the service closed it."""
        self.closed = False
        self._read = 0

    @property
    def frames(self) -> list[list[Message]]:
        """Every frame received, as its messages."""
        return [json.loads(text) for text in self.texts]

    @property
    def messages(self) -> list[Message]:
        """Every message received, whatever its frame."""
        return [message for frame in self.frames for message in frame]

    @property
    def events(self) -> list[Message]:
        """Messages received that carry data."""
        return [message for message in self.messages if "data" in message]

    def read(self) -> list[Message]:
        """Messages received since the last `read`."""
        new = [message for text in self.texts[self._read :] for message in json.loads(text)]
        self._read = len(self.texts)
        return new

    def send(self, messages: object) -> list[Message]:
        """Send one frame (a string as it is, anything else as JSON); what comes back at once."""
        assert not self.closed
        self.read()
        text = messages if isinstance(messages, str) else json.dumps(messages)
        self._talk.carry_out(self._talk.service.text(self.number, text, self._talk.now_s))
        return self.read()

    def close(self) -> None:
        """The client closes, or the network does."""
        assert not self.closed
        self.closed = True
        self._talk.carry_out(self._talk.service.gone(self.number, self._talk.now_s))


class Conversation:
    """Clients of one service, and its clock."""

    def __init__(self, service: Service, *, path: str = "/cometd", now_s: float = 1000.0) -> None:
        self.service = service
        self.path = path
        self.now_s = now_s
        self.exchanges: dict[int, Exchange] = {}
        self.sockets: dict[int, Socket] = {}
        self.log: list[Action] = []
        self._numbers = itertools.count(1)

    @property
    def held(self) -> list[Exchange]:
        """Exchanges that have no answer yet and whose client still waits."""
        return [exchange for exchange in self.exchanges.values() if exchange.held]

    def send(
        self,
        method: str,
        target: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes | str = b"",
        connection: int | None = None,
    ) -> Exchange:
        """Any request; on a connection of its own when none is named."""
        data = body if isinstance(body, bytes) else body.encode()
        request = Request(method=method, target=target, headers=Headers(headers), body=data)
        number = next(self._numbers)
        exchange = self.exchanges[number] = Exchange(self, number, request)
        self.carry_out(
            self.service.request(
                number, number if connection is None else connection, request, self.now_s
            )
        )
        return exchange

    def post(
        self,
        messages: object,
        *,
        path: str | None = None,
        headers: Iterable[tuple[str, str]] = (("Content-Type", "application/json"),),
    ) -> Exchange:
        """A Bayeux request by POST (text and bytes go as they are, anything else as JSON)."""
        body = messages if isinstance(messages, bytes | str) else json.dumps(messages)
        return self.send("POST", path or self.path, headers=headers, body=body)

    def open_socket(
        self, path: str | None = None, *, headers: Iterable[tuple[str, str]] = ()
    ) -> Socket:
        """A WebSocket; the service must accept it."""
        request = Request(
            method="GET",
            target=path or self.path,
            headers=Headers([("Upgrade", "websocket"), *headers]),
        )
        number = next(self._numbers)
        exchange = self.exchanges[number] = Exchange(self, number, request)
        self.carry_out(self.service.upgrade(number, number, request, self.now_s))
        assert number in self.sockets, f"not accepted: {exchange!r}"
        return self.sockets[number]

    def client(self, connection_type: str = "long-polling", **options: Any) -> Client:
        """A client that behaves, over long-polling, websocket or callback-polling."""
        return Client(self, connection_type, **options)

    def advance(self, seconds: float) -> None:
        """Let time pass, with a tick at every deadline on the way."""
        until_s = self.now_s + seconds
        while (deadline_s := self.service.deadline_s()) is not None and deadline_s <= until_s:
            self.now_s = max(self.now_s, deadline_s)
            self.carry_out(self.service.tick(self.now_s))
            after_s = self.service.deadline_s()
            assert after_s is None or after_s > self.now_s, "tick left something that is due"
        self.now_s = until_s

    def carry_out(self, actions: Sequence[Action]) -> None:
        """Do what a service asks for, as a shell would."""
        for action in actions:
            self.log.append(action)
            match action:
                case Respond(exchange=number, response=response):
                    exchange = self._open(number)
                    exchange.response = response
                    exchange.answered_s = self.now_s
                case Abort(exchange=number) | Reset(exchange=number):
                    if number in self.sockets:
                        self.sockets[number].close()
                    else:
                        self._open(number).aborted = True
                case Spoil(action=spoilt, manner=manner):
                    self.carry_out([spoilt])
                    if isinstance(spoilt, Respond):
                        self.exchanges[spoilt.exchange].manner = manner
                    else:
                        self.sockets[spoilt.socket].manner = manner
                case Upgrade(exchange=number):
                    self._open(number)
                    del self.exchanges[number]
                    self.sockets[number] = Socket(self, number)
                case SendText(socket=number, text=text):
                    socket = self.sockets[number]
                    assert not socket.closed, f"sent over closed socket #{number}: {text}"
                    socket.texts.append(text)
                case CloseSocket(socket=number, code=code):
                    socket = self.sockets[number]
                    socket.close_code = code
                    if not socket.closed:
                        socket.closed = True
                        self.carry_out(self.service.gone(number, self.now_s))

    def _open(self, number: int) -> Exchange:
        exchange = self.exchanges[number]
        assert exchange.held, f"answered again, or after its client left: {exchange!r}"
        return exchange


class Client:
    """A Bayeux client that behaves: ids from "1", one connection for connects, one for the rest.

    Requests return the reply to them; `events` has whatever came with data, in order of arrival.
    Cookies are sent back only with `keep_cookies`: a server must not need them.
    """

    def __init__(
        self,
        talk: Conversation,
        connection_type: str,
        *,
        path: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        keep_cookies: bool = False,
    ) -> None:
        self.talk = talk
        self.connection_type = connection_type
        self.path = path or talk.path
        self.headers = list(headers)
        self.keep_cookies = keep_cookies
        self.cookies: dict[str, str] = {}
        self.client_id: str | None = None
        self.socket: Socket | None = None
        self._ids = itertools.count(1)
        self._exchanges: list[Exchange] = []

    @property
    def events(self) -> list[Message]:
        """Every event received so far, in the order the answers and frames came."""
        found = [
            event
            for exchange in sorted(self._exchanges, key=self._arrival)
            if exchange.answered and exchange.status == 200
            for event in self._messages_of(exchange)
            if "data" in event
        ]
        return found + (self.socket.events if self.socket is not None else [])

    def message(self, channel: str, **fields: Any) -> Message:
        """A message with the next id and this client's client id."""
        message: Message = {"id": str(next(self._ids)), "channel": channel}
        if self.client_id is not None and channel != "/meta/handshake":
            message["clientId"] = self.client_id
        return message | fields

    def send(self, *messages: Message) -> Exchange:
        """One HTTP request with these messages, by POST or as JSONP."""
        headers = list(self.headers)
        if self.keep_cookies and self.cookies:
            pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers.append(("Cookie", pairs))
        if self.connection_type == "callback-polling":
            query = urlencode({"jsonp": "call_1", "message": json.dumps(messages)})
            exchange = self.talk.send("GET", f"{self.path}?{query}", headers=headers)
        else:
            headers.append(("Content-Type", "application/json"))
            exchange = self.talk.post(list(messages), path=self.path, headers=headers)
        self._exchanges.append(exchange)
        return exchange

    def ask(self, *messages: Message) -> list[Message]:
        """Send messages and give the replies to them, which must come at once, in their order."""
        if self.connection_type == "websocket":
            if self.socket is None:
                self.socket = self.talk.open_socket(self.path, headers=self.headers)
            found = self.socket.send(list(messages))
        else:
            exchange = self.send(*messages)
            assert exchange.status == 200, exchange
            self._keep_cookies(exchange)
            found = self._messages_of(exchange)
        ids = [message["id"] for message in messages]
        return [m for m in found if m.get("id") in ids and "data" not in m]

    def handshake(self, **fields: Any) -> Message:
        """Begin a session; the client id is kept when it was granted."""
        types = ["websocket", "long-polling", "callback-polling"]
        wish = {"version": "1.0", "supportedConnectionTypes": types}
        (reply,) = self.ask(self.message("/meta/handshake", **(wish | fields)))
        self.client_id = reply.get("clientId")
        return reply

    def connect(self, **fields: Any) -> Message:
        """A connect that must be answered at once; its reply."""
        (reply,) = self.ask(self._connect(fields))
        return reply

    def hold(self, **fields: Any) -> Exchange:
        """A connect over HTTP that must be held."""
        assert self.connection_type != "websocket"
        exchange = self.send(self._connect(fields))
        assert exchange.held, exchange
        return exchange

    def poll(self, **fields: Any) -> list[Message]:
        """A connect with `advice.timeout` 0 over HTTP: whatever waits, and the reply."""
        exchange = self.send(self._connect({"advice": {"timeout": 0}} | fields))
        return self._messages_of(exchange)

    def begin(self, *channels: str, **fields: Any) -> Client:
        """Handshake, first connect, and a subscription to each channel; the client itself."""
        assert self.handshake(**fields)["successful"]
        assert self.connect()["successful"]
        for channel in channels:
            assert self.subscribe(channel)["successful"], channel
        return self

    def subscribe(self, channel: str | list[str], **fields: Any) -> Message:
        """Subscribe; the reply."""
        (reply,) = self.ask(self.message("/meta/subscribe", subscription=channel, **fields))
        return reply

    def unsubscribe(self, channel: str | list[str], **fields: Any) -> Message:
        """Unsubscribe; the reply."""
        (reply,) = self.ask(self.message("/meta/unsubscribe", subscription=channel, **fields))
        return reply

    def publish(self, channel: str, data: Any, **fields: Any) -> Message:
        """Publish; the reply."""
        (reply,) = self.ask(self.message(channel, data=data, **fields))
        return reply

    def disconnect(self) -> Message:
        """End the session; the reply."""
        (reply,) = self.ask(self.message("/meta/disconnect"))
        return reply

    def _connect(self, fields: dict[str, Any]) -> Message:
        return self.message("/meta/connect", connectionType=self.connection_type, **fields)

    def _messages_of(self, exchange: Exchange) -> list[Message]:
        text = exchange.body
        if text.startswith("call_1("):
            text = text.removeprefix("call_1(").removesuffix(")")
        found: list[Message] = json.loads(text)
        return found

    def _arrival(self, exchange: Exchange) -> int:
        """Place of an exchange's answer among all the service's actions."""
        for at, action in enumerate(self.talk.log):
            if isinstance(action, Respond) and action.exchange == exchange.number:
                return at
        return len(self.talk.log)

    def _keep_cookies(self, exchange: Exchange) -> None:
        assert exchange.response is not None
        for header in exchange.response.headers.all("Set-Cookie"):
            name, _, value = header.partition(";")[0].partition("=")
            self.cookies[name.strip()] = value
