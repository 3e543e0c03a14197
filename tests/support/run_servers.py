"""Run servers in this process: runs of cassettes and a control API, in a thread."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from cometape.control_client import Control
from cometape.core.control.access import Access
from cometape.core.control.control_service import ControlService
from cometape.core.control.runs import Runs
from cometape.core.control.shelf import Shelf, Shelved
from cometape.core.playbook.playbook import Playbook
from cometape.core.replay.replay_service import ReplaySettings
from cometape.server.listener import ServerThread
from cometape.server.run_server import RunServer
from control_talk import playbook
from openapi_check import OPENAPI


@contextlib.contextmanager
def run_server(
    cassettes: Mapping[str, Playbook] | None = None, **settings: Any
) -> Iterator[RunServer]:
    """A server with the run `default` of the first cassette, until the block ends."""
    books = cassettes or {"pull": playbook()}
    shelf = Shelf([Shelved(name=name, file=name, playbook=book) for name, book in books.items()])
    runs = Runs(shelf, ReplaySettings(**settings))
    runs.begin("default", next(iter(books)), time.monotonic())
    service = ControlService(runs, Access(), version="0", openapi=OPENAPI.read_bytes)
    server = RunServer(service)
    with ServerThread(server):
        yield server


@contextlib.contextmanager
def controlled(
    cassettes: Mapping[str, Playbook] | None = None, **settings: Any
) -> Iterator[Control]:
    """A client of the control API of such a server."""
    with run_server(cassettes, **settings) as server:
        yield Control(server.control_url)
