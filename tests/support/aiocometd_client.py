"""aiocometd carries out a plan: `python aiocometd_client.py MODULE PLAN`, see `node/plan.cjs`.

MODULE is `aiocometd_ng` or `aiocometd_noloop`, the two that are kept up; a process of its own keeps
their warnings to themselves. The steps and the lines are those of plan.cjs.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import sys
import time
import warnings
from typing import Any

import aiohttp
from aiohttp.abc import AbstractCookieJar
from yarl import URL

Step = dict[str, Any]


def see(kind: str, **fields: Any) -> None:
    """Print one line of what was seen."""
    print(json.dumps({"kind": kind, "at_s": time.monotonic(), **fields}), flush=True)


class PlanRunner:
    """One client and what it has seen so far."""

    def __init__(self, library: str, plan: dict[str, Any]) -> None:
        self.plan = plan
        self._client_class = importlib.import_module(f"{library}.client").Client
        self._exceptions = importlib.import_module(f"{library}.exceptions")
        self._types = importlib.import_module(f"{library}.constants").ConnectionType
        self._base = importlib.import_module(f"{library}.extensions").Extension
        self._brought: dict[str, Any] = {}
        self._events: list[dict[str, Any]] = []
        self._arrived = asyncio.Condition()
        self._headers: dict[str, str] = {}
        if "user" in plan:
            token = base64.b64encode(f"{plan['user']}:{plan['password']}".encode()).decode()
            self._headers["Authorization"] = f"Basic {token}"
        self._client: Any = None
        self._listener: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Carry out the plan."""
        if self.plan.get("cookies", True):  # `unsafe`: those of an IP address too
            self._jar: AbstractCookieJar = aiohttp.CookieJar(unsafe=True)
        else:
            self._jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(cookie_jar=self._jar) as self._http:
            for step in self.plan["steps"]:
                await getattr(self, f"_{step['do']}")(step)
            see("end")

    def _filled(self, value: Any) -> Any:
        """A value with the fields of earlier steps in the places that stand for them."""
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "$text" in value:
            return "".join(str(self._filled(part)) for part in value["$text"])
        if "$of" in value:
            step, *fields = value["$of"]
            found: Any = self._brought[step]
            for field in fields:
                found = found[field]
            return found
        return {name: self._filled(item) for name, item in value.items()}

    async def _rest(self, step: Step) -> None:
        sent_s = time.monotonic()
        headers = {"Accept": "application/json", **self._headers}
        headers |= self._filled(step.get("headers", {}))
        async with self._http.request(
            step.get("method", "GET"),
            self.plan["base"] + self._filled(step["target"]),
            json=self._filled(step.get("json")),
            headers=headers,
        ) as response:
            text = await response.text()
            for name in ("X-CSRF-HEADER",):
                if name in response.headers:
                    token = response.headers[name]
                    self._headers[token] = response.headers[token]
            try:
                found = json.loads(text)
            except ValueError:
                found = None
            self._brought[step["name"]] = found
            told = {name.lower(): value for name, value in response.headers.items()}
            see(
                "answer",
                step=step["name"],
                sent_s=sent_s,
                status=response.status,
                headers=told,
                text=text,
                json=found,
            )

    async def _open(self, step: Step) -> None:
        runner = self

        class Ears(self._base):  # type: ignore[name-defined,misc]
            """Sends what the REST side sends, and listens."""

            async def outgoing(self, payload: list[Any], headers: dict[str, str]) -> None:
                headers.update(runner._headers)
                cookies = runner._jar.filter_cookies(URL(runner.plan["base"])).items()
                if cookies:
                    pairs = [f"{name}={cookie.value}" for name, cookie in cookies]
                    headers["Cookie"] = "; ".join(pairs)

            async def incoming(self, payload: list[Any], headers: Any = None) -> None:
                for message in payload:
                    connect = message["channel"] == "/meta/connect" and message["successful"]
                    if message["channel"].startswith("/meta/") and not connect:
                        see("meta", message=message)

        self._client = self._client_class(
            self.plan["base"] + self.plan.get("path", "/cometd"),
            self._types(self.plan.get("transport", "long-polling")),
            extensions=[Ears()],
            connection_timeout=self.plan.get("connection_timeout_s", 20),
        )
        await self._client.open()
        self._listener = asyncio.create_task(self._listen())
        for channel in step.get("channels", ()):
            await self._client.subscribe(channel)
        see("open", transport=self._client.connection_type.value)

    async def _listen(self) -> None:
        while True:
            try:
                message = await self._client.receive()
            except self._exceptions.ClientInvalidOperation:
                return
            except self._exceptions.AiocometdException as trouble:
                see("trouble", error=f"{type(trouble).__name__}: {trouble}")
                continue
            event = {"channel": message["channel"], "data": message["data"]}
            event["at_s"] = time.monotonic()
            print(json.dumps({"kind": "event", "message": message, **event}), flush=True)
            async with self._arrived:
                self._events.append(event)
                self._arrived.notify_all()

    async def _subscribe(self, step: Step) -> None:
        await self._client.subscribe(step["channel"])

    async def _unsubscribe(self, step: Step) -> None:
        await self._client.unsubscribe(step["channel"])

    async def _publish(self, step: Step) -> None:
        sent_s = time.monotonic()
        try:
            reply = await self._client.publish(step["channel"], self._filled(step["data"]))
        except self._exceptions.ServerError as refusal:
            reply = refusal.response
        self._brought[step["name"]] = reply
        see("published", step=step["name"], sent_s=sent_s, message=reply)

    async def _wait(self, step: Step) -> None:
        where = self._filled(step.get("where", {}))

        def found() -> dict[str, Any] | None:
            return next((e for e in self._events if _fits(e, step.get("channel"), where)), None)

        try:
            async with asyncio.timeout(step.get("limit_s", 5)), self._arrived:
                await self._arrived.wait_for(lambda: found() is not None)
                event = found()
                assert event is not None
                self._events.remove(event)
        except TimeoutError:
            see("timeout", step=step["name"], where=where)
            return
        self._brought[step["name"]] = event["data"]
        told = {"channel": event["channel"], "data": event["data"], "event_at_s": event["at_s"]}
        see("waited", step=step["name"], where=where, **told)

    async def _sleep(self, step: Step) -> None:
        await asyncio.sleep(step["seconds"])

    async def _disconnect(self, step: Step) -> None:
        await self._client.close()
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)


def _fits(event: dict[str, Any], channel: str | None, where: dict[str, Any]) -> bool:
    if channel is not None and channel != event["channel"]:
        return False
    for path, wanted in where.items():
        found = event["data"]
        for key in path.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        if found != wanted:
            return False
    return True


async def main(library: str, plan: dict[str, Any]) -> int:
    """Carry out a plan within its limit."""
    try:
        async with asyncio.timeout(plan.get("limit_s", 30)):
            await PlanRunner(library, plan).run()
    except Exception as problem:
        see("broken", error=f"{type(problem).__name__}: {problem}")
        return 3
    return 0


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # how they call aiohttp is not ours to mend
    sys.exit(asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]))))
