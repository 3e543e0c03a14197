"""Faults on purpose, and what real CometD clients see of them: npm's `cometd`, `aiocometd-ng`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiocometd_ng.exceptions import TransportTimeoutError

import workbins_desk as desk
from demo import RECORDED_ORDER
from node_client import Seen, Step, Version, carry_out
from recorded import Recording, recorded_simulator
from running import cometape
from workbins_client import WorkbinsClient


@contextmanager
def faulty(cassette: Path, *faults: str, code: int = 0) -> Iterator[str]:
    """The URL of a strict replay with faults, each of which must have fired."""
    options = [word for fault in faults for word in ("--fault", fault)]
    with cometape("replay", str(cassette), "--strict", *options) as replay:
        yield replay.url()
        ended = replay.stop()
        told = "\n".join(replay.stdout)
        assert ended == code, f"{told}\n{replay.stderr}"
        assert "never fired" not in told
        assert told.count(": fired") == len(faults)


def impatient(steps: list[Step], *names: str) -> list[Step]:
    """The plan, with little patience for what will never come."""
    return [step | {"limit_s": 1.5} if step.get("name") in names else step for step in steps]


def re_handshakes(seen: Seen) -> int:
    """Sessions of a client beyond its first."""
    return len(seen.client_ids) - 1


@pytest.mark.parametrize(
    "fault",
    [
        "cut channel=/meta/connect nth=1",
        "reset channel=/meta/connect nth=2",
        "status=503 channel=/meta/connect nth=3",
        "reset=after operation=PullWorkitem nth=1",
        "drip=5ms bytes=64 operation=PullWorkitem",
        "delay=300ms operation=Complete",
    ],
)
def test_a_client_survives_what_loses_no_event(
    version: Version, recording: Recording, fault: str
) -> None:
    with faulty(recording.cassette, fault) as url:
        seen = carry_out(version, url, desk.desk(), user=desk.AGENT_7)
    assert seen.finished, str(seen)
    assert re_handshakes(seen) == 0


def test_a_poll_that_is_cut_in_the_middle_takes_its_event_along(
    version: Version, recording: Recording
) -> None:
    """Without the acknowledge extension nobody sends it again, as with the real server."""
    events = [str(step["name"]) for pull in (desk.PULL_A, desk.PULL_B) for step in pull.events]
    with faulty(recording.cassette, "cut channel=/meta/connect nth=5") as url:
        seen = carry_out(version, url, impatient(desk.desk(), *events), user=desk.AGENT_7)
    assert seen.late in (events[:2], events[2:]), "both came in one poll, of whichever operation"
    assert re_handshakes(seen) == 0, "the session outlives the poll"
    assert seen.waited("complete A done")


def test_402_in_mid_operation_loses_its_events_and_the_client_shakes_hands_again(
    version: Version, recording: Recording
) -> None:
    lost = ("pull A removed", "pull A taken")
    with faulty(recording.cassette, "402 operation=PullWorkitem nth=1") as url:
        seen = carry_out(version, url, impatient(desk.desk(), *lost), user=desk.AGENT_7)
    assert sorted(seen.late) == sorted(lost)
    assert re_handshakes(seen) == 1
    assert seen.waited("pull B taken")


def test_402_in_mid_operation_whose_events_are_kept(version: Version, recording: Recording) -> None:
    with faulty(recording.cassette, "402 events=kept operation=PullWorkitem nth=1") as url:
        seen = carry_out(version, url, desk.desk(), user=desk.AGENT_7)
    assert seen.finished, str(seen)
    assert re_handshakes(seen) == 1


def test_an_event_that_comes_twice_and_one_that_never_comes(
    version: Version, recording: Recording
) -> None:
    faults = ("duplicated channel=/v2/me/workitems nth=1", "lost channel=/v2/me/workbins nth=2")
    steps = impatient(desk.desk(), "pull A removed")
    with faulty(recording.cassette, *faults) as url:
        seen = carry_out(version, url, steps, user=desk.AGENT_7)
    assert seen.late == ["pull A removed"]
    taken = [event.data for event in seen.events if event.channel == desk.WORKITEMS]
    assert taken[0] == taken[1]
    assert taken[1] not in taken[2:]


def test_an_event_before_its_answer_is_seen_before_it(
    version: Version, recording: Recording
) -> None:
    with faulty(recording.cassette, "early operation=PullWorkitem channel=/v2/me/workitems") as url:
        seen = carry_out(version, url, desk.desk(), user=desk.AGENT_7)
    assert seen.finished, str(seen)
    for name in ("pull A", "pull B"):
        assert seen.waited(f"{name} taken").at_s < seen.answer(name).at_s


# -------------------------------------------------------------------- aiocometd-ng


async def session(base: str, limit_s: float) -> list[object]:
    """What each operation of the demo brought: the number of its events, or that they never came.

    Its library handles `402` by itself; nothing here does.
    """
    found: list[object] = []
    async with asyncio.timeout(30), WorkbinsClient(base, "agent7", "agent7-password") as client:
        for operation in RECORDED_ORDER:
            try:
                found.append(len((await client.operate(operation, limit_s)).events))
            except TimeoutError:
                found.append("late")
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's session, recorded once."""
    cassette = tmp_path_factory.mktemp("faults") / "demo.yaml"
    with recorded_simulator(cassette) as url:
        assert asyncio.run(session(url, limit_s=10)) == [1, 2, 2, 1]
    return cassette


@pytest.mark.parametrize(
    ("faults", "outcomes"),
    [
        (["duplicated channel=/v2/me/workitems"], [1, 2, 2, 1]),
        (["lost operation=PullWorkitem nth=1"], [1, "late", 2, 1]),
        (["402 operation=PullWorkitem nth=1"], [1, "late", 2, 1]),
        (["402 events=kept operation=PullWorkitem nth=1"], [1, 2, 2, 1]),
        (["delay=200ms", "drip=1ms bytes=512"], [1, 2, 2, 1]),
    ],
    ids=lambda value: value[0] if isinstance(value[0], str) else "",
)
def test_a_python_client_sees_just_what_it_should(
    demo: Path, faults: list[str], outcomes: list[object]
) -> None:
    with faulty(demo, *faults) as url:
        assert asyncio.run(session(url, limit_s=4)) == outcomes


@pytest.mark.filterwarnings("ignore:coroutine 'TransportBase.wait_for_state':RuntimeWarning")
@pytest.mark.parametrize("fault", ["cut", "reset"])
def test_a_python_client_is_told_that_a_poll_broke(demo: Path, fault: str) -> None:
    """aiocometd-ng 0.5.6 gives up then: it passes an argument that Python 3.10 removed."""

    async def until_told(base: str) -> BaseException | None:
        client = WorkbinsClient(base, "agent7", "agent7-password")
        with pytest.raises(TimeoutError):
            async with client:
                await client.operate(RECORDED_ORDER[0], 3)
        return client.failure

    with faulty(demo, f"{fault} channel=/meta/connect nth=2", code=1) as url:
        failure = asyncio.run(until_told(url))
    assert isinstance(failure, TransportTimeoutError)
