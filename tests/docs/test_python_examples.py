"""The Python examples of the README and of the page about pytest do what they say, as written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = {
    f"{page}-{number}": text
    for page in ("README.md", "docs/pytest.md")
    for number, text in enumerate(
        re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
    )
}


def run(folder: Path, *command: str) -> str:
    """What Python says, run beside the cassettes and the user's own client."""
    shutil.copytree(ROOT / "cassettes", folder / "cassettes")
    shutil.copy(ROOT / "tests" / "support" / "agent_desktop.py", folder)
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_both_pages_have_examples() -> None:
    assert {"README.md-0", "docs/pytest.md-0", "docs/pytest.md-1"} < set(EXAMPLES)


@pytest.mark.parametrize(
    "example", [name for name, text in EXAMPLES.items() if "def test_" in text]
)
def test_an_example_of_a_test_passes(example: str, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(EXAMPLES[example], encoding="utf-8")
    said = run(tmp_path, "-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider")
    tests = len(re.findall(r"^def test_", EXAMPLES[example], re.M))
    assert f"{tests} passed" in said


@pytest.mark.parametrize(
    "example", [name for name, text in EXAMPLES.items() if "def test_" not in text]
)
def test_an_example_of_a_program_runs(example: str, tmp_path: Path) -> None:
    (tmp_path / "it.py").write_text(EXAMPLES[example], encoding="utf-8")
    run(tmp_path, "it.py")
