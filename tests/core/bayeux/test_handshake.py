"""Handshakes (C01 to C06, D15)."""

from __future__ import annotations

import pytest

from cometape.core.bayeux.settings import Settings
from cometape.core.broker import Broker
from conversation import Conversation


def talk(**settings: object) -> Conversation:
    return Conversation(Broker(Settings(**settings)))  # type: ignore[arg-type]


def test_c01_the_reply_has_all_that_clients_look_for() -> None:
    exchange = talk().post(
        [
            {
                "channel": "/meta/handshake",
                "id": "7",
                "version": "1.0",
                "minimumVersion": "1.0",
                "supportedConnectionTypes": ["long-polling"],
            }
        ]
    )
    assert exchange.status == 200
    assert exchange.header("Content-Type") == "application/json;charset=UTF-8"
    reply = exchange.message
    assert reply["channel"] == "/meta/handshake"
    assert reply["successful"] is True
    assert reply["id"] == "7"
    assert reply["version"] == "1.0"
    assert "long-polling" in reply["supportedConnectionTypes"]
    assert len(reply["clientId"]) >= 25
    assert reply["clientId"].isalnum()


def test_c02_the_advice_is_what_the_server_does() -> None:
    reply = talk(timeout_ms=5000, interval_ms=20).client().handshake()
    assert reply["advice"] == {"reconnect": "retry", "interval": 20, "timeout": 5000}


def test_c03_a_browser_cookie_is_set_once() -> None:
    conversation = talk()
    message = {"channel": "/meta/handshake"}
    cookie = conversation.post([message]).header("Set-Cookie")
    assert cookie is not None
    name_and_value, *attributes = cookie.split("; ")
    assert name_and_value.startswith("BAYEUX_BROWSER=")
    assert attributes == ["Path=/", "HttpOnly"]
    again = conversation.post([message], headers=[("Cookie", f"other=1; {name_and_value}")])
    assert again.header("Set-Cookie") is None


def test_c04_client_ids_differ_and_no_id_in_means_no_id_out() -> None:
    conversation = talk()
    replies = [conversation.post([{"channel": "/meta/handshake"}]).message for _ in range(20)]
    assert len({reply["clientId"] for reply in replies}) == 20
    assert not any("id" in reply for reply in replies)


@pytest.mark.parametrize("first", [True, False])
def test_c05_a_handshake_among_other_messages_is_an_http_error(first: bool) -> None:
    conversation = talk()
    messages = [{"channel": "/meta/handshake"}, {"channel": "/x", "data": 1}]
    exchange = conversation.post(messages if first else messages[::-1])
    assert exchange.status == 500
    assert exchange.body == ""


@pytest.mark.parametrize("suffix", ["", "/", "/handshake", "/connect", "/disconnect"])
def test_c06_what_clients_append_to_the_url_means_nothing(suffix: str) -> None:
    conversation = talk()
    path = f"/cometd{suffix}"
    reply = conversation.post([{"channel": "/meta/handshake"}], path=path).message
    client_id = reply["clientId"]
    connect = {"channel": "/meta/connect", "clientId": client_id, "id": "1"}
    assert conversation.post([connect], path=path).message["successful"] is True
    leave = {"channel": "/meta/disconnect", "clientId": client_id}
    assert conversation.post([leave], path=path).message["successful"] is True


def test_d15_a_refused_handshake_tells_the_client_to_stop() -> None:
    conversation = talk()
    exchange = conversation.post(
        [{"channel": "/meta/handshake", "id": "1", "ext": {"auth": {"deny": True}}}]
    )
    assert exchange.status == 200
    assert exchange.header("Set-Cookie") is None
    assert exchange.message == {
        "channel": "/meta/handshake",
        "id": "1",
        "successful": False,
        "error": "403::Handshake denied",
        "advice": {"reconnect": "none"},
    }


def test_d15_over_a_websocket_as_well() -> None:
    socket = talk().open_socket()
    (reply,) = socket.send([{"channel": "/meta/handshake", "ext": {"auth": {"deny": True}}}])
    assert reply["successful"] is False
    assert reply["advice"] == {"reconnect": "none"}


def test_a_handshake_over_a_websocket_sets_no_cookie_but_makes_a_session() -> None:
    reply = talk().client("websocket").handshake()
    assert reply["successful"] is True
    assert reply["minimumVersion"] == "1.0"


def test_the_same_seed_issues_the_same_ids() -> None:
    def ids(seed: int) -> list[str]:
        conversation = Conversation(Broker(seed=seed))
        return [str(conversation.client().handshake()["clientId"]) for _ in range(3)]

    assert ids(1) == ids(1)
    assert not set(ids(1)) & set(ids(2))
