"""A page that insists on the real host name: in Chromium, through `cometape replay --proxy`."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbins_desk as desk
from cometape.mitm.authority import authority_in
from node_client import carry_out, require
from real_clients import Transport
from real_clients import require as require_client
from recorded import Recording, recorded_simulator, replayed
from tls_origin import authority_in as new_authority

require("cometd9")

REAL_NAME = "https://gws.example"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """agent7's session, over long-polling."""
    cassette = tmp_path_factory.mktemp("desk") / "desk.yaml"
    with recorded_simulator(cassette) as url:
        seen = carry_out("cometd9", url, desk.desk(), user=desk.AGENT_7)
    assert seen.finished, str(seen)
    return Recording(cassette, (seen,))


@pytest.mark.parametrize("transport", ["long-polling", "websocket"])
def test_a_page_that_knows_one_address_is_given_answers_and_events_there(
    recording: Recording, tmp_path: Path, transport: Transport
) -> None:
    """With TLS, cookies, preflights; the authority is known by the pin that `cometape ca` shows."""
    require_client("chromium")
    authority = authority_in(new_authority(tmp_path).parent)
    options = ("--proxy", "--origin", REAL_NAME, "--confdir", str(tmp_path))
    with replayed(recording.cassette, *options) as url:
        seen = carry_out(
            "chromium",
            REAL_NAME,
            desk.desk(),
            user=desk.AGENT_7,
            transport=transport,
            proxy={"url": url, "pin": authority.public_key_pin},
        )
    desk.assert_replayed(seen, recording.seen[0])
    assert seen.transport == transport
