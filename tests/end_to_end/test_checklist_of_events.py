"""The conformance checklist over real sockets: publish, subscribe, events over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from wire_client import Message, WireClient
from wire_target import TIMEOUT_S, Target


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    """A channel of the test's own."""
    name = "".join(c for c in request.node.name if c.isalnum())
    return f"/room/{name}"


def begin(broker: Target, *channels: str) -> WireClient:
    return broker.client().begin(*channels)


def data_of(messages: list[Message]) -> list[Any]:
    return [message["data"] for message in messages if "data" in message]


def test_c11_c12_an_event_ends_the_hold_and_comes_before_the_reply(
    broker: Target, room: str
) -> None:
    reader = begin(broker, room)
    held = reader.hold()
    begin(broker).publish(room, {"n": 1})
    event, reply = held.messages
    assert held.took_s < TIMEOUT_S
    assert event == {"channel": room, "data": {"n": 1}}
    assert reply["channel"] == "/meta/connect"


def test_c13_thirty_queued_events_come_at_once_and_in_order(broker: Target, room: str) -> None:
    reader, writer = begin(broker, room), begin(broker)
    for n in range(30):
        writer.publish(room, n)
    poll = reader.connect()
    assert data_of(poll.messages) == list(range(30))
    assert poll.took_s < TIMEOUT_S / 2


def test_c20_c21_subscribe_replies_echo_id_and_subscription(target: Target) -> None:
    client = begin(target)
    for wanted in ("/x", ["/y", "/z"]):
        reply = client.subscribe(wanted)
        assert reply.keys() == {"channel", "id", "subscription", "successful"}
        assert reply["subscription"] == wanted


def test_c22_c23_c24_what_the_two_sides_of_a_publish_get(broker: Target, room: str) -> None:
    reader, writer = begin(broker, room), begin(broker)
    reply = writer.publish(room, {"n": 1}, ext={"k": 1}, foo="bar")
    assert reply.keys() == {"channel", "id", "successful"}
    event = reader.poll()[0]
    assert event == {"channel": room, "data": {"n": 1}, "ext": {"k": 1}, "foo": "bar"}


def test_c25_c26_ones_own_message_rides_on_the_publish_answer(broker: Target, room: str) -> None:
    client = begin(broker, room)
    held = client.hold()
    event, reply = client.send(client.message(room, data="mine")).messages
    assert event["data"] == "mine"
    assert "data" not in reply
    assert not held.answered(within_s=0.05), "the held connect is not touched"
    held.leave()


def test_c27_one_level_or_any_but_not_the_parent(broker: Target, room: str) -> None:
    one, deep, writer = begin(broker, f"{room}/*"), begin(broker, f"{room}/**"), begin(broker)
    for channel in (room, f"{room}/a", f"{room}/a/b"):
        writer.publish(channel, channel)
    assert data_of(one.poll()) == [f"{room}/a"]
    assert data_of(deep.poll()) == [f"{room}/a", f"{room}/a/b"]


def test_c28_c29_one_copy_however_many_subscriptions(broker: Target, room: str) -> None:
    reader = begin(broker, f"{room}/a", f"{room}/a", f"{room}/*", f"{room}/**")
    begin(broker).publish(f"{room}/a", 1)
    assert data_of(reader.poll()) == [1]


def test_c30_an_ended_subscription_brings_nothing(broker: Target, room: str) -> None:
    reader = begin(broker, room)
    reply = reader.unsubscribe(room)
    assert (reply["successful"], reply["subscription"]) == (True, room)
    begin(broker).publish(room, 1)
    assert data_of(reader.poll()) == []


def test_c31_a_subscription_to_nothing_is_refused_with_status_200(target: Target) -> None:
    reply = begin(target).ask("/meta/subscribe")
    assert (reply["successful"], reply["error"]) == (False, "403::subscription_missing")


def test_c32_a_message_without_channel_fails_alone(target: Target) -> None:
    client = begin(target)
    broken = {"id": "b", "clientId": client.client_id}
    sound = client.message("/meta/subscribe", subscription="/x")
    first, second = client.send(broken, sound).messages
    assert first == {"id": "b", "successful": False, "error": "400::channel_missing"}
    assert second["successful"] is True


def test_c33_an_unknown_meta_channel_is_refused(target: Target) -> None:
    reply = begin(target).publish("/meta/nothing", 1)
    assert reply["successful"] is False
    assert reply["error"].startswith("403:")


def test_c34_c35_service_channels_are_not_broadcast(broker: Target) -> None:
    reader, writer = begin(broker, "/service/echo", "/service/x"), begin(broker, "/service/echo")
    assert writer.publish("/service/x", 1)["successful"] is True
    echo, reply = writer.send(writer.message("/service/echo", data={"q": 1})).messages
    assert (echo["channel"], echo["data"]) == ("/service/echo", {"q": 1})
    assert reply["successful"] is True
    assert data_of(reader.poll()) == []


def test_c36_25_publishes_have_25_replies_in_their_order(broker: Target, room: str) -> None:
    client = begin(broker)
    messages = [client.message(room, data=n) for n in range(25)]
    replies = client.send(*messages).messages
    assert [reply["id"] for reply in replies] == [message["id"] for message in messages]


def test_c37_json_comes_through_as_it_is(broker: Target, room: str) -> None:
    values: list[Any] = [
        *(None, True, 0, -1.5, 1e300, 12345678901234567890, ""),
        "grüß \u2028\u2029 \U0001f3a7 \x00 </script>",
        [[], {}, [{"a": [None, {"b": "c"}]}]],
    ]
    reader, writer = begin(broker, room), begin(broker)
    for value in values:
        writer.publish(room, value)
    assert data_of(reader.poll()) == values


def test_c54_a_subscription_and_a_publish_in_one_batch(broker: Target, room: str) -> None:
    client = begin(broker)
    messages = [
        client.message("/meta/subscribe", subscription=room),
        client.message(room, data="mine"),
    ]
    found = client.send(*messages).messages + client.poll()
    assert data_of(found) == ["mine"]


def test_c80_a_whole_session_over_jsonp(broker: Target, room: str) -> None:
    reader = broker.client("callback-polling").begin(room)
    held = reader.hold()
    begin(broker).publish(room, "\u2028</script>")
    assert data_of(held.messages) == ["\u2028</script>"]
    assert held.header("Content-Type") == "text/javascript;charset=UTF-8"
    assert b"\xe2\x80\xa8" not in held.body, "no line end within a script's string"
    assert reader.disconnect()["successful"] is True


@pytest.mark.parametrize("callback", ["alert(1)", "a b", "%3Cscript%3E", "x" * 200])
def test_c81_a_callback_that_is_none_is_refused(target: Target, callback: str) -> None:
    query = f"jsonp={callback.replace(' ', '%20')}&message=%5B%5D"
    assert target.client().request("GET", f"{target.path}?{query}").status == 400


def test_c90_the_ack_extension_counts_up(target: Target) -> None:
    client = target.client()
    assert client.handshake(ext={"ack": True})["ext"]["ack"] is True
    numbers = [client.poll(ext={"ack": n})[-1]["ext"]["ack"] for n in (0, 1, 2)]
    assert numbers == sorted(set(numbers))


def test_c91_c92_what_was_not_acknowledged_is_sent_again(broker: Target, room: str) -> None:
    reader = broker.client()
    reader.handshake(ext={"ack": True})
    first = reader.poll(ext={"ack": 0})[-1]["ext"]["ack"]
    reader.subscribe(room)
    own = reader.send(reader.message(room, data="m1")).messages
    assert data_of(own) == [], "events travel on connect replies alone"
    assert data_of(reader.poll(ext={"ack": first})) == ["m1"]
    begin(broker).publish(room, "m2")
    again = reader.poll(ext={"ack": first})
    assert data_of(again) == ["m1", "m2"], "its answer was lost"
    assert data_of(reader.poll(ext={"ack": again[-1]["ext"]["ack"]})) == []


def test_c92_also_over_a_websocket(broker: Target, room: str) -> None:
    reader = broker.client()
    reader.handshake(ext={"ack": True})
    reader.poll(ext={"ack": 0})
    reader.subscribe(room)
    with reader.over_websocket() as socket:
        connect = reader.message("/meta/connect", connectionType="websocket", ext={"ack": 1})
        socket.send([connect | {"advice": {"timeout": 0}}])
        batch = socket.until(connect["id"])[-1]["ext"]["ack"]
        held = reader.message("/meta/connect", connectionType="websocket", ext={"ack": batch})
        socket.send([held])
        assert socket.quiet(for_s=0.05)
        begin(broker).publish(room, "m")
        event, reply = socket.until(held["id"])
    assert event["data"] == "m"
    assert reply["ext"]["ack"] > batch
