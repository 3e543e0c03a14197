"""The broker: a plain CometD server, with the services that foreign suites ask for."""

from __future__ import annotations

import pytest

from cometape.core.broker import Broker
from conversation import Conversation

TYPES = ("long-polling", "websocket", "callback-polling")


@pytest.mark.parametrize("publisher", TYPES)
@pytest.mark.parametrize("subscriber", TYPES)
def test_a_publish_reaches_subscribers_over_every_connection_type(
    publisher: str, subscriber: str
) -> None:
    talk = Conversation(Broker())
    client = talk.client(subscriber).begin("/chat/demo")
    if subscriber != "websocket":
        client.hold()
    talk.client(publisher).begin().publish("/chat/demo", {"text": "grüß dich"})
    assert client.events == [{"channel": "/chat/demo", "data": {"text": "grüß dich"}}]


@pytest.mark.parametrize("connection_type", TYPES)
def test_the_chat_of_cometds_demos(connection_type: str) -> None:
    talk = Conversation(Broker())
    one = talk.client(connection_type).begin("/chat/demo", "/members/demo")
    assert one.publish("/chat/demo", {"user": "u1", "chat": "hello"})["successful"] is True
    one.publish("/service/members", {"user": "u1", "room": "/chat/demo"})
    two = talk.client(connection_type).begin("/members/demo")
    two.publish("/service/members", {"user": "u2", "room": "/chat/demo"})
    two.disconnect()
    if connection_type != "websocket":
        one.poll()
    assert one.events == [
        {"channel": "/chat/demo", "data": {"user": "u1", "chat": "hello"}},
        {"channel": "/members/demo", "data": ["u1"]},
        {"channel": "/members/demo", "data": ["u1", "u2"]},
        {"channel": "/members/demo", "data": ["u1"]},
    ]


def test_members_who_vanish_are_members_no_more() -> None:
    talk = Conversation(Broker())
    one = talk.client("websocket").begin("/members/demo")
    two = talk.client().begin()
    two.publish("/service/members", {"user": "u2", "room": "/chat/demo"})
    assert one.socket is not None
    one.socket.send([one.message("/meta/connect")])
    talk.advance(12)
    assert [event["data"] for event in one.events] == [["u2"], []]


@pytest.mark.parametrize("data", [None, 5, {}, {"user": 1, "room": "/chat/x"}])
def test_a_membership_that_makes_no_sense_is_nobodys(data: object) -> None:
    client = Conversation(Broker()).client().begin("/members/**")
    assert client.publish("/service/members", data)["successful"] is True
    assert client.events == []


def test_nothing_is_found_elsewhere() -> None:
    talk = Conversation(Broker(path="/bayeux/"))
    assert talk.send("GET", "/cometd").status == 404
    assert talk.send("POST", "/bayeuxx").status == 404
    assert talk.post([{"channel": "/meta/handshake"}], path="/bayeux/handshake?x=1").status == 200
    with pytest.raises(AssertionError, match="404"):
        talk.open_socket("/cometd")
    assert talk.open_socket("/bayeux")


def test_two_runs_of_the_same_clients_get_the_same_bytes() -> None:
    def run() -> list[str]:
        talk = Conversation(Broker(seed="s"))
        one = talk.client().begin("/x")
        one.hold()
        talk.client("websocket").begin("/x").publish("/x", 1)
        talk.advance(60)
        return [repr(action) for action in talk.log]

    assert run() == run()
