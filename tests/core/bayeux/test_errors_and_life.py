"""Errors, the end of sessions, and clients that do odd things (C40 to C54, D03)."""

from __future__ import annotations

from typing import Any

import pytest

from cometape.core.bayeux.dialect import DIALECTS, narrowed, settled
from cometape.core.bayeux.settings import Settings
from cometape.core.broker import Broker
from cometape.core.errors import ConfigurationError
from conversation import Conversation


def talk(**settings: object) -> Conversation:
    return Conversation(Broker(Settings(**settings)))  # type: ignore[arg-type]


def broker(conversation: Conversation) -> Broker:
    assert isinstance(conversation.service, Broker)
    return conversation.service


def test_c40_a_connect_of_an_unknown_session_is_told_to_handshake() -> None:
    exchange = talk().post([{"channel": "/meta/connect", "id": "1", "clientId": "nobody"}])
    assert exchange.status == 200
    assert exchange.message == {
        "channel": "/meta/connect",
        "id": "1",
        "successful": False,
        "error": "402::Unknown client",
        "advice": {"reconnect": "handshake", "interval": 0},
    }


@pytest.mark.parametrize(
    "message",
    [
        {"channel": "/x", "data": 1},
        {"channel": "/service/echo", "data": 1},
        {"channel": "/meta/subscribe", "subscription": "/q"},
        {"channel": "/meta/unsubscribe", "subscription": ["/q"]},
        {"channel": "/meta/disconnect"},
    ],
)
@pytest.mark.parametrize("client_id", ["nobody", None, 5, {}])
def test_c41_anything_else_of_an_unknown_session_is_402_without_advice(
    message: dict[str, Any], client_id: Any
) -> None:
    named = message if client_id is None else message | {"clientId": client_id}
    exchange = talk().post([named])
    assert exchange.status == 200
    assert exchange.message["error"] == "402::Unknown client"
    assert "advice" not in exchange.message
    assert exchange.message.get("subscription") == message.get("subscription")


def test_c42_c43_disconnecting_releases_the_hold_at_once_with_reconnect_none() -> None:
    """C42, C43"""
    conversation = talk()
    client = conversation.client().begin()
    held = client.hold()
    assert client.disconnect() == {"channel": "/meta/disconnect", "id": "4", "successful": True}
    assert held.message["successful"] is True
    assert held.message["advice"] == {"reconnect": "none"}


def test_c44_after_a_disconnect_the_session_is_unknown() -> None:
    client = talk().client().begin()
    client.disconnect()
    reply = client.connect()
    assert reply["error"].startswith("402:")
    assert reply["advice"]["reconnect"] == "handshake"
    assert client.publish("/x", 1)["error"].startswith("402:")


def test_messages_after_a_disconnect_in_the_same_batch_are_refused() -> None:
    client = talk().client().begin()
    left, late = client.ask(client.message("/meta/disconnect"), client.message("/x", data=1))
    assert left["successful"] is True
    assert late["error"].startswith("402:")


def test_c45_silence_longer_than_max_interval_ends_a_session() -> None:
    conversation = talk(max_interval_ms=10_000, sweep_ms=0)
    client = conversation.client().begin("/x")
    conversation.advance(9.9)
    assert broker(conversation).bayeux.session(str(client.client_id)) is not None
    conversation.advance(0.1)
    assert client.connect()["error"] == "402::Unknown client"
    assert broker(conversation).bayeux.subscribers("/x") == []


def test_c45_a_handshake_that_nothing_follows_expires_too() -> None:
    conversation = talk(max_interval_ms=10_000)
    client = conversation.client()
    client.handshake()
    conversation.advance(11.1)
    assert client.connect()["successful"] is False


def test_c45_expired_sessions_are_found_by_the_next_sweep() -> None:
    conversation = talk(max_interval_ms=10_000, sweep_ms=997)
    client = conversation.client().begin()
    sweep = broker(conversation).deadline_s()
    assert sweep is not None
    assert 10 <= sweep - conversation.now_s < 10.997
    conversation.advance(sweep - conversation.now_s)
    assert broker(conversation).bayeux.session(str(client.client_id)) is None
    assert broker(conversation).deadline_s() is None


def test_c45_silence_after_a_held_connect_was_answered_ends_a_session() -> None:
    conversation = talk(timeout_ms=5000, max_interval_ms=10_000, sweep_ms=0)
    client = conversation.client().begin()
    client.hold()
    conversation.advance(14.9)
    assert broker(conversation).bayeux.session(str(client.client_id)) is not None
    conversation.advance(0.1)
    assert broker(conversation).bayeux.session(str(client.client_id)) is None


def test_c45_a_session_whose_socket_was_replaced_still_expires() -> None:
    conversation = talk(max_interval_ms=10_000, sweep_ms=0)
    client = conversation.client("websocket").begin()
    assert client.socket is not None
    client.socket.send([client.message("/meta/connect")])
    client.socket = conversation.open_socket()
    client.publish("/x", 1)
    conversation.advance(10)
    assert client.publish("/x", 1)["successful"] is False


def test_c46_a_held_connect_keeps_the_session_alive() -> None:
    conversation = talk(timeout_ms=30_000, max_interval_ms=1000, sweep_ms=0)
    held = conversation.client().begin().hold()
    conversation.advance(29.9)
    assert held.held
    conversation.advance(0.1)
    assert held.message["successful"] is True


def test_c46_other_traffic_keeps_the_session_alive() -> None:
    conversation = talk(max_interval_ms=2000, sweep_ms=0)
    client = conversation.client().begin()
    for _ in range(5):
        conversation.advance(1.5)
        assert client.publish("/x", 1)["successful"] is True
    conversation.advance(2)
    assert client.publish("/x", 1)["successful"] is False


def test_the_interval_a_client_wishes_for_prolongs_its_life() -> None:
    conversation = talk(max_interval_ms=1000, sweep_ms=0)
    client = conversation.client().begin()
    client.connect(advice={"timeout": 0, "interval": 5000})
    conversation.advance(5.9)
    assert client.publish("/x", 1)["successful"] is True
    conversation.advance(1)
    assert client.publish("/x", 1)["successful"] is False


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "5",
        "null",
        '"text"',
        "[5]",
        "[[]]",
        '[{"channel":"/x"},5]',
        "[NaN]",
        '[{"data":Infinity}]',
        '[{"data":1e999}]',
        pytest.param("[" * 100_000, id="deep"),
        b"\xff\xfe",
        b'[{"channel":"\xff"}]',
    ],
)
def test_c47_what_is_no_bayeux_is_an_http_error_and_the_server_lives(body: str | bytes) -> None:
    conversation = talk()
    assert conversation.post(body).status == 400
    assert conversation.client().handshake()["successful"] is True


def test_c47_an_unknown_charset_is_an_http_error() -> None:
    headers = [("Content-Type", "application/json;charset=no-such-thing")]
    assert talk().post([{"channel": "/meta/handshake"}], headers=headers).status == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_c48_a_plain_get_and_other_methods_are_400(method: str) -> None:
    exchange = talk().send(method, "/cometd")
    assert exchange.status == 400
    assert exchange.body == ""


def test_c49_cookies_are_not_needed() -> None:
    conversation = talk()
    client = conversation.client(keep_cookies=False).begin("/x")
    assert client.publish("/x", 1)["successful"] is True
    assert client.hold().held


def test_c50_two_sessions_of_one_cookie_are_both_usable() -> None:
    conversation = talk()
    one = conversation.client(keep_cookies=True).begin("/x")
    two = conversation.client(keep_cookies=True)
    two.cookies = one.cookies
    two.begin("/x")
    holds = [one.hold(), two.hold()]
    conversation.client().begin().publish("/x", 1)
    assert [hold.events[0]["data"] for hold in holds] == [1, 1]


def test_c51_options_is_answered() -> None:
    assert talk().send("OPTIONS", "/cometd/connect").status == 200


def test_c52_a_client_without_ids_is_answered_without_ids() -> None:
    conversation = talk()
    reply = conversation.post([{"channel": "/meta/handshake"}]).message
    messages: list[dict[str, Any]] = [
        {"channel": "/meta/connect"},
        {"channel": "/meta/subscribe", "subscription": "/x"},
        {"channel": "/y", "data": 1},
    ]
    client = {"clientId": reply["clientId"]}
    replies = [conversation.post([message | client]).message for message in messages]
    assert all(reply["successful"] for reply in replies)
    assert not any("id" in reply for reply in replies)


@pytest.mark.parametrize("message_id", [5, "5", "a-b", 1.5])
def test_an_id_is_echoed_in_the_type_it_came_in(message_id: Any) -> None:
    reply = talk().post([{"channel": "/meta/handshake", "id": message_id}]).message
    assert repr(reply["id"]) == repr(message_id)


def test_c53_a_foreign_client_id_in_a_batch_is_refused_alone() -> None:
    conversation = talk()
    client = conversation.client().begin()
    stranger = conversation.client().begin()
    replies = client.send(
        client.message("/x", data=1),
        client.message("/x", data=2) | {"clientId": stranger.client_id},
        client.message("/x", data=3),
    ).messages
    assert [reply["successful"] for reply in replies] == [True, False, True]
    assert replies[1]["error"] == "402::Unknown client"


def test_c54_subscribing_and_publishing_in_one_batch_brings_the_own_event_once() -> None:
    client = talk().client().begin()
    messages = client.send(
        client.message("/meta/subscribe", subscription="/x"), client.message("/x", data=1)
    ).messages
    assert [message.get("data") for message in messages] == [1, None, None]
    assert client.poll()[:-1] == []


def test_d03_a_forced_expiry_answers_the_hold_with_402_and_handshake() -> None:
    conversation = talk()
    client = conversation.client().begin("/x")
    held = client.hold()
    service = broker(conversation)
    actions = service.bayeux.expire(str(client.client_id), conversation.now_s)
    conversation.carry_out(service.endpoint.actions(actions))
    assert held.message["error"] == "402::Unknown client"
    assert held.message["advice"] == {"reconnect": "handshake", "interval": 0}
    assert held.message["successful"] is False
    client.begin("/x")
    conversation.client().begin().publish("/x", 1)
    assert [message["data"] for message in client.poll()[:-1]] == [1]


def test_a_session_that_never_fetches_its_events_is_ended_at_the_limit() -> None:
    conversation = talk(max_queue=3)
    client = conversation.client().begin("/x")
    other = conversation.client().begin()
    for n in range(4):
        assert other.publish("/x", n)["successful"] is True
    assert client.connect()["error"].startswith("402:")


@pytest.mark.parametrize(
    ("dialect", "error"),
    [
        ("cometd3", "402::Unknown client"),
        ("cometd4", "402::unknown_session"),
        ("cometd5", "402::session_unknown"),
        ("faye", "401:nobody:Unknown client"),
    ],
)
def test_errors_are_told_in_the_words_of_the_dialect(dialect: str, error: str) -> None:
    conversation = talk(dialect=dialect)
    exchange = conversation.post([{"channel": "/meta/connect", "clientId": "nobody"}])
    assert exchange.message["error"] == error
    assert settled(narrowed(frozenset(DIALECTS), error)) == dialect


@pytest.mark.parametrize(
    ("errors", "dialect"),
    [
        ([], None),
        (["403::in the words of an application"], None),
        (["403:denied_by_security_policy:subscribe_denied"], None),
        (["403:denied_by_security_policy:publish denied"], "cometd3"),
        (["403:denied_by_security_policy:publish_denied"], "cometd5"),
        (["403:denied_by_security_policy:publish_denied", "405::invalid_channel"], "cometd4"),
        (["403:/denied/x:Forbidden channel"], "faye"),
    ],
)
def test_a_dialect_is_known_by_any_of_its_errors(errors: list[str], dialect: str | None) -> None:
    candidates = frozenset(DIALECTS)
    for error in errors:
        candidates = narrowed(candidates, error)
    assert settled(candidates) == dialect


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_no_dialect_leaves_a_blank_in_an_error(dialect: str) -> None:
    conversation = talk(dialect=dialect)
    client = conversation.client().begin()
    errors = [
        client.subscribe("/denied/x")["error"],
        client.publish("/denied/x", 1)["error"],
        client.publish("/meta/x", 1)["error"],
        client.ask(client.message("x"))[0]["error"],
        client.ask(client.message("/meta/subscribe"))[0]["error"],
        client.subscribe("x")["error"],
        conversation.client().handshake(ext={"auth": {"deny": True}})["error"],
    ]
    for error in errors:
        assert "{" not in error
        assert error[:3].isdigit()
        assert error.count(":") >= 1


def test_ids_are_checked_by_newer_servers_only() -> None:
    message = {"channel": "/meta/connect", "id": "a-b", "clientId": "nobody"}
    assert talk(dialect="cometd3").post([message]).message["error"].startswith("402:")
    assert talk(dialect="cometd5").post([message]).message["error"] == "405::message_id_invalid"


def test_faye_names_the_client_in_its_replies() -> None:
    client = talk(dialect="faye").client()
    assert "minimumVersion" not in client.handshake()
    assert client.connect()["clientId"] == client.client_id
    assert client.publish("/x", 1)["clientId"] == client.client_id


@pytest.mark.parametrize(
    "settings", [{"dialect": "klingon"}, {"timeout_ms": -1}, {"connection_types": ()}]
)
def test_settings_that_cannot_work_are_refused_at_once(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Settings(**settings)
