"""One certificate authority for all recorders of a test run: making a key takes a while."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recorder_thread import RecorderThread


@pytest.fixture(scope="session")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mitmproxy")


Record = Callable[..., RecorderThread]


@pytest.fixture
def record(tmp_path: Path, confdir: Path) -> Record:
    """`record(upstream, **settings)`: a recorder that is started by `with`."""

    def make(upstream: str | None, **settings: Any) -> RecorderThread:
        return RecorderThread(upstream, tmp_path / "cassette.yaml", confdir, **settings)

    return make
