"""Recorded from the simulated Workbins system by npm's `cometd`, replayed to it in six scenarios.

Every recording is used as it came out of `cometape record`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import workbins_desk as desk
from node_client import (
    VERSIONS,
    Seen,
    Step,
    Transport,
    Version,
    carry_out,
    require,
    rest,
    start,
)
from recorded import Recording, recorded_simulator, replayed
from running import cometape

require(*VERSIONS)

AGENT_7 = ("agent7", "agent7-password")
AGENT_8 = ("agent8", "agent8-password")
NEVER_RECORDED = (("agent9", "any"), ("agent10", "any"))


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> Version:
    """Which cometd records and is replayed to."""
    chosen: Version = request.param
    return chosen


@pytest.fixture(scope="module")
def recording(version: Version, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """agent7's session, recorded once."""
    cassette = tmp_path_factory.mktemp(version) / "desk.yaml"
    with recorded_simulator(cassette) as url:
        seen = carry_out(version, url, desk.desk(), user=AGENT_7)
    assert seen.finished, str(seen)
    return Recording(cassette, (seen,))


@pytest.fixture(scope="module")
def recording_of_two(version: Version, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """agent7 and agent8 at work at the same time, in one cassette."""
    cassette = tmp_path_factory.mktemp(version) / "two-desks.yaml"
    with recorded_simulator(cassette) as url:
        clients = (
            start(version, url, desk.desk(), user=AGENT_7),
            start(version, url, desk.desk(desk.OF_AGENT_8), user=AGENT_8),
        )
        seen = tuple(client.seen() for client in clients)
    assert all(one.finished for one in seen), "\n".join(map(str, seen))
    return Recording(cassette, seen)


def test_the_recording_relates_events_to_their_requests(recording: Recording) -> None:
    """The live system itself keeps what a replay must keep."""
    (seen,) = recording.seen
    desk.assert_causes_before_events(seen, desk.IN_ORDER)
    assert "agent7-password" not in recording.cassette.read_text(encoding="utf-8")


def test_the_same_client_again(version: Version, recording: Recording) -> None:
    with replayed(recording.cassette) as url:
        seen = carry_out(version, url, desk.desk(), user=AGENT_7)
        desk.assert_replayed(seen, recording.seen[0])


def test_again_without_restarting_the_server(version: Version, recording: Recording) -> None:
    with replayed(recording.cassette) as url:
        first = carry_out(version, url, desk.desk(), user=AGENT_7)
        second = carry_out(version, url, desk.desk(), user=AGENT_7)
        desk.assert_replayed(first, recording.seen[0])
        desk.assert_replayed(second, recording.seen[0])
        desk.assert_apart(first, second)


def test_a_client_ten_times_slower(version: Version, recording: Recording) -> None:
    (recorded,) = recording.seen
    took_s = recorded.lines[-1]["at_s"] - recorded.lines[0]["at_s"]
    pause_s = min(10 * took_s / len(desk.desk()), 0.5)
    with replayed(recording.cassette) as url:
        seen = carry_out(version, url, desk.desk(), pause_s=pause_s, limit_s=60, user=AGENT_7)
        desk.assert_replayed(seen, recorded)


def test_the_operations_in_swapped_order(version: Version, recording: Recording) -> None:
    with replayed(recording.cassette) as url:
        seen = carry_out(version, url, desk.desk(desk.SWAPPED), user=AGENT_7)
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
    with cometape("replay", str(recording.cassette)) as replay:
        seen = carry_out(version, replay.url(), both, user=AGENT_7)
    desk.assert_replayed(seen, recording.seen[0], (desk.PULL_A, desk.PULL_B))


@pytest.mark.parametrize("cookies", [True, False], ids=["cookies", "no cookies"])
def test_two_users_at_once(version: Version, recording_of_two: Recording, cookies: bool) -> None:
    with replayed(recording_of_two.cassette) as url:
        clients = (
            start(version, url, desk.desk(), cookies=cookies, user=AGENT_7),
            start(version, url, desk.desk(desk.OF_AGENT_8), cookies=cookies, user=AGENT_8),
        )
        seven, eight = (client.seen() for client in clients)
        desk.assert_replayed(seven, recording_of_two.seen[0])
        desk.assert_replayed(eight, recording_of_two.seen[1], desk.OF_AGENT_8)
        desk.assert_apart(seven, eight)


def test_two_clients_of_one_user_at_once(version: Version, recording: Recording) -> None:
    with replayed(recording.cassette) as url:
        clients = [start(version, url, desk.desk(), user=AGENT_7) for _ in range(2)]
        first, second = (client.seen() for client in clients)
        desk.assert_replayed(first, recording.seen[0])
        desk.assert_replayed(second, recording.seen[0])
        desk.assert_apart(first, second)


def test_clients_of_unknown_users_at_once_without_cookies(
    version: Version, recording: Recording
) -> None:
    """Nobody the recording saw: bound by `Authorization` all the same."""
    with replayed(recording.cassette) as url:
        clients = [
            start(version, url, desk.desk(), cookies=False, user=user) for user in NEVER_RECORDED
        ]
        first, second = (client.seen() for client in clients)
        desk.assert_replayed(first, recording.seen[0])
        desk.assert_replayed(second, recording.seen[0])
        desk.assert_apart(first, second)


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
    with cometape("replay", str(recording.cassette)) as replay:
        seen = carry_out(version, replay.url(), steps, user=AGENT_7)
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


TRANSPORTS: tuple[tuple[Transport, Transport], ...] = (
    ("long-polling", "websocket"),
    ("websocket", "long-polling"),
)


@pytest.mark.parametrize(("recorded_over", "replayed_over"), TRANSPORTS)
def test_recorded_over_one_transport_and_replayed_over_the_other(
    version: Version, tmp_path: Path, recorded_over: Transport, replayed_over: Transport
) -> None:
    cassette = tmp_path / "desk.yaml"
    with recorded_simulator(cassette, transport=recorded_over) as url:
        recorded = carry_out(version, url, desk.desk(), transport=recorded_over, user=AGENT_7)
    assert recorded.finished, str(recorded)
    with replayed(cassette) as url:
        seen = carry_out(version, url, desk.desk(), transport=replayed_over, user=AGENT_7)
        desk.assert_replayed(seen, recorded)
