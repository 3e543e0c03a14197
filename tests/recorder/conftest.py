"""One certificate authority for all recorders of a test run: making a key takes a while."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recorder_thread import RecorderThread
from tls_origin import authority_in, context_for


@pytest.fixture(scope="session")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mitmproxy")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority that nobody trusts: `mitmproxy-ca-cert.pem`."""
    return authority_in(tmp_path_factory.mktemp("authority")).parent


@pytest.fixture(scope="session")
def context(authority: Path) -> ssl.SSLContext:
    """What a server of the name `localhost` needs."""
    return context_for(authority)


Record = Callable[..., RecorderThread]


@pytest.fixture
def record(tmp_path: Path, confdir: Path) -> Record:
    """`record(upstream, **settings)`: a recorder that is started by `with`."""

    def make(upstream: str | None, **settings: Any) -> RecorderThread:
        return RecorderThread(upstream, tmp_path / "cassette.yaml", confdir, **settings)

    return make
