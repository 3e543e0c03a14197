"""Traffic told to an observer in memory: one call is one exchange, as a recorder would see it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cometape.core.cassette import Entry
from cometape.core.exchange import Headers, Request, Response
from cometape.core.json_value import JsonObject
from cometape.core.record.capture import CapturedExchange, CapturedRequest, SocketText
from cometape.core.record.observer import Observer
from cometape.profiles import load_profile

ORIGIN = "https://gws.example"
BAYEUX = "/api/v2/notifications"

HANDSHAKE: JsonObject = {
    "channel": "/meta/handshake",
    "version": "1.0",
    "supportedConnectionTypes": ["long-polling"],
}


def basic(user: str, password: str = "correct-horse-battery") -> str:
    """An `Authorization` header of that user."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """What a client puts on its requests: a connection, credentials, a cookie."""

    connection: str = "c1"
    user: str | None = None
    cookie: str | None = None

    def headers(self) -> Headers:
        pairs = [("Content-Type", "application/json")]
        if self.user is not None:
            pairs.append(("Authorization", basic(self.user)))
        if self.cookie is not None:
            pairs.append(("Cookie", self.cookie))
        return Headers(pairs)


class Watching:
    """An observer that is told exchanges; keeps every entry it returns."""

    def __init__(self, profile: str = "workbins") -> None:
        self.observer = Observer(load_profile(profile), started_s=100.0)
        self.entries: list[Entry] = []
        self.now_s = 100.0
        self._keys = 0

    def rest(
        self,
        method: str,
        target: str,
        *,
        by: By,
        json_body: Any = None,
        answer: Any = None,
        set_cookie: str | None = None,
        status: int = 200,
        headers: Sequence[tuple[str, str]] = (),
        error: str | None = None,
    ) -> list[Entry]:
        """A plain exchange from beginning to end."""
        answer_headers = [("Content-Type", "application/json")]
        if set_cookie is not None:
            answer_headers.append(("Set-Cookie", set_cookie))
        request = Request(
            method=method,
            target=target,
            headers=by.headers().plus(*headers),
            body=b"" if json_body is None else json.dumps(json_body).encode(),
        )
        response = Response(
            status=status,
            headers=Headers(answer_headers),
            body=b"" if answer is None else json.dumps(answer).encode(),
        )
        asked = self.begin(request, by)
        return self.end(asked, None if error else response, error)

    def bayeux(
        self,
        messages: Sequence[JsonObject],
        replies: Sequence[JsonObject] | None,
        *,
        by: By,
        path: str = BAYEUX,
        set_cookie: str | None = None,
        status: int = 200,
        error: str | None = None,
    ) -> list[Entry]:
        """A POST of Bayeux messages from beginning to end; replies None: no body."""
        asked = self.poll(messages, by=by, path=path)
        return self.answer(asked, replies, set_cookie=set_cookie, status=status, error=error)

    def poll(
        self, messages: Sequence[JsonObject], *, by: By, path: str = BAYEUX
    ) -> CapturedRequest:
        """The beginning of a POST of Bayeux messages, to be ended by `answer`."""
        body = json.dumps(list(messages)).encode()
        return self.begin(Request(method="POST", target=path, headers=by.headers(), body=body), by)

    def answer(
        self,
        asked: CapturedRequest,
        replies: Sequence[JsonObject] | None,
        *,
        set_cookie: str | None = None,
        status: int = 200,
        error: str | None = None,
    ) -> list[Entry]:
        """The end of what `poll` began."""
        headers = [("Content-Type", "application/json;charset=utf-8")]
        if set_cookie is not None:
            headers.append(("Set-Cookie", set_cookie))
        body = b"" if replies is None else json.dumps(list(replies)).encode()
        response = Response(status=status, headers=Headers(headers), body=body)
        return self.end(asked, None if error else response, error)

    def handshake(
        self, client_id: str, *, by: By, set_cookie: str | None = None, path: str = BAYEUX
    ) -> list[Entry]:
        """A successful handshake."""
        reply: JsonObject = {
            "channel": "/meta/handshake",
            "successful": True,
            "clientId": client_id,
            "version": "1.0",
            "supportedConnectionTypes": ["long-polling"],
            "advice": {"reconnect": "retry", "interval": 0, "timeout": 30000},
        }
        return self.bayeux([HANDSHAKE], [reply], by=by, set_cookie=set_cookie, path=path)

    def begin(self, request: Request, by: By, origin: str = ORIGIN) -> CapturedRequest:
        """Any request on its way."""
        self._keys += 1
        self.now_s += 0.01
        asked = CapturedRequest(
            key=f"k{self._keys}",
            connection=by.connection,
            origin=origin,
            request=request,
            at_s=self.now_s,
        )
        self.observer.began(asked)
        return asked

    def end(
        self, asked: CapturedRequest, response: Response | None, error: str | None = None
    ) -> list[Entry]:
        """Any request at its end."""
        self.now_s += 0.01
        return self._keep(
            self.observer.exchange(
                CapturedExchange(asked=asked, response=response, ended_s=self.now_s, error=error)
            )
        )

    def socket(self, *, by: By, path: str = BAYEUX) -> Socket:
        """An accepted WebSocket."""
        headers = by.headers().plus(("Upgrade", "websocket"), ("Connection", "Upgrade"))
        asked = self.begin(Request(method="GET", target=path, headers=headers), by)
        self.observer.socket_opened(
            CapturedExchange(asked=asked, response=Response(status=101), ended_s=self.now_s)
        )
        return Socket(self, asked.key)

    def _keep(self, entries: list[Entry]) -> list[Entry]:
        self.entries += entries
        return entries


class Socket:
    """A WebSocket told to an observer."""

    def __init__(self, watching: Watching, key: str) -> None:
        self._watching = watching
        self._key = key

    def sends(self, *messages: JsonObject) -> list[Entry]:
        """One text of the client's."""
        return self._text("client", json.dumps(list(messages)))

    def receives(self, *messages: JsonObject) -> list[Entry]:
        """One text of the server's."""
        return self._text("server", json.dumps(list(messages)))

    def receives_text(self, text: str) -> list[Entry]:
        """One text of the server's that need not be Bayeux."""
        return self._text("server", text)

    def closes(self) -> list[Entry]:
        """The end of it."""
        watching = self._watching
        watching.now_s += 0.01
        return watching._keep(watching.observer.socket_closed(self._key, watching.now_s))

    def _text(self, sender: Any, text: str) -> list[Entry]:
        watching = self._watching
        watching.now_s += 0.01
        captured = SocketText(sender=sender, text=text, at_s=watching.now_s)
        return watching._keep(watching.observer.socket_text(self._key, captured))
