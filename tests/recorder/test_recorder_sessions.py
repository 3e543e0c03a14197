"""Bayeux as clients really speak it: by script tags, in batches, with extensions, in crowds."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from cometape.core.bayeux.settings import Settings
from cometape.core.broker import Broker
from cometape.core.cassette import Event, Handshake, Publish
from cometape.server.listener import BackgroundServer
from raw_client import RawClient, connected
from recorder_thread import RecorderThread

Record = Callable[..., RecorderThread]
Messages = list[dict[str, Any]]


@pytest.fixture
def origin() -> Iterator[str]:
    with BackgroundServer(Broker(Settings())) as server:
        yield server.url


def post(client: RawClient, *messages: dict[str, Any], headers: str = "") -> Messages:
    """One request of long-polling."""
    kind = "Content-Type: application/json\r\n"
    body = json.dumps(messages).encode()
    client.ask("/cometd", method="POST", headers=kind + headers, body=body)
    replies: Messages = client.answer().json()
    return replies


def call(client: RawClient, *messages: dict[str, Any]) -> Messages:
    """One request of callback-polling."""
    answer = client.get(f"/cometd?jsonp=jsonp7&message={quote(json.dumps(messages))}")
    start, end = b"jsonp7(", b")"
    assert start in answer.body
    replies: Messages = json.loads(answer.body.partition(start)[2].rpartition(end)[0])
    return replies


def handshake(kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "channel": "/meta/handshake",
        "id": "1",
        "version": "1.0",
        "supportedConnectionTypes": [kind],
        **fields,
    }


@pytest.mark.parametrize("kind", ["long-polling", "callback-polling"])
def test_a_session_is_recorded_alike_over_either_kind_of_polling(
    record: Record, origin: str, kind: str
) -> None:
    say = post if kind == "long-polling" else call
    with record(origin, profile="bayeux") as recorder, connected(recorder.url) as client:
        (shaken,) = say(client, handshake(kind))
        me = {"clientId": shaken["clientId"]}
        connect = {"channel": "/meta/connect", "connectionType": kind, **me}
        say(client, {**connect, "id": "2", "advice": {"timeout": 0}})
        say(
            client,  # a batch
            {"channel": "/meta/subscribe", "id": "3", "subscription": "/a", **me},
            {"channel": "/a", "id": "4", "data": {"n": 1}, **me},
        )
        say(client, {**connect, "id": "5", "advice": {"timeout": 0}})
    entries = recorder.cassette.entries
    kinds = Counter(type(entry).__name__ for entry in entries)
    assert kinds == {"Handshake": 1, "Connect": 1, "Subscribe": 1, "Publish": 1, "Event": 1}
    assert {entry.session for entry in entries} == {entries[0].session}
    (event,) = [entry for entry in entries if isinstance(entry, Event)]
    (publish,) = [entry for entry in entries if isinstance(entry, Publish)]
    assert (event.channel, event.data, event.cause) == ("/a", {"n": 1}, publish.number)


def test_extensions_pass_and_what_they_negotiate_is_recorded(record: Record, origin: str) -> None:
    ext = {"ack": True, "timesync": {"tc": 1700000000000, "l": 23, "o": 4567}}
    with record(origin, profile="bayeux") as recorder:
        with connected(recorder.url) as client:
            asked = handshake("long-polling", ext=ext, timestamp="Sun, 01 Mar 2026 09:15:00 GMT")
            (shaken,) = post(client, asked)
            assert shaken["ext"]["ack"] is True
            me = {"clientId": shaken["clientId"]}
            connect = {"channel": "/meta/connect", "connectionType": "long-polling", **me}
            batch = post(
                client,
                {"channel": "/meta/subscribe", "id": "2", "subscription": "/a", **me},
                {"channel": "/a", "id": "3", "data": 1, **me},
                {**connect, "id": "4", "ext": {"ack": 0}, "advice": {"timeout": 0}},
            )
            assert any(reply.get("ext", {}).get("ack") for reply in batch)
        entries = recorder.cassette.entries
    (recorded,) = [entry for entry in entries if isinstance(entry, Handshake)]
    assert "ack" in str(recorded)
    assert len([entry for entry in entries if isinstance(entry, Event)]) == 1


def test_two_sessions_of_one_user_are_two(record: Record, origin: str) -> None:
    basic = base64.b64encode(b"agent7:agent7-password").decode()
    with record(origin, profile="bayeux") as recorder:
        for number in (1, 2):
            with connected(recorder.url) as client:
                headers = f"Authorization: Basic {basic}\r\nCookie: JSESSIONID=session-{number}\r\n"
                post(client, handshake("long-polling"), headers=headers)
        sessions = {entry.session for entry in recorder.cassette.entries}
    assert sessions == {"agent7", "agent7-2"}


def test_a_crowd_of_users_is_kept_apart(record: Record, origin: str) -> None:
    def use(number: int) -> None:
        basic = base64.b64encode(f"agent{number}:password-{number}".encode()).decode()
        headers = f"Authorization: Basic {basic}\r\n"
        with connected(recorder.url) as client:
            (shaken,) = post(client, handshake("long-polling"), headers=headers)
            me = {"clientId": shaken["clientId"]}
            own = f"/of/{number}"
            post(
                client,
                {"channel": "/meta/subscribe", "id": "2", "subscription": own, **me},
                {"channel": own, "id": "3", "data": {"number": number}, **me},
                headers=headers,
            )

    with record(origin, profile="bayeux") as recorder:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(use, range(40)))
        entries = recorder.cassette.entries
    assert {entry.session for entry in entries} == {f"agent{number}" for number in range(40)}
    for entry in entries:
        if isinstance(entry, Publish):
            assert entry.channel == f"/of/{entry.session.removeprefix('agent')}"
