"""A cassette that is written to while it is served is told, with what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cometape.core.control.served_run import ServedRun
from cometape.core.replay.replay_service import ReplaySettings
from cometape.profiles import load_profile
from cometape.server.listener import BackgroundServer
from cometape.store.playbook_file import open_playbook
from cometape.store.yaml_emitter import dump
from raw_client import connected
from scripted import Script


def test_a_changed_entry_is_a_problem_that_says_what_to_do_and_others_are_answered(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = Script(bayeux="/api/v2/notifications")
    script.ask("agent7", "GET", "/first", None, {"n": 11})
    script.ask("agent7", "GET", "/second", None, {"n": 22})
    path = tmp_path / "c.yaml"
    path.write_text(dump(script.cassette))
    playbook = open_playbook(path, load_profile, small_bytes=0)
    path.write_text(path.read_text().replace("22", "23"))
    run = ServedRun("c", "c", playbook, ReplaySettings(strict=False))
    with BackgroundServer(run) as server, connected(server.url) as client:
        for _ in range(2):
            answer = client.get("/second")
            assert answer.status == 500
            told = json.loads(answer.body)
            assert (told["reason"], told["status"]) == ("changed", 500)
            assert f"{path}:" in told["detail"]
            assert "--watch" in told["detail"]
        assert client.get("/first").status == 200
        report = server.call(run.report)
        assert (report.ok, server.call(run.is_ok), report.internal_errors_total) == (
            False,
            False,
            2,
        )
        assert len(report.internal_errors) == 1
        assert report.internal_errors[0].startswith(f"CassetteError: {path}:")
        assert "2 internal errors" in report.verdict
    printed = capfd.readouterr().err
    assert "was written to after it had been opened" in printed
    assert "Traceback" not in printed
