"""Bayeux over WebSocket: the connect is a heartbeat, events are pushed (C60 to C72)."""

from __future__ import annotations

import pytest

from cometape.core.bayeux.settings import Settings
from cometape.core.broker import Broker
from conversation import Client, Conversation, Socket


def talk(**settings: object) -> Conversation:
    return Conversation(Broker(Settings(**settings)))  # type: ignore[arg-type]


def socket_of(client: Client) -> Socket:
    assert client.socket is not None
    return client.socket


def beat(client: Client) -> str:
    """Send a connect that must be held; its id."""
    message = client.message("/meta/connect", connectionType="websocket")
    assert socket_of(client).send([message]) == []
    return str(message["id"])


def test_c60_the_second_connect_is_held_and_frames_hold_arrays() -> None:
    client = talk().client("websocket").begin()
    beat(client)
    assert [len(frame) for frame in socket_of(client).frames] == [1, 1]


def test_c61_an_event_is_pushed_without_ending_the_hold() -> None:
    conversation = talk(timeout_ms=5000)
    client = conversation.client("websocket").begin("/x")
    connect = beat(client)
    conversation.client().begin().publish("/x", 1)
    assert socket_of(client).read() == [{"channel": "/x", "data": 1}]
    conversation.advance(5)
    assert [message["id"] for message in socket_of(client).read()] == [connect]


def test_c62_a_held_connect_is_answered_when_its_time_has_come() -> None:
    conversation = talk(timeout_ms=5000)
    client = conversation.client("websocket").begin()
    connect = beat(client)
    conversation.advance(4.9)
    assert socket_of(client).read() == []
    conversation.advance(0.1)
    assert socket_of(client).read() == [
        {"channel": "/meta/connect", "id": connect, "successful": True}
    ]


def test_c63_events_are_pushed_with_no_connect_outstanding() -> None:
    conversation = talk()
    client = conversation.client("websocket").begin("/x")
    conversation.client().begin().publish("/x", 1)
    assert socket_of(client).read() == [{"channel": "/x", "data": 1}]


def test_c64_the_newest_connect_wins_and_the_older_is_never_answered() -> None:
    conversation = talk(timeout_ms=5000)
    client = conversation.client("websocket").begin()
    beat(client)
    conversation.advance(1)
    newest = beat(client)
    conversation.advance(20)
    assert [message["id"] for message in socket_of(client).read()] == [newest]


def test_c65_a_disconnect_answers_the_held_connect_first() -> None:
    client = talk().client("websocket").begin()
    connect = beat(client)
    leave = client.message("/meta/disconnect")
    assert socket_of(client).send([leave]) == [
        {
            "channel": "/meta/connect",
            "id": connect,
            "successful": True,
            "advice": {"reconnect": "none"},
        },
        {"channel": "/meta/disconnect", "id": leave["id"], "successful": True},
    ]
    assert not socket_of(client).closed


def test_c66_c67_a_session_made_by_post_goes_on_over_a_websocket() -> None:
    """C66, C67: aiocometd, Faye and cometd.js with a fallback do that."""
    conversation = talk()
    client = conversation.client()
    client.handshake()
    client.connection_type = "websocket"
    reply = client.connect()
    assert reply["successful"] is True
    assert reply["advice"]["reconnect"] == "retry"  # new to this connection type
    client.subscribe("/x")
    beat(client)
    conversation.client().begin().publish("/x", 1)
    assert socket_of(client).events == [{"channel": "/x", "data": 1}]


def test_a_websocket_takes_over_from_a_connect_held_over_http() -> None:
    conversation = talk()
    client = conversation.client().begin("/x")
    held = client.hold()
    client.connection_type = "websocket"
    client.socket = conversation.open_socket()
    client.socket.send([client.message("/meta/connect", connectionType="websocket")])
    assert held.status == 500
    conversation.client().begin().publish("/x", 1)
    assert socket_of(client).events == [{"channel": "/x", "data": 1}]


def test_c68_a_dropped_socket_keeps_session_subscriptions_and_events() -> None:
    conversation = talk()
    client = conversation.client("websocket").begin("/x")
    beat(client)
    socket_of(client).close()
    conversation.client().begin().publish("/x", "meanwhile")
    client.socket = None
    assert client.connect()["successful"] is True
    assert [event["data"] for event in socket_of(client).events] == ["meanwhile"]
    conversation.client().begin().publish("/x", "after")
    assert [event["data"] for event in socket_of(client).events] == ["meanwhile", "after"]


def test_c68_a_new_socket_takes_over_while_the_old_one_still_lives() -> None:
    conversation = talk(timeout_ms=5000)
    client = conversation.client("websocket").begin("/x")
    old = socket_of(client)
    beat(client)
    client.socket = conversation.open_socket()
    client.subscribe("/y")
    conversation.client().begin().publish("/x", 1)
    assert old.events == []
    assert [event["data"] for event in socket_of(client).events] == [1]
    old.close()
    conversation.advance(6)
    assert "/meta/connect" not in {message["channel"] for message in socket_of(client).messages}
    beat(client)
    conversation.advance(5)
    assert socket_of(client).messages[-1]["channel"] == "/meta/connect"


def test_c68_without_a_socket_the_session_expires_in_the_end() -> None:
    conversation = talk(max_interval_ms=10_000, sweep_ms=0)
    client = conversation.client("websocket").begin()
    beat(client)
    conversation.advance(15)
    socket_of(client).close()
    conversation.advance(9)
    service = conversation.service
    assert isinstance(service, Broker)
    assert service.bayeux.session(str(client.client_id)) is not None
    conversation.advance(1)
    assert service.bayeux.session(str(client.client_id)) is None


def test_c69_an_unknown_client_id_is_402_and_the_socket_stays_open() -> None:
    socket = talk().open_socket()
    (reply,) = socket.send([{"channel": "/meta/connect", "clientId": "nobody", "id": "1"}])
    assert reply["error"] == "402::Unknown client"
    assert reply["advice"]["reconnect"] == "handshake"
    assert not socket.closed


def test_c70_a_hundred_events_come_in_order() -> None:
    conversation = talk()
    client = conversation.client("websocket").begin("/x")
    beat(client)
    other = conversation.client("websocket").begin()
    for n in range(100):
        other.publish("/x", n)
    assert [event["data"] for event in socket_of(client).events] == list(range(100))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "",
        "[]",
        "5",
        "[5]",
        '[{"channel":"/meta/handshake"},{"channel":"/x","data":1}]',
    ],
)
def test_c71_a_frame_that_is_no_bayeux_closes_the_socket_with_1011(text: str) -> None:
    conversation = talk()
    socket = conversation.open_socket()
    socket.send(text)
    assert socket.close_code == 1011
    assert conversation.client("websocket").handshake()["successful"] is True


def test_c71_the_session_of_a_closed_socket_goes_on_elsewhere() -> None:
    conversation = talk()
    client = conversation.client("websocket").begin("/x")
    socket_of(client).send("{")
    client.socket = None
    conversation.client().begin().publish("/x", 1)
    client.connect()
    assert [event["data"] for event in socket_of(client).events] == [1]


def test_c72_several_sessions_share_a_socket() -> None:
    conversation = talk()
    one = conversation.client("websocket").begin("/x")
    two = conversation.client("websocket")
    two.socket = one.socket
    two.begin("/x", "/y")
    assert one.client_id != two.client_id
    conversation.client().begin().publish("/x", 1)
    assert len(socket_of(one).events) == 2
    beat(one)
    beat(two)
    assert one.disconnect()["successful"] is True
    conversation.client().begin().publish("/y", 2)
    assert socket_of(two).events[-1] == {"channel": "/y", "data": 2}


def test_own_events_have_a_frame_before_the_replies() -> None:
    client = talk().client("websocket").begin("/x")
    before = len(socket_of(client).frames)
    messages = [client.message("/x", data=n) for n in range(3)]
    socket_of(client).send(messages)
    events, replies = socket_of(client).frames[before:]
    assert [event["data"] for event in events] == [0, 1, 2]
    assert [reply["id"] for reply in replies] == [message["id"] for message in messages]


def test_a_connect_in_a_batch_is_held_without_holding_the_other_replies() -> None:
    """D06: the subscribe reply must not come later than events of that subscription."""
    conversation = talk(timeout_ms=5000)
    client = conversation.client("websocket").begin()
    connect = client.message("/meta/connect", connectionType="websocket")
    subscribe = client.message("/meta/subscribe", subscription="/x")
    assert [reply["id"] for reply in socket_of(client).send([connect, subscribe])] == [
        subscribe["id"]
    ]
    conversation.advance(5)
    assert [reply["id"] for reply in socket_of(client).read()] == [connect["id"]]


def test_events_travel_with_connects_alone_where_that_is_set() -> None:
    conversation = talk(delivery_only=True)
    client = conversation.client("websocket").begin("/x")
    conversation.client().begin().publish("/x", 1)
    assert socket_of(client).events == []
    connect = client.message("/meta/connect", connectionType="websocket")
    event, reply = socket_of(client).send([connect])
    assert event["data"] == 1
    assert reply["id"] == connect["id"]
    beat(client)
    conversation.client().begin().publish("/x", 2)
    event, reply = socket_of(client).read()
    assert event["data"] == 2
    assert reply["channel"] == "/meta/connect"


def test_no_websocket_where_none_is_offered() -> None:
    conversation = talk(connection_types=("long-polling",))
    with pytest.raises(AssertionError, match="not accepted"):
        conversation.open_socket()
    assert conversation.client().handshake()["supportedConnectionTypes"] == ["long-polling"]


@pytest.mark.parametrize("path", ["/cometd", "/cometd/", "/cometd/connect"])
def test_websockets_are_accepted_at_every_url(path: str) -> None:
    socket = talk().open_socket(path)
    assert socket.send([{"channel": "/meta/handshake"}])[0]["successful"] is True
