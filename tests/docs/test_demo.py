"""`make demo` is the first thing that anyone sees: it must run, and be quick."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_demo_runs_from_recording_to_replay(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "examples" / "demo.py", tmp_path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "COLUMNS": "120"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert (tmp_path / "pull_workitem.yaml").is_file()
    for word in ("PullWorkitem", "agent42", "/v2/me/workitems", "ItemRemoved", "--timeline"):
        assert word in done.stdout
