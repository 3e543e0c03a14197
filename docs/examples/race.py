"""An agent's desk with a race, and the same desk without: what `cometape explore` is for.

    cometape explore cassettes/pull_workitem.yaml -- python docs/examples/race.py
    cometape explore cassettes/pull_workitem.yaml -- python docs/examples/race.py --mended

The Workbins API answers an operation twice: at once with a `referenceId`, later with events that
carry it. The two travel on different connections, so an event may come first. This desk learns its
`referenceId` from the answer and takes an event that it does not know for somebody else's. Only
Python's own library is needed.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

NOTIFICATIONS = "/api/v2/notifications"
WORKBIN = "9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522"
ITEM = "02F0XAMPLE00001A"
LIMIT_S = 2.0
"""How long the desk waits for the events of an operation."""


class Line:
    """One connection, with the cookies and credentials of the desk."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._http = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._headers = headers

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request; the JSON of its answer."""
        headers = {**self._headers, "Content-Type": "application/json"}
        self._http.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._http.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            self._headers["Cookie"] = cookie.partition(";")[0]
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {content.decode()}")
        return json.loads(content)


class Desk:
    """Asks on one connection, listens on another; with the race."""

    def __init__(self, url: str) -> None:
        credentials = base64.b64encode(b"agent7:agent7-password").decode()
        headers = {"Authorization": f"Basic {credentials}"}
        self._line, self._poll = Line(url, headers), Line(url, headers)
        self._client_id = ""
        self._arrived = threading.Condition()
        self._mine: dict[int, list[Any]] = {}
        """Events of each operation, by the `referenceId` of its answer."""

    def work(self) -> None:
        """A session: pull a workitem out of the workbin and be done with it."""
        self._line.ask("GET", "/api/v2/me?subresources=*")
        self._listen()
        start = {"operationName": "StartContactCenterSession", "channels": ["workitem"]}
        self._line.ask("POST", "/api/v2/me", start)
        bin_path = f"/api/v2/me/workbins/{WORKBIN}"
        self._line.ask("POST", bin_path, {"operationName": "Subscribe"})
        self._line.ask("GET", f"{bin_path}?subresources=*")
        pull = {"operationName": "PullWorkitem", "id": ITEM}
        self._operate(f"/api/v2/workbins/{WORKBIN}", pull, events=2)
        self._line.ask("GET", f"{bin_path}?subresources=*")
        self._operate(f"/api/v2/me/workitems/{ITEM}", {"operationName": "Complete"}, events=1)
        self._say(self._line, "/meta/disconnect")
        self._line.ask("POST", "/api/v2/me", {"operationName": "EndContactCenterSession"})

    def _operate(self, path: str, body: Any, *, events: int) -> None:
        """Carry out an operation and wait for its events."""
        reference_id = self._line.ask("POST", path, body)["referenceId"]
        with self._arrived:
            mine = self._begin(reference_id)
            if not self._arrived.wait_for(lambda: len(mine) >= events, LIMIT_S):
                name = body["operationName"]
                raise SystemExit(f"{name}: {len(mine)} of {events} events came in {LIMIT_S} s")

    def _begin(self, reference_id: int) -> list[Any]:
        """An operation has been answered: from now on its events are known."""
        return self._mine.setdefault(reference_id, [])

    def _notice(self, event: Any) -> None:
        """An event has come."""
        mine = self._mine.get(event.get("referenceId"))
        if mine is not None:  # else it is somebody else's; or so it seems
            mine.append(event)

    # ---------------------------------------------------------------- Bayeux

    def _listen(self) -> None:
        types = ["long-polling"]
        hello = {"version": "1.0", "supportedConnectionTypes": types}
        (reply,) = self._say(self._line, "/meta/handshake", **hello)
        self._client_id = reply["clientId"]
        self._say(self._line, "/meta/connect", connectionType="long-polling")
        self._say(self._line, "/meta/subscribe", subscription="/v2/me/*")
        threading.Thread(target=self._poll_on, daemon=True).start()

    def _poll_on(self) -> None:
        for event in self._events():
            with self._arrived:
                self._notice(event)
                self._arrived.notify_all()

    def _events(self) -> Iterator[Any]:
        while True:
            for message in self._say(self._poll, "/meta/connect", connectionType="long-polling"):
                if "data" in message:
                    yield message["data"]
                elif (message.get("advice") or {}).get("reconnect") == "none":
                    return

    def _say(self, line: Line, channel: str, **fields: Any) -> Any:
        message = {"id": "1", "channel": channel, "clientId": self._client_id, **fields}
        return line.ask("POST", NOTIFICATIONS, [message])


class MendedDesk(Desk):
    """Keeps what it does not know yet: it may be the desk's own a moment later."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._unknown: list[Any] = []

    def _begin(self, reference_id: int) -> list[Any]:
        mine = super()._begin(reference_id)
        unknown, self._unknown = self._unknown, []
        for event in unknown:
            self._notice(event)
        return mine

    def _notice(self, event: Any) -> None:
        if event.get("referenceId") in self._mine:
            super()._notice(event)
        else:
            self._unknown.append(event)


if __name__ == "__main__":
    kind = MendedDesk if "--mended" in sys.argv else Desk
    kind(os.environ["COMETAPE_URL"]).work()
