"""Sessions that are lost, servers that are restarted: every client finds its way back.

All clients at once, over long-polling and WebSocket; most of the time is their waiting.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cometape.core.cassette import Cassette, Event, Handshake, Header, Subscribe
from cometape.store import cassette_file
from node_client import Client, disconnect, open_session, start, wait
from real_clients import Client as Name
from real_clients import Transport
from running import cometape
from served_broker import served_broker
from wire_client import WireClient

NAMES: tuple[Name, ...] = ("cometd3", "cometd9", "faye", "ruby-faye", "aiocometd_ng")
OVER: list[tuple[Name, Transport]] = [
    (name, transport) for name in NAMES for transport in ("long-polling", "websocket")
]


def start_all(url: str, *, again: str) -> dict[tuple[Name, Transport], Client]:
    """Each hears that it is `first`, and then what comes once it is back."""
    plan = [
        open_session("/news/*"),
        wait("first", "/news/a", n="first", limit_s=20),
        wait("again", "/news/a", n=again, limit_s=40),
        disconnect(),
    ]
    return {
        (name, transport): start(name, url, plan, path="/cometd", transport=transport, limit_s=60)
        for name, transport in OVER
    }


def publish_while(url: str, text: str, going_on: Callable[[], bool]) -> None:
    """Say the same again and again."""
    speaker = WireClient(url).begin()
    while going_on():
        assert speaker.publish("/news/a", {"n": text})["successful"]
        speaker.poll()
        time.sleep(0.1)


def assert_back(clients: dict[tuple[Name, Transport], Client]) -> None:
    """Each had a new session in the end, and what it waited for."""
    for (name, transport), client in clients.items():
        seen = client.seen()
        assert seen.finished, f"{name} over {transport}\n{seen}"
        if not name.startswith("aiocometd"):  # it shows no handshakes to extensions
            assert len(set(seen.client_ids)) >= 2, f"{name} over {transport}\n{seen}"


def waiting_for(clients: dict[tuple[Name, Transport], Client], kind: str, step: str) -> None:
    for client in clients.values():
        client.until(kind, step)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_d03_every_client_comes_back_after_its_session_has_expired() -> None:
    with served_broker() as served:
        clients = start_all(served.url, again="again")
        for client in clients.values():
            client.until("open")
        speaker = WireClient(served.url).begin()
        assert speaker.publish("/news/a", {"n": "first"})["successful"]
        waiting_for(clients, "waited", "first")
        for client_id in served.sessions():
            served.do("expire", client_id)
        publish_while(
            served.url, "again", lambda: not all(client.done for client in clients.values())
        )
        assert_back(clients)


def test_d04_every_client_comes_back_after_the_broker_was_restarted() -> None:
    port = free_port()
    with cometape("broker", "--port", port) as broker:
        url = broker.url()
        clients = start_all(url, again="again")
        for client in clients.values():
            client.until("open")
        WireClient(url).begin().publish("/news/a", {"n": "first"})
        waiting_for(clients, "waited", "first")
    with cometape("broker", "--port", port) as broker:
        publish_while(
            broker.url(), "again", lambda: not all(client.done for client in clients.values())
        )
        assert_back(clients)


@pytest.fixture(scope="module")
def news(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One client that is told something once it has subscribed."""
    session = "session-1"
    entries = (
        Handshake(number=1, session=session, at_s=0.0, client_id="<client-id:1>"),
        Subscribe(number=2, session=session, at_s=0.1, channel="/news/*"),
        Event(number=3, session=session, at_s=0.2, channel="/news/a", data={"n": "first"}, cause=2),
    )
    path = tmp_path_factory.mktemp("news") / "news.yaml"
    cassette_file.save(Cassette(Header(profile="bayeux", bayeux="/cometd"), entries), path)
    return path


def test_d04_every_client_comes_back_after_the_replay_was_restarted(news: Path) -> None:
    """It is told again what the recorded one was told: the new server plays from the start.

    With another seed, for ids of the same would be those that other clients still use.
    """
    port = free_port()
    with cometape("replay", str(news), "--port", port, "--no-strict") as replay:
        clients = start_all(replay.url(), again="first")
        waiting_for(clients, "waited", "first")
    with cometape("replay", str(news), "--port", port, "--no-strict", "--seed", "1") as replay:
        replay.url()
        assert_back(clients)
