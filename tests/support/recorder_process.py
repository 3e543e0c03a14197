"""A recorder in a process of its own that can be killed at any instant.

Forked from a server that has imported mitmproxy already: starting twenty of them takes seconds.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["cometape.recorder.proxy"])


class RecorderProcess:
    """As a context manager; `kill` is SIGKILL."""

    def __init__(self, upstream: str, out: Path, confdir: Path, profile: str = "workbins") -> None:
        ours, theirs = _FORKS.Pipe(duplex=False)
        self._process = _FORKS.Process(
            target=_main, args=(upstream, out, confdir, profile, theirs), daemon=True
        )
        self._process.start()
        theirs.close()
        with ours:
            assert ours.poll(30)
            self.url: str = ours.recv()

    @property
    def peak_kb(self) -> int:
        """The most memory it has ever had in use (Linux)."""
        with open(f"/proc/{self._process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

    def kill(self) -> None:
        """End it at once; the second time nothing happens."""
        self._process.kill()
        self._process.join(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._process.close()


def _main(upstream: str, out: Path, confdir: Path, profile: str, told: Connection) -> None:
    from cometape.recorder import Recorder, RecordingSettings
    from cometape.recorder.proxy import ProxySettings, run

    async def record() -> None:
        settings = RecordingSettings(out=out, origin=upstream, profile=profile)
        proxy = ProxySettings(upstream=upstream, confdir=confdir)
        await run(Recorder(settings), proxy, listening=told.send, stop=asyncio.Event())

    asyncio.run(record())
