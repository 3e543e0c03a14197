"""The conformance checklist over real sockets: WebSockets."""

from __future__ import annotations

import time
from typing import Any

import pytest

from wire_client import Message, WireClient, WireSocket, wire_socket
from wire_target import TIMEOUT_S, Target


def shaken(socket: WireSocket, client: WireClient) -> None:
    """A handshake over the socket itself."""
    types = ["websocket"]
    reply = socket.ask(client.message("/meta/handshake", supportedConnectionTypes=types))
    client.client_id = reply["clientId"]


def connect(client: WireClient, **fields: Any) -> Message:
    return client.message("/meta/connect", connectionType="websocket", **fields)


def ready(socket: WireSocket, client: WireClient, *channels: str) -> None:
    """Handshake, first connect, subscriptions."""
    shaken(socket, client)
    assert socket.ask(connect(client))["successful"] is True
    for channel in channels:
        reply = socket.ask(client.message("/meta/subscribe", subscription=channel))
        assert reply["successful"] is True


@pytest.mark.parametrize("compress", [False, True])
def test_c60_c62_handshake_connect_hold(target: Target, compress: bool) -> None:
    client = target.client()
    with wire_socket(target.url, target.path, compress=compress) as socket:
        shaken(socket, client)
        first = connect(client)
        assert socket.ask(first)["successful"] is True
        held, sent_s = connect(client), time.monotonic()
        socket.send([held])
        assert socket.frame() == [
            {"channel": "/meta/connect", "id": held["id"], "successful": True}
        ]
        assert time.monotonic() - sent_s >= TIMEOUT_S * 0.95


def test_c61_c63_events_are_pushed_at_once_hold_or_none(broker: Target) -> None:
    client, writer = broker.client(), broker.client().begin()
    with wire_socket(broker.url) as socket:
        ready(socket, client, "/ws/61")
        writer.publish("/ws/61", "no connect outstanding")
        assert socket.frame()[0]["data"] == "no connect outstanding"
        held = connect(client)
        socket.send([held])
        writer.publish("/ws/61", "held")
        assert socket.frame() == [{"channel": "/ws/61", "data": "held"}], "and no reply with it"
        assert socket.frame()[0]["id"] == held["id"]


def test_c64_the_newest_connect_wins(target: Target) -> None:
    client = target.client()
    with wire_socket(target.url, target.path) as socket:
        ready(socket, client)
        older, newer = connect(client), connect(client)
        socket.send([older])
        socket.send([newer])
        assert [one["id"] for one in socket.frame()] == [newer["id"]]
        assert socket.quiet(for_s=0.1)


def test_c65_disconnect_brings_both_replies(target: Target) -> None:
    client = target.client()
    with wire_socket(target.url, target.path) as socket:
        ready(socket, client)
        held, leave = connect(client), client.message("/meta/disconnect")
        socket.send([held])
        socket.send([leave])
        replies = {one["id"]: one for one in socket.until(leave["id"])}
        assert replies[leave["id"]]["successful"] is True
        assert replies[held["id"]]["advice"] == {"reconnect": "none"}


def test_c66_c67_a_session_begun_over_http_goes_on_over_a_websocket(broker: Target) -> None:
    client = broker.client()
    client.handshake()
    with wire_socket(broker.url) as socket:
        first = connect(client)
        assert socket.ask(first)["successful"] is True, "at once, without advice"
        assert socket.ask(client.message("/meta/subscribe", subscription="/ws/66"))["successful"]
        broker.client().begin().publish("/ws/66", 1)
        assert socket.frame()[0]["data"] == 1
        socket.close()
    broker.client().begin().publish("/ws/66", 2)
    found = client.poll()
    assert [one["data"] for one in found if "data" in one] == [2], "and back, over HTTP"


def test_c68_another_socket_finds_session_and_subscriptions(broker: Target) -> None:
    client, writer = broker.client(), broker.client().begin()
    with wire_socket(broker.url) as socket:
        ready(socket, client, "/ws/68")
        socket.send([connect(client)])
        socket.close()
    writer.publish("/ws/68", "while nobody was there")
    with wire_socket(broker.url) as socket:
        again = connect(client, advice={"timeout": 0})
        socket.send([again])
        assert [one["data"] for one in socket.until(again["id"]) if "data" in one] == [
            "while nobody was there"
        ]
        writer.publish("/ws/68", "now")
        assert socket.frame()[0]["data"] == "now"


def test_c69_an_unknown_session_is_told_so_and_the_socket_stays(target: Target) -> None:
    client = target.client()
    client.client_id = "nobody0nobody0nobody0nobody0"
    with wire_socket(target.url, target.path) as socket:
        reply = socket.ask(connect(client))
        assert reply["error"] == "402::session_unknown"
        assert reply["advice"]["reconnect"] == "handshake"
        ready(socket, client)


def test_c70_a_hundred_events_in_order(broker: Target) -> None:
    client, writer = broker.client(), broker.client().begin()
    with wire_socket(broker.url) as socket:
        ready(socket, client, "/ws/70")
        writer.send(*(writer.message("/ws/70", data=n) for n in range(100))).response()
        seen: list[Any] = []
        while len(seen) < 100:
            seen += [one["data"] for one in socket.frame()]
    assert seen == list(range(100))


@pytest.mark.parametrize("text", ["{", "17", "[1]", "[]"])
def test_c71_a_frame_that_is_no_bayeux_closes_the_socket(target: Target, text: str) -> None:
    with wire_socket(target.url, target.path) as socket:
        socket.send(text)
        assert socket.close_code() == 1011


def test_c72_a_second_handshake_on_the_socket(target: Target) -> None:
    one, other = target.client(), target.client()
    with wire_socket(target.url, target.path) as socket:
        ready(socket, one)
        ready(socket, other)
        assert one.client_id != other.client_id
        assert socket.ask(one.message("/meta/subscribe", subscription="/x"))["successful"] is True
