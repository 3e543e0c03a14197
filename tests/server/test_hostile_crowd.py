"""A real replay among hostile clients: they cost it little memory, and nobody else anything.

Slow ones that dribble, ones that say half and go, ones that never read, ones that send far too
much: hundreds of them at once, while a well-behaved client goes through its session.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cometape.core.bayeux.message import parse_messages
from cometape.core.json_value import JsonObject
from cometape.store.cassette_file import save
from raw_client import RawClient
from running import Running, cometape
from scripted import Script
from waiting_crowd import waiting_crowd

PATH = "/api/v2/notifications"
EACH = 60
"""Clients of each bad kind."""
LARGE = 200_000
"""Bytes of the large answer."""
ALLOWED_MIB = 64
"""How much the memory may grow by all of them together."""

MANY = 10_000
"""Clients that wait, each on a connection of its own."""
ALLOWED_KIB_EACH = 12
"""Twice what benchmarks/held_polls.py finds: a bound, not a measurement."""


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    script = Script(scenario="a large answer, and an operation with its event")
    script.handshake("agent7")
    script.subscribe("agent7", "/v2/me/*")
    script.ask("agent7", "GET", "/large", None, {"text": "x" * LARGE})
    script.ask("agent7", "POST", "/bins/A", {"operationName": "Pull"}, {"referenceId": 17})
    script.event("agent7", "/v2/me/workitems", {"referenceId": 17})
    path = tmp_path_factory.mktemp("crowd") / "crowd.yaml"
    save(script.cassette, path)
    with cometape("replay", str(path), "--repeats", "--no-strict") as running:
        running.url()
        yield running


def memory_mib(replay: Running) -> float:
    status = Path(f"/proc/{replay.pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if "VmRSS" in line)


def post(client: RawClient, target: str, body: bytes) -> bytes:
    client.ask(target, method="POST", headers="Content-Type: application/json\r\n", body=body)
    answer = client.answer()
    assert answer.status == 200, answer
    return answer.body


class Desk:
    """A well-behaved client, again and again with an operation and its event."""

    def __init__(self, replay: Running) -> None:
        self.rest, self.bayeux = RawClient(replay.url()), RawClient(replay.url())
        shaken = self.meta("handshake", '"version":"1.0","supportedConnectionTypes":["websocket"]')
        self.client_id = str(shaken[0]["clientId"])
        self.meta("subscribe", f'"clientId":"{self.client_id}","subscription":"/v2/me/*"')
        self.connect()

    def meta(self, name: str, fields: str) -> list[JsonObject]:
        body = f'[{{"channel":"/meta/{name}",{fields}}}]'.encode()
        return parse_messages(post(self.bayeux, PATH, body))

    def connect(self) -> list[JsonObject]:
        fields = f'"clientId":"{self.client_id}","connectionType":"long-polling"'
        return self.meta("connect", fields)

    def work(self) -> None:
        """An operation, and its event with the same reference id."""
        answer = post(self.rest, "/bins/A", b'{"operationName":"Pull"}')
        [event, _reply] = self.connect()
        assert answer.partition(b":")[2] in str(event["data"]).replace(" ", "").encode()

    def close(self) -> None:
        self.rest.close()
        self.bayeux.close()


def dribble(replay: Running) -> RawClient:
    """A slow loris: a byte now and then."""
    client = RawClient(replay.url())
    client.send(b"GET /large HTTP/1.1\r\nHost: a\r\nX: ")
    return client


def say_half(replay: Running) -> RawClient:
    client = RawClient(replay.url())
    client.send(b"POST /bins/A HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf")
    client.half_close()
    return client


def never_read(replay: Running) -> RawClient:
    """Asks for 13 MB in one go and reads none of it."""
    client = RawClient(replay.url())
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.socket.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        client.send(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n" * 64)
    return client


def send_too_much(replay: Running) -> RawClient:
    """A body without an end."""
    client = RawClient(replay.url())
    client.send(b"POST /bins/A HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    with contextlib.suppress(OSError):
        for _ in range(12):
            client.send(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
    return client


def vanish(replay: Running) -> RawClient:
    client = RawClient(replay.url())
    client.send(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
    client.reset()
    return client


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("misbehave", [dribble, say_half, never_read, send_too_much, vanish])
def test_a_crowd_of_one_kind_costs_little_and_harms_nobody(
    replay: Running, misbehave: Callable[[Running], RawClient]
) -> None:
    desk = Desk(replay)
    desk.work()
    before = memory_mib(replay)
    crowd: list[RawClient] = []
    count = 8 if misbehave is send_too_much else EACH
    try:
        for _ in range(count):
            crowd.append(misbehave(replay))
            for client in crowd if misbehave is dribble else ():
                client.send(b"x")
            if len(crowd) % 10 == 0:
                desk.work()
        desk.work()
        assert memory_mib(replay) - before < ALLOWED_MIB
    finally:
        for client in crowd:
            client.close()
        desk.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ten_thousand_held_connects_cost_little_and_harm_nobody(replay: Running) -> None:
    before = memory_mib(replay)
    desk = Desk(replay)
    with waiting_crowd(replay.url(), PATH, MANY) as crowd:
        for _ in range(20):
            desk.work()
        grown_kib = (memory_mib(replay) - before) * 1024
        assert not any(client.disturbed for client in crowd)
        assert grown_kib / MANY < ALLOWED_KIB_EACH
    desk.work()
    desk.close()
