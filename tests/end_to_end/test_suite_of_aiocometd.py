"""aiocometd's own integration tests, unchanged, with `cometape broker` as their server.

They come in its source archive, which `make test` downloads by its hash; `aiocometd_suite` runs one
class of them. Most of their time is waiting, so all classes run at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from real_clients import unavailable

FOREIGN = Path(__file__).parents[1] / "foreign"
SUITE = Path(__file__).parents[1] / "support" / "aiocometd_suite.py"
LIBRARIES = ("aiocometd_ng", "aiocometd_noloop")
TESTS = {
    "Chat": ("test_single_client_chat", "test_multi_client_chat"),
    "TimeoutDetection": ("test_timeout_on_server_termination", "test_timeout_network_outage"),
    "ErrorRecovery": (
        "test_revover_on_server_restart",
        "test_recover_on_temporary_network_outage",
    ),
}
"""All twelve of them: each class is there for long-polling and for WebSocket."""

CLASSES = {
    f"Test{kind}{over}": tests
    for kind, tests in TESTS.items()
    for over in ("LongPolling", "Websocket")
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, str]]:
    """What became of each test, by library and class."""
    archive = next(FOREIGN.glob("aiocometd-*.tar.gz"), None)
    if archive is None:
        unavailable("aiocometd's source archive is not there: run `make test`")
    assert archive is not None
    folder = tmp_path_factory.mktemp("suite")
    with tarfile.open(archive) as content:
        content.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    running = {
        (library, name): subprocess.Popen(
            [sys.executable, str(SUITE), library, str(root), name],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for library in LIBRARIES
        for name in CLASSES
    }
    told: dict[tuple[str, str], dict[str, str]] = {}
    for key, process in running.items():
        output, errors = process.communicate(timeout=120)
        told[key] = json.loads(output) if process.returncode == 0 else {"": errors}
    return told


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("name", "test"), [(name, test) for name, tests in CLASSES.items() for test in tests]
)
def test_d03_d04_it_is_content(
    results: dict[tuple[str, str], dict[str, str]], library: str, name: str, test: str
) -> None:
    """A chat; a server that ends or does not answer is noticed; one that comes back is found."""
    assert results[library, name].get(test) == "ok", results[library, name]


def test_no_other_test_is_there(results: dict[tuple[str, str], dict[str, str]]) -> None:
    for (_, name), told in results.items():
        assert sorted(told) == sorted(CLASSES[name])
