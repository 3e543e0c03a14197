"""What the server shell costs: processor time per request, memory per held exchange.

    make bench

A service that does nothing but answer (or hold) runs in a process of its own and is asked over
keep-alive connections. Processor time is told rather than requests per second, because it depends
less on what else the machine does.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from cometape.core.exchange import Headers, Request, Response
from cometape.core.service import Action, Respond
from cometape.server.listener import serve

REQUESTS = 40_000
CONNECTIONS = 64
HELD = 2_000
BODY = b'{"operationName":"PullWorkitem","id":"02F0XAMPLE00001A"}'
ANSWER = Response(
    status=200,
    headers=Headers([("Content-Type", "application/json")]),
    body=b'{"statusCode":0,"referenceId":17}',
)


class Bare:
    """Answers everything with the same, but holds what is asked of `/hold`."""

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        return [] if request.target == "/hold" else [Respond(exchange, ANSWER)]

    def upgrade(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        return [Respond(exchange, ANSWER)]

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        return []

    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        return []

    def tick(self, now_s: float) -> Sequence[Action]:
        return []

    def deadline_s(self) -> float | None:
        return None


def request(target: str) -> bytes:
    """A request as a browser sends it, with a few headers."""
    head = (
        f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: bench\r\nAccept: */*\r\n"
        "Content-Type: application/json\r\nCookie: JSESSIONID=1f2e3d4c5b6a7988\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n"
    )
    return head.encode() + BODY


class Asker(asyncio.Protocol):
    """Asks again as soon as it is answered, until `left` is used up."""

    def __init__(self, left: list[int], done: asyncio.Future[None]) -> None:
        self.left = left
        self.done = done
        self.message = request("/api/v2/users/00025aA4/workbins/3434543f")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.message)

    def data_received(self, data: bytes) -> None:
        self.left[0] -= 1
        if self.left[0] > 0:
            self.transport.write(self.message)
        elif not self.done.done():
            self.done.set_result(None)


async def ask(port: int, count: int) -> None:
    """So many requests over all connections."""
    loop = asyncio.get_running_loop()
    left, done = [count], loop.create_future()
    askers = [
        await loop.create_connection(lambda: Asker(left, done), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    await done
    for transport, _ in askers:
        transport.abort()


def processor_s(pid: int) -> float:
    """Processor time a process has used (Linux)."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kib(pid: int) -> int:
    """Memory a process has in use (Linux)."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def hold(port: int, count: int, stack: ExitStack) -> None:
    """So many more held exchanges."""
    for _ in range(count):
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        client.sendall(request("/hold"))
    time.sleep(0.5)


def main() -> int:
    """Measures both."""
    if not os.path.exists("/proc/self/stat"):
        print("this benchmark reads /proc, which only Linux has")
        return 0
    with subprocess.Popen(
        [sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().rpartition(":")[2])
        asyncio.run(ask(port, REQUESTS // 10))
        began_s, used_s = time.perf_counter(), processor_s(server.pid)
        asyncio.run(ask(port, REQUESTS))
        took_s, used_s = time.perf_counter() - began_s, processor_s(server.pid) - used_s
        print(
            f"a small request: {1e6 * used_s / REQUESTS:.0f} µs of processor time,"
            f" {REQUESTS / took_s:.0f} per second"
        )
        with ExitStack() as stack:
            hold(port, 100, stack)
            before = resident_kib(server.pid)
            hold(port, HELD, stack)
            each = (resident_kib(server.pid) - before) / HELD
        print(f"a held exchange: {each:.1f} KiB")
        server.terminate()
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve(Bare())
    else:
        sys.exit(main())
