"""Connects over HTTP: held, released, superseded, abandoned (C07 to C18)."""

from __future__ import annotations

import pytest

from cometape.core.bayeux.settings import Settings
from cometape.core.broker import Broker
from conversation import Conversation


def talk(**settings: object) -> Conversation:
    return Conversation(Broker(Settings(**settings)))  # type: ignore[arg-type]


def test_c07_timeout_zero_is_answered_at_once_with_advice() -> None:
    client = talk(timeout_ms=5000).client().begin()
    reply = client.connect(advice={"timeout": 0})
    assert reply["advice"] == {"reconnect": "retry", "interval": 0, "timeout": 5000}


def test_c08_the_very_first_connect_is_answered_at_once_without_advice() -> None:
    client = talk().client()
    client.handshake()
    assert client.connect() == {"channel": "/meta/connect", "id": "2", "successful": True}


def test_c09_an_idle_connect_is_held_for_the_timeout_then_succeeds() -> None:
    conversation = talk(timeout_ms=30_000)
    held = conversation.client().begin().hold()
    conversation.advance(29.999)
    assert held.held
    conversation.advance(0.001)
    assert held.message["successful"] is True


def test_c10_the_clients_timeout_shortens_the_hold_and_its_interval_is_taken_over() -> None:
    conversation = talk(timeout_ms=30_000)
    held = conversation.client().begin().hold(advice={"timeout": 2000, "interval": 3000})
    conversation.advance(1.9)
    assert held.held
    conversation.advance(0.1)
    # the timeout in the advice is the server's own, the interval the one in force
    assert held.message["advice"] == {"reconnect": "retry", "interval": 3000, "timeout": 30_000}


def test_the_clients_timeout_does_not_lengthen_the_hold() -> None:
    conversation = talk(timeout_ms=5000)
    held = conversation.client().begin().hold(advice={"timeout": 60_000})
    conversation.advance(5)
    assert held.answered


@pytest.mark.parametrize("advice", [5, "x", {"timeout": "0"}, {"timeout": -1}, {"timeout": True}])
def test_advice_that_makes_no_sense_is_not_followed(advice: object) -> None:
    conversation = talk(timeout_ms=5000)
    held = conversation.client().begin().hold(advice=advice)
    conversation.advance(4.9)
    assert held.held


def test_c11_c12_an_event_releases_the_hold_and_stands_before_the_reply() -> None:
    """C11, C12"""
    conversation = talk()
    client = conversation.client().begin("/chat/x")
    held = client.hold()
    conversation.client().begin().publish("/chat/x", {"n": 1})
    assert held.answered_s == conversation.now_s
    event, reply = held.messages
    assert event == {"channel": "/chat/x", "data": {"n": 1}}
    assert reply["channel"] == "/meta/connect"
    assert reply["successful"] is True


def test_c13_thirty_queued_events_come_at_once_and_in_order() -> None:
    conversation = talk()
    client = conversation.client().begin("/x")
    other = conversation.client().begin()
    for n in range(30):
        other.publish("/x", n)
    messages = client.poll()
    assert [message["data"] for message in messages[:-1]] == list(range(30))


def test_a_batch_of_publishes_goes_out_to_a_subscriber_in_one_answer() -> None:
    conversation = talk()
    held = conversation.client().begin("/x").hold()
    other = conversation.client().begin()
    other.ask(*(other.message("/x", data=n) for n in range(5)))
    assert [event["data"] for event in held.events] == [0, 1, 2, 3, 4]


def test_c14_c15_a_second_connect_ends_the_first_with_500_and_is_held() -> None:
    """C14, C15"""
    conversation = talk()
    client = conversation.client().begin("/x")
    older = client.hold()
    newer = client.hold()
    assert older.status == 500
    assert older.body == ""
    assert newer.held
    conversation.client().begin().publish("/x", 1)
    assert newer.events == [{"channel": "/x", "data": 1}]


def test_c15_the_status_can_be_that_of_older_servers() -> None:
    client = talk(duplicate_connect_status=408).client().begin()
    older = client.hold()
    client.hold()
    assert older.status == 408


def test_c16_a_connect_in_a_batch_is_not_held_and_replies_keep_the_order() -> None:
    client = talk().client().begin()
    messages = [
        client.message("/meta/connect", connectionType="long-polling"),
        client.message("/x", data=1),
        client.message("/meta/subscribe", subscription="/x"),
    ]
    replies = client.send(*messages).messages
    assert [reply["id"] for reply in replies] == [message["id"] for message in messages]


def test_c17_an_abandoned_hold_keeps_the_events_for_the_next_connect() -> None:
    conversation = talk()
    client = conversation.client().begin("/x")
    client.hold().leave()
    conversation.client().begin().publish("/x", "kept")
    event, reply = client.send(client.message("/meta/connect")).messages
    assert event["data"] == "kept"
    assert reply["successful"] is True


def test_c17_an_abandoned_hold_is_not_answered_when_its_time_has_come() -> None:
    conversation = talk(timeout_ms=5000)
    client = conversation.client().begin()
    client.hold().leave()
    conversation.advance(6)
    assert client.hold().held


def test_c18_an_ordinary_held_reply_carries_no_advice() -> None:
    conversation = talk(timeout_ms=1000)
    held = conversation.client().begin().hold()
    conversation.advance(1)
    assert "advice" not in held.message


def test_a_timeout_of_zero_holds_nothing() -> None:
    client = talk(timeout_ms=0).client().begin()
    assert client.connect()["successful"] is True


def test_a_session_that_changes_from_websocket_to_polling_is_told_the_advice_anew() -> None:
    conversation = talk()
    client = conversation.client("websocket").begin("/x")
    socket = client.socket
    assert socket is not None
    client.connection_type = "long-polling"
    held = client.hold()
    conversation.client().begin().publish("/x", 1)
    assert [event["data"] for event in held.events] == [1]
    assert held.messages[-1]["advice"]["reconnect"] == "retry"
    assert socket.events == []


def test_all_held_connects_of_subscribers_are_released_by_one_event() -> None:
    conversation = talk()
    for _ in range(500):
        conversation.client().begin("/x").hold()
    conversation.client().begin().publish("/x", 1)
    assert not conversation.held
