"""CORS from a browser's origin, with credentials (D13)."""

from __future__ import annotations

from cometape.core.broker import Broker
from cometape.core.cors import CorsService, allow
from cometape.core.exchange import Headers, Response
from conversation import Conversation

ORIGIN = ("Origin", "https://desk.example")


def talk() -> Conversation:
    return Conversation(CorsService(Broker()))


def test_d13_a_preflight_is_answered_with_the_exact_origin_and_what_it_asks_for() -> None:
    """C51, D13"""
    for path in ("/cometd", "/cometd/", "/cometd/connect", "/api/v2/me"):
        answer = talk().send(
            "OPTIONS",
            path,
            headers=[
                ORIGIN,
                ("Access-Control-Request-Method", "PURGE"),
                ("Access-Control-Request-Headers", "content-type, x-csrf-token"),
            ],
        )
        assert answer.status == 200
        assert answer.body == ""
        assert answer.header("Access-Control-Allow-Origin") == "https://desk.example"
        assert answer.header("Access-Control-Allow-Credentials") == "true"
        assert answer.header("Access-Control-Allow-Headers") == "content-type, x-csrf-token"
        methods = answer.header("Access-Control-Allow-Methods") or ""
        assert {"GET", "POST", "OPTIONS", "PURGE"} <= set(methods.split(", "))


def test_a_preflight_to_a_private_address_is_granted() -> None:
    answer = talk().send(
        "OPTIONS",
        "/cometd",
        headers=[
            ORIGIN,
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Private-Network", "true"),
        ],
    )
    assert answer.header("Access-Control-Allow-Private-Network") == "true"


def test_options_without_an_origin_is_no_preflight() -> None:
    """C51"""
    answer = talk().send("OPTIONS", "/cometd")
    assert answer.status == 200
    assert answer.header("Access-Control-Allow-Origin") is None


def test_d13_every_answer_to_an_origin_allows_it_402_400_and_500_included() -> None:
    conversation = talk()
    client = conversation.client(headers=[ORIGIN]).begin()
    first = client.hold()
    second = client.hold()
    lost = conversation.post([{"channel": "/meta/connect", "clientId": "x"}], headers=[ORIGIN])
    bad = conversation.post("{", headers=[ORIGIN])
    missing = conversation.send("GET", "/elsewhere", headers=[ORIGIN])
    conversation.advance(30)
    for exchange, status in [(first, 500), (second, 200), (lost, 200), (bad, 400), (missing, 404)]:
        assert exchange.status == status
        assert exchange.header("Access-Control-Allow-Origin") == "https://desk.example"
        assert exchange.header("Access-Control-Allow-Credentials") == "true"
        assert exchange.header("Vary") == "Origin"


def test_an_answer_to_nobody_in_particular_says_nothing_of_origins() -> None:
    conversation = talk()
    with_origin = conversation.client(headers=[ORIGIN]).begin("/x")
    held = with_origin.hold()
    plain = conversation.client().begin()
    exchange = plain.send(plain.message("/x", data=1))
    assert exchange.header("Access-Control-Allow-Origin") is None
    assert held.header("Access-Control-Allow-Origin") == "https://desk.example"


def test_recorded_permissions_are_replaced_and_custom_headers_are_exposed() -> None:
    recorded = Response(
        status=200,
        headers=Headers(
            [
                ("Content-Type", "application/json"),
                ("access-control-allow-origin", "*"),
                ("Access-Control-Expose-Headers", "X-Old"),
                ("X-CSRF-TOKEN", "t"),
                ("Set-Cookie", "a=b"),
                ("Vary", "Accept, Origin"),
            ]
        ),
    )
    headers = allow(recorded, "null").headers
    assert headers.all("Access-Control-Allow-Origin") == ["null"]
    assert headers.all("Access-Control-Expose-Headers") == ["X-CSRF-TOKEN, Vary"]
    assert headers.all("Vary") == ["Accept, Origin"]
    assert headers.all("Set-Cookie") == ["a=b"]


def test_what_a_client_left_is_forgotten() -> None:
    conversation = talk()
    held = conversation.client(headers=[ORIGIN]).begin().hold()
    held.leave()
    service = conversation.service
    assert isinstance(service, CorsService)
    assert not service._origins


def test_websockets_pass() -> None:
    conversation = talk()
    socket = conversation.open_socket(headers=[ORIGIN])
    socket.send([{"channel": "/meta/handshake", "id": "1"}])
    assert socket.messages[0]["successful"] is True
