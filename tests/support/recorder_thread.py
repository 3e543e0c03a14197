"""A recorder in a thread of the test's process, in front of any upstream."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cometape.core.cassette import Cassette, Exchange
from cometape.recorder import Recorder, RecordingSettings, Summary
from cometape.recorder.capture_filter import EVERYTHING, CaptureFilter
from cometape.recorder.proxy import ProxySettings, run
from cometape.store import cassette_file


class RecorderThread:
    """As a context manager: records until the block ends, then `summary` and `cassette` are whole.

    `upstream` None makes it a regular proxy. `proxy` are further settings of `ProxySettings`, all
    others those of `RecordingSettings`.
    """

    def __init__(
        self,
        upstream: str | None,
        out: Path,
        confdir: Path,
        *,
        proxy: Mapping[str, Any] | None = None,
        capture_filter: CaptureFilter = EVERYTHING,
        **settings: Any,
    ) -> None:
        self.out = out
        self._filter = capture_filter
        self._settings = RecordingSettings(out=out, origin=upstream, **settings)
        self._proxy = ProxySettings(upstream=upstream, confdir=confdir, **(proxy or {}))
        self._url: Future[str] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self.recorder: Recorder | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._url.result()

    @property
    def cassette(self) -> Cassette:
        """What is in the file now."""
        return cassette_file.load(self.out)

    @property
    def exchanges(self) -> list[Exchange]:
        """The exchanges in the file now."""
        return [entry for entry in self.cassette.entries if isinstance(entry, Exchange)]

    @property
    def summary(self) -> Summary:
        """What it said in the end."""
        assert self.recorder is not None
        assert self.recorder.summary is not None
        return self.recorder.summary

    def stop(self) -> None:
        """End the recording, as Ctrl-C would; the second time nothing happens."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def __enter__(self) -> Self:
        self._thread.start()
        self._url.result(20)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._record())
        except BaseException as error:
            if self._url.done():
                raise
            self._url.set_exception(error)

    async def _record(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.recorder = Recorder(self._settings, self._filter)
        await run(self.recorder, self._proxy, listening=self._url.set_result, stop=self._stop)
