"""Thousands of held polls: memory of each, and how fast an event reaches one of them.

    python benchmarks/held_polls.py [--sessions 1000,5000,10000] [--seconds S] [--only NAME]

`cometape broker`, a plain CometD server on the core that the replay server runs on, against npm's
`cometd-nodejs-server`: each on one core, the clients on the other, one after the other in one run.
Every session holds a connect on a connection of its own and is subscribed to a channel of its own;
a publisher sends events to sessions at random. The time is from the publisher's write until the
event is read. `cometape replay` is measured too, for what a live client of a cassette costs; its
events are caused by operations, and the time is counted from 10 ms after the operation was sent,
because so long the replay waits on purpose, so that the answer comes first.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from measuring.bayeux_client import BayeuxClient
from measuring.operation import Operation
from measuring.process import Server, allow_files, cores, free_port
from measuring.replay_servers import BENCHMARKS, BIN, CASSETTE, PEERS

FIRST = 100
"""Sessions that are open when the first memory is read: by then the code has run."""
AT_ONCE = 100
"""Sessions that are opened side by side."""
PER_S = 400
"""Events each second."""
EVENT_GAP_S = 0.01
"""`cometape replay` lets so much time pass before an event, so that the answer comes first."""


class Sessions:
    """The sessions of one server, all in this process."""

    def __init__(self, authority: str, path: str) -> None:
        self.authority = authority
        self.path = path
        self.clients: list[BayeuxClient] = []
        self.waiting: dict[BayeuxClient, float] = {}
        """When what a session will be given was sent."""
        self.took_s: list[float] = []

    def on_answer(self, client: BayeuxClient, body: bytes) -> None:
        """A poll was answered."""
        if b'"data"' in body:
            self.took_s.append(time.perf_counter() - self.waiting.pop(client))

    async def open(self, count: int, headers: str = "", first: str = "") -> None:
        """So many more sessions, each with a held poll."""
        host, _, port = self.authority.partition(":")
        loop = asyncio.get_running_loop()

        async def one(number: int) -> BayeuxClient:
            _, client = await loop.create_connection(
                lambda: BayeuxClient(
                    self.authority,
                    self.path,
                    [f"/bench/{number}"] if not first else ["/v2/me/*"],
                    self.on_answer,
                    headers=headers.format(number),
                    first=first,
                ),
                # Several addresses of this machine: one has 28,000 ports for one server.
                host,
                int(port),
                local_addr=(f"127.0.0.{1 + number % 3}", 0),
            )
            await client.ready
            return client

        while count > 0:
            at, some = len(self.clients), min(count, AT_ONCE)
            self.clients += await asyncio.gather(*(one(at + index) for index in range(some)))
            count -= some
        await asyncio.sleep(0.3)

    async def push(self, send: Callable[[int], None], seconds: float) -> None:
        """Events to sessions at random, one at a time to each."""
        chosen = random.Random(7)
        began_s = time.perf_counter()
        for nth in range(int(PER_S * seconds)):
            await asyncio.sleep(max(0.0, began_s + nth / PER_S - time.perf_counter()))
            number = chosen.randrange(len(self.clients))
            client = self.clients[number]
            if client not in self.waiting:
                self.waiting[client] = time.perf_counter()
                send(number)
        until_s = time.perf_counter() + 10
        while self.waiting and time.perf_counter() < until_s:
            await asyncio.sleep(0.01)

    def close(self) -> None:
        """Without a goodbye, and without ports that stay taken."""
        for client in self.clients:
            client.transport.abort()


LOGIN = "Authorization: Basic " + base64.b64encode(b"agent7:secret").decode() + "\r\n"


async def measure(server: Server, path: str, count: int, seconds: float, replay: bool) -> str:
    """One row of the table."""
    authority = f"127.0.0.1:{server.port}"
    sessions = Sessions(authority, path)
    first = "/api/v2/me" if replay else ""
    headers = LOGIN if replay else ""
    host, _, port = authority.partition(":")
    loop = asyncio.get_running_loop()
    await sessions.open(FIRST, headers, first)
    kib = server.resident_kib()
    began_s = time.perf_counter()
    await sessions.open(count - FIRST, headers, first)
    opened_s = time.perf_counter() - began_s
    kib = server.resident_kib() - kib
    if replay:
        _, operation = await loop.create_connection(Operation, host, int(port))

        def send(number: int) -> None:
            operation.ask(authority, LOGIN, sessions.clients[number].cookie)

        closing = operation.transport
    else:
        _, publisher = await loop.create_connection(
            lambda: BayeuxClient(authority, path, [], lambda client, body: None), host, int(port)
        )
        await publisher.ready

        def send(number: int) -> None:
            publisher.publish(f"/bench/{number}", {"text": "x" * 50})

        closing = publisher.transport
    idle_s, began_s = server.processor_s(), time.perf_counter()
    await asyncio.sleep(1.0)
    idle = (server.processor_s() - idle_s) / (time.perf_counter() - began_s)
    await sessions.push(send, seconds)
    lost, took = len(sessions.waiting), sorted(sessions.took_s)
    closing.abort()
    sessions.close()
    gap_s = EVENT_GAP_S if replay else 0.0
    p50, p99 = (1000 * (took[int(len(took) * part)] - gap_s) for part in (0.5, 0.99))
    return (
        f"{count:,} | {kib / (count - FIRST):.1f} | {p50:.2f} | {p99:.2f} | {lost} of"
        f" {lost + len(took)} | {opened_s:.1f} | {100 * idle:.1f}"
    )


@contextmanager
def served(name: str, folder: Path, core: int) -> Iterator[Server]:
    """One of the servers."""
    port = free_port()
    if name == "cometape broker":
        command = [str(BIN / "cometape"), "broker", "--port", str(port), "--timeout-s", "120"]
    elif name == "cometape replay":
        cassette = folder / "pull.yaml"
        cassette.write_text(CASSETTE)
        command = [str(BIN / "cometape"), "replay", str(cassette), "--repeats", "--no-strict"]
        command += ["--port", str(port), "--timeout-s", "120"]
    else:
        command = ["node", str(PEERS / "cometd_server.cjs"), str(port)]
    server = Server(command, port, folder / f"{name}.log", core)
    try:
        server.wait()
        yield server
    finally:
        server.stop()


PATHS = {
    "cometape broker": "/cometd",
    "cometape replay": "/api/v2/notifications",
    "cometd-nodejs-server": "/cometd",
}


def provide() -> list[str]:
    """What can be measured here; says what cannot."""
    names = list(PATHS)
    if not (PEERS / "node_modules" / ".package-lock.json").exists():
        driver = BENCHMARKS.parent / "tests" / "support" / "node_runtime.py"
        subprocess.run([sys.executable, str(driver), "install", str(PEERS)], check=False)
    if shutil.which("node") is None or not (PEERS / "node_modules").is_dir():
        print("SKIPPED cometd-nodejs-server: no node, or `npm ci` in benchmarks/peers failed")
        names.remove("cometd-nodejs-server")
    return names


def main() -> int:
    """Parse what is asked for, and do it."""
    if not os.path.exists("/proc/self/schedstat"):
        print("this benchmark reads /proc, which only Linux has")
        return 0
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sessions", default="1000,5000,10000")
    parser.add_argument("--seconds", type=float, default=5.0, help="of events, for each row")
    parser.add_argument("--only", default="", help="a part of the names of those to measure")
    chosen = parser.parse_args()
    files = allow_files()
    server_core, load_core = cores()
    os.sched_setaffinity(0, {load_core})
    print(
        f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {os.cpu_count()} cores,"
        f" load average before: {os.getloadavg()[0]:.1f}\n"
    )
    print(
        "| | sessions | KiB each | push p50 ms | p99 ms | lost | opened in s | idle % of a core |"
    )
    print("|---|---|---|---|---|---|---|---|", flush=True)
    names = [name for name in provide() if chosen.only in name]
    for count in map(int, chosen.sessions.split(",")):
        if count > files - 100:
            print(f"SKIPPED {count} sessions: this process may open {files} files")
            continue
        for name in names:
            with (
                tempfile.TemporaryDirectory() as made,
                served(name, Path(made), server_core) as one,
            ):
                replay = name == "cometape replay"
                row = asyncio.run(measure(one, PATHS[name], count, chosen.seconds, replay))
            print(f"| {name} | {row} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
