"""A recorder that is killed at random instants, again and again.

A few dozen times in the suite; `COMETAPE_KILLS=500 pytest tests/recorder/test_crash.py` for more.
The seed is in the test's name, the instant in its failure.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cometape.core.cassette import Exchange
from cometape.core.errors import CassetteError
from cometape.store import cassette_file
from odd_origin import Caller, odd_origin
from raw_client import RawClient, connected
from recorder_process import RecorderProcess

KILLS = int(os.environ.get("COMETAPE_KILLS", "30"))
BATCHES = 3
GONE = (EOFError, OSError, AssertionError, IndexError)
"""What a client meets when the recorder is killed under it."""


def behave(caller: Caller) -> None:
    """Answers in turn with a length, with chunks, and (a large one) in pieces."""
    for number in range(1_000_000):
        head = caller.request()
        body = head.split(b" ", 2)[1] * (1 + number % 40)
        if number % 3 == 0:
            caller.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        elif number % 3 == 1:
            caller.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(3):
                caller.send(b"%x\r\n%s\r\n" % (len(body), body))
            caller.send(b"0\r\n\r\n")
        else:
            body *= 40
            caller.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
            caller.send(body[: len(body) // 2])
            caller.send(body[len(body) // 2 :])


class Asking:
    """A client that asks until it is cut off, and knows what it was answered in full."""

    def __init__(self, url: str, name: str, began: threading.Event) -> None:
        self.answered: list[str] = []
        self._url, self._name, self._began = url, name, began
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until it is cut off."""
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with contextlib.suppress(*GONE), connected(self._url) as client:
            for number in range(1_000_000):
                target = f"/{self._name}/{number}"
                client.ask(target, method="POST", body=b"y" * (number % 4) * 2000)
                _read_answer(client)
                self.answered.append(target)
                self._began.set()


def _read_answer(client: RawClient) -> None:
    while b"\r\n\r\n" not in client.received:
        client.received += _more(client)
    if b"chunked" in client.received:
        while not client.received.endswith(b"\r\n0\r\n\r\n"):
            client.received += _more(client)
        client.received = b""
    else:
        client.answer()


def _more(client: RawClient) -> bytes:
    data = client.socket.recv(65536)
    if not data:
        raise EOFError
    return data


def kill_once(origin: str, out: Path, confdir: Path, delay_s: float) -> tuple[set[str], bool]:
    """What clients had that is not in the cassette, and whether its last entry was torn."""
    began = threading.Event()
    with RecorderProcess(origin, out, confdir) as recorder:
        clients = [Asking(recorder.url, name, began) for name in ("one", "two", "three")]
        assert began.wait(20)
        time.sleep(delay_s)
        recorder.kill()
        for client in clients:
            client.join()
    torn = False
    try:
        cassette = cassette_file.load(out)
    except CassetteError:
        torn = True
        cassette = cassette_file.load(out, recover=True)
    recorded = {entry.request.target for entry in cassette.entries if isinstance(entry, Exchange)}
    answered = {target for client in clients for target in client.answered}
    assert answered
    return answered - recorded, torn


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with odd_origin(behave) as url:
        yield url


@pytest.mark.parametrize("seed", range(BATCHES))
def test_whatever_a_client_was_answered_before_the_kill_is_in_the_cassette(
    seed: int, origin: str, tmp_path: Path, confdir: Path
) -> None:
    instants = random.Random(seed)
    torn = 0
    for number in range(KILLS // BATCHES):
        delay_s = instants.uniform(0, 0.15)
        missing, was_torn = kill_once(origin, tmp_path / f"{number}.yaml", confdir, delay_s)
        assert missing == set(), f"kill {number}, {delay_s} s after the first answer"
        torn += was_torn
    assert torn <= 1 + KILLS // 50  # a write of many pages can be cut; it was not answered yet
