"""Two hundred clients talk in rooms of ten: nothing lost, nothing out of order, and how fast.

    python benchmarks/fan_out.py [--seconds S]

D16 of the conformance checklist: 200 clients, 200 messages a second together, each to the ten
members of a room, so 2,000 deliveries a second, over long-polling. `cometape broker` and npm's
`cometd-nodejs-server`, each on one core, the clients on the other. The exit code is 1 when one of
our messages was lost, came twice or overtook another one of its sender.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from held_polls import PATHS, provide, served
from measuring.bayeux_client import BayeuxClient
from measuring.process import Server, allow_files, cores

CLIENTS = 200
MEMBERS = 10
PER_S = 200
PAYLOAD = "x" * 50
AIM_MS = 150.0
"""What 200 clients may see at the 99th percentile: CometD Java took 106 ms by long-polling, on two
cores that it shared with its clients."""


@dataclass
class Rooms:
    """What was said, and what every member has heard."""

    took_s: list[float] = field(default_factory=list)
    heard: dict[tuple[BayeuxClient, int], int] = field(default_factory=dict)
    """The latest number that a member has heard of a sender."""
    overtaken: int = 0
    twice: int = 0

    def on_answer(self, client: BayeuxClient, body: bytes) -> None:
        """A poll was answered."""
        now_s = time.perf_counter()
        for message in json.loads(body):
            data = message.get("data")
            if data is None:
                continue
            self.took_s.append(now_s - data["at"])
            known = self.heard.get((client, data["sender"]), -1)
            if data["nth"] == known:
                self.twice += 1
            elif data["nth"] != known + 1:
                self.overtaken += 1
            self.heard[client, data["sender"]] = data["nth"]


async def talk(server: Server, path: str, seconds: float) -> tuple[Rooms, int]:
    """All join, then all talk in turn; what was heard, and how many deliveries there should be."""
    rooms = Rooms()
    loop = asyncio.get_running_loop()
    authority = f"127.0.0.1:{server.port}"

    async def join(subscriptions: list[str]) -> BayeuxClient:
        _, client = await loop.create_connection(
            lambda: BayeuxClient(authority, path, subscriptions, rooms.on_answer),
            "127.0.0.1",
            server.port,
        )
        await client.ready
        return client

    count = CLIENTS // MEMBERS
    listeners = [await join([f"/room/{number % count}"]) for number in range(CLIENTS)]
    speakers = [await join([]) for _ in range(CLIENTS)]
    said = 0
    began_s = time.perf_counter()
    for said in range(1, int(PER_S * seconds) + 1):
        await asyncio.sleep(max(0.0, began_s + said / PER_S - time.perf_counter()))
        sender, nth = said % CLIENTS, said // CLIENTS - (said % CLIENTS == 0)
        data = {"sender": sender, "nth": nth, "at": time.perf_counter(), "text": PAYLOAD}
        speakers[sender].publish(f"/room/{sender % count}", data)
    until_s = time.perf_counter() + 10
    while len(rooms.took_s) < said * MEMBERS and time.perf_counter() < until_s:
        await asyncio.sleep(0.05)
    for client in (*listeners, *speakers):
        client.transport.abort()
    return rooms, said * MEMBERS


def main() -> int:
    """Parse what is asked for, and do it."""
    if not os.path.exists("/proc/self/schedstat"):
        print("this benchmark reads /proc, which only Linux has")
        return 0
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="of talk, for each server")
    chosen = parser.parse_args()
    allow_files()
    server_core, load_core = cores()
    os.sched_setaffinity(0, {load_core})
    print(
        f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {os.cpu_count()} cores,"
        f" load average before: {os.getloadavg()[0]:.1f}\n"
    )
    print("| | deliveries | lost | out of order | twice | p50 ms | p99 ms | CPU % |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    sound, verdict = True, ""
    for name in provide():
        if name == "cometape replay":
            continue  # it plays what was recorded; nobody's publishes reach others
        with tempfile.TemporaryDirectory() as made, served(name, Path(made), server_core) as server:
            used_s, began_s = server.processor_s(), time.perf_counter()
            rooms, wanted = asyncio.run(talk(server, PATHS[name], chosen.seconds))
            used_s = server.processor_s() - used_s
            busy = used_s / (time.perf_counter() - began_s)
        took = sorted(rooms.took_s)
        lost = wanted - len(took)
        p50, p99 = (1000 * took[int(len(took) * part)] for part in (0.5, 0.99))
        print(
            f"| {name} | {len(took):,} of {wanted:,} | {lost} | {rooms.overtaken} | {rooms.twice}"
            f" | {p50:.1f} | {p99:.1f} | {100 * busy:.0f} |",
            flush=True,
        )
        if name == "cometape broker":
            sound = not (lost or rooms.overtaken or rooms.twice)
            verdict = "all arrived, in order" if sound else "LOST OR OUT OF ORDER"
            verdict += f"; p99 {p99:.1f} ms, to stay under {AIM_MS:.0f} ms"
    print(f"\ncometape broker: {verdict}")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
