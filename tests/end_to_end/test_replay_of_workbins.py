"""Recorded from the simulated Workbins system by npm's `cometd`, replayed to it in six scenarios.

Every recording is used as it came out of `cometape record`.
"""

from __future__ import annotations

import workbins_desk as desk
from node_client import (
    Seen,
    Step,
    Version,
    carry_out,
    rest,
)
from recorded import Recording, replayed
from running import cometape


def test_the_recording_relates_events_to_their_requests(recording: Recording) -> None:
    """The live system itself keeps what a replay must keep."""
    (seen,) = recording.seen
    desk.assert_causes_before_events(seen, desk.IN_ORDER)
    assert "agent7-password" not in recording.cassette.read_text(encoding="utf-8")


def test_the_same_client_again(version: Version, recording: Recording) -> None:
    with replayed(recording.cassette) as url:
        seen = carry_out(version, url, desk.desk(), user=desk.AGENT_7)
        desk.assert_replayed(seen, recording.seen[0])


def test_again_without_restarting_the_server(version: Version, recording: Recording) -> None:
    with replayed(recording.cassette) as url:
        first = carry_out(version, url, desk.desk(), user=desk.AGENT_7)
        second = carry_out(version, url, desk.desk(), user=desk.AGENT_7)
        desk.assert_replayed(first, recording.seen[0])
        desk.assert_replayed(second, recording.seen[0])
        desk.assert_apart(first, second)


def test_a_client_ten_times_slower(version: Version, recording: Recording) -> None:
    (recorded,) = recording.seen
    took_s = recorded.lines[-1]["at_s"] - recorded.lines[0]["at_s"]
    pause_s = min(10 * took_s / len(desk.desk()), 0.5)
    with replayed(recording.cassette) as url:
        seen = carry_out(version, url, desk.desk(), pause_s=pause_s, limit_s=60, user=desk.AGENT_7)
        desk.assert_replayed(seen, recorded)


def test_the_operations_in_swapped_order(version: Version, recording: Recording) -> None:
    with replayed(recording.cassette) as url:
        seen = carry_out(version, url, desk.desk(desk.SWAPPED), user=desk.AGENT_7)
        desk.assert_replayed(seen, recording.seen[0], desk.SWAPPED)


def test_the_operations_at_once(version: Version, recording: Recording) -> None:
    """Both requests are sent before either event is waited for."""
    both: list[Step] = [
        *desk.start_session(),
        *desk.subscribe_workbin().steps,
        desk.PULL_B.request,
        desk.PULL_A.request,
        *desk.PULL_A.events,
        *desk.PULL_B.events,
        *desk.end_session(),
    ]
    with cometape("replay", str(recording.cassette), "--strict") as replay:
        seen = carry_out(version, replay.url(), both, user=desk.AGENT_7)
    desk.assert_replayed(seen, recording.seen[0], (desk.PULL_A, desk.PULL_B))


def test_a_request_never_recorded(version: Version, recording: Recording) -> None:
    """The miss explains itself; the simulated system is down, so nothing could be passed on."""
    never = desk.pull("pull never", "02F0XAMPLE00009Z").request
    steps = [
        *desk.start_session(),
        never,
        rest("nowhere", "GET", "/api/v2/me/nothing-like-it"),
        *desk.subscribe_workbin().steps,
        *desk.PULL_A.steps,
        *desk.end_session(),
    ]
    with cometape("replay", str(recording.cassette), "--strict") as replay:
        seen = carry_out(version, replay.url(), steps, user=desk.AGENT_7)
        code, told = replay.stop(), replay.stderr
    for step in ("pull never", "nowhere"):
        _assert_explained(seen, step)
    assert "02F0XAMPLE00001A" in seen.answer("pull never").text, "the nearest is named"
    desk.assert_causes_before_events(seen, (desk.PULL_A,))
    assert code == 1, told
    assert "02F0XAMPLE00009Z" in told


def _assert_explained(seen: Seen, step: str) -> None:
    answer = seen.answer(step)
    assert answer.status not in {200, 404, 500, 502}, "a status that a recorded API might give"
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert {"type", "title", "status", "detail"} <= answer.json.keys()
