"""Publishing and subscribing (C20 to C39)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cometape.core.broker import Broker
from conversation import Client, Conversation


@pytest.fixture
def talk() -> Conversation:
    return Conversation(Broker())


@pytest.fixture
def client(talk: Conversation) -> Client:
    return talk.client().begin()


@pytest.fixture
def other(talk: Conversation) -> Client:
    return talk.client().begin()


def data_of(messages: list[dict[str, Any]]) -> list[Any]:
    return [message["data"] for message in messages if "data" in message]


def test_c20_a_subscribe_reply_echoes_id_and_subscription(client: Client) -> None:
    reply = client.subscribe("/chat/x")
    assert reply == {
        "channel": "/meta/subscribe",
        "id": "3",
        "subscription": "/chat/x",
        "successful": True,
    }


def test_c21_an_array_of_subscriptions_is_echoed_as_an_array(client: Client, other: Client) -> None:
    assert client.subscribe(["/a", "/b"])["subscription"] == ["/a", "/b"]
    other.publish("/a", 1)
    other.publish("/b", 2)
    assert data_of(client.poll()) == [1, 2]
    assert client.unsubscribe(["/a", "/b"])["subscription"] == ["/a", "/b"]
    other.publish("/a", 3)
    assert data_of(client.poll()) == []


def test_c21_what_comes_before_a_refused_one_stays_subscribed(
    client: Client, other: Client
) -> None:
    reply = client.subscribe(["/a", "/denied/x", "/b"])
    assert reply["successful"] is False
    assert reply["error"] == "403:denied_by_security_policy:subscribe_denied"
    assert reply["subscription"] == ["/a", "/denied/x", "/b"]
    other.publish("/a", 1)
    other.publish("/b", 2)
    assert data_of(client.poll()) == [1]


def test_c22_a_publish_reply_has_no_data_and_an_event_no_client_id(
    client: Client, other: Client
) -> None:
    client.subscribe("/x")
    assert set(other.publish("/x", {"n": 1})) == {"channel", "id", "successful"}
    event = client.poll()[0]
    assert event == {"channel": "/x", "data": {"n": 1}}


def test_c23_an_event_carries_no_id_of_its_publisher(client: Client, other: Client) -> None:
    client.subscribe("/x")
    other.publish("/x", 1)
    assert "id" not in client.poll()[0]


def test_c24_ext_and_custom_fields_are_forwarded(client: Client, other: Client) -> None:
    client.subscribe("/x")
    other.publish("/x", 1, ext={"k": 1}, foo="bar")
    assert client.poll()[0] == {"channel": "/x", "data": 1, "ext": {"k": 1}, "foo": "bar"}


def test_a_publish_without_data_is_delivered_without_data(client: Client, other: Client) -> None:
    client.subscribe("/x")
    (reply,) = other.ask(other.message("/x"))
    assert reply["successful"] is True
    assert client.poll()[0] == {"channel": "/x"}


def test_c25_c26_the_publishers_own_event_stands_before_its_reply_and_its_hold_goes_on(
    client: Client,
) -> None:
    """C25, C26"""
    client.subscribe("/x")
    held = client.hold()
    event, reply = client.send(client.message("/x", data=1)).messages
    assert event == {"channel": "/x", "data": 1}
    assert reply["successful"] is True
    assert held.held


def test_c27_one_star_is_one_level_and_two_are_any(client: Client, other: Client) -> None:
    client.subscribe("/one/*")
    client.subscribe("/any/**")
    for channel in ["/one", "/one/a", "/one/a/b", "/any", "/any/a", "/any/a/b"]:
        other.publish(channel, channel)
    assert data_of(client.poll()) == ["/one/a", "/any/a", "/any/a/b"]


def test_c28_overlapping_subscriptions_give_one_copy(client: Client, other: Client) -> None:
    client.subscribe(["/a/b", "/a/*", "/a/**", "/**"])
    other.publish("/a/b", 1)
    assert data_of(client.poll()) == [1]


def test_c29_subscribing_twice_gives_one_copy(client: Client, other: Client) -> None:
    client.subscribe("/a")
    assert client.subscribe("/a")["successful"] is True
    other.publish("/a", 1)
    assert data_of(client.poll()) == [1]


def test_c30_unsubscribing_works_and_is_echoed(client: Client, other: Client) -> None:
    client.subscribe("/a")
    reply = client.unsubscribe("/a")
    assert reply["subscription"] == "/a"
    assert reply["successful"] is True
    other.publish("/a", 1)
    assert data_of(client.poll()) == []


def test_c30_unsubscribing_from_what_nobody_knows_succeeds(client: Client) -> None:
    assert client.unsubscribe("/never/heard/of")["successful"] is True


@pytest.mark.parametrize("fields", [{}, {"subscription": []}, {"subscription": ""}])
def test_c31_subscribing_to_nothing_is_an_error(client: Client, fields: dict[str, Any]) -> None:
    exchange = client.send(client.message("/meta/subscribe", **fields))
    assert exchange.status == 200
    assert exchange.message["successful"] is False
    assert exchange.message["error"] == "403::subscription_missing"


@pytest.mark.parametrize("name", ["x", 5, ["/a", None], {"a": 1}, "/é"])
def test_c31_subscribing_to_what_is_no_channel_is_an_error(client: Client, name: Any) -> None:
    reply = client.subscribe(name)
    assert reply["error"] == "403::subscription_invalid"
    assert reply["subscription"] == name


def test_subscribing_to_a_meta_channel_is_refused(client: Client) -> None:
    assert client.subscribe("/meta/connect")["error"].startswith("403:")


def test_c32_a_message_without_a_channel_fails_alone(client: Client) -> None:
    broken = {"id": "b", "data": 1}
    sound = client.message("/x", data=1)
    for messages in ([broken, sound], [sound, broken]):
        replies = client.send(*messages).messages
        assert {reply["id"]: reply["successful"] for reply in replies} == {
            "b": False,
            sound["id"]: True,
        }
    failed = next(reply for reply in replies if reply["id"] == "b")
    assert failed == {"id": "b", "successful": False, "error": "400::channel missing"}


def test_c32_without_a_session_either_the_session_is_what_is_missed(client: Client) -> None:
    """As cometd-nodejs-server has it: nothing says whose message it is, nor what."""
    (reply,) = client.talk.post([{}]).messages
    assert reply == {"successful": False, "error": "402::Unknown client"}


@pytest.mark.parametrize("channel", ["x", "/", "", 5, "/ü", "/a%b"])
def test_c32_a_bad_channel_fails_alone(client: Client, channel: Any) -> None:
    bad = client.message(channel) if isinstance(channel, str) else {"channel": channel, "id": "9"}
    bad_reply, reply = client.send(bad, client.message("/x", data=1)).messages
    assert bad_reply["error"].startswith("405:")
    assert reply["successful"] is True


@pytest.mark.parametrize("channel", ["/a b", "/foo/", "/foo/*", "/a/~(!)$@", "/a+b.c{d}#"])
def test_channel_names_are_as_loose_as_cometds(client: Client, other: Client, channel: str) -> None:
    client.subscribe(channel)
    assert other.publish(channel, 1)["successful"] is True
    assert data_of(client.poll()) == [1]


def test_c33_publishing_to_an_unknown_meta_channel_is_refused(client: Client) -> None:
    reply = client.publish("/meta/unknown", 1)
    assert reply["error"] == "403:denied_by_security_policy:create denied"


def test_c34_service_channels_are_acknowledged_and_never_broadcast(
    client: Client, other: Client
) -> None:
    assert client.subscribe("/service/x")["successful"] is True
    client.subscribe("/**")
    assert other.publish("/service/x", 1)["successful"] is True
    assert data_of(client.poll()) == []


def test_c35_a_service_echo_reaches_its_sender(client: Client) -> None:
    client.subscribe("/service/echo")
    event, reply = client.send(client.message("/service/echo", data={"q": 1})).messages
    assert event == {"channel": "/service/echo", "data": {"q": 1}}
    assert "data" not in reply
    assert reply["successful"] is True


def test_d01_a_remote_calls_answer_has_the_id_of_the_request(client: Client) -> None:
    """D01: cometd.js does not subscribe, knows the answer by its id and looks at `successful`."""
    call = client.message("/service/echo", data={"q": 1})
    event, reply = client.send(call).messages
    assert event == {
        "channel": "/service/echo",
        "data": {"q": 1},
        "id": call["id"],
        "successful": True,
    }
    assert reply == {"channel": "/service/echo", "id": call["id"], "successful": True}


def test_c36_twenty_five_publishes_are_replied_to_in_order(client: Client) -> None:
    messages = [client.message("/x", data=n) for n in range(25)]
    replies = client.send(*messages).messages
    assert [reply["id"] for reply in replies] == [message["id"] for message in messages]


@pytest.mark.parametrize(
    "data",
    [
        None,
        True,
        0,
        -0.0,
        1.5e300,
        2**53 + 1,
        "",
        "\u2028 \u2029 \x00 \x7f",
        "\U0001f3a7 äöü 漢字",
        "\ud83d",
        [],
        {},
        [[[[[[[["deep"]]]]]]]],
        {"a": {"b": [1, {"c": None}]}, "": "empty name"},
    ],
)
def test_c37_json_is_delivered_as_it_was_sent(client: Client, other: Client, data: Any) -> None:
    client.subscribe("/x")
    other.publish("/x", data)
    assert repr(client.poll()[0]["data"]) == repr(data)


def test_c37_no_escapes_are_needed_for_text(client: Client, other: Client) -> None:
    client.subscribe("/x")
    other.publish("/x", "\U0001f3a7 ä")
    assert "\U0001f3a7 ä" in client.send(client.message("/meta/connect")).body


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
        "text/plain",
        "text/json;charset=iso-8859-1",
        None,
    ],
)
def test_c38_any_content_type_will_do(talk: Conversation, content_type: str | None) -> None:
    headers = [] if content_type is None else [("Content-Type", content_type)]
    latin = content_type is not None and "8859" in content_type
    text = '[{"channel":"/meta/handshake","id":"ä"}]'
    exchange = talk.post(text.encode("latin-1" if latin else "utf-8"), headers=headers)
    assert exchange.message["id"] == "ä"


def test_c39_a_bare_object_is_accepted_and_answered_with_an_array(talk: Conversation) -> None:
    exchange = talk.post({"channel": "/meta/handshake", "id": "1"}, headers=())
    assert json.loads(exchange.body)[0]["successful"] is True


def test_refusals_for_channels_below_denied(client: Client) -> None:
    assert client.publish("/denied/x", 1) == {
        "channel": "/denied/x",
        "id": "3",
        "successful": False,
        "error": "403:denied_by_security_policy:publish denied",
    }
    assert client.subscribe("/denied/x")["error"].startswith("403:")
