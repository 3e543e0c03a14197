"""Recordings made for a test as a user makes them: `cometape record` in front of a live system."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from node_client import Seen, Transport
from running import cometape


@dataclass(frozen=True, slots=True)
class Recording:
    """An unedited cassette, and what each client saw while it was recorded."""

    cassette: Path
    seen: tuple[Seen, ...]


@contextlib.contextmanager
def recorder(upstream: str, cassette: Path, *options: str) -> Iterator[str]:
    """The URL to which a client must talk for its traffic to be recorded."""
    with cometape("record", upstream, "-o", str(cassette), *options) as program:
        yield program.url()
        code = program.stop(signal.SIGINT)
        assert code == 0, program.stderr


@contextlib.contextmanager
def recorded_simulator(cassette: Path, *, transport: Transport = "long-polling") -> Iterator[str]:
    """A recorder in front of a fresh simulated Workbins system; its URL.

    WebSocket is offered only where it is asked for: the documented system has none.
    """
    switch = ["--switch", "websocket=on"] if transport == "websocket" else []
    with (
        cometape("simulate", "--seed", "7", *switch) as simulator,
        recorder(simulator.url(), cassette) as url,
    ):
        yield url


@contextlib.contextmanager
def replayed(cassette: Path, *options: str) -> Iterator[str]:
    """The URL of a strict replay; at its end nothing was missed or left over."""
    with cometape("replay", str(cassette), "--strict", *options) as program:
        yield program.url()
        code = program.stop()
        assert code == 0, "\n".join([*program.stdout, program.stderr])
