"""Recorded over long-polling and replayed over WebSocket, and the other way round."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbins_desk as desk
from node_client import Transport, Version, carry_out
from recorded import recorded_simulator, replayed

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
        recorded = carry_out(version, url, desk.desk(), transport=recorded_over, user=desk.AGENT_7)
    assert recorded.finished, str(recorded)
    with replayed(cassette) as url:
        seen = carry_out(version, url, desk.desk(), transport=replayed_over, user=desk.AGENT_7)
        desk.assert_replayed(seen, recorded)
