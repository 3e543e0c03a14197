"""People at a simulated Workbins system, in memory: log in, read, operate, and see what comes.

talk = workbins_talk(switches={"event-order": "media-first"})
agent = Person(talk, "agent7").arrive()        # logged in, CometD open, subscribed to /v2/me/*
answer = agent.post("/api/v2/workbins/…", "PullWorkitem", id="02F0…")
answer.json["referenceId"]
(event,) = agent.news()                        # what came since the last look, after a second
"""

from __future__ import annotations

import base64
import json
from typing import Any

from cometape.simulator import Workbins, WorkbinsConfig
from conversation import Client, Conversation, Exchange, Message

NOTIFICATIONS = "/api/v2/notifications"


def workbins_talk(seed: int = 0, **config: Any) -> Conversation:
    """A conversation with a simulated Workbins system; options are those of WorkbinsConfig."""
    return Conversation(Workbins(WorkbinsConfig(**config), seed), path=NOTIFICATIONS)


def basic(user_name: str, password: str) -> tuple[str, str]:
    """An `Authorization` header."""
    text = base64.b64encode(f"{user_name}:{password}".encode("latin-1")).decode()
    return ("Authorization", f"Basic {text}")


class Person:
    """One client session of a user: a cookie jar, REST, and CometD once it has arrived."""

    def __init__(self, talk: Conversation, user_name: str, *, password: str | None = None) -> None:
        self.talk = talk
        self.user_name = user_name
        self.authorization = basic(user_name, password or f"{user_name}-password")
        self.cookies: dict[str, str] = {}
        self.token: str | None = None
        self.comet: Client | None = None

    def login(self) -> Exchange:
        """`GET /me?subresources=*` with credentials; afterwards the cookie does."""
        return self.get("/api/v2/me?subresources=*")

    def arrive(self, *channels: str) -> Person:
        """Log in and subscribe, to `/v2/me/*` when no channels are given; the person itself."""
        assert self.login().status == 200
        self.comet = Client(self.talk, "long-polling", headers=self._headers())
        self.comet.begin(*(channels or ("/v2/me/*",)))
        return self

    def get(self, target: str) -> Exchange:
        """A GET."""
        return self.send("GET", target)

    def post(self, target: str, operation: str | None = None, **fields: Any) -> Exchange:
        """A POST of an operation."""
        body = fields if operation is None else {"operationName": operation, **fields}
        return self.send("POST", target, json.dumps(body), ("Content-Type", "application/json"))

    def send(self, method: str, target: str, body: str = "", *headers: tuple[str, str]) -> Exchange:
        """Any request; cookies and the CSRF token are kept."""
        exchange = self.talk.send(method, target, headers=[*self._headers(), *headers], body=body)
        if exchange.response is not None:
            for cookie in exchange.response.headers.all("Set-Cookie"):
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
            self.token = exchange.header("X-CSRF-TOKEN") or self.token
        return exchange

    def news(self, after_s: float = 1.0) -> list[Message]:
        """The events that have come since the last look, after some time."""
        assert self.comet is not None
        self.talk.advance(after_s)
        return [message for message in self.comet.poll() if "data" in message]

    def _headers(self) -> list[tuple[str, str]]:
        if not self.cookies:
            return [self.authorization]
        pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = [("Cookie", pairs)]
        return headers if self.token is None else [*headers, ("X-CSRF-TOKEN", self.token)]
