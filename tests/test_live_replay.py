"""A replay held by a test: what it waits for, what it does to it, its clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from cometape.core.errors import ConfigurationError
from cometape.live_replay import LiveReplay
from cometape.store.cassette_file import save
from control_talk import ITEMS, pull_script
from raw_agent import AGENT, RawAgent
from raw_client import RawClient, connected


@contextmanager
def live(tmp_path: Path, **options: Any) -> Iterator[LiveReplay]:
    path = tmp_path / "pull.yaml"
    if not path.exists():
        save(pull_script().cassette, path)
    with LiveReplay.of(path, **options) as replay:
        yield replay


@contextmanager
def agent(replay: LiveReplay) -> Iterator[RawAgent]:
    client = RawAgent(replay.url)
    try:
        yield client
    finally:
        client.close()


def test_half_an_hour_of_timeouts_takes_no_time(tmp_path: Path) -> None:
    began_s = time.monotonic()
    with live(tmp_path, pace="manual") as replay, agent(replay) as client:
        for _ in range(60):
            client.hold()
            replay.held("agent7")
            replay.clock.advance(30)
            assert client.held_answer()[-1]["successful"]
        assert replay.clock.now_s == 1800
    assert time.monotonic() - began_s < 60


def test_an_answer_trickles_by_the_clock_for_minutes_that_take_no_time(tmp_path: Path) -> None:
    rule = "drip=10s bytes=16 method=GET"
    with live(tmp_path, pace="manual", faults=rule) as replay, connected(replay.url) as client:
        client.ask("/bins/A", headers=AGENT)
        received = client.read(16)
        assert received == b"HTTP/1.1 200 OK\r"
        (pending,) = replay.clock.pending
        assert (pending.what, pending.at_s) == ("other", 10.0)
        replay.clock.advance(9.9)
        client.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.read(1)
        client.socket.settimeout(20)
        replay.clock.advance_to_next()
        received += client.read(16)
        assert len(received) == 32
        replay.clock.advance(600)
        client.received = received + client.received
        assert client.answer().json() == {"seen": 17}
        assert not replay.clock.pending


def test_a_client_that_leaves_an_answer_that_trickles_is_waited_for_no_longer(
    tmp_path: Path,
) -> None:
    with live(tmp_path, pace="manual", faults="drip=10s bytes=1 method=GET") as replay:
        with connected(replay.url) as client:
            client.ask("/bins/A", headers=AGENT)
            client.read(1)
            client.reset()
        for _ in range(30):  # of the hundred bytes of the answer
            replay.clock.advance(10)
            if not replay.clock.pending:
                break
        assert not replay.clock.pending


@pytest.mark.parametrize("acknowledges", [False, True])
def test_a_poll_is_cut_in_the_middle_by_the_clock(tmp_path: Path, acknowledges: bool) -> None:
    """It is held for twenty seconds, and goes down with its event (or half of it)."""
    faults = ["delay=20s channel=/meta/connect nth=2", "cut channel=/meta/connect nth=2"]
    with live(tmp_path, pace="manual", faults=faults) as replay, agent(replay) as client:
        client.hold()
        replay.held("agent7")
        client.pull()
        replay.clock.advance_to_next("event")
        assert replay.clock.pending[0].what == "other"
        replay.clock.advance(19.5)
        client.holding.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.holding.read(1)
        client.holding.socket.settimeout(20)
        replay.clock.advance(0.5)
        with pytest.raises(ConnectionResetError):
            client.held_answer()


def test_an_hour_passes_as_a_client_lives_through_it(tmp_path: Path) -> None:
    with live(tmp_path, pace="manual", max_interval_s=60) as replay, agent(replay) as client:
        client.hold()
        replay.held()
        polls: list[list[Any]] = []

        def poll() -> None:
            with suppress(OSError, EOFError):  # in the end the connection is cut
                while True:
                    polls.append(client.held_answer())
                    client.hold()

        polling = threading.Thread(target=poll)
        polling.start()
        client.pull()
        replay.clock.pass_time(3600)
        assert replay.clock.now_s == pytest.approx(3600)
        assert [one.client_id for one in replay.sessions()] == [client.client_id]
        assert 118 <= len(polls) <= 122
        assert [poll[0]["data"]["n"] for poll in polls if "data" in poll[0]] == [1]
        replay.drop()
        polling.join(20)


def test_a_client_that_does_not_come_back_is_named(tmp_path: Path) -> None:
    with live(tmp_path, pace="manual") as replay, agent(replay) as client:
        client.hold()
        replay.held()
        with pytest.raises(AssertionError, match=r"agent7 has not connected again .* at 30 s"):
            replay.clock.pass_time(60, within_s=0.05)


def test_a_recorded_delay_is_waited_for_on_the_clock(tmp_path: Path) -> None:
    with live(tmp_path, pace="manual") as replay, agent(replay) as client:
        client.hold()
        client.pull()
        replay.held()
        assert [one.what for one in replay.clock.pending] == ["event", "timeout"]
        replay.clock.advance(0.5)
        assert replay.is_held("agent7")
        replay.clock.advance_to_next("event")
        assert client.held_answer()[0]["data"]["n"] == 1
        assert replay.clock.now_s == pytest.approx(0.9)
        client.look()
        assert replay.report().ok


def test_waiting_ends_when_a_connect_comes_to_be_held(tmp_path: Path) -> None:
    with live(tmp_path) as replay:
        found: list[str] = []

        def wait() -> None:
            found.append(replay.held("agent7", within_s=30).client_id)

        waiting = threading.Thread(target=wait)
        waiting.start()
        with agent(replay) as client:
            assert replay.subscribed(ITEMS, "agent7").client_id == client.client_id
            assert not replay.is_held()
            client.hold()
            waiting.join(30)
            assert found == [client.client_id]


def test_waiting_in_vain_says_what_there_is(tmp_path: Path) -> None:
    with live(tmp_path) as replay:
        with pytest.raises(AssertionError, match=r"no connect of agent7 is held .* none"):
            replay.held("agent7", within_s=0.01)
        with agent(replay) as client:
            says = rf"no connect of anybody .* agent7 \({client.client_id}\)"
            with pytest.raises(AssertionError, match=says):
                replay.held(within_s=0.01)
            with pytest.raises(AssertionError, match="agent7 has not subscribed to /v2/x"):
                replay.subscribed("/v2/x", "agent7", within_s=0.01)


def test_anything_can_be_waited_for(tmp_path: Path) -> None:
    with live(tmp_path) as replay, connected(replay.url) as client:
        client.ask("/nowhere")
        replay.until(lambda: len(replay.misses) == 1)
        assert client.answer().status == 599
        with pytest.raises(AssertionError, match="not so within"):
            replay.until(lambda: len(replay.misses) == 2, within_s=0.01)


def test_what_a_condition_raises_at_its_first_look_is_raised_in_the_test(tmp_path: Path) -> None:
    with live(tmp_path) as replay, connected(replay.url) as client:
        with pytest.raises(IndexError):
            replay.until(lambda: replay.misses[0].reason == "no-match")
        assert client.get("/bins/A", headers=AGENT).status == 200
        replay.reset()
    with live(tmp_path) as replay, connected(replay.url) as client:
        assert client.get("/bins/A", headers=AGENT).status == 200


def test_what_a_condition_raises_later_is_raised_in_the_test_and_not_in_the_client(
    tmp_path: Path,
) -> None:
    with live(tmp_path) as replay, connected(replay.url) as client:
        looks: list[int] = []

        def is_so() -> bool:
            if not looks:
                client.ask("/nowhere")
            looks.append(len(replay.misses))
            if replay.misses:
                pytest.fail("it was not to miss")
            return False

        with pytest.raises(pytest.fail.Exception, match="it was not to miss"):
            replay.until(is_so)
        assert client.answer().status == 599
        assert client.get("/bins/A", headers=AGENT).status == 200
        assert looks == [0, 1]  # and never again


def test_an_event_is_injected_or_explained(tmp_path: Path) -> None:
    with live(tmp_path) as replay, agent(replay) as client:
        client.hold()
        replay.held()
        given = replay.inject(ITEMS, {"made": "up"}, to="agent7")
        assert [one.client for one in given] == ["agent7"]
        assert client.held_answer()[0]["data"] == {"made": "up"}
        with pytest.raises(ConfigurationError, match="nobody is subscribed to /v2/x"):
            replay.inject("/v2/x", {})


def test_sessions_are_ended_and_connections_cut(tmp_path: Path) -> None:
    with live(tmp_path) as replay, agent(replay) as client:
        client.hold()
        replay.held()
        replay.drop("agent7")
        assert client.holding.rest() == b""
        client.holding.socket.close()
        client.holding = RawClient(replay.url)
        client.hold()
        replay.held()
        replay.expire("agent7")
        assert client.held_answer()[-1]["error"].startswith("402")
        assert replay.sessions() == []
        for change in (replay.expire, replay.disconnect, replay.drop):
            with pytest.raises(ConfigurationError, match="no living Bayeux session"):
                change("agent7")
        replay.drop()
        assert client.plain.rest() == b""


def test_a_reset_begins_anew(tmp_path: Path) -> None:
    with live(tmp_path) as replay:
        with agent(replay) as client:
            first = client.pull()
            replay.reset()
            assert client.plain.rest() == b""
        assert len(replay.journal) == 0
        with agent(replay) as client:
            assert client.pull() == first


def test_the_same_client_gets_the_same_bytes_every_time(tmp_path: Path) -> None:
    def conversation() -> list[bytes]:
        with live(tmp_path, pace="manual", max_interval_s=60) as replay, agent(replay) as client:
            client.hold()
            replay.held()
            replay.clock.advance(30)
            client.held_answer()
            client.pull()
            client.hold()
            replay.held()
            replay.clock.advance_to_next("event")
            client.held_answer()
            replay.clock.advance(61)
            client.say(client.connect_message)
            return client.bodies

    first = conversation()
    assert len(first) == 7
    assert b"402" in first[-1]
    assert conversation() == first


def test_only_a_manual_clock_is_advanced(tmp_path: Path) -> None:
    with live(tmp_path) as replay:
        assert not replay.clock.is_manual
        with pytest.raises(ConfigurationError, match="its pace is instant"):
            replay.clock.advance(1)


@pytest.mark.parametrize("seconds", ["1", None, True, float("nan"), float("inf"), -1, 1e9])
def test_a_clock_is_not_advanced_by_what_is_no_time_that_can_pass(
    tmp_path: Path, seconds: Any
) -> None:
    with live(tmp_path, pace="manual") as replay:
        for change in (replay.clock.advance, replay.clock.pass_time):
            with pytest.raises(ConfigurationError, match="cannot be advanced by") as caught:
                change(seconds)
            assert caught.value.reason == "bad-advance"
        assert replay.clock.now_s == 0


def test_a_clock_is_not_advanced_to_what_never_is_pending(tmp_path: Path) -> None:
    with live(tmp_path, pace="manual") as replay:
        with pytest.raises(ConfigurationError, match="to the next 'foo'") as caught:
            replay.clock.advance_to_next("foo")
        assert caught.value.reason == "bad-advance"
        assert "event, timeout, expiry, other" in caught.value.hint


def test_what_is_no_option_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no option 'sped'"), live(tmp_path, sped=1):
        pass


def test_a_client_of_a_live_replay_may_be_anybody(tmp_path: Path) -> None:
    with live(tmp_path, strict=False) as replay, connected(replay.url) as client:
        assert client.get("/bins/A", headers=AGENT).json() == {"seen": 17}
        assert not replay.strict
        assert [line.kind for line in replay.journal] == ["client", "answered"]
