"""npm's `cometd` on a clock that the test advances: timeouts, an expiry, a delay of twenty seconds.

What would take more than two minutes takes as long as the messages need, and comes out the same.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from cometape.live_replay import LiveReplay
from cometape.store.cassette_file import save
from node_client import (
    Seen,
    Transport,
    Version,
    disconnect,
    of,
    open_session,
    require,
    rest,
    start,
    wait,
)
from scripted import Script

ITEMS = "/v2/me/workitems"
DELAY_S = 20.0


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    """A pull whose event came twenty seconds after its answer."""
    script = Script(recorded_at="2026-03-01T09:15:00Z")
    script.listen("agent7", ITEMS)
    pulled = script.ask("agent7", "POST", "/bins/A", {"operationName": "Pull"}, {"referenceId": 17})
    answered_s = pulled + 0.1
    script.event("agent7", ITEMS, {"referenceId": 17, "done": True}, at_s=answered_s + DELAY_S)
    path = tmp_path / "pull.yaml"
    save(script.cassette, path)
    return path


PLAN = [
    open_session(ITEMS),
    wait("go", ITEMS, limit_s=60, go=True),
    rest("pull", "POST", "/bins/A", {"operationName": "Pull"}),
    wait("done", ITEMS, limit_s=60, done=True, referenceId=of("pull", "referenceId")),
]


def played(cassette: Path, version: Version, transport: Transport) -> tuple[Seen, float]:
    """What the client saw, and how long it was on the clock."""
    with LiveReplay.of(cassette, pace="manual", max_interval_s=60) as replay:
        client = start(
            version, replay.url, PLAN, user=("agent7", "x"), transport=transport, limit_s=90
        )
        clock = replay.clock
        first = replay.held("agent7", within_s=30).client_id
        clock.advance(30)  # nothing has come: the connect is answered, and another one comes
        assert replay.held("agent7").client_id == first
        clock.advance(30 + 62)  # … and none comes in time: the session is over
        second = replay.held("agent7", within_s=30).client_id
        assert second != first
        replay.subscribed(ITEMS, "agent7")
        replay.inject(ITEMS, {"go": True})
        replay.until(lambda: bool(replay.journal.of("answered")), within_s=30)
        replay.held("agent7")
        began_s = clock.now_s
        assert [one.what for one in clock.pending if one.what == "event"] == ["event"]
        clock.advance(DELAY_S - 1)
        assert replay.is_held("agent7")
        clock.advance_to_next("event")
        assert clock.now_s - began_s == pytest.approx(DELAY_S, abs=0.001)
        seen = client.seen()
        assert replay.report().ok, replay.report().text()
        return seen, clock.now_s


def told(seen: Seen) -> list[Any]:
    """Everything that came over the wire, by kind, without the times at which it did."""
    found: list[Any] = [answer.text for answer in seen.answers.values()]
    found += [(event.channel, event.data) for event in seen.events]
    found += [line["message"] for line in seen.lines if line["kind"] == "meta"]
    return found


@pytest.mark.parametrize("transport", ["long-polling", "websocket"])
@pytest.mark.parametrize("version", ["cometd3", "cometd9"])
def test_two_minutes_pass_at_once_and_the_same_way_twice(
    cassette: Path, version: Version, transport: Transport
) -> None:
    require("cometd3", "cometd9")
    began_s = time.monotonic()
    seen, on_clock_s = played(cassette, version, transport)
    took_s = time.monotonic() - began_s
    assert seen.finished, str(seen)
    assert len(seen.client_ids) == 2
    assert on_clock_s == pytest.approx(30 + 92 + DELAY_S, abs=0.01)
    assert took_s < on_clock_s / 2, "the client's own start included"
    again, _ = played(cassette, version, transport)
    assert told(again) == told(seen)


@pytest.mark.parametrize("transport", ["long-polling", "websocket"])
def test_a_client_lives_through_an_hour_in_moments(cassette: Path, transport: Transport) -> None:
    require("cometd9")
    plan = [open_session(ITEMS), wait("go", ITEMS, limit_s=60, go=True), disconnect()]
    with LiveReplay.of(cassette, pace="manual", strict=False, max_interval_s=60) as replay:
        client = start(
            "cometd9", replay.url, plan, user=("agent7", "x"), transport=transport, limit_s=90
        )
        only = replay.held("agent7", within_s=30).client_id
        replay.clock.pass_time(3600)
        assert replay.held("agent7").client_id == only
        replay.inject(ITEMS, {"go": True})
        seen = client.seen()
    assert seen.finished, str(seen)
    assert seen.client_ids == [only], "a minute without a connect would have ended its session"
