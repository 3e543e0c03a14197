"""One replay server, several of npm's `cometd` at once: each has its own ids and its own events.

Every recording is used as it came out of `cometape record`.
"""

from __future__ import annotations

import pytest

import workbins_desk as desk
from node_client import Version, start
from recorded import Recording, recorded_simulator, replayed
from running import cometape

NEVER_RECORDED = (("agent9", "any"), ("agent10", "any"))


@pytest.fixture(scope="module")
def recording_of_two(version: Version, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """agent7 and agent8 at work at the same time, in one cassette."""
    cassette = tmp_path_factory.mktemp(version) / "two-desks.yaml"
    with recorded_simulator(cassette) as url:
        clients = (
            start(version, url, desk.desk(), user=desk.AGENT_7),
            start(version, url, desk.desk(desk.OF_AGENT_8), user=desk.AGENT_8),
        )
        seen = tuple(client.seen() for client in clients)
    assert all(one.finished for one in seen), "\n".join(map(str, seen))
    return Recording(cassette, seen)


@pytest.mark.parametrize("cookies", [True, False], ids=["cookies", "no cookies"])
def test_two_users_at_once(version: Version, recording_of_two: Recording, cookies: bool) -> None:
    with replayed(recording_of_two.cassette) as url:
        clients = (
            start(version, url, desk.desk(), cookies=cookies, user=desk.AGENT_7),
            start(version, url, desk.desk(desk.OF_AGENT_8), cookies=cookies, user=desk.AGENT_8),
        )
        seven, eight = (client.seen() for client in clients)
        desk.assert_replayed(seven, recording_of_two.seen[0])
        desk.assert_replayed(eight, recording_of_two.seen[1], desk.OF_AGENT_8)
        desk.assert_apart(seven, eight)


def test_two_clients_of_one_user_at_once(version: Version, recording: Recording) -> None:
    with replayed(recording.cassette) as url:
        clients = [start(version, url, desk.desk(), user=desk.AGENT_7) for _ in range(2)]
        first, second = (client.seen() for client in clients)
        desk.assert_replayed(first, recording.seen[0])
        desk.assert_replayed(second, recording.seen[0])
        desk.assert_apart(first, second)


def test_two_clients_of_one_user_at_once_without_cookies(
    version: Version, recording: Recording
) -> None:
    """Nothing tells their requests apart, so both sessions of the user get the events of both.

    As a live system does; each still gets its own, after its request, with the id of its answer.
    """
    with cometape("replay", str(recording.cassette), "--no-strict") as replay:
        url = replay.url()
        clients = [
            start(version, url, desk.desk(), cookies=False, user=desk.AGENT_7) for _ in range(2)
        ]
        both = [client.seen() for client in clients]
    for seen in both:
        assert seen.finished, str(seen)
        desk.assert_causes_before_events(seen, desk.IN_ORDER)
    desk.assert_apart(*both)
    live = {one for seen in both for one in desk.reference_ids(seen).values()}
    assert len(live) == 2 * len(desk.reference_ids(recording.seen[0])), "ids of their own"
    assert not live & set(desk.reference_ids(recording.seen[0]).values())


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
