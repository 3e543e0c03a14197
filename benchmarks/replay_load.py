"""Replay of one Workbins operation against nginx, mitmproxy, mountebank and WireMock.

    python benchmarks/replay_load.py [--rounds N] [--seconds S] [--only NAME,NAME]

All are asked the same by `wrk` (64 keep-alive connections, a PullWorkitem with session cookie and
credentials): each server on one core, the load on the other, in turns, so that what else the
machine does strikes all alike. The ratios of medians are what counts.

nginx answers `return 200` with a fixed text: the limit. The three that replay match what their own
recorders would have them match (method, path and JSON body) and answer with the recorded bytes:
less work than ours, for none of them makes ids fresh or sends events. mountebank and WireMock are
measured a second time with a fresh id in each answer, made as each of them can (an injected
function, a template); still without events, which they cannot send. `cometape replay` answers
each time with a fresh reference id and sends the event that the operation causes, with that id, to
the one of 16 subscribed sessions that asked; they hold connects, on the core of the load, and
every event that arrives is checked. Each operation is one more repeat, so the load can go on. One
more session asks for an operation now and then, in the midst of the load, and its event is timed.

nginx and wrk are Debian packages; mountebank and WireMock come from npm by
`benchmarks/peers/package-lock.json`; WireMock needs Java.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from measuring.bayeux_client import BayeuxClient
from measuring.operation import Operation
from measuring.process import Server, cores, free_port
from measuring.replay_servers import (
    BODY,
    COMMANDS,
    FRESH,
    LOGIN,
    TARGET,
    WARM_UP_S,
    provide,
)

CONNECTIONS = 64
CLIENTS = 16
EVENT_GAP_MS = 10
"""`event_gap_s` of a replay."""
PROBE_S = 0.02
"""How often one more session asks for an operation whose event is timed."""


@dataclass
class Contender:
    """A server under load, and what was measured of it."""

    name: str
    server: Server
    script: Path
    """What wrk sends."""
    per_s: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)


# -- the sessions that are given the events ----------------------------------------------------

_REFERENCE_ID = re.compile(rb'"referenceId":(\d+)')


class Probe:
    """One more session: how long after the answer to an operation its event comes."""

    def __init__(self) -> None:
        self.took_ms: list[float] = []
        self._answered_s: float | None = None
        self._is_waiting = False

    def on_answer(self) -> None:
        """The operation was answered."""
        self._answered_s = time.perf_counter()

    def on_poll(self, client: BayeuxClient, body: bytes) -> None:
        """A poll was answered."""
        if self._is_waiting and _REFERENCE_ID.search(body):
            if self._answered_s is not None:
                self.took_ms.append(1000 * (time.perf_counter() - self._answered_s))
            self._is_waiting, self._answered_s = False, None

    async def go_on(self, operation: Operation, authority: str, cookie: str) -> None:
        """Ask again and again, each time when the event of the time before has come."""
        while True:
            await asyncio.sleep(PROBE_S)
            if not self._is_waiting:
                self._is_waiting = True
                operation.ask(authority, f"Authorization: {LOGIN}\r\n", cookie)


class Watchers:
    """Subscribed sessions; each event is counted, its reference id must be a new one."""

    def __init__(self) -> None:
        self.events = self.polls = self.wrong = 0
        self._latest: dict[BayeuxClient, int] = {}
        self._probe = Probe()

    def on_answer(self, client: BayeuxClient, body: bytes) -> None:
        """Events, one by one, each with a higher id than the one before: fresh, in order."""
        self.polls += 1
        latest = self._latest.get(client, 0)
        for found in _REFERENCE_ID.findall(body):
            number = int(found)
            self.events += 1
            self.wrong += number <= latest
            latest = number
        self._latest[client] = latest

    async def run(self, url: str) -> None:
        """Open the sessions, say by which cookies, and tell the counts whenever asked."""
        loop = asyncio.get_running_loop()
        authority = urlsplit(url).netloc
        host, _, port = authority.partition(":")

        async def session(on_answer: Callable[[BayeuxClient, bytes], None]) -> BayeuxClient:
            _, client = await loop.create_connection(
                lambda: BayeuxClient(
                    authority,
                    "/api/v2/notifications",
                    ["/v2/me/*"],
                    on_answer,
                    headers=f"Authorization: {LOGIN}\r\n",
                    first="/api/v2/me",
                ),
                host,
                int(port),
            )
            await client.ready
            return client

        clients = [await session(self.on_answer) for _ in range(CLIENTS)]
        probe = self._probe
        probing = await session(probe.on_poll)
        _, operation = await loop.create_connection(
            lambda: Operation(probe.on_answer), host, int(port)
        )
        task = loop.create_task(probe.go_on(operation, authority, probing.cookie))
        print(json.dumps([client.cookie for client in clients]), flush=True)
        ended = asyncio.Event()

        def asked() -> None:
            if sys.stdin.readline():
                took_ms, probe.took_ms = probe.took_ms, []
                print(json.dumps([self.events, self.polls, self.wrong, took_ms]), flush=True)
            else:
                ended.set()

        loop.add_reader(sys.stdin, asked)
        await ended.wait()
        task.cancel()


class WatcherProcess:
    """`Watchers` in a process of their own."""

    def __init__(self, url: str, core: int) -> None:
        self._process = subprocess.Popen(
            ["taskset", "-c", str(core), sys.executable, __file__, "--watch", url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.cookies: list[str] = self._line()
        self.took_ms: list[float] = []
        """How long events came after their answers under load."""

    def counts(self, *, under_load: bool = False) -> tuple[int, int, int]:
        """Events and polls so far, and events whose id was no new one."""
        assert self._process.stdin is not None
        self._process.stdin.write("?\n")
        self._process.stdin.flush()
        events, polls, wrong, took_ms = self._line()
        if under_load:
            self.took_ms += took_ms
        return events, polls, wrong

    def settled(self) -> tuple[int, int, int]:
        """The counts when no more events come."""
        before, now = (-1, 0, 0), self.counts()
        while before[0] != now[0]:
            time.sleep(0.3)
            before, now = now, self.counts()
        return now

    def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    def _line(self) -> list:  # type: ignore[type-arg]
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the subscribed sessions have ended early")
        return json.loads(line)  # type: ignore[no-any-return]


# -- load --------------------------------------------------------------------------------------


def answered_id(port: int) -> int:
    """The reference id in a server's answer to the operation."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json", "Authorization": LOGIN}
        connection.request("POST", TARGET, BODY, headers)
        return int(json.loads(connection.getresponse().read())["referenceId"])


def wrk_script(path: Path, cookies: Sequence[str]) -> Path:
    """What wrk sends: the operation, by each of these sessions in turn."""
    headers = f'["Content-Type"]="application/json", ["Authorization"]="{LOGIN}"'
    requests = "\n".join(
        f"  all[{number}] = wrk.format('POST', '{TARGET}', "
        f"{{{headers}, [\"Cookie\"]='{cookie}'}}, '{BODY}')"
        for number, cookie in enumerate(cookies)
    )
    path.write_text(
        f"""local all, at = {{}}, -1
function init(args)
{requests}
end
function request()
  at = (at + 1) % {len(cookies)}
  return all[at]
end
function done(summary, latency, requests)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  io.stderr:write(string.format('{{"requests":%d,"us":%d,"failed":%d,"p99_us":%d}}',
    summary.requests, summary.duration, failed, latency:percentile(99)))
end
"""
    )
    return path


def load(contender: Contender, seconds: float, core: int, *, counts: bool = True) -> int:
    """One measurement; how many requests were answered."""
    server = contender.server
    used_s = server.processor_s()
    done = subprocess.run(
        [
            *("taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s"),
            *("--timeout", "30s"),
            *("-s", str(contender.script), f"http://127.0.0.1:{server.port}"),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    used_s = server.processor_s() - used_s
    said = json.loads(done.stderr)
    if said["failed"] or not said["requests"]:
        raise RuntimeError(f"{contender.name}: {said} {done.stdout}")
    if counts:
        contender.per_s.append(said["requests"] / said["us"] * 1e6)
        contender.cpu_us.append(used_s / said["requests"] * 1e6)
        contender.p99_ms.append(said["p99_us"] / 1000)
    return int(said["requests"])


def measure(names: Sequence[str], rounds: int, seconds: float) -> bool:
    """Start all, load them in turns, print the table; whether every event arrived."""
    server_core, load_core = cores()
    delivered = True
    with tempfile.TemporaryDirectory() as made, contextlib.ExitStack() as stack:
        folder = Path(made)
        contenders = []
        watchers: WatcherProcess | None = None
        for name in names:
            port = free_port()
            command = COMMANDS[name](folder, port)
            server = Server(command, port, folder / f"{name}.log", server_core)
            stack.callback(server.stop)
            server.wait()
            cookies = [f"JSESSIONID={number:032x}" for number in range(CLIENTS)]
            if name == "cometape":
                watchers = WatcherProcess(f"http://127.0.0.1:{port}", load_core)
                stack.callback(watchers.stop)
                cookies = watchers.cookies
            elif name in FRESH and answered_id(port) == answered_id(port):
                raise RuntimeError(f"{name} answers twice with the same id")
            script = wrk_script(folder / f"{name}.lua", cookies)
            contenders.append(Contender(name, server, script))
            load(contenders[-1], WARM_UP_S.get(name, 1.0), load_core, counts=False)
        per_poll = 0.0
        for _ in range(rounds):
            for contender in contenders:
                if watchers is None or contender.name != "cometape":
                    load(contender, seconds, load_core)
                    continue
                events, polls, _ = watchers.settled()
                answered = load(contender, seconds, load_core)
                watchers.counts(under_load=True)
                events_now, polls_now, wrong = watchers.settled()
                events, polls = events_now - events, polls_now - polls
                per_poll = events / max(1, polls)
                # wrk leaves the last request of each connection unread, but it was answered.
                if wrong or not answered <= events <= answered + CONNECTIONS:
                    print(f"LOST: {answered} operations, {events} events, {wrong} out of order")
                    delivered = False
        show(contenders, per_poll)
        if watchers is not None:
            took_ms = sorted(watchers.took_ms)
            p50, p99 = (took_ms[int(len(took_ms) * part)] for part in (0.5, 0.99))
            print(
                f"under that load an event came {p50:.0f} ms after its answer (median of"
                f" {len(took_ms)}; {p99:.0f} ms: p99), on purpose not before {EVENT_GAP_MS} ms"
            )
    return delivered


def show(contenders: Sequence[Contender], events_per_poll: float) -> None:
    """The table, and the ratios."""
    medians = {one.name: statistics.median(one.per_s) for one in contenders}
    ours = medians.get("cometape")
    print("\n| | requests/s | p99 ms | CPU µs per request | requests/s of cometape against it |")
    print("|---|---|---|---|---|")
    for one in contenders:
        pairs = (
            zip(contenders[list(medians).index("cometape")].per_s, one.per_s, strict=True)
            if (ours)
            else ()
        )
        ratios = sorted(mine / theirs for mine, theirs in pairs)
        ratio = (
            f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            if ratios and one.name != "cometape"
            else "1"
        )
        print(
            f"| {one.name} | {medians[one.name]:,.0f} | {statistics.median(one.p99_ms):.1f}"
            f" | {statistics.median(one.cpu_us):,.1f} | {ratio} |"
        )
    if events_per_poll:
        print(f"\n{events_per_poll:.1f} events per answered poll")


def main() -> int:
    """Parse what is asked for, and do it."""
    if sys.argv[1:2] == ["--watch"]:
        asyncio.run(Watchers().run(sys.argv[2]))
        return 0
    if not os.path.exists("/proc/self/schedstat"):
        print("this benchmark reads /proc, which only Linux has")
        return 0
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--only", default=",".join(COMMANDS), help="some of %(default)s")
    chosen = parser.parse_args()
    wanted = chosen.only.split(",")
    if unknown := [name for name in wanted if name not in COMMANDS]:
        parser.error(f"--only: {', '.join(unknown)} is none of {', '.join(COMMANDS)}")
    print(
        f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {os.cpu_count()} cores,"
        f" load average before: {os.getloadavg()[0]:.1f}"
    )
    names = provide(wanted)
    return 0 if measure(names, chosen.rounds, chosen.seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
