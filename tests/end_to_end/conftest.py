"""What the proofs share: which `cometd`, its recording; the servers of the checklist."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import workbins_desk as desk
from node_client import VERSIONS, Version, carry_out, require
from recorded import Recording, recorded_simulator
from running import cometape
from wire_target import TIMEOUT_S, Target

GOLDEN = Path(__file__).parents[2] / "cassettes" / "pull_workitem.yaml"


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> Version:
    """Which cometd records and is replayed to."""
    require(*VERSIONS)
    chosen: Version = request.param
    return chosen


@pytest.fixture(scope="module")
def recording(version: Version, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """agent7's session, recorded once."""
    cassette = tmp_path_factory.mktemp(version) / "desk.yaml"
    with recorded_simulator(cassette) as url:
        seen = carry_out(version, url, desk.desk(), user=desk.AGENT_7)
    assert seen.finished, str(seen)
    return Recording(cassette, (seen,))


@pytest.fixture(scope="session")
def broker() -> Iterator[Target]:
    """`cometape broker`, for the checklist; sessions outlive a slow machine."""
    options = ("--timeout-s", str(TIMEOUT_S), "--max-interval-s", "60", "--dialect", "cometd5")
    with cometape("broker", *options) as program:
        yield Target(program.url(), "/cometd")


@pytest.fixture(scope="session")
def replay() -> Iterator[Target]:
    """`cometape replay`, whose Bayeux is the same, for what needs no publishing."""
    options = ("--timeout-s", str(TIMEOUT_S), "--dialect", "cometd5", "--no-strict")
    with cometape("replay", str(GOLDEN), *options) as program:
        yield Target(program.url(), "/api/v2/notifications")


@pytest.fixture(params=["broker", "replay"])
def target(request: pytest.FixtureRequest) -> Target:
    """Either of them."""
    server: Target = request.getfixturevalue(request.param)
    return server
