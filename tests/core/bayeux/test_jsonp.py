"""JSONP, the callback-polling connection type (C80, C81), and forms (D14)."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest

from cometape.core.broker import Broker
from conversation import Conversation


@pytest.fixture
def talk() -> Conversation:
    return Conversation(Broker())


def test_c80_a_full_cycle(talk: Conversation) -> None:
    client = talk.client("callback-polling").begin("/x")
    held = client.hold()
    talk.client().begin().publish("/x", {"n": 1})
    assert held.status == 200
    assert held.header("Content-Type") == "text/javascript;charset=UTF-8"
    assert held.body.startswith("call_1([")
    assert held.body.endswith("])")
    event, reply = json.loads(held.body[len("call_1(") : -1])
    assert event == {"channel": "/x", "data": {"n": 1}}
    assert reply["successful"] is True
    assert client.unsubscribe("/x")["successful"] is True
    last = client.hold()
    assert client.disconnect()["successful"] is True
    assert '"reconnect":"none"' in last.body


def test_c80_an_own_event_wakes_the_connect_and_does_not_ride_on_the_publish_reply(
    talk: Conversation,
) -> None:
    client = talk.client("callback-polling").begin("/x")
    held = client.hold()
    published = client.send(client.message("/x", data=1))
    assert '"data"' not in published.body
    assert '"data":1' in held.body


def test_c80_a_batch_split_over_several_parameters_is_one_batch(talk: Conversation) -> None:
    client = talk.client("callback-polling").begin()
    messages = [client.message("/x", data=n) for n in range(2)]
    query = "&".join(f"message={quote(json.dumps([message]))}" for message in messages)
    exchange = talk.send("GET", f"/cometd?jsonp=a.b-c_1&{query}")
    assert exchange.body.startswith("a.b-c_1([")
    assert exchange.body.count('"successful":true') == 2


def test_c80_line_separators_are_escaped(talk: Conversation) -> None:
    message = json.dumps({"channel": "/x\u2028", "id": "1\u2029"})
    exchange = talk.send("GET", f"/cometd?{urlencode({'jsonp': 'f', 'message': message})}")
    assert "\u2028" not in exchange.body
    assert r"\u2029" in exchange.body


def test_c80_without_a_callback_the_specifications_name_is_called(talk: Conversation) -> None:
    message = json.dumps([{"channel": "/meta/handshake"}])
    exchange = talk.send("GET", f"/cometd?{urlencode({'message': message})}")
    assert exchange.body.startswith("jsonpcallback([")


@pytest.mark.parametrize("callback", ["alert(1)//", "", "a" * 65, "a;b", "é", "<script>"])
def test_c81_an_illegal_callback_is_400(talk: Conversation, callback: str) -> None:
    message = json.dumps([{"channel": "/meta/handshake"}])
    exchange = talk.send("GET", f"/cometd?{urlencode({'jsonp': callback, 'message': message})}")
    assert exchange.status == 400
    assert exchange.body == ""


@pytest.mark.parametrize("query", ["jsonp=f", "jsonp=f&message=", "jsonp=f&message=[]"])
def test_c81_a_callback_without_messages_is_400(talk: Conversation, query: str) -> None:
    assert talk.send("GET", f"/cometd?{query}").status == 400


def test_c15_a_superseded_connect_is_no_script(talk: Conversation) -> None:
    client = talk.client("callback-polling").begin()
    older = client.hold()
    client.hold()
    assert older.status == 500
    assert older.body == ""


def test_an_abandoned_script_is_forgotten(talk: Conversation) -> None:
    talk.client("callback-polling").begin().hold().leave()
    service = talk.service
    assert isinstance(service, Broker)
    assert not service.endpoint._callbacks


def test_d14_a_form_is_read_like_json(talk: Conversation) -> None:
    form = [("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")]
    message = json.dumps([{"channel": "/meta/handshake", "id": "ä"}])
    reply = talk.post(urlencode({"message": message}), headers=form).message
    assert reply["id"] == "ä"
    client = {"clientId": reply["clientId"]}
    two = [
        ("message", json.dumps([{"channel": "/meta/connect", "id": "2", **client}])),
        ("message", json.dumps({"channel": "/x", "id": "3", "data": 1, **client})),
    ]
    replies = talk.post(urlencode(two), headers=form).messages
    assert [reply["id"] for reply in replies] == ["2", "3"]
    assert talk.post("other=1", headers=form).status == 400
