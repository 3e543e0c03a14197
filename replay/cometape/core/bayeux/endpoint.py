"""Bayeux over the exchanges and sockets of a Service: long-polling, JSONP, WebSocket.

The endpoint reads requests and frames into messages, and writes what the Bayeux server wants done
as HTTP answers and frames. What the messages mean is the server's business (`core/bayeux/`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from ..errors import ProtocolError
from ..exchange import Headers, Request, Response
from ..json_value import JsonObject
from ..service import Action, CloseSocket, Respond, SendText, Upgrade
from .actions import Answer, BayeuxAction, Close, Refuse, Send
from .application import Carrier
from .message import (
    DEFAULT_CALLBACK,
    Outgoing,
    WrittenMessage,
    is_callback,
    jsonp,
    parse_form,
    parse_messages,
    render_message,
)
from .server import CLOSE_VIOLATION, BayeuxServer

BROWSER_COOKIE = "BAYEUX_BROWSER"
JSON_TYPE = "application/json;charset=UTF-8"
SCRIPT_TYPE = "text/javascript;charset=UTF-8"
FORM_TYPE = "application/x-www-form-urlencoded"

_JSON_HEADERS = Headers([("Content-Type", JSON_TYPE)])
_SCRIPT_HEADERS = Headers(
    [
        ("Content-Type", SCRIPT_TYPE),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)
_ALLOW = Headers([("Allow", "GET, POST, OPTIONS")])


class BayeuxEndpoint:
    """One Bayeux server under one path, for a Service to hand its Bayeux traffic to.

    It takes every path from `path` down: clients append `/handshake`, `/connect`, `/disconnect` or
    a bare `/`, which means nothing (C06). `new_browser_id` makes values for the `BAYEUX_BROWSER`
    cookie; the cookie is set as CometD sets it and never needed.
    """

    def __init__(
        self,
        server: BayeuxServer,
        *,
        path: str,
        new_browser_id: Callable[[], str],
        cookie_path: str = "/",
    ) -> None:
        self.server = server
        self.path = path.rstrip("/")
        self._below = self.path + "/"
        self._new_browser_id = new_browser_id
        self._cookie_path = cookie_path
        self._callbacks: dict[int, str] = {}
        """JSONP callbacks of exchanges that are not answered yet."""
        self._sockets: dict[int, Carrier] = {}

    def handles(self, request: Request) -> bool:
        """Whether the request's path is the endpoint's, or below it."""
        path = request.target.partition("?")[0]
        return path == self.path or path.startswith(self._below)

    def owns(self, socket: int) -> bool:
        """Whether a WebSocket was upgraded here."""
        return socket in self._sockets

    def request(
        self, exchange: int, request: Request, now_s: float, context: object = None
    ) -> list[Action]:
        """A complete HTTP request; `context` goes to the application as `Carrier.context`.

        Without one that is the request itself.
        """
        browser = request.cookies().get(BROWSER_COOKIE)
        context = request if context is None else context
        if request.method == "POST":
            try:
                messages = _posted(request)
            except ProtocolError:
                return [_refusal(exchange, 400)]
            carrier = Carrier(
                id=exchange, connection_type="long-polling", browser=browser, context=context
            )
        elif request.method == "GET":
            callback = next((v for name, v in request.query if name == "jsonp"), DEFAULT_CALLBACK)
            try:
                messages = parse_form(request.target.partition("?")[2])
            except ProtocolError:
                return [_refusal(exchange, 400)]
            if not is_callback(callback):
                return [_refusal(exchange, 400)]
            self._callbacks[exchange] = callback
            carrier = Carrier(
                id=exchange, connection_type="callback-polling", browser=browser, context=context
            )
        elif request.method == "OPTIONS":
            return [Respond(exchange, Response(status=200, headers=_ALLOW))]
        else:
            return [_refusal(exchange, 400)]
        if not messages:
            self._callbacks.pop(exchange, None)
            return [_refusal(exchange, 400)]
        return self.actions(self.server.receive(carrier, messages, now_s))

    def upgrade(
        self, exchange: int, request: Request, now_s: float, context: object = None
    ) -> list[Action]:
        """A request to become a WebSocket; refused where the server does not offer them."""
        if "websocket" not in self.server.settings.connection_types:
            return [_refusal(exchange, 400)]
        self._sockets[exchange] = Carrier(
            id=exchange,
            connection_type="websocket",
            browser=request.cookies().get(BROWSER_COOKIE),
            context=request if context is None else context,
        )
        return [Upgrade(exchange)]

    def text(self, socket: int, text: str, now_s: float) -> list[Action]:
        """A text message of a WebSocket. One that is no Bayeux closes it (C71)."""
        carrier = self._sockets.get(socket)
        if carrier is None:
            return []
        try:
            messages = parse_messages(text)
        except ProtocolError:
            return self._close(socket, CLOSE_VIOLATION, now_s)
        return self.actions(self.server.receive(carrier, messages, now_s), now_s)

    def gone(self, exchange_or_socket: int, now_s: float) -> list[Action]:
        """A client left before its answer, or a WebSocket ended."""
        self._callbacks.pop(exchange_or_socket, None)
        self._sockets.pop(exchange_or_socket, None)
        return self.actions(self.server.gone(exchange_or_socket, now_s))

    def tick(self, now_s: float) -> list[Action]:
        """The time that `deadline_s` named has come."""
        return self.actions(self.server.tick(now_s))

    def deadline_s(self) -> float | None:
        """When `tick` is wanted next, or None."""
        return self.server.deadline_s()

    def actions(self, wanted: Iterable[BayeuxAction], now_s: float | None = None) -> list[Action]:
        """What the Bayeux server wants done, as HTTP answers and WebSocket frames.

        An event for many sessions is written as JSON once. `now_s` is needed only where a WebSocket
        may be closed by it.
        """
        written: dict[int, str] = {}
        actions: list[Action] = []
        for action in wanted:
            match action:
                case Answer():
                    actions.append(self._answer(action, written))
                case Send():
                    text = _array(action.messages, written)
                    actions.append(SendText(action.carrier_id, text))
                case Refuse():
                    self._callbacks.pop(action.carrier_id, None)
                    actions.append(_refusal(action.carrier_id, action.status))
                case Close():
                    actions += self._close(action.carrier_id, action.code, now_s)
        return actions

    def _answer(self, answer: Answer, written: dict[int, str]) -> Respond:
        body = _array(answer.messages, written)
        headers = _JSON_HEADERS
        callback = self._callbacks.pop(answer.carrier_id, None) if self._callbacks else None
        if callback is not None:
            body = jsonp(callback, body)
            headers = _SCRIPT_HEADERS
        if answer.set_browser:
            cookie = (
                f"{BROWSER_COOKIE}={self._new_browser_id()}; Path={self._cookie_path}; HttpOnly"
            )
            headers = headers.plus(("Set-Cookie", cookie))
        response = Response(status=200, headers=headers, body=body.encode())
        return Respond(answer.carrier_id, response)

    def _close(self, socket: int, code: int, now_s: float | None) -> list[Action]:
        actions: list[Action] = [CloseSocket(socket, code)]
        if now_s is not None:
            actions += self.gone(socket, now_s)
        return actions


def _array(messages: Sequence[Outgoing], written: dict[int, str]) -> str:
    """The messages as a JSON array; those several answers share are written once.

    `written` goes by object identity: the actions that are being written keep the messages alive.
    """
    texts = []
    for message in messages:
        if type(message) is WrittenMessage:
            texts.append(message.text)
            continue
        text = written.get(id(message))
        if text is None:
            text = written[id(message)] = render_message(message)
        texts.append(text)
    return f"[{','.join(texts)}]"


def _posted(request: Request) -> list[JsonObject]:
    """The messages of a POST: JSON in whatever content type, or a form (C38, C39, D14)."""
    media_type, charset = _content_type(request.headers.first("Content-Type"))
    if charset is None:
        return (
            parse_form(request.body.decode("utf-8", "replace"))
            if media_type == FORM_TYPE
            else parse_messages(request.body)
        )
    try:
        text = request.body.decode(charset)
    except (LookupError, ValueError) as error:
        raise ProtocolError(
            f"a Bayeux request is not in the charset it names: {error}",
            hint="Send JSON in UTF-8.",
            reason="malformed",
        ) from error
    return parse_form(text) if media_type == FORM_TYPE else parse_messages(text)


@lru_cache(maxsize=64)
def _content_type(header: str | None) -> tuple[str, str | None]:
    """Media type in lower case, and the charset where it is another one than UTF-8."""
    if not header:
        return "", None
    media_type = header.partition(";")[0].strip().lower()
    named = _CHARSET.search(header)
    charset = named[1].lower() if named else "utf-8"
    return media_type, None if charset in ("utf-8", "utf8") else charset


def _refusal(exchange: int, status: int) -> Respond:
    return Respond(exchange, Response(status=status))
