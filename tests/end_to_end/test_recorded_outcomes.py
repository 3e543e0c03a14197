"""What a recorded system refused, in whose words, over what: recorded by one, told to others."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

import node_runtime
from cometape.core.cassette import Cassette, Connect, Entry, Event, Handshake, Header, Subscribe
from cometape.core.json_value import JsonObject
from cometape.store import cassette_file
from node_client import (
    Seen,
    Step,
    carry_out,
    disconnect,
    handshake,
    open_session,
    publish,
    start,
    subscribe,
    wait,
)
from real_clients import NODE, Client, Cometd, Transport
from recorded import recorder, replayed
from running import cometape, running
from served_broker import served_broker
from wire_client import Poll, WireClient

TRANSPORTS: tuple[Transport, ...] = ("long-polling", "websocket")

TALK: tuple[Step, ...] = (
    open_session("/talk/*"),
    *(
        step
        for n in range(3)
        for step in (publish(f"say {n}", "/talk/a", {"n": n}), wait(f"said {n}", n=n))
    ),
    publish("refused", "/denied/x", {"n": 9}),
    disconnect(),
)


@contextlib.contextmanager
def recorded_broker(cassette: Path, *options: str) -> Iterator[str]:
    """A recorder in front of `cometape broker`."""
    with (
        cometape("broker", *options) as broker,
        recorder(broker.url(), cassette, "--profile", "bayeux") as url,
    ):
        yield url


def heard(seen: Seen) -> list[Any]:
    return [event.data for event in seen.events]


@pytest.mark.parametrize("recorded_ack", [True, False], ids=["with ack", "without ack"])
def test_d10_with_or_without_the_ack_extension(tmp_path: Path, recorded_ack: bool) -> None:
    cassette = tmp_path / "talk.yaml"
    with recorded_broker(cassette) as url:
        seen = carry_out("cometd9", url, TALK, path="/cometd", ack=recorded_ack)
    assert seen.finished, str(seen)
    others: list[tuple[Cometd, Transport]] = [
        ("cometd9", "long-polling"),
        ("cometd3", "websocket"),
    ]
    with replayed(cassette) as url:
        for client, transport in others:
            again = carry_out(
                client, url, TALK, path="/cometd", ack=not recorded_ack, transport=transport
            )
            assert again.finished, str(again)
            assert heard(again) == heard(seen) == [{"n": 0}, {"n": 1}, {"n": 2}]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A handshake that is refused, one that is not, a subscription and a publish refused."""
    cassette = tmp_path_factory.mktemp("refused") / "refused.yaml"
    with recorded_broker(cassette) as url:
        for steps in (REFUSED_HANDSHAKE, REFUSED_SUBSCRIPTION):
            seen = carry_out("cometd9", url, steps, path="/cometd")
            assert seen.finished, str(seen)
    return cassette


REFUSED_HANDSHAKE: tuple[Step, ...] = (handshake("shaken", ext={"auth": {"deny": True}}),)
REFUSED_SUBSCRIPTION: tuple[Step, ...] = (
    open_session("/talk/*"),
    subscribe("denied", "/denied/x"),
    publish("refused", "/denied/x", {"n": 9}),
    publish("say", "/talk/a", {"n": 0}),
    wait("said", n=0),
    disconnect(),
)


@pytest.mark.parametrize("client", ["cometd3", "cometd9"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_d15_refusals_are_replayed_as_they_were_recorded(
    refusals: Path, client: Cometd, transport: Transport
) -> None:
    with replayed(refusals) as url:
        shaken, seen = (
            carry_out(client, url, steps, path="/cometd", transport=transport)
            for steps in (REFUSED_HANDSHAKE, REFUSED_SUBSCRIPTION)
        )
    reply = shaken.reply("shaken")
    assert (reply["successful"], reply["error"]) == (False, "403::Handshake denied")
    assert reply["advice"] == {"reconnect": "none"}
    assert seen.finished, str(seen)
    denied = seen.reply("denied")
    assert denied["successful"] is False
    assert denied["error"].startswith("403:denied_by_security_policy:")
    assert seen.reply("refused")["error"].startswith("403:denied_by_security_policy:")
    assert heard(seen) == [{"n": 0}]


@pytest.fixture(scope="module", params=["cometd3", "cometd5", "faye"])
def spoken(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """A dialect, and a recording of a system that speaks it; of Faye's own server for Faye's."""
    dialect = str(request.param)
    cassette = tmp_path_factory.mktemp(dialect) / "talk.yaml"
    client: Client = "faye" if dialect == "faye" else "cometd9"
    server = (
        running(node_runtime.node(), str(NODE / "faye" / "server.cjs"))
        if dialect == "faye"
        else cometape("broker", "--dialect", dialect)
    )
    with server as program, recorder(program.url(), cassette, "--profile", "bayeux") as url:
        seen = carry_out(client, url, TALK, path="/cometd")
    assert seen.finished, str(seen)
    return dialect, cassette


UNKNOWN = {
    "cometd3": "402::Unknown client",
    "cometd5": "402::session_unknown",
    "faye": "401:nobody0nobody0nobody0:Unknown client",
}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_d09_a_replay_speaks_the_recorded_dialect(
    spoken: tuple[str, Path], transport: Transport
) -> None:
    """In whatever dialect, every client understands it."""
    dialect, cassette = spoken
    with replayed(cassette) as url:
        for client in ("cometd3", "cometd9", "faye"):
            seen = carry_out(client, url, TALK, path="/cometd", transport=transport)
            assert seen.finished, str(seen)
            assert heard(seen) == [{"n": 0}, {"n": 1}, {"n": 2}]
            assert seen.reply("refused")["error"].startswith("403:")
        stranger = WireClient(url)
        stranger.client_id = "nobody0nobody0nobody0"
        assert stranger.connect().message["error"] == UNKNOWN[dialect]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_publish_that_was_not_recorded_is_a_404_that_explains_itself(
    lost: Path, transport: Transport
) -> None:
    steps = [open_session("/talk/*"), publish("never", "/talk/b", {"n": 1}), disconnect()]
    with cometape("replay", str(lost)) as replay:
        seen = carry_out("cometd9", replay.url(), steps, path="/cometd", transport=transport)
    assert seen.reply("never")["successful"] is False
    assert seen.reply("never")["error"].startswith("404:/talk/b:cometape ")


def test_d14_forms_and_scripts_make_the_cassette_that_json_makes(tmp_path: Path) -> None:
    cassette = tmp_path / "ways.yaml"
    with recorded_broker(cassette) as url:
        by_script = WireClient(url, connection_type="callback-polling")
        for client in (WireClient(url), OverForm(url), by_script):
            client.begin("/talk/a")
            client.publish("/talk/a", {"n": 1, "text": "grüß & =+%"})
            client.poll()
            client.disconnect()
    entries = cassette_file.load(cassette).entries
    sessions = list(dict.fromkeys(entry.session for entry in entries))
    assert len(sessions) == 3
    json_told, form_told, script_told = (told(entries, session) for session in sessions)
    assert json_told == form_told == script_told
    assert len(json_told) == 6, "handshake, connect, subscription, publish, event, disconnect"


class OverForm(WireClient):
    """Sends `message=…`, as the oldest clients do."""

    def send(self, *messages: dict[str, Any]) -> Poll:
        body = urlencode({"message": json.dumps(messages)}).encode()
        return self.post(body, Content_Type="application/x-www-form-urlencoded")


VARYING = ("number", "session", "at_s", "cause", "client_id", "connection_type")
"""Fields that no two sessions share."""


def told(entries: tuple[Entry, ...], session: str) -> list[str]:
    """A session's entries without what varies, in any order."""
    return sorted(
        type(entry).__name__
        + json.dumps({k: v for k, v in asdict(entry).items() if k not in VARYING}, default=str)
        for entry in entries
        if entry.session == session
    )


def test_d11_advice_for_crowded_browsers_does_not_slow_a_replay(tmp_path: Path) -> None:
    """Recorded with the advice to poll but every minute."""
    cassette = tmp_path / "crowded.yaml"
    crowded: JsonObject = {"multiple-clients": True, "reconnect": "retry", "interval": 60_000}
    session = "session-1"
    entries: tuple[Entry, ...] = (
        Handshake(number=1, session=session, at_s=0.0, client_id="<client-id:1>"),
        Subscribe(number=2, session=session, at_s=0.1, channel="/talk/*"),
        Connect(number=3, session=session, at_s=0.2, advice=crowded),
        Event(number=4, session=session, at_s=60.2, channel="/talk/a", data={"n": 1}, cause=2),
    )
    cassette_file.save(Cassette(Header(profile="bayeux", bayeux="/cometd"), entries), cassette)
    steps = [open_session("/talk/*"), wait("told", n=1), disconnect()]
    with replayed(cassette) as url:
        for transport in TRANSPORTS:
            began_s = time.monotonic()
            seen = carry_out("cometd9", url, steps, path="/cometd", transport=transport)
            assert seen.finished, str(seen)
            assert time.monotonic() - began_s < 30, "not a minute, as it was recorded"


@pytest.mark.parametrize("client", ["cometd3", "cometd9", "faye"])
@pytest.mark.parametrize("as_recorded", [False, True], ids=["smooth", "as recorded"])
def test_d03_a_session_lost_in_the_recording(lost: Path, client: Client, as_recorded: bool) -> None:
    """Lost again if asked for; else as if nothing had been. The events are the same."""
    option = "--as-recorded" if as_recorded else "--smooth"
    for transport in TRANSPORTS:
        with cometape("replay", str(lost), option) as replay:
            seen = carry_out(client, replay.url(), LOST, path="/cometd", transport=transport)
        assert seen.finished, str(seen)
        assert heard(seen) == [{"n": 1}, {"n": 2}]
        assert len(set(seen.client_ids)) == (2 if as_recorded else 1), str(seen)


LOST: tuple[Step, ...] = (
    open_session("/talk/*"),
    publish("say 1", "/talk/a", {"n": 1}),
    wait("said 1", n=1),
    wait("said 2", n=2, limit_s=15),
    disconnect(),
)


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session that expires in its middle: `402`, a new handshake, an event by somebody else."""
    cassette = tmp_path_factory.mktemp("lost") / "lost.yaml"
    with (
        served_broker() as served,
        recorder(served.url, cassette, "--profile", "bayeux") as url,
    ):
        client = start("cometd9", url, LOST, path="/cometd")
        client.until("waited", "said 1")
        (client_id,) = served.sessions()
        served.do("expire", client_id)
        while [*served.sessions().values()] != [["/talk/*"]]:
            assert not client.done
        WireClient(served.url).begin().publish("/talk/a", {"n": 2})
        seen = client.seen()
    assert seen.finished, str(seen)
    return cassette
