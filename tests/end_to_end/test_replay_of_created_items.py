"""A workitem that a client creates, then names: recorded once, another one in every replay.

The client is the one of `docs/examples/`, over the transports that it has; the recording is used as
it came out of `cometape record`.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiocometd_ng.constants import ConnectionType

from cometape.store.cassette_file import load
from recorded import recorded_simulator, replayed
from workbins_client import Expected, Operation, WorkbinsClient

# How aiocometd-ng calls aiohttp to open a WebSocket.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{what} is deprecated:DeprecationWarning")
    for what in ("float parameter 'receive_timeout'", "ssl=None")
]

WORKITEMS = "/v2/me/workitems"
CHANGED = (Expected(channel=WORKITEMS, where={"notificationType": "StatusChange"}),)
CREATE = Operation(
    name="create",
    target="/api/v2/me/workitems",
    body={"operationName": "Create", "queueUri": "http://gws.example/api/v2/queues/back-office"},
    causes=CHANGED,
)


@dataclass(frozen=True, slots=True)
class Item:
    """What the client learnt of its workitem."""

    id: str
    uri: str
    submitted_at: str
    reference_ids: tuple[int | None, ...]


async def work(base: str, connection_type: ConnectionType = ConnectionType.LONG_POLLING) -> Item:
    """Create a workitem, put data on it and complete it, by the id that the event told."""
    async with (
        asyncio.timeout(30),
        WorkbinsClient(
            base, "agent7", "agent7-password", connection_type=connection_type
        ) as client,
    ):
        created = await client.operate(CREATE)
        item = created.events[0].data["workitem"]
        path = f"/api/v2/me/workitems/{item['id']}"
        attached = await client.operate(
            Operation(
                name="attach",
                target=path,
                body={"operationName": "AttachUserData", "userData": {"Colour": "red"}},
                causes=(
                    Expected(channel=WORKITEMS, where={"notificationType": "PropertiesUpdated"}),
                ),
            )
        )
        completed = await client.operate(
            Operation(
                name="complete", target=path, body={"operationName": "Complete"}, causes=CHANGED
            )
        )
        for outcome in (created, attached, completed):
            data = outcome.events[0].data["workitem"]
            assert data["id"] == item["id"]
            assert data["userData"]["InteractionId"] == item["id"]
            assert data["uri"].endswith(f"/workitems/{item['id']}")
        return Item(
            item["id"],
            item["uri"],
            item["userData"]["SubmittedAt"],
            tuple(one.reference_id for one in (created, attached, completed)),
        )


@dataclass(frozen=True, slots=True)
class Recording:
    """An unedited cassette, and what its client saw."""

    cassette: Path
    item: Item


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """The session, recorded once."""
    cassette = tmp_path_factory.mktemp("created") / "create.yaml"
    with recorded_simulator(cassette) as url:
        return Recording(cassette, asyncio.run(work(url)))


@pytest.mark.parametrize(
    "connection_type",
    [ConnectionType.LONG_POLLING, ConnectionType.WEBSOCKET],
    ids=lambda one: str(one.value),
)
def test_it_has_another_id_in_every_run_by_which_it_can_be_named(
    recording: Recording, connection_type: ConnectionType
) -> None:
    with replayed(recording.cassette) as url:
        items = [asyncio.run(work(url, connection_type)) for _ in range(2)]
    ids = [recording.item.id, *(item.id for item in items)]
    assert len(set(ids)) == 3
    shape = re.sub(r"[A-Z]", "A", re.sub(r"\d", "0", ids[0]))
    assert {re.sub(r"[A-Z]", "A", re.sub(r"\d", "0", one)) for one in ids} == {shape}
    live = [number for item in items for number in item.reference_ids]
    assert len(set(live)) == len(live)
    assert not set(live) & set(recording.item.reference_ids)


def test_the_same_seed_gives_the_same_workitem(recording: Recording) -> None:
    seen = []
    for seed in ("5", "5", "6"):
        with replayed(recording.cassette, "--seed", seed) as url:
            seen.append(asyncio.run(work(url)).id)
    assert seen[0] == seen[1] != seen[2]


def test_it_can_be_submitted_on_another_day(recording: Recording) -> None:
    with replayed(recording.cassette) as url:
        assert asyncio.run(work(url)).submitted_at == recording.item.submitted_at
    with replayed(recording.cassette, "--dates", "2035-01-01T00:00:00Z") as url:
        moved = asyncio.run(work(url)).submitted_at
    began = load(recording.cassette).header.recorded_at
    assert began is not None
    shift = datetime(2035, 1, 1, tzinfo=UTC) - datetime.fromisoformat(began)
    recorded = datetime.fromisoformat(recording.item.submitted_at)
    assert datetime.fromisoformat(moved) - recorded == shift
