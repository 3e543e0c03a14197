"""Schemathesis calls the control API in every way its OpenAPI file allows, and in ways it does not.

It judges each answer: its status and content type are described, its body is as its schema says,
what the schema forbids is refused, what it allows is not, and the server never fails.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from raw_agent import RawAgent
from run_servers import controlled

CONFIG = """
[[operations]]
include-path-regex = "^/runs$|/faults$"
checks.positive_data_acceptance.enabled = false
"""
"""Which rules are faults is beyond a schema: some that it allows are refused."""


@pytest.mark.parametrize("phase", ["coverage", "fuzzing,stateful"])
def test_the_control_api_is_as_it_is_described(phase: str, tmp_path: Path) -> None:
    with controlled() as control:
        run = control.run("test-7", pace="manual")
        agent = RawAgent(run.url)
        config = tmp_path / "schemathesis.toml"
        config.write_text(CONFIG, encoding="utf-8")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli"),
                *("--config-file", str(config), "run"),
                f"{control.url}/openapi.json",
                *("--phases", phase, "--max-examples", "15"),
                *("--seed", "7", "--generation-deterministic", "--no-color"),
                *("--exclude-path-regex", "/verify|/held"),  # they may wait for minutes
                # A run that was just made has no sessions yet: 404 is right for theirs.
                *("--exclude-checks", "ensure_resource_availability"),
            ],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
            cwd=tmp_path,
        )
        agent.close()
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
