"""A client follows the URIs it is given, in answers and in events, and never leaves the recorder.

The simulated system calls itself http://gws.example:8090, where nobody listens.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import workbins_desk as desk
from cometape.core.cassette import Event, Exchange
from cometape.store import cassette_file
from node_client import VERSIONS, Seen, Step, Transport, Version, carry_out, of, require, rest
from recorded import recorded_simulator, replayed

require(*VERSIONS)

PUBLIC = "http://gws.example:8090"
STEPS: list[Step] = [
    *desk.start_session(),
    rest("workbins", "GET", "/api/v2/me/workbins?fields=*"),
    rest("the workbin", "GET", of("workbins", "workbins", 0, "uri")),
    *desk.subscribe_workbin().steps,
    *desk.PULL_A.steps,
    rest("the workitem", "GET", of("pull A removed", "workitemStateResourceV2", "uri")),
    *desk.COMPLETE_A.steps,
    *desk.end_session(),
]


def assert_stayed(seen: Seen, base: str) -> None:
    assert seen.finished, str(seen)
    assert {answer.status for answer in seen.answers.values()} == {200}, str(seen)
    assert seen.answer("workbins").json["workbins"][0]["uri"].startswith(f"{base}/api/v2/")
    event = seen.waited("pull A removed").data
    assert event["workitemStateResourceV2"]["uri"].startswith(f"{base}/api/v2/workitems/")
    assert seen.answer("the workitem").json["workitem"]["id"] == desk.ITEM_A
    assert PUBLIC not in str(seen)


@pytest.mark.parametrize(
    ("version", "transport"), [("cometd3", "long-polling"), ("cometd9", "websocket")]
)
def test_it_stays_on_the_recorder_and_on_the_replay(
    version: Version, transport: Transport, tmp_path: Path
) -> None:
    cassette = tmp_path / "uris.yaml"
    with recorded_simulator(cassette, transport=transport) as url:
        assert_stayed(carry_out(version, url, STEPS, user=desk.AGENT_7, transport=transport), url)
    assert url not in cassette.read_text(encoding="utf-8"), "the cassette has what the system said"
    entries = cassette_file.load(cassette).entries
    (read,) = [
        entry
        for entry in entries
        if isinstance(entry, Exchange) and entry.request.target.startswith("/api/v2/workitems/")
    ]
    assert read.response is not None
    assert f'"uri":"{PUBLIC}/api/v2/workitems/'.encode() in read.response.body
    assert any(PUBLIC in str(entry.data) for entry in entries if isinstance(entry, Event))
    with replayed(cassette) as url:
        assert_stayed(carry_out(version, url, STEPS, user=desk.AGENT_7, transport=transport), url)
