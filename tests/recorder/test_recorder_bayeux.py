"""Real Bayeux traffic through the recorder: held, pushed, cancelled, over both transports."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from aiocometd_ng.client import Client
from aiocometd_ng.constants import ConnectionType
from mitmproxy.proxy import server

from cometape.core.bayeux.settings import Settings
from cometape.core.broker import Broker
from cometape.core.cassette import Connect, Disconnect, Event, Handshake, Publish, Subscribe
from cometape.mitm import embedding, held_polls
from cometape.server.listener import BackgroundServer
from odd_origin import Caller, odd_origin
from raw_client import RawClient, connected, websocket
from recorder_thread import RecorderThread

Record = Callable[..., RecorderThread]

# How aiocometd-ng calls aiohttp to open a WebSocket.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{what} is deprecated:DeprecationWarning")
    for what in ("float parameter 'receive_timeout'", "ssl=None")
]


class Origin:
    """A CometD server, and a look into it."""

    def __init__(self, broker: Broker, server: BackgroundServer) -> None:
        self._broker = broker
        self._server = server
        self.url = server.url

    def held(self) -> int:
        """How many connects it holds."""
        bayeux = self._broker.bayeux
        return self._server.call(lambda: sum(bayeux.held(s.client_id) for s in bayeux.sessions))

    def expire(self, client_id: str) -> None:
        """Forget a session."""
        self._server.call(lambda: self._broker.bayeux.expire(client_id, time.monotonic()))


@pytest.fixture
def origin() -> Iterator[Origin]:
    broker = Broker(Settings())
    with BackgroundServer(broker) as server:
        yield Origin(broker, server)


class Poster:
    """A client that speaks long-polling by hand."""

    def __init__(self, client: RawClient) -> None:
        self.client = client
        (reply,) = self.post(
            {
                "channel": "/meta/handshake",
                "version": "1.0",
                "supportedConnectionTypes": ["long-polling"],
            }
        )
        self.me = {"clientId": reply["clientId"]}
        self.post(self.connect())

    def connect(self) -> dict[str, Any]:
        return {"channel": "/meta/connect", "connectionType": "long-polling", **self.me}

    def send(self, *messages: dict[str, Any]) -> None:
        body = json.dumps(messages).encode()
        self.client.ask("/cometd", method="POST", body=body)

    def post(self, *messages: dict[str, Any]) -> list[dict[str, Any]]:
        self.send(*messages)
        replies: list[dict[str, Any]] = self.client.answer().json()
        return replies


def until(condition: Callable[[], bool]) -> None:
    """Wait for what must come."""
    give_up_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up_s
        time.sleep(0.005)


@pytest.mark.parametrize("transport", list(ConnectionType))
def test_a_client_that_nobody_here_wrote_is_recorded(
    record: Record, origin: Origin, transport: ConnectionType
) -> None:
    async def chat(url: str) -> Any:
        async with Client(url, transport) as client:
            await client.subscribe("/chat/x")
            await client.publish("/chat/x", {"text": "grüße"})
            return await asyncio.wait_for(client.receive(), 10)

    with record(origin.url, profile="bayeux") as recorder:
        received = asyncio.run(chat(f"{recorder.url}/cometd"))
    assert received["data"] == {"text": "grüße"}
    entries = recorder.cassette.entries
    kinds = [type(entry) for entry in entries]
    assert kinds[:3] == [Handshake, Connect, Subscribe]
    assert sorted(kind.__name__ for kind in kinds[3:]) == ["Disconnect", "Event", "Publish"]
    assert {entry.session for entry in entries} == {"session-1"}
    (publish,) = [entry for entry in entries if isinstance(entry, Publish)]
    (event,) = [entry for entry in entries if isinstance(entry, Event)]
    assert event.cause == publish.number
    assert recorder.summary.problems == {}
    assert (recorder.summary.events, recorder.summary.caused) == (1, 1)


def test_a_poll_stays_held_until_there_is_something_to_say(record: Record, origin: Origin) -> None:
    with (
        record(origin.url, profile="bayeux") as recorder,
        connected(recorder.url) as polls,
        connected(recorder.url) as calls,
    ):
        poster = Poster(polls)
        poster.post({"channel": "/meta/subscribe", "subscription": "/x", **poster.me})
        poster.send(poster.connect())
        until(lambda: origin.held() == 1)
        other = Poster(calls)
        other.post({"channel": "/x", "data": "now", **other.me})
        pushed, reply = polls.answer().json()
        assert (pushed["data"], reply["successful"]) == ("now", True)
        # The event is on disk when the client has it.
        events = [entry for entry in recorder.cassette.entries if isinstance(entry, Event)]
        assert [(event.session, event.data) for event in events] == [("session-1", "now")]


def test_a_client_that_leaves_its_poll_leaves_it_upstream_as_well(
    record: Record, origin: Origin
) -> None:
    with record(origin.url, profile="bayeux") as recorder:
        client = RawClient(recorder.url)
        poster = Poster(client)
        poster.send(poster.connect())
        until(lambda: origin.held() == 1)
        client.reset()
        until(lambda: origin.held() == 0)
    assert recorder.summary.skipped == {"cancelled polls": 1}
    assert [type(entry) for entry in recorder.cassette.entries] == [Handshake, Connect]


def test_a_poll_is_held_longer_than_mitmproxy_bears_silence(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D05; the real minute: `COMETAPE_HOLD_S=65 pytest -k mitmproxy_bears`."""
    hold_s = float(os.environ.get("COMETAPE_HOLD_S", "1.2"))
    monkeypatch.setattr(server, "TCP_TIMEOUT", hold_s / 2, raising=False)
    broker = Broker(Settings(timeout_ms=round(1000 * hold_s)))
    with (
        BackgroundServer(broker) as live,
        record(live.url, profile="bayeux") as recorder,
        connected(recorder.url) as client,
    ):
        client.socket.settimeout(hold_s + 10)
        poster = Poster(client)
        began_s = time.monotonic()
        (reply,) = poster.post(poster.connect())
        took_s = time.monotonic() - began_s
    assert reply["successful"]
    assert took_s >= hold_s - 0.1
    assert recorder.summary.skipped == {"idle polls": 1}


def test_without_its_help_mitmproxy_would_cut_that_poll(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (held_polls, embedding):
        monkeypatch.setattr(module, "HOLD_LIMIT_S", 1)
    broker = Broker(Settings(timeout_ms=20_000))
    with (
        BackgroundServer(broker) as live,
        record(live.url, profile="bayeux") as recorder,
        connected(recorder.url) as client,
    ):
        poster = Poster(client)
        poster.send(poster.connect())
        assert client.rest() == b""


def test_fifty_polls_are_held_at_once(record: Record, origin: Origin) -> None:
    """D05."""
    with record(origin.url, profile="bayeux") as recorder, ExitStack() as clients:
        posters = [Poster(clients.enter_context(connected(recorder.url))) for _ in range(50)]
        for poster in posters:
            poster.post({"channel": "/meta/subscribe", "subscription": "/all", **poster.me})
            poster.send(poster.connect())
        until(lambda: origin.held() == 50)
        caller = Poster(clients.enter_context(connected(recorder.url)))
        caller.post({"channel": "/all", "data": 1, **caller.me})
        for poster in posters:
            assert poster.client.answer().json()[0]["data"] == 1
    events = [entry for entry in recorder.cassette.entries if isinstance(entry, Event)]
    assert len({event.session for event in events}) == len(events) == 50


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "deflate"])
def test_websocket_texts_pass_unchanged_and_are_recorded(
    record: Record, origin: Origin, compress: bool
) -> None:
    """D12: `permessage-deflate`."""
    with (
        record(origin.url, profile="bayeux") as recorder,
        websocket(recorder.url, "/cometd", compress=compress) as socket,
    ):
        socket.send('[{"channel":"/meta/handshake","version":"1.0","id":"1"}]')
        (reply,) = json.loads(socket.text())
        me = {"clientId": reply["clientId"]}
        socket.send(json.dumps([{"channel": "/meta/subscribe", "subscription": "/x", **me}]))
        assert json.loads(socket.text())[0]["successful"]
        socket.send(json.dumps([{"channel": "/x", "data": "ä" * 5000, "id": "3", **me}]))
        texts = [message for _ in range(2) for message in json.loads(socket.text())]
        assert {message.get("data") for message in texts} == {"ä" * 5000, None}
        # Each is on disk before it is passed on.
        kinds = [type(entry) for entry in recorder.cassette.entries]
        assert kinds[:2] == [Handshake, Subscribe]
        assert set(kinds[2:]) == {Event, Publish}
        socket.send(json.dumps([{"channel": "/meta/disconnect", **me}]))
        assert json.loads(socket.text())[0]["successful"]
    assert isinstance(recorder.cassette.entries[-1], Disconnect)
    assert reply["clientId"] not in recorder.out.read_text()


def test_a_refused_session_that_shakes_hands_again_stays_one_session(
    record: Record, origin: Origin
) -> None:
    with record(origin.url, profile="bayeux") as recorder, connected(recorder.url) as client:
        poster = Poster(client)
        origin.expire(poster.me["clientId"])
        (refused,) = poster.post(poster.connect())
        assert refused["error"].startswith("402")
        again = Poster(client)
        assert again.me != poster.me
    entries = recorder.cassette.entries
    assert [type(e) for e in entries] == [Handshake, Connect, Connect, Handshake, Connect]
    assert {entry.session for entry in entries} == {"session-1"}
    failed = entries[2]
    assert isinstance(failed, Connect)
    assert failed.error == "402::Unknown client"
    assert failed.advice is not None
    assert failed.advice["reconnect"] == "handshake"


def test_an_endpoint_the_profile_does_not_know_is_found_and_named_in_the_header(
    record: Record,
) -> None:
    with (
        BackgroundServer(Broker(Settings(), path="/odd/push")) as origin,
        record(origin.url, profile="bayeux") as recorder,
        connected(recorder.url) as client,
    ):
        body = b'[{"channel":"/meta/handshake","version":"1.0"}]'
        client.ask("/odd/push/handshake", method="POST", body=body)
        assert client.answer().json()[0]["successful"]
    assert recorder.cassette.header.bayeux == "/odd/push"
    assert [type(entry) for entry in recorder.cassette.entries] == [Handshake]


def test_an_event_that_overtakes_its_answer_finds_its_cause_in_the_end(record: Record) -> None:
    pulled, pushed = threading.Event(), threading.Event()

    def say(caller: Caller, body: str) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        caller.send(f"{head}\r\n\r\n{body}".encode())

    def behave(caller: Caller) -> None:
        while True:
            request = caller.request()
            if b"/meta/handshake" in request:
                say(caller, '[{"channel":"/meta/handshake","successful":true,"clientId":"c1c1c1"}]')
            elif b"/meta/connect" in request:
                assert pulled.wait(10)
                event = '{"channel":"/v2/me/workitems","data":{"referenceId":17}}'
                say(caller, f'[{event},{{"channel":"/meta/connect","successful":true}}]')
            else:
                pulled.set()
                assert pushed.wait(10)
                say(caller, '{"statusCode":0,"referenceId":17}')

    path = "/api/v2/notifications"
    with (
        odd_origin(behave) as url,
        record(url) as recorder,
        connected(recorder.url) as polls,
        connected(recorder.url) as calls,
    ):
        polls.ask(path, method="POST", body=b'[{"channel":"/meta/handshake","version":"1.0"}]')
        polls.answer()
        connect = b'[{"channel":"/meta/connect","clientId":"c1c1c1"}]'
        polls.ask(path, method="POST", body=connect)
        body = b'{"operationName":"PullWorkitem","id":"i1"}'
        calls.ask("/api/v2/workbins/w1", method="POST", body=body)
        assert polls.answer().json()[0]["data"] == {"referenceId": 17}
        (event,) = [entry for entry in recorder.cassette.entries if isinstance(entry, Event)]
        assert event.cause is None
        pushed.set()
        assert calls.answer().json()["referenceId"] == 17
    (exchange,) = recorder.exchanges
    (event,) = [entry for entry in recorder.cassette.entries if isinstance(entry, Event)]
    assert event.number < exchange.number
    assert event.cause == exchange.number
