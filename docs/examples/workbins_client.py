"""A small Workbins client, as an application has one: REST by aiohttp, events by aiocometd-ng.

Nothing here is cometape's: it talks to a live system, to a recorder in front of one, or to a
replay, and cannot tell which.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiocometd_ng.client import Client
from aiocometd_ng.constants import ConnectionType
from aiocometd_ng.extensions import Extension
from yarl import URL

NOTIFICATIONS = "/api/v2/notifications"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """An event that an operation is expected to cause."""

    channel: str
    where: Mapping[str, Any]
    """Fields of its data."""
    correlated: bool = True
    """It carries the `referenceId` of the answer; some subscription events carry none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One POST that is answered twice: at once, and by events."""

    name: str
    target: str
    body: Mapping[str, Any]
    causes: tuple[Expected, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event, with the time at which it was received."""

    channel: str
    data: Mapping[str, Any]
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an operation brought."""

    operation: Operation
    reference_id: int | None
    sent_s: float
    answered_s: float
    events: tuple[Event, ...]

    @property
    def soonest_s(self) -> float:
        """How long after the request its first event was received."""
        return min(event.at_s for event in self.events) - self.sent_s


class _Identity(Extension):
    """Sends the credentials and the cookies of the REST side with every CometD request."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self.client_id = ""

    async def outgoing(self, payload: list[Any], headers: dict[str, str]) -> None:
        headers.update(self._headers)

    async def incoming(self, payload: list[Any], headers: Any = None) -> None:
        for message in payload:
            if message["channel"] == "/meta/handshake" and message["successful"]:
                self.client_id = message["clientId"]


def _not_cancelled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)


class WorkbinsClient:
    """One agent's session: logged in, subscribed to `/v2/me/*`, in the contact centre.

    `pause_s` is how long the agent thinks before each operation.
    """

    def __init__(
        self,
        base: str,
        user: str,
        password: str,
        *,
        connection_type: ConnectionType = ConnectionType.LONG_POLLING,
        pause_s: float = 0,
    ) -> None:
        self.base = base
        self.connection_type = connection_type
        self.pause_s = pause_s
        self.events: list[Event] = []
        self._arrived = asyncio.Condition()
        credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._authorization = {"Authorization": f"Basic {credentials}"}
        self._cookies = aiohttp.CookieJar(unsafe=True)  # keeps those of an IP address too
        self._http = aiohttp.ClientSession(
            base, headers=self._authorization, cookie_jar=self._cookies
        )

    async def __aenter__(self) -> Self:
        try:
            await self._begin()
        except BaseException:
            await self._http.close()
            raise
        return self

    async def _begin(self) -> None:
        await self.get("/api/v2/me?subresources=*")
        cookies = self._cookies.filter_cookies(URL(self.base))
        pairs = "; ".join(f"{name}={cookie.value}" for name, cookie in cookies.items())
        self._identity = _Identity({**self._authorization, "Cookie": pairs})
        self._cometd = Client(
            self.base + NOTIFICATIONS, self.connection_type, extensions=[self._identity]
        )
        await self._cometd.open()
        self._listener = asyncio.create_task(self._listen())
        await self._cometd.subscribe("/v2/me/*")
        await self.post(
            "/api/v2/me", {"operationName": "StartContactCenterSession", "channels": ["workitem"]}
        )

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)
        # aiocometd-ng reports the connect that it cancels itself as an error of the loop.
        asyncio.get_running_loop().set_exception_handler(_not_cancelled)
        await self._cometd.close()
        try:
            if error is None:
                await self.post("/api/v2/me", {"operationName": "EndContactCenterSession"})
        finally:
            await self._http.close()

    @property
    def failure(self) -> BaseException | None:
        """What ended the listening for events, where something did."""
        listener = self._listener
        return listener.exception() if listener.done() and not listener.cancelled() else None

    @property
    def client_id(self) -> str:
        """The Bayeux client id that the server gave this session."""
        return self._identity.client_id

    async def get(self, target: str) -> Any:
        """The JSON that a read brings."""
        async with self._http.get(target) as response:
            response.raise_for_status()
            return await response.json()

    async def post(self, target: str, body: Mapping[str, Any]) -> Any:
        """The JSON that an operation is answered with: only that the request was sent on."""
        async with self._http.post(target, json=body) as response:
            response.raise_for_status()
            return await response.json()

    async def operate(self, operation: Operation, limit_s: float = 10) -> Outcome:
        """Carry out an operation and wait for the events that it causes."""
        await asyncio.sleep(self.pause_s)
        seen = len(self.events)
        sent_s = time.monotonic()
        answer = await self.post(operation.target, operation.body)
        answered_s = time.monotonic()
        reference_id = answer.get("referenceId")
        async with asyncio.timeout(limit_s):
            events = [
                await self._event(expected, reference_id, seen) for expected in operation.causes
            ]
        return Outcome(
            operation=operation,
            reference_id=reference_id,
            sent_s=sent_s,
            answered_s=answered_s,
            events=tuple(events),
        )

    async def operate_all(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Carry out operations one after the other."""
        return [await self.operate(operation) for operation in operations]

    async def expect(self, expected: Expected, limit_s: float = 10) -> Event:
        """An event that somebody else's operation causes, from now or earlier."""
        async with asyncio.timeout(limit_s):
            return await self._event(expected, None, 0)

    async def _event(self, expected: Expected, reference_id: int | None, seen: int) -> Event:
        wanted = dict(expected.where)
        if expected.correlated:
            wanted["referenceId"] = reference_id

        def found() -> Event | None:
            for event in self.events[seen:]:
                if event.channel == expected.channel and wanted.items() <= event.data.items():
                    return event
            return None

        async with self._arrived:
            await self._arrived.wait_for(lambda: found() is not None)
        event = found()
        assert event is not None
        return event

    async def _listen(self) -> None:
        async for message in self._cometd:
            event = Event(channel=message["channel"], data=message["data"], at_s=time.monotonic())
            async with self._arrived:
                self.events.append(event)
                self._arrived.notify_all()
