"""The conformance checklist over real sockets: handshake, connect, errors and life over HTTP.

Every item once, from outside, at a server in a process of its own. The core has the finer tests.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from running import cometape
from wire_client import WireClient
from wire_target import TIMEOUT_S, Target

HANDSHAKE = {"channel": "/meta/handshake", "id": "7", "version": "1.0"}
UNKNOWN = "402::session_unknown"


def test_c01_c02_the_handshake_reply_has_all_that_clients_look_for(target: Target) -> None:
    wish = {"minimumVersion": "1.0", "supportedConnectionTypes": ["long-polling"]}
    poll = target.client().post([HANDSHAKE | wish])
    reply = poll.message
    assert poll.header("Content-Type") == "application/json;charset=UTF-8"
    assert reply["successful"] is True
    assert reply["id"] == "7"
    assert reply["version"] == "1.0"
    assert "long-polling" in reply["supportedConnectionTypes"]
    assert reply["clientId"].isalnum()
    assert len(reply["clientId"]) >= 16
    assert reply["advice"] == {
        "reconnect": "retry",
        "interval": 0,
        "timeout": int(TIMEOUT_S * 1000),
    }


def test_c03_the_browser_cookie_is_set_once(target: Target) -> None:
    cookie = target.client().post([HANDSHAKE]).header("Set-Cookie")
    assert cookie is not None
    pair, *attributes = cookie.split("; ")
    assert pair.startswith("BAYEUX_BROWSER=")
    assert attributes == ["Path=/", "HttpOnly"]
    assert target.client().post([HANDSHAKE], Cookie=pair).header("Set-Cookie") is None


def test_c04_client_ids_differ_and_no_id_in_means_no_id_out(target: Target) -> None:
    replies = [target.client().post([{"channel": "/meta/handshake"}]).message for _ in range(5)]
    assert len({reply["clientId"] for reply in replies}) == 5
    assert not any("id" in reply for reply in replies)


def test_c05_a_handshake_with_others_is_an_http_error(target: Target) -> None:
    poll = target.client().post([HANDSHAKE, HANDSHAKE | {"channel": "/meta/connect"}])
    assert poll.status == 500


@pytest.mark.parametrize("suffix", ["", "/", "/handshake", "/connect", "/disconnect", "/any"])
def test_c06_every_path_below_the_endpoint_is_the_endpoint(target: Target, suffix: str) -> None:
    assert target.client().post([HANDSHAKE], suffix=suffix).message["successful"] is True


def test_c07_c10_the_client_may_shorten_the_hold(target: Target) -> None:
    client = target.client().begin()
    none = client.connect(advice={"timeout": 0})
    assert none.message["advice"]["reconnect"] == "retry"
    assert none.took_s < TIMEOUT_S / 2
    short = client.connect(advice={"timeout": 200})
    assert short.message["advice"]["timeout"] == TIMEOUT_S * 1000, "the next one is as it was"
    assert 0.15 < short.took_s < TIMEOUT_S


def test_c08_the_very_first_connect_is_answered_at_once(target: Target) -> None:
    client = target.client()
    client.handshake()
    first = client.connect()
    assert first.message["successful"] is True
    assert first.took_s < TIMEOUT_S / 2


def test_c09_c18_an_idle_connect_is_held_and_ends_without_advice(target: Target) -> None:
    poll = target.client().begin().hold()
    reply = poll.message
    assert poll.took_s >= TIMEOUT_S * 0.95
    assert reply["successful"] is True
    assert "advice" not in reply


def test_c14_c15_a_second_connect_ends_the_first_with_500(target: Target) -> None:
    client = target.client().begin()
    older, newer = client.hold(), client.connect()
    assert (older.status, older.body) == (500, b"")
    assert older.took_s < TIMEOUT_S
    assert newer.message["successful"] is True
    assert newer.took_s >= TIMEOUT_S * 0.95


def test_c16_a_connect_among_others_is_not_held(target: Target) -> None:
    client = target.client().begin()
    connect = client.message("/meta/connect", connectionType="long-polling")
    subscribe = client.message("/meta/subscribe", subscription="/x")
    poll = client.send(connect, subscribe)
    assert [reply["id"] for reply in poll.messages] == [connect["id"], subscribe["id"]]
    assert poll.took_s < TIMEOUT_S / 2


def test_c17_a_hold_that_was_left_does_no_harm(target: Target) -> None:
    client = target.client().begin()
    client.hold().leave()
    assert client.poll()[-1]["successful"] is True
    assert client.subscribe("/x")["successful"] is True


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json;charset=UTF-8", "text/json; charset=utf-8", ""],
)
def test_c38_whatever_the_content_type(target: Target, content_type: str) -> None:
    poll = target.client().post([HANDSHAKE], Content_Type=content_type)
    assert poll.message["successful"] is True


def test_c39_a_single_object_is_answered_by_an_array(target: Target) -> None:
    assert target.client().post(HANDSHAKE).message["successful"] is True


def test_c40_an_unknown_session_is_told_to_shake_hands(target: Target) -> None:
    client = target.client()
    client.client_id = "nobody0nobody0nobody0nobody0"
    reply = client.connect().message
    assert reply["error"] == UNKNOWN
    assert reply["advice"] == {"reconnect": "handshake", "interval": 0}


def test_c41_an_unknown_session_is_told_so_whatever_it_asks(target: Target) -> None:
    client = target.client()
    client.client_id = "nobody0nobody0nobody0nobody0"
    replies = [client.publish("/x", 1), client.subscribe("/x"), client.disconnect()]
    assert [reply["error"] for reply in replies] == [UNKNOWN] * 3


def test_c42_c43_c44_disconnect_ends_the_hold_and_the_session(target: Target) -> None:
    client = target.client().begin()
    held = client.hold()
    assert client.disconnect()["successful"] is True
    assert held.message["advice"] == {"reconnect": "none"}
    assert held.took_s < TIMEOUT_S
    assert client.connect().message["advice"]["reconnect"] == "handshake"


@pytest.fixture(scope="module")
def short() -> Iterator[str]:
    """A broker that holds long and forgets soon."""
    with cometape("broker", "--timeout-s", "2.2", "--max-interval-s", "0.3") as program:
        yield program.url()


def test_c45_silence_ends_a_session(short: str) -> None:
    client = WireClient(short).begin()
    give_up_s = time.monotonic() + 10
    time.sleep(0.35)
    # Whoever asks too early prolongs it, so the question is asked ever later.
    while (reply := client.poll(advice={"timeout": 0})[-1])["successful"]:
        assert time.monotonic() < give_up_s
        time.sleep(1.5)
    assert reply["advice"]["reconnect"] == "handshake"


def test_c46_a_held_connect_and_other_messages_keep_it(short: str) -> None:
    held, busy = WireClient(short).begin(), WireClient(short).begin()
    poll = held.hold()
    while not poll.answered(within_s=0.1):
        assert busy.subscribe("/x")["successful"] is True
    assert poll.took_s == 0
    assert poll.message["successful"] is True
    assert poll.took_s > 1.5, "longer than silence may last, sweeping included"


@pytest.mark.parametrize("body", [b"", b"{", b"17", b'"x"', b"[]", b"[1]", b"\xff\xfe"])
def test_c47_what_is_no_bayeux_is_an_http_error(target: Target, body: bytes) -> None:
    assert target.client().post(body).status == 400
    assert target.client().post([HANDSHAKE]).message["successful"] is True, "it lives"


def test_c48_a_plain_get_is_refused(target: Target) -> None:
    assert target.client().request("GET", target.path).status == 400


def test_c49_c52_without_cookies_and_without_ids(target: Target) -> None:
    """As the .NET client of the API's vendor does."""
    client = target.client()
    client_id = client.post([{"channel": "/meta/handshake"}]).message["clientId"]
    connect = {
        "channel": "/meta/connect",
        "clientId": client_id,
        "connectionType": "long-polling",
    }
    assert client.post([connect]).message.keys() >= {"channel", "successful"}
    subscribe = {"channel": "/meta/subscribe", "clientId": client_id, "subscription": "/x"}
    assert client.post([subscribe]).message == {
        "channel": "/meta/subscribe",
        "subscription": "/x",
        "successful": True,
    }


def test_c50_two_sessions_with_one_cookie(target: Target) -> None:
    first = target.client()
    pair = str(first.post([HANDSHAKE]).header("Set-Cookie")).partition(";")[0]
    clients = [target.client(), target.client()]
    for client in clients:
        client.headers["Cookie"] = pair
        client.begin("/x")
    held = [client.hold() for client in clients]
    assert [poll.message["successful"] for poll in held] == [True, True]


def test_c51_a_preflight_is_granted(target: Target) -> None:
    poll = target.client().request(
        "OPTIONS",
        f"{target.path}/connect",
        Origin="http://page.example",
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="content-type,x-csrf-token",
    )
    assert poll.status in (200, 204)
    assert poll.header("Access-Control-Allow-Origin") == "http://page.example"
    assert poll.header("Access-Control-Allow-Credentials") == "true"
    assert "x-csrf-token" in str(poll.header("Access-Control-Allow-Headers"))


def test_c53_another_client_id_within_a_batch_is_refused_alone(target: Target) -> None:
    one, other = target.client().begin(), target.client().begin()
    mine = one.message("/meta/subscribe", subscription="/x")
    foreign = one.message("/meta/subscribe", subscription="/y", clientId=other.client_id)
    replies = one.send(mine, foreign).messages
    assert [reply["successful"] for reply in replies] == [True, False]
    assert replies[1]["error"] == UNKNOWN
