"""Programs as a user runs them: started as a process of its own, awaited by their first line."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

COMETAPE = str(Path(sys.executable).with_name("cometape"))
"""The console script beside the Python that runs the tests."""


def _with_all_signals() -> None:
    """Also where these tests run by `nohup` or in the background, which ignore some."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Running:
    """A program that serves until it is told to end."""

    def __init__(self, command: Sequence[str], *, cwd: Path | None = None) -> None:
        self.command = command
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=cwd,
            preexec_fn=_with_all_signals,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._url = ""
        self.stdout: list[str] = []
        """The lines it has printed, complete after `stop`."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.stdout.append(line.rstrip("\n"))
                self._lines.put(self.stdout[-1])
        self._lines.put(None)

    def url(self, within_s: float = 30) -> str:
        """The URL of its first line, `listening on http://127.0.0.1:PORT`."""
        if self._url:
            return self._url
        try:
            line = self._lines.get(timeout=within_s)
        except queue.Empty:
            line = None
        if line is None or not line.startswith("listening on "):
            self.stop()
            raise AssertionError(f"{self.command} said {self.stdout}, and {self.stderr}")
        self._url = line.removeprefix("listening on ").strip()
        return self._url

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal that it shall not end by."""
        self._process.send_signal(number)

    def stop(self, how: signal.Signals = signal.SIGTERM, within_s: float = 15) -> int:
        """End it as a user or a supervisor would; its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            code = self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"{self.command} did not end within {within_s} s") from None
        finally:
            self._reader.join(5)
        return code

    @property
    def stderr(self) -> str:
        """What it wrote to standard error so far."""
        # The file's position is shared with the program that writes it: read without moving it.
        return os.pread(self._errors.fileno(), 1_000_000, 0).decode(errors="replace")

    def until_told(self, text: str, within_s: float = 15) -> None:
        """Wait until this stands on standard error."""
        give_up_s = time.monotonic() + within_s
        while text not in self.stderr:
            assert time.monotonic() < give_up_s, self.stderr
            time.sleep(0.01)

    def close(self) -> None:
        """Stop it if it still runs and give back its files."""
        if self._process.poll() is None:
            self.stop()
        self._errors.close()


@contextlib.contextmanager
def running(*command: str, cwd: Path | None = None) -> Iterator[Running]:
    """A program, ended when the block ends."""
    program = Running(command, cwd=cwd)
    try:
        yield program
    finally:
        program.close()


def cometape(*arguments: str) -> contextlib.AbstractContextManager[Running]:
    """`cometape simulate`, `record`, `replay` or `broker`, ended when the block ends."""
    return running(COMETAPE, *arguments)


def cometape_once(*arguments: str, within_s: float = 60) -> subprocess.CompletedProcess[str]:
    """A `cometape` command that ends by itself."""
    return subprocess.run(
        [COMETAPE, *arguments], capture_output=True, text=True, timeout=within_s, check=False
    )
