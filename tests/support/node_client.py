"""Real clients in a test, npm's `cometd` above all: one carries out a plan, tells what it saw.

The language of plans is described in `tests/node/plan.cjs`; the functions here build its steps.
Times are seconds of CLOCK_MONOTONIC, the same in every process of a machine.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import node_runtime
import real_clients

NODE = Path(__file__).parents[1] / "node"

Version = real_clients.Client
Transport = real_clients.Transport
VERSIONS: tuple[Version, ...] = ("cometd3", "cometd9")
"""cometd 3.1.14, the generation of the Workbins API, and 9.0.0, the newest."""

Step = dict[str, Any]


def of(step: str, *fields: str | int) -> Any:
    """Stands for a field of what a step of the plan brought."""
    return {"$of": [step, *fields]}


def text(*parts: Any) -> Any:
    """Stands for the parts, fields among them, as one text."""
    return {"$text": list(parts)}


def rest(name: str, method: str, target: Any, json: Any = None, **headers: str) -> Step:
    """A step: one HTTP request."""
    step: Step = {"do": "rest", "name": name, "method": method, "target": target}
    return (
        step | ({} if json is None else {"json": json}) | ({"headers": headers} if headers else {})
    )


def open_session(*channels: str) -> Step:
    """A step: handshake, connect, subscribe (in whichever order the library does it)."""
    return {"do": "open", "channels": list(channels)}


def handshake(name: str, **fields: Any) -> Step:
    """A step: a handshake alone, with these fields, however it ends (npm's `cometd` only)."""
    return {"do": "handshake", "name": name, "fields": fields}


def subscribe(name: str, channel: str) -> Step:
    """A step: a subscription, however it ends (npm's `cometd` only)."""
    return {"do": "subscribe", "name": name, "channel": channel}


def wait(name: str, channel: str | None = None, limit_s: float = 8, **where: Any) -> Step:
    """A step: until an event comes, or has come, whose data has these values (`a__b` is `a.b`)."""
    paths = {path.replace("__", "."): value for path, value in where.items()}
    step: Step = {"do": "wait", "name": name, "where": paths, "limit_s": limit_s}
    return step | ({} if channel is None else {"channel": channel})


def publish(name: str, channel: str, data: Any) -> Step:
    """A step: publish, until the server has acknowledged it."""
    return {"do": "publish", "name": name, "channel": channel, "data": data}


def sleep(seconds: float) -> Step:
    """A step: nothing, for a while; events still arrive."""
    return {"do": "sleep", "seconds": seconds}


def disconnect() -> Step:
    """A step: the end of the Bayeux session."""
    return {"do": "disconnect"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for a `rest` step."""

    status: int
    json: Any
    text: str
    headers: Mapping[str, Any]
    sent_s: float
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as the library handed it on."""

    channel: str
    data: Any
    at_s: float


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything a client saw while it carried out its plan."""

    lines: tuple[Mapping[str, Any], ...]

    def _kind(self, kind: str) -> list[Mapping[str, Any]]:
        return [line for line in self.lines if line["kind"] == kind]

    def answer(self, step: str) -> Answer:
        """The answer of a `rest` step."""
        line = next(line for line in self._kind("answer") if line["step"] == step)
        return Answer(**{name: line[name] for name in Answer.__slots__})

    @property
    def answers(self) -> dict[str, Answer]:
        """All answers by the names of their steps."""
        return {line["step"]: self.answer(line["step"]) for line in self._kind("answer")}

    @property
    def events(self) -> list[Event]:
        """All events, in order of arrival."""
        return [
            Event(channel=line["channel"], data=line["data"], at_s=line["at_s"])
            for line in self._kind("event")
        ]

    def waited(self, step: str) -> Event:
        """The event that a `wait` step was satisfied by."""
        line = next((line for line in self._kind("waited") if line["step"] == step), None)
        assert line is not None, f"{step} never came\n{self}"
        return Event(channel=line["channel"], data=line["data"], at_s=line["event_at_s"])

    def reply(self, step: str) -> Mapping[str, Any]:
        """The reply to a `handshake`, `subscribe` or `publish` step."""
        lines = (line for line in self.lines if line.get("step") == step)
        message: Mapping[str, Any] = next(line["message"] for line in lines if "message" in line)
        return message

    @property
    def late(self) -> list[str]:
        """The `wait` steps that gave up."""
        return [line["step"] for line in self._kind("timeout")]

    @property
    def transport(self) -> str:
        """Over which connection type its session was opened."""
        (opened,) = self._kind("open")
        return str(opened["transport"])

    @property
    def client_ids(self) -> list[str]:
        """The client id of each handshake."""
        return [
            line["message"]["clientId"]
            for line in self._kind("meta")
            if line["message"]["channel"] == "/meta/handshake" and "clientId" in line["message"]
        ]

    @property
    def finished(self) -> bool:
        """Whether the plan was carried out to its end and every wait was satisfied."""
        return bool(self._kind("end")) and not self.late

    def __str__(self) -> str:
        return "\n".join(json.dumps(line) for line in self.lines)


class Client:
    """A client at work; `seen` waits for the end of its plan."""

    def __init__(self, version: Version, plan: Mapping[str, Any]) -> None:
        real_clients.require(version)
        self._deadline_s = time.monotonic() + float(plan.get("limit_s", 30)) + 10
        self._process = subprocess.Popen(
            real_clients.command(version, json.dumps(plan)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: list[Mapping[str, Any]] = []
        self._errors = ""
        self._more = threading.Condition()
        self._readers = [
            threading.Thread(target=read, daemon=True)
            for read in (self._read_lines, self._read_errors)
        ]
        for reader in self._readers:
            reader.start()

    def _read_lines(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                if line.startswith("{"):
                    with self._more:
                        self._lines.append(json.loads(line))
                        self._more.notify_all()

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as errors:
            self._errors = errors.read()

    def until(self, kind: str, step: str | None = None) -> None:
        """Waits for a line of that kind, of that step if one is named."""

        def come() -> bool:
            return any(
                line["kind"] == kind and step in (None, line.get("step")) for line in self._lines
            )

        with self._more:
            there = self._more.wait_for(come, self._deadline_s - time.monotonic())
        assert there, Seen(tuple(self._lines))

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def seen(self) -> Seen:
        """What it saw, once its plan is done."""
        try:
            self._process.wait(max(self._deadline_s - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join()
        seen = Seen(tuple(self._lines))
        assert self._process.returncode == 0, f"{self._errors}\n{seen}"
        return seen


def start(
    version: Version,
    base: str,
    steps: Sequence[Step],
    *,
    user: tuple[str, str] | None = None,
    transport: Transport = "long-polling",
    path: str = "/api/v2/notifications",
    cookies: bool = True,
    ack: bool = False,
    site: str = "127.0.0.1",
    proxy: Mapping[str, str] | None = None,
    har: Path | None = None,
    pause_s: float = 0,
    limit_s: float = 30,
) -> Client:
    """Starts a client on its plan, in a process of its own.

    `user` is a name and a password; `site` the host that a browser's page comes from; `proxy` the
    `url` of a browser's proxy and the `pin` of the authority that it trusts; to `har` a browser
    writes what it saw of the network.
    """
    plan: dict[str, Any] = {
        "base": base,
        "path": path,
        "transport": transport,
        "cookies": cookies,
        "ack": ack,
        "site": site,
        "pause_s": pause_s,
        "limit_s": limit_s,
        "steps": list(steps),
    }
    if proxy is not None:
        plan |= {"proxy": dict(proxy)}
    if har is not None:
        plan |= {"har": str(har)}
    if user is not None:
        plan |= {"user": user[0], "password": user[1]}
    return Client(version, plan)


def carry_out(version: Version, base: str, steps: Sequence[Step], **options: Any) -> Seen:
    """What a client sees while it carries out a plan."""
    return start(version, base, steps, **options).seen()


def require(*parts: str) -> None:
    """Skips the tests of a module whose npm packages are not there; in CI that is a failure."""
    missing = [part for part in parts if not node_runtime.packages_installed(NODE / part)]
    try:
        node_runtime.node()
    except node_runtime.NodeMissing as problem:
        reason = str(problem)
    else:
        if not missing:
            return
        reason = f"npm packages of {', '.join(missing)} are not installed: run `make test`"
    real_clients.unavailable(reason, allow_module_level=True)
