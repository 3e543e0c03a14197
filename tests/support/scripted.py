"""Cassettes written as scripts, and people who act in their replays, all in memory.

script = Script()
script.handshake("agent7")
script.subscribe("agent7", "/v2/me/*")
    script.ask("agent7", "POST", "/bins/A", {"operationName": "Pull"}, {"referenceId": 17})
script.event("agent7", "/v2/me/workitems", {"referenceId": 17})
stage = Stage(script)                         # a replay of it; stage.service, stage.talk
person = stage.person("agent7")               # with Authorization; without a name: anonymous
person.listen("/v2/me/*")                     # handshake, connect, subscribe
person.ask("POST", "/bins/A", {"operationName": "Pull"}).json["referenceId"]
person.events()                               # all so far, the time of instant events passed
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cometape.core.cassette import (
    Cassette,
    Disconnect,
    Entry,
    Event,
    Exchange,
    Handshake,
    Header,
    Publish,
    Subscribe,
    Unsubscribe,
)
from cometape.core.control.served_run import ServedRun
from cometape.core.exchange import Headers, Request, Response
from cometape.core.playbook.playbook import Playbook
from cometape.core.profile.profile import Profile
from cometape.core.replay.replay_service import ReplayService, ReplaySettings
from cometape.profiles import load_profile
from conversation import Client, Conversation

NOTIFICATIONS = "/api/v2/notifications"
HOST = "127.0.0.1:8090"
JSON_HEADERS = Headers([("Content-Type", "application/json")])


def dumped(value: object) -> bytes:
    """JSON as a server of the recorded kind writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Script:
    """A cassette in the making: entries get their numbers in order, a second apart."""

    def __init__(self, profile: str = "workbins", **header: Any) -> None:
        known: dict[str, Any] = {"profile": profile, "origin": "https://gws.example"}
        self.header = Header(**(known | header))
        self.entries: list[Entry] = []

    @property
    def cassette(self) -> Cassette:
        """The cassette so far."""
        return Cassette(self.header, tuple(self.entries))

    @property
    def _next(self) -> dict[str, Any]:
        number = len(self.entries) + 1
        return {"number": number, "at_s": float(number)}

    def add(self, entry: Entry) -> int:
        """Any entry; its number."""
        self.entries.append(entry)
        return entry.number

    def ask(
        self,
        session: str,
        method: str,
        target: str,
        sent: object = None,
        answer: object = None,
        *,
        status: int = 200,
        answer_headers: Iterable[tuple[str, str]] = (),
        error: str | None = None,
    ) -> int:
        """An HTTP exchange; JSON unless bytes are given; with `error`, without an answer."""
        request = Request(
            method=method,
            target=target,
            headers=JSON_HEADERS if sent is not None else Headers(),
            body=b"" if sent is None else sent if isinstance(sent, bytes) else dumped(sent),
        )
        response = Response(
            status=status,
            headers=Headers([*JSON_HEADERS, *answer_headers]),
            body=answer if isinstance(answer, bytes) else dumped(answer),
        )
        return self.add(
            Exchange(
                session=session,
                request=request,
                response=None if error else response,
                took_s=0.1,
                error=error,
                **self._next,
            )
        )

    def event(self, session: str, channel: str, data: Any, cause: Any = None, **fields: Any) -> int:
        """An event; its cause is inferred unless given."""
        fields = self._next | {"cause": cause} | fields
        return self.add(Event(session=session, channel=channel, data=data, **fields))

    def handshake(self, session: str, **fields: Any) -> int:
        """A handshake."""
        taken = sum(isinstance(entry, Handshake) for entry in self.entries)
        fields = {"client_id": f"<client-id:{taken + 1}>"} | fields
        return self.add(Handshake(session=session, **self._next, **fields))

    def subscribe(self, session: str, *channels: str, **fields: Any) -> list[int]:
        """A subscription to each channel."""
        return [
            self.add(Subscribe(session=session, channel=channel, **self._next, **fields))
            for channel in channels
        ]

    def unsubscribe(self, session: str, channel: str) -> int:
        """The end of a subscription."""
        return self.add(Unsubscribe(session=session, channel=channel, **self._next))

    def publish(self, session: str, channel: str, data: Any, **fields: Any) -> int:
        """A publish."""
        return self.add(
            Publish(session=session, channel=channel, data=data, **self._next, **fields)
        )

    def disconnect(self, session: str) -> int:
        """A disconnect by the client."""
        return self.add(Disconnect(session=session, **self._next))

    def listen(self, session: str, *channels: str) -> None:
        """Handshake and subscriptions."""
        self.handshake(session)
        self.subscribe(session, *channels)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request."""

    status: int
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Stage:
    """A replay of a script, and its clock."""

    def __init__(
        self,
        script: Script | Cassette | Playbook,
        *,
        profile: Profile | None = None,
        **settings: Any,
    ) -> None:
        if isinstance(script, Playbook):
            playbook = script
        else:
            cassette = script.cassette if isinstance(script, Script) else script
            playbook = Playbook.of(cassette, profile or load_profile(cassette.header.profile))
        self.run: ServedRun | None = None
        """Where the pace is manual: what has the clock."""
        path = playbook.bayeux_paths[0]
        chosen = ReplaySettings(**settings)
        if chosen.pace.manual:
            self.run = ServedRun("run", "cassette", playbook, chosen)
            self.service = self.run.replay
        else:
            self.service = ReplayService(playbook, chosen)
        self.talk = Conversation(self.run or self.service, path=path)
        self._connections = itertools.count(1_000_000)

    def person(self, user: str | None = None, *, cookies: bool = False, host: str = HOST) -> Person:
        """Somebody with two connections; with `cookies`, a client that keeps them."""
        return Person(self, user, cookies, host, next(self._connections), next(self._connections))

    def settle(self) -> None:
        """Let instant events come."""
        self.talk.advance(0.1)

    @property
    def leftovers(self) -> list[int]:
        """Numbers of entries never asked for and events never delivered, in all runs."""
        report = self.service.report()
        entries = [one.entry for one in report.unplayed]
        return sorted(entries + [one.entry for one in report.undelivered])

    def check_quick_looks(self) -> None:
        """A quick look at what is left over says what the report says."""
        report = self.service.report()
        assert self.service.is_ok() == report.ok
        assert self.service.is_undelivered() == bool(report.undelivered)


class Person:
    """One live client: REST on one connection, Bayeux on others."""

    def __init__(
        self, stage: Stage, user: str | None, cookies: bool, host: str, *connections: int
    ) -> None:
        self.stage = stage
        self.user = user
        self.cookies: dict[str, str] | None = {} if cookies else None
        self.host = host
        self.connection: int | None = connections[0]
        self.client: Client | None = None

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What every request carries."""
        headers = [("Host", self.host)]
        if self.user is not None:
            credentials = base64.b64encode(f"{self.user}:secret-of-{self.user}".encode()).decode()
            headers.append(("Authorization", f"Basic {credentials}"))
        if self.cookies:
            pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers.append(("Cookie", pairs))
        return headers

    def ask(
        self,
        method: str,
        target: str,
        sent: object = None,
        *,
        headers: Sequence[tuple[str, str]] = (),
        connection: int | None = None,
    ) -> Answer:
        """A request that is answered at once."""
        exchange = self.stage.talk.send(
            method,
            target,
            headers=[*self.headers, *(JSON_HEADERS if sent is not None else ()), *headers],
            body=b"" if sent is None else sent if isinstance(sent, bytes) else dumped(sent),
            connection=connection or self.connection,
        )
        response = exchange.response
        assert response is not None, exchange
        if self.cookies is not None:
            for cookie in response.headers.all("Set-Cookie"):
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
        return Answer(response.status, response.headers, response.body)

    def shake_hands(self, connection_type: str = "long-polling", **fields: Any) -> Client:
        """A Bayeux session."""
        self.client = self.stage.talk.client(connection_type, headers=self.headers)
        self.client.handshake(**fields)
        if self.client.client_id is not None:
            self.client.connect()
        return self.client

    def listen(self, *channels: str, connection_type: str = "long-polling") -> Client:
        """A Bayeux session with subscriptions."""
        client = self.shake_hands(connection_type)
        for channel in channels:
            assert client.subscribe(channel)["successful"]
        return client

    def events(self, *, settle: bool = True) -> list[tuple[str, Any]]:
        """Channel and data of every event received so far; polls once for what waits."""
        assert self.client is not None
        if settle:
            self.stage.settle()
        if self.client.connection_type != "websocket":
            self.client.poll()
        return [(event["channel"], event["data"]) for event in self.client.events]

    def data(self) -> list[Any]:
        """Data of every event received so far."""
        return [data for _, data in self.events()]

    def leave(self) -> None:
        """Disconnect."""
        assert self.client is not None
        assert self.client.disconnect()["successful"]
