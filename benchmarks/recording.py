"""What recording costs: directly, with mitmdump, with `mitmdump -w`, with `cometape record`.

    python benchmarks/recording.py [--rounds N] [--seconds S]
    python benchmarks/recording.py --long 200000        memory of one long recording

Each proxy is a process as a user starts it and writes to a file; ours scrubs and looks for causes.
All of them stand before the same origin and are asked in turns by the same load generator, each a
process of its own, so that what else the machine does strikes all alike. Times of a shared machine
jump; the ratios are what counts. Needs /proc (Linux).
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httptools

from cometape.core.exchange import Headers, Request, Response
from cometape.core.service import Action, Respond
from cometape.server.listener import serve

CONNECTIONS = (1, 16)
WARM_UP_S = 1.0
BIN = Path(sys.executable).parent


class Origin:
    """Answers every operation with a reference id of its own."""

    def __init__(self) -> None:
        self._reference_id = 0

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        self._reference_id += 1
        answer = Response(
            status=200,
            headers=Headers([("Content-Type", "application/json;charset=UTF-8")]),
            body=b'{"statusCode":0,"referenceId":%d}' % self._reference_id,
        )
        return [Respond(exchange, answer)]

    def upgrade(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        return [Respond(exchange, Response(status=400))]

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        return []

    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        return []

    def tick(self, now_s: float) -> Sequence[Action]:
        return []

    def deadline_s(self) -> float | None:
        return None


# -- the load generator ------------------------------------------------------------------------


class Asker(asyncio.Protocol):
    """Asks again as soon as it is answered; one agent with a login of its own."""

    def __init__(self, number: int, load: Load) -> None:
        self.load = load
        login = base64.b64encode(f"agent{number}:correct-horse-{number}".encode()).decode()
        self.head = (
            f"POST /api/v2/users/00025aA4V4DR00P5/workbins/3434543fafwe987 HTTP/1.1\r\n"
            f"Host: {load.authority}\r\nAuthorization: Basic {login}\r\nAccept: */*\r\n"
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nContent-Type: application/json\r\n"
            f"Cookie: JSESSIONID=node{number:02}1f2e3d4c5b6a79881f2e3d4c\r\nContent-Length: "
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.parser = httptools.HttpResponseParser(self)
        self.ask()

    def ask(self) -> None:
        self.load.asked += 1
        body = b'{"operationName":"PullWorkitem","id":"02F0XAMPLE%06d"}' % self.load.asked
        self.began_s = time.perf_counter()
        self.transport.write(f"{self.head}{len(body)}\r\n\r\n".encode() + body)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        now_s = time.perf_counter()
        self.load.took_s.append(now_s - self.began_s)
        if self.parser.get_status_code() != 200:
            raise AssertionError(f"answered {self.parser.get_status_code()}")
        if now_s < self.load.until_s and self.load.asked < self.load.most:
            self.ask()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.open -= 1
        if not self.load.open:
            self.load.over.set()


@dataclass
class Load:
    """One measurement of the load generator."""

    authority: str
    until_s: float
    most: int
    open: int
    asked: int = 0
    took_s: list[float] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)


async def put_load(url: str, connections: int, seconds: float, most: int) -> dict[str, float]:
    """Ask over so many connections; requests per second and latencies in ms."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    began_s = time.perf_counter()
    load = Load(parts.netloc, began_s + seconds, most, connections)
    loop = asyncio.get_running_loop()
    for number in range(connections):
        await loop.create_connection(
            lambda number=number: Asker(number, load),  # type: ignore[misc]
            parts.hostname,
            parts.port or 80,
        )
    await load.over.wait()
    took_s = sorted(load.took_s)
    return {
        "requests": len(took_s),
        "per_s": len(took_s) / (time.perf_counter() - began_s),
        "p50_ms": 1000 * took_s[len(took_s) // 2],
        "p99_ms": 1000 * took_s[len(took_s) * 99 // 100],
    }


# -- the processes -----------------------------------------------------------------------------


@dataclass
class Candidate:
    """What the load is put on, and the process whose cost is counted."""

    name: str
    url: str
    process: subprocess.Popen[str]
    rounds: dict[int, list[dict[str, float]]] = field(
        default_factory=lambda: {n: [] for n in CONNECTIONS}
    )


@contextlib.contextmanager
def started(name: str, command: list[str], first_line: str, folder: Path) -> Iterator[Candidate]:
    """A process, once it has said where it listens."""
    with open(folder / f"{name.replace(' ', '_')}.err", "w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if first_line in line:
                    words = line.replace("*:", "127.0.0.1:").split()
                    where = words[words.index("at" if "at" in words else "on") + 1]
                    url = where if "://" in where else f"http://{where}"
                    break
            else:
                errors.seek(0)
                raise SystemExit(f"{name} did not start: {errors.read()}")
            yield Candidate(name, url.rstrip("./"), process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=120)


def processor_s(pid: int) -> float:
    """Processor time a process has used."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int, what: str = "VmRSS") -> float:
    """Memory a process has in use, or had at its peak (`VmHWM`)."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what)) / 1024


def measure(
    candidate: Candidate, connections: int, seconds: float, most: int = 10**9
) -> dict[str, float]:
    """Put load on it, from a process of its own."""
    used_s = processor_s(candidate.process.pid)
    command = [sys.executable, __file__, "--load", candidate.url]
    command += [str(connections), str(seconds), str(most)]
    found: dict[str, float] = json.loads(subprocess.check_output(command))
    used_s = processor_s(candidate.process.pid) - used_s
    found["cpu_us"] = 1e6 * used_s / found["requests"]
    found["rss_mb"] = memory_mb(candidate.process.pid)
    return found


@contextlib.contextmanager
def proxies(folder: Path, *, only_ours: bool = False) -> Iterator[list[Candidate]]:
    """The origin and the proxies before it."""
    with contextlib.ExitStack() as stack:

        def start(name: str, command: list[str], line: str = "listening") -> Candidate:
            return stack.enter_context(started(name, command, line, folder))

        origin = start("direct", [sys.executable, __file__, "--origin"])
        found = [origin]
        if not only_ours:
            bare = [str(BIN / "mitmdump"), "--mode", f"reverse:{origin.url}"]
            bare += ["--listen-host", "127.0.0.1", "--listen-port", "0"]
            bare += ["--set", "flow_detail=0"]
            found.append(start("mitmdump", bare))
            found.append(start("mitmdump -w", [*bare, "-w", str(folder / "flows.mitm")]))
        ours = [str(BIN / "cometape"), "record", origin.url, "-o", str(folder / "ours.yaml")]
        found.append(start("cometape record", ours))
        yield found


# -- what is printed ---------------------------------------------------------------------------


def compare(rounds: int, seconds: float) -> None:
    """The table: medians over the rounds, and ratios to `mitmdump -w` within each round."""
    with tempfile.TemporaryDirectory() as made, proxies(Path(made)) as candidates:
        for candidate in candidates:
            for connections in CONNECTIONS:
                measure(candidate, connections, WARM_UP_S)
        for _ in range(rounds):
            for connections in CONNECTIONS:
                for candidate in candidates:
                    candidate.rounds[connections].append(measure(candidate, connections, seconds))
        reference = next(c for c in candidates if c.name == "mitmdump -w")
        print(f"{'':<16} {'conn.':>5} {'req/s':>8} {'p50 ms':>8} {'p99 ms':>8}", end="")
        print(f" {'CPU µs':>8} {'RSS MB':>7}  req/s and CPU against mitmdump -w")
        for connections in CONNECTIONS:
            for candidate in candidates:
                _print_row(candidate, connections, reference)


def _print_row(candidate: Candidate, connections: int, reference: Candidate) -> None:
    rounds = candidate.rounds[connections]
    of = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    pairs = list(zip(rounds, reference.rounds[connections], strict=True))
    rates = [one["per_s"] / other["per_s"] for one, other in pairs]
    costs = [one["cpu_us"] / other["cpu_us"] for one, other in pairs]
    print(
        f"{candidate.name:<16} {connections:>5} {of['per_s']:>8.0f} {of['p50_ms']:>8.2f}"
        f" {of['p99_ms']:>8.2f} {of['cpu_us']:>8.0f} {of['rss_mb']:>7.0f}"
        f"  {statistics.median(rates):5.2f} ({min(rates):.2f} to {max(rates):.2f})"
        f" {statistics.median(costs):5.2f} ({min(costs):.2f} to {max(costs):.2f})",
        flush=True,
    )


def record_long(entries: int) -> None:
    """One recording of so many entries: its memory on the way, and what ending it costs."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        with proxies(folder, only_ours=True) as (_, ours):
            done = 0
            while done < entries:
                step = min(entries - done, max(entries // 10, 1))
                found = measure(ours, CONNECTIONS[-1], 10**6, step)
                done += int(found["requests"])
                size_mb = (folder / "ours.yaml").stat().st_size / 1e6
                print(
                    f"{done:>9} entries {size_mb:>7.1f} MB on disk"
                    f" {memory_mb(ours.process.pid):>6.0f} MB of memory"
                    f" {found['cpu_us']:>6.0f} µs of processor time per request",
                    flush=True,
                )
            began_s = time.perf_counter()
            ours.process.send_signal(signal.SIGTERM)
            peak_mb = 0.0
            while ours.process.poll() is None:
                with contextlib.suppress(StopIteration, OSError):
                    peak_mb = max(peak_mb, memory_mb(ours.process.pid, "VmHWM"))
                time.sleep(0.005)
            print(f"ended in {time.perf_counter() - began_s:.1f} s, peak {peak_mb:.0f} MB")


def main() -> int:
    """Parse what is asked for, and do it."""
    if sys.argv[1:2] == ["--origin"]:
        serve(Origin())
        return 0
    if sys.argv[1:2] == ["--load"]:
        url, connections, seconds, most = sys.argv[2:]
        print(json.dumps(asyncio.run(put_load(url, int(connections), float(seconds), int(most)))))
        return 0
    if not os.path.exists("/proc/self/stat") or shutil.which("mitmdump", path=str(BIN)) is None:
        print("this benchmark needs /proc, which only Linux has, and mitmdump beside this Python")
        return 0
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--long", type=int, metavar="ENTRIES", help="one long recording instead")
    chosen = parser.parse_args()
    load = os.getloadavg()[0]
    print(
        f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {os.cpu_count()} cores,"
        f" load average before: {load:.1f}"
    )
    if chosen.long:
        record_long(chosen.long)
    else:
        compare(chosen.rounds, chosen.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
