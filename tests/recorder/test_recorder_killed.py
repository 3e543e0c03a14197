"""A recorder killed at any instant leaves what its clients had received."""

from __future__ import annotations

import contextlib
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from wsproto.utilities import LocalProtocolError

from cometape.core.bayeux.settings import Settings
from cometape.core.broker import Broker
from cometape.core.cassette import Event, Exchange
from cometape.server.listener import BackgroundServer
from cometape.store import cassette_file
from raw_client import RawClient, connected, websocket
from recorder_process import RecorderProcess
from tiny_service import TinyService

GONE = (EOFError, OSError, AssertionError, LocalProtocolError)
"""What a client meets when the recorder is killed under it; the test then looks at the file."""


def ask_and_ask(url: str, name: str, received: list[str], enough: threading.Semaphore) -> None:
    """Request after request, until the recorder is gone; what was answered in full."""
    with contextlib.suppress(*GONE), connected(url) as client:
        for number in range(100_000):
            target = f"/{name}/{number}?pad={'x' * (number % 7) * 900}"
            client.ask(target, method="POST", body=b"y" * (number % 5) * 3000)
            client.answer()
            received.append(target)
            enough.release()


@pytest.mark.parametrize("answers", [0, 1, 2, 3, 5, 8, 9, 13, 17, 20, 26, 33])
def test_every_exchange_whose_answer_a_client_had_is_in_the_cassette(
    answers: int, tmp_path: Path, confdir: Path
) -> None:
    out = tmp_path / "killed.yaml"
    received: list[str] = []
    enough = threading.Semaphore(0)
    with BackgroundServer(TinyService()) as origin:
        with RecorderProcess(origin.url, out, confdir) as recorder:
            clients = [
                threading.Thread(target=ask_and_ask, args=(recorder.url, name, received, enough))
                for name in ("one", "two", "three")
            ]
            for client in clients:
                client.start()
            for _ in range(answers):
                assert enough.acquire(timeout=20)
            recorder.kill()
            for client in clients:
                client.join(20)
        cassette = cassette_file.load(out, recover=True)
    recorded = {e.request.target for e in cassette.entries if isinstance(e, Exchange)}
    assert len(received) >= answers
    assert [target for target in received if target not in recorded] == []


def bayeux(client: RawClient, *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """POST messages; the replies."""
    client.ask("/cometd", method="POST", body=json.dumps(messages).encode())
    replies: list[dict[str, Any]] = client.answer().json()
    return replies


def publish_and_hear(url: str, received: list[int], enough: threading.Semaphore) -> None:
    """Publishes over a WebSocket until the recorder is gone; the events that came back."""
    with contextlib.suppress(*GONE):
        _publish_and_hear(url, received, enough)


def _publish_and_hear(url: str, received: list[int], enough: threading.Semaphore) -> None:
    with connected(url) as client:
        handshake = {"channel": "/meta/handshake", "version": "1.0"}
        (reply,) = bayeux(client, handshake | {"supportedConnectionTypes": ["websocket"]})
        me = {"clientId": reply["clientId"]}
    with websocket(url, "/cometd") as socket:
        connect = {"channel": "/meta/connect", "connectionType": "websocket", **me}
        socket.send(json.dumps([{"channel": "/meta/subscribe", "subscription": "/n", **me}]))
        socket.send(json.dumps([{**connect, "advice": {"timeout": 0}}]))
        for number in range(100_000):
            socket.send(json.dumps([{"channel": "/n", "data": number, **me}]))
            while number not in received:
                for message in json.loads(socket.text()):
                    if "data" in message:
                        received.append(message["data"])
                        enough.release()


@pytest.mark.parametrize("events", [0, 1, 2, 3, 4, 6, 10, 15, 24])
def test_every_event_that_a_client_had_is_in_the_cassette(
    events: int, tmp_path: Path, confdir: Path
) -> None:
    out = tmp_path / "killed.yaml"
    received: list[int] = []
    enough = threading.Semaphore(0)
    with BackgroundServer(Broker(Settings())) as origin:
        with RecorderProcess(origin.url, out, confdir, profile="bayeux") as recorder:
            client = threading.Thread(
                target=publish_and_hear, args=(recorder.url, received, enough)
            )
            client.start()
            for _ in range(events):
                assert enough.acquire(timeout=20)
            recorder.kill()
            client.join(20)
        cassette = cassette_file.load(out, recover=True)
    recorded = [entry.data for entry in cassette.entries if isinstance(entry, Event)]
    assert len(received) >= events
    assert all(data in recorded for data in received)
