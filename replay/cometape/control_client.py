"""A client of the control API of `cometape replay`, for test suites in Python; docs/control.md.

    control = Control("http://127.0.0.1:41877")
    with control.run(pace="manual") as run:
        client = AgentDesktop(run.url)
        assert run.held("agent7", wait_s=5)
        run.advance(30)
        assert run.verify()["passed"]

One connection a call: a call may wait, and tests run in threads. What a call answers is the JSON
that `openapi.json` describes.
"""

from __future__ import annotations

import http.client
import json
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode, urlsplit

from cometape.core.errors import CometapeError, ConfigurationError
from cometape.core.json_value import Json, JsonObject

TIMEOUT_S = 30.0
"""How long an answer may take, besides the time that a call asks to wait."""


class Control:
    """The control API at a URL.

    Every call raises CometapeError: with the `reason` of the problem where the API refuses, with
    `unreachable` where it does not answer.
    """

    def __init__(self, url: str, *, token: str | None = None) -> None:
        """`url` is the one that is printed as `control on URL`."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ConfigurationError(
                f"{url!r} is not the address of a control API",
                hint="cometape replay prints it: control on http://127.0.0.1:PORT",
                reason="bad-option",
            )
        self.url = url.rstrip("/")
        self._host, self._port = parts.hostname, parts.port or 80
        self._token = token

    def run(self, name: str | None = None, **settings: Json) -> RemoteRun:
        """Make a run of these `settings`, by the names that docs/control.md lists; it answers when
        clients can connect to it.
        """
        wish = settings | ({} if name is None else {"name": name})
        return RemoteRun(self, self.call("POST", "/runs", wish))

    def existing(self, name: str = "default") -> RemoteRun:
        """A run that is there already; `default` is the one of the command line."""
        return RemoteRun(self, self.call("GET", f"/runs/{quote(name, safe='')}"))

    def runs(self) -> list[RemoteRun]:
        """All runs."""
        found = self.call("GET", "/runs")["runs"]
        assert isinstance(found, list)
        return [RemoteRun(self, one) for one in found if isinstance(one, dict)]

    def call(
        self, method: str, path: str, sent: JsonObject | None = None, *, wait_s: float = 0.0
    ) -> JsonObject:
        """Any call; the JSON of its answer."""
        headers = {"Accept": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        body = None
        if sent is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(sent).encode()
        connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S + wait_s)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answered = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise CometapeError(
                f"the control API at {self.url} does not answer: {error}",
                hint="Is it still running? Is this the address printed as `control on …`?",
                reason="unreachable",
            ) from error
        finally:
            connection.close()
        assert isinstance(answered, dict)
        reason, hint = str(answered.get("reason", "")), str(answered.get("hint", ""))
        if response.status >= 400 and reason != "not-passed":
            raise CometapeError(str(answered.get("detail")), hint=hint, reason=reason)
        return answered


class RemoteRun:
    """One run; as a context manager it ends with its block."""

    def __init__(self, control: Control, shown: JsonObject) -> None:
        self._control = control
        self.name = str(shown["run"])
        self.url = str(shown["url"])
        """What the client under test is given."""
        self._path = f"/runs/{quote(self.name, safe='')}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.delete()

    def reset(self) -> None:
        """Begin anew, as if nobody had come."""
        self._call("POST", "/reset")

    def delete(self) -> JsonObject:
        """End it; its last report."""
        return self._call("DELETE")

    def report(self) -> JsonObject:
        """What became of it so far."""
        return self._call("GET", "/report")

    def verify(self, *, wait_s: float = 0.0) -> JsonObject:
        """The report, `passed` or not, once it is complete or the time to wait is up."""
        answered = self._call("GET", "/verify", wait_s=wait_s)
        report = answered.get("report")
        return report if isinstance(report, dict) else answered

    def journal(self, *, since: int = 0, limit: int = 1000) -> JsonObject:
        """A page of what has happened."""
        return self._call("GET", "/journal", since=since, limit=limit)

    def misses(self, *, since: int = 0) -> JsonObject:
        """Requests that no recording answered."""
        return self._call("GET", "/misses", since=since)

    def clock(self) -> JsonObject:
        """Where the clock stands, and what is pending."""
        return self._call("GET", "/clock")

    def advance(self, seconds: float) -> JsonObject:
        """Let time pass."""
        return self._call("POST", "/clock/advance", {"seconds": seconds})

    def advance_to_next(self, what: str = "next") -> JsonObject:
        """Let time pass until the `next` thing, or the next `event`, that is pending."""
        return self._call("POST", "/clock/advance", {"to": what})

    def sessions(self, name: str | None = None) -> list[JsonObject]:
        """Living Bayeux sessions: of a client id, user or recorded session, or all."""
        found = self._call("GET", "/sessions", session=name)["sessions"]
        assert isinstance(found, list)
        return [one for one in found if isinstance(one, dict)]

    def held(self, name: str | None = None, *, wait_s: float = 0.0) -> bool:
        """Whether a connect (of sessions of that name) is being held, or comes to be in time."""
        return bool(self._call("GET", "/held", wait_s=wait_s, session=name)["held"])

    def inject(self, channel: str, data: Json, *, to: str | None = None) -> JsonObject:
        """Give an event to whoever is subscribed (of sessions of the name `to`)."""
        wish: JsonObject = {"channel": channel, "data": data}
        return self._call("POST", "/events", wish if to is None else wish | {"session": to})

    def fault(self, *rules: str | JsonObject) -> JsonObject:
        """Let things go wrong from now on: `"lost channel=/v2/me/workitems times=1"`."""
        return self._call("POST", "/faults", {"faults": [*rules]})

    def faults(self) -> JsonObject:
        """The rules in force, and what became of each."""
        return self._call("GET", "/faults")

    def remove_fault(self, number: int | None = None) -> JsonObject:
        """End a rule; without a number all of them."""
        return self._call("DELETE", "/faults" if number is None else f"/faults/{number}")

    def expire(self, name: str) -> None:
        """End sessions as silence would."""
        self._call("POST", f"/sessions/{quote(name, safe='')}/expire")

    def disconnect(self, name: str) -> None:
        """End sessions from the server's side."""
        self._call("POST", f"/sessions/{quote(name, safe='')}/disconnect")

    def drop(self, name: str | None = None) -> None:
        """Cut the connections on which sessions wait; without a name every connection."""
        self._call("POST", "/drop" if name is None else f"/sessions/{quote(name, safe='')}/drop")

    def _call(
        self,
        method: str,
        below: str = "",
        sent: JsonObject | None = None,
        *,
        wait_s: float = 0.0,
        **query: str | int | None,
    ) -> JsonObject:
        pairs = {name: value for name, value in query.items() if value is not None}
        asked = urlencode(pairs | ({"wait_s": wait_s} if wait_s else {}))
        path = f"{self._path}{below}" + (f"?{asked}" if asked else "")
        return self._control.call(method, path, sent, wait_s=wait_s)
