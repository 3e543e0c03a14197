"""`cometape broker` as a process of its own."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from raw_client import RawClient, connected, websocket
from running import cometape, cometape_once


def post(client: RawClient, *messages: dict[str, Any], path: str = "/cometd") -> Any:
    """Send messages, return the replies."""
    client.ask(
        path,
        method="POST",
        headers="Content-Type: application/json\r\n",
        body=json.dumps(messages).encode(),
    )
    answer = client.answer()
    assert answer.status == 200, answer
    return answer.json()


HANDSHAKE = {
    "channel": "/meta/handshake",
    "version": "1.0",
    "supportedConnectionTypes": ["long-polling"],
}


def test_it_serves_bayeux_and_ends_cleanly() -> None:
    with cometape("broker", "--timeout-s", "0.2", "--dialect", "cometd5") as broker:
        with connected(broker.url()) as client:
            (reply,) = post(client, HANDSHAKE)
            assert (reply["successful"], reply["advice"]["timeout"]) == (True, 200)
            (echo, answer) = sorted(
                post(
                    client,
                    {"channel": "/service/echo", "data": 1, "clientId": reply["clientId"]},
                ),
                key=lambda each: "successful" in each,
            )
            assert echo["data"] == 1
            assert answer["successful"]
            (unknown,) = post(
                client,
                {"channel": "/meta/connect", "clientId": "x", "connectionType": "long-polling"},
            )
            assert unknown["error"] == "402::session_unknown"
        assert broker.stop(signal.SIGINT) == 0
        assert broker.stderr == ""
        assert broker.stdout == [f"listening on {broker.url()}"]


def test_it_serves_bayeux_over_a_websocket_below_another_path() -> None:
    with (
        cometape("broker", "--path", "/chat/cometd") as broker,
        websocket(broker.url(), "/chat/cometd") as client,
    ):
        client.send(json.dumps([HANDSHAKE]))
        (reply,) = json.loads(client.text())
        assert reply["successful"]


def test_a_page_of_another_origin_may_use_it() -> None:
    with cometape("broker") as broker, connected(broker.url()) as client:
        client.ask(
            "/cometd",
            method="OPTIONS",
            headers="Origin: http://page.example\r\nAccess-Control-Request-Method: POST\r\n",
        )
        assert client.answer().header("Access-Control-Allow-Origin") == "http://page.example"


def test_a_port_in_use_ends_it_with_2_and_what_to_do() -> None:
    with cometape("broker") as broker:
        port = broker.url().rsplit(":", 1)[1]
        done = cometape_once("broker", "--port", port)
    assert done.returncode == 2
    assert done.stderr.startswith(f"cometape: port {port} on 127.0.0.1 is in use")
    assert "--port 0" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--port", "70000"], "70000"),
        (["--path", "cometd"], "/cometd"),
        (["--timeout-s", "-1"], "-1"),
        (["--dialect", "klingon"], "cometd3"),
        (["--host", "no.such.host.invalid"], "no.such.host.invalid"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(arguments: list[str], told: str) -> None:
    done = cometape_once("broker", *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
