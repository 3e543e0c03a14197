"""What the proofs with npm's `cometd` share: which version, and its recording."""

from __future__ import annotations

import pytest

import workbins_desk as desk
from node_client import VERSIONS, Version, carry_out, require
from recorded import Recording, recorded_simulator


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
