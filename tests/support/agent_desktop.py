"""The client that the examples of the documentation test: a small agent desktop, a module of its
own that knows nothing of cometape."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass
from http.cookiejar import CookieJar
from types import TracebackType
from typing import Any, Self
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

WORKBIN = "9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522"
TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Workitem:
    """A workitem as the desktop shows it."""

    id: str
    state: str


class AgentDesktop:
    """Logged in, and told of workitems over long-polling, until it is left."""

    def __init__(self, url: str, user: str) -> None:
        self._url = url
        self._login = base64.b64encode(f"{user}:x".encode()).decode()
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
        self._news = threading.Condition()
        self._states: dict[str, str] = {}
        self._leaving = False
        self.connected = True
        """Whether its Bayeux session lives."""
        self._ask("/api/v2/me?subresources=*")
        types = ["long-polling"]
        (reply,) = self._say("/meta/handshake", version="1.0", supportedConnectionTypes=types)
        self._client_id = reply["clientId"]
        self._say("/meta/subscribe", subscription="/v2/me/*")
        self._poller = threading.Thread(target=self._poll, daemon=True)
        self._poller.start()
        self._do("/api/v2/me", "StartContactCenterSession", channels=["workitem"])
        self._do(f"/api/v2/me/workbins/{WORKBIN}", "Subscribe")

    def pull(self, item: str) -> None:
        """Take a workitem out of the workbin."""
        self._do(f"/api/v2/workbins/{WORKBIN}", "PullWorkitem", id=item)
        self._ask(f"/api/v2/me/workbins/{WORKBIN}?subresources=*")

    def complete(self, item: str) -> None:
        """Be done with a workitem."""
        self._do(f"/api/v2/me/workitems/{item}", "Complete")

    def workitem(self, item: str) -> Workitem:
        """A workitem, when it is shown."""
        with self._news:
            assert self._news.wait_for(lambda: item in self._states, TIMEOUT_S), self._states
            return Workitem(item, self._states[item])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leaving = True
        self._say("/meta/disconnect")
        self._poller.join(TIMEOUT_S)
        self._do("/api/v2/me", "EndContactCenterSession")

    def _ask(self, path: str, sent: object = None) -> Any:
        request = Request(self._url + path)
        request.add_header("Authorization", f"Basic {self._login}")
        request.add_header("Content-Type", "application/json")
        body = None if sent is None else json.dumps(sent).encode()
        with self._opener.open(request, body, TIMEOUT_S) as answer:
            return json.load(answer)

    def _do(self, path: str, operation: str, **fields: object) -> None:
        assert self._ask(path, {"operationName": operation, **fields})["statusCode"] == 0

    def _say(self, channel: str, **fields: object) -> list[dict[str, Any]]:
        if channel != "/meta/handshake":
            fields["clientId"] = self._client_id
        replies: list[dict[str, Any]] = self._ask(
            "/api/v2/notifications", [{"channel": channel, **fields}]
        )
        return replies

    def _poll(self) -> None:
        while not self._leaving and self.connected:
            try:
                messages = self._say("/meta/connect", connectionType="long-polling")
            except OSError:
                messages = [{"channel": "/meta/connect", "successful": False}]
            for message in messages:
                if message["channel"] == "/meta/connect":
                    self.connected = bool(message["successful"])
                elif "workitem" in message["data"]:
                    self._show(message["data"]["workitem"])

    def _show(self, workitem: dict[str, Any]) -> None:
        with self._news:
            self._states[workitem["id"]] = workitem["state"]
            self._news.notify_all()
