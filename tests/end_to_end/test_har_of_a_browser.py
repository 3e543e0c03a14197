"""What a real Chromium notes of its network, imported: a cassette that replays to it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

import workbins_desk as desk
from cometape.core.cassette import Event
from cometape.store import cassette_file
from node_client import carry_out
from real_clients import Transport, require
from recorded import replayed
from running import cometape, cometape_once


@pytest.mark.parametrize("transport", ["long-polling", "websocket"])
def test_a_har_of_chromium_is_as_good_as_a_recording(transport: Transport, tmp_path: Path) -> None:
    require("chromium")
    har, cassette = tmp_path / "chromium.har", tmp_path / "desk.yaml"
    switch = ["--switch", "websocket=on"] if transport == "websocket" else []
    with cometape("simulate", "--seed", "7", *switch) as system:
        url = system.url()
        seen = carry_out(
            "chromium", url, desk.desk(), user=desk.AGENT_7, transport=transport, har=har
        )
    assert seen.finished, str(seen)
    assert json.loads(har.read_text(encoding="utf-8"))["log"]["browser"]["name"] == "chromium"
    done = cometape_once("import", str(har), "-o", str(cassette), "--only", url)
    assert done.returncode == 0, done.stderr
    assert "problems          0" in done.stdout
    password = "agent7-password"
    basic = base64.b64encode(f"agent7:{password}".encode()).decode()
    assert basic in har.read_text(encoding="utf-8")
    for secret in (password, basic, *seen.client_ids):
        assert secret not in cassette.read_text(encoding="utf-8")
    events = [one for one in cassette_file.load(cassette).entries if isinstance(one, Event)]
    assert events
    assert all(isinstance(event.cause, int) for event in events)
    with replayed(cassette) as url:
        again = carry_out("chromium", url, desk.desk(), user=desk.AGENT_7, transport=transport)
        desk.assert_replayed(again, seen)
