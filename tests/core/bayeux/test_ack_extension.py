"""The acknowledgement extension: what was lost is sent again (C90 to C92)."""

from __future__ import annotations

from typing import Any

import pytest

from cometape.core.bayeux.settings import Settings
from cometape.core.broker import Broker
from conversation import Client, Conversation


def talk(**settings: object) -> Conversation:
    return Conversation(Broker(Settings(**settings)))  # type: ignore[arg-type]


def begin(conversation: Conversation, connection_type: str = "long-polling") -> Client:
    """A session with the extension, subscribed to /x, whose first connect was answered."""
    client = conversation.client(connection_type)
    assert client.handshake(ext={"ack": True})["ext"] == {"ack": True}
    assert client.connect(ext={"ack": 0})["ext"] == {"ack": 1}
    client.subscribe("/x")
    return client


def poll(client: Client, ack: int) -> tuple[list[Any], int]:
    """Data of the events that wait, and the number of the batch."""
    messages = client.poll(ext={"ack": ack})
    return [message["data"] for message in messages[:-1]], messages[-1]["ext"]["ack"]


def test_c90_numbers_rise_with_every_connect_reply_events_or_not() -> None:
    conversation = talk(timeout_ms=1000)
    client = begin(conversation)
    held = client.hold(ext={"ack": 1})
    conversation.advance(1)
    assert held.message["ext"] == {"ack": 2}
    assert poll(client, 2) == ([], 3)


def test_c90_nobody_who_does_not_ask_gets_it() -> None:
    client = talk().client()
    assert "ext" not in client.handshake()
    assert "ext" not in client.connect(ext={"ack": 0})


def test_c90_a_server_may_not_have_it() -> None:
    assert "ext" not in talk(ack=False).client().handshake(ext={"ack": True})


def test_c91_what_was_not_acknowledged_is_sent_again_and_only_that() -> None:
    """C91: the trace seen with CometD Java."""
    conversation = talk()
    client = begin(conversation)
    other = conversation.client().begin()
    other.publish("/x", "m1")
    assert poll(client, 1) == (["m1"], 2)
    other.publish("/x", "m2")
    assert poll(client, 1) == (["m1", "m2"], 3)
    assert poll(client, 3) == ([], 4)


def test_c91_a_late_acknowledgement_of_a_first_batch_keeps_the_second() -> None:
    conversation = talk()
    client = begin(conversation)
    other = conversation.client().begin()
    other.publish("/x", "m1")
    assert poll(client, 1) == (["m1"], 2)
    other.publish("/x", "m2")
    assert poll(client, 1) == (["m1", "m2"], 3)
    assert poll(client, 2) == (["m2"], 4)


def test_c91_a_connect_that_must_resend_is_not_held() -> None:
    conversation = talk()
    client = begin(conversation)
    held = client.hold(ext={"ack": 1})
    conversation.client().begin().publish("/x", "lost")
    assert [event["data"] for event in held.events] == ["lost"]
    again = client.send(client.message("/meta/connect", ext={"ack": 1}))
    assert [event["data"] for event in again.events] == ["lost"]
    assert client.hold(ext={"ack": 3}).held


def test_c91_duplicate_connects_neither_lose_nor_double() -> None:
    conversation = talk()
    client = begin(conversation)
    older = client.hold(ext={"ack": 1})
    newer = client.hold(ext={"ack": 1})
    assert older.status == 500
    conversation.client().begin().publish("/x", 1)
    assert [event["data"] for event in newer.events] == [1]
    assert poll(client, 2) == ([], 3)


@pytest.mark.parametrize("ext", [None, {}, {"ack": None}, {"ack": "1"}, {"ack": True}])
def test_c91_a_connect_that_says_nothing_of_batches_gets_nothing_twice(ext: Any) -> None:
    conversation = talk()
    client = begin(conversation)
    conversation.client().begin().publish("/x", 1)
    assert poll(client, 1) == ([1], 2)
    fields = {} if ext is None else {"ext": ext}
    assert [m for m in client.poll(**fields) if "data" in m] == []


def test_c92_events_come_with_connects_alone_over_http() -> None:
    conversation = talk()
    client = begin(conversation)
    held = client.hold(ext={"ack": 1})
    (reply,) = client.send(client.message("/x", data=1)).messages
    assert reply["successful"] is True
    event, connect = held.messages
    assert event["data"] == 1
    assert connect["ext"] == {"ack": 2}


def test_c92_events_come_with_connects_alone_over_websocket() -> None:
    conversation = talk()
    client = begin(conversation, "websocket")
    socket = client.socket
    assert socket is not None
    conversation.client().begin().publish("/x", 1)
    assert socket.events == []
    event, connect = socket.send([client.message("/meta/connect", ext={"ack": 1})])
    assert event["data"] == 1
    assert connect["ext"] == {"ack": 2}
    assert socket.send([client.message("/meta/connect", ext={"ack": 2})]) == []
    conversation.client().begin().publish("/x", 2)
    event, connect = socket.read()
    assert event["data"] == 2
    assert connect["ext"] == {"ack": 3}


def test_c91_events_lost_with_a_socket_are_sent_again_over_the_next() -> None:
    conversation = talk()
    client = begin(conversation, "websocket")
    socket = client.socket
    assert socket is not None
    socket.send([client.message("/meta/connect", ext={"ack": 1})])
    conversation.client().begin().publish("/x", "lost")
    socket.close()
    client.socket = conversation.open_socket()
    messages = client.socket.send([client.message("/meta/connect", ext={"ack": 1})])
    assert [message.get("data") for message in messages] == ["lost", None]


@pytest.mark.parametrize(("acknowledged", "expected"), [(1, ["m1", "m2"]), (2, ["m2"])])
def test_a_farewell_brings_what_the_client_has_not_acknowledged(
    acknowledged: int, expected: list[str]
) -> None:
    conversation = talk()
    client = begin(conversation)
    other = conversation.client().begin()
    other.publish("/x", "m1")
    assert poll(client, 1) == (["m1"], 2)
    other.publish("/x", "m2")
    broker = conversation.service
    assert isinstance(broker, Broker)
    broker.bayeux.disconnect(str(client.client_id), conversation.now_s)
    connect = client.message("/meta/connect", ext={"ack": acknowledged})
    *events, farewell, reply = client.send(connect).messages
    assert [event["data"] for event in events] == expected
    assert farewell["channel"] == "/meta/disconnect"
    assert reply["ext"] == {"ack": 3}
