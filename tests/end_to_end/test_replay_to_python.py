"""Recorded from the simulated Workbins system by `aiocometd-ng`, replayed over each transport.

The client is the one of `docs/examples/`; the operations are the demo's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiocometd_ng.constants import ConnectionType

from demo import OTHER_ORDER, RECORDED_ORDER
from recorded import recorded_simulator, replayed
from workbins_client import Operation, Outcome, WorkbinsClient

# How aiocometd-ng calls aiohttp to open a WebSocket.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{what} is deprecated:DeprecationWarning")
    for what in ("float parameter 'receive_timeout'", "ssl=None")
]

TRANSPORTS = (ConnectionType.LONG_POLLING, ConnectionType.WEBSOCKET)


async def session(
    base: str,
    operations: tuple[Operation, ...],
    connection_type: ConnectionType = ConnectionType.LONG_POLLING,
) -> list[Outcome]:
    """An agent's session: what its operations brought."""
    async with (
        asyncio.timeout(30),
        WorkbinsClient(
            base, "agent7", "agent7-password", connection_type=connection_type
        ) as client,
    ):
        return await client.operate_all(operations)


@dataclass(frozen=True, slots=True)
class Recording:
    """An unedited cassette, and what its client saw."""

    cassette: Path
    outcomes: list[Outcome]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """The demo's session, recorded once."""
    cassette = tmp_path_factory.mktemp("python") / "pull.yaml"
    with recorded_simulator(cassette) as url:
        return Recording(cassette, asyncio.run(session(url, RECORDED_ORDER)))


@pytest.mark.parametrize("connection_type", TRANSPORTS, ids=lambda one: str(one.value))
@pytest.mark.parametrize("operations", [RECORDED_ORDER, OTHER_ORDER], ids=["same", "swapped"])
def test_the_session_replays(
    recording: Recording, connection_type: ConnectionType, operations: tuple[Operation, ...]
) -> None:
    with replayed(recording.cassette) as url:
        outcomes = asyncio.run(session(url, operations, connection_type))
    old = {outcome.reference_id for outcome in recording.outcomes}
    live = [outcome.reference_id for outcome in outcomes]
    assert len(set(live)) == len(live)
    assert not old & set(live)
    assert all(outcome.soonest_s > 0 for outcome in outcomes)
    assert [len(outcome.events) for outcome in outcomes] == [1, 2, 2, 1]


def test_two_clients_at_once_over_both_transports(recording: Recording) -> None:
    """One user, two sessions: the cookie of its first request tells them apart."""

    async def both(base: str) -> tuple[list[Outcome], list[Outcome]]:
        return await asyncio.gather(
            session(base, RECORDED_ORDER, ConnectionType.LONG_POLLING),
            session(base, OTHER_ORDER, ConnectionType.WEBSOCKET),
        )

    with replayed(recording.cassette) as url:
        sessions = asyncio.run(both(url))
    assert [[len(outcome.events) for outcome in outcomes] for outcomes in sessions] == [
        [1, 2, 2, 1],
        [1, 2, 2, 1],
    ]
