"""A server under measurement: a process of its own, pinned to one core, watched through /proc."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
START_S = 60.0
"""A JVM on a shared core takes its time."""


def cores() -> tuple[int, int]:
    """The core that servers run on, and the one for load; the same where there is but one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def allow_files() -> int:
    """Let this process, and what it starts, open as many files as it may; how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return soft


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Server:
    """A process that serves on loopback, and its children."""

    def __init__(self, command: Sequence[str], port: int, log: Path, core: int) -> None:
        """`log` takes what it says."""
        self.port = port
        self._log = log
        with log.open("wb") as said:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(core), *command], stdout=said, stderr=said
            )

    def wait(self) -> None:
        """Until it accepts connections. Raises RuntimeError when it does not."""
        until_s = time.monotonic() + START_S
        while time.monotonic() < until_s and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.02)
        raise RuntimeError(
            f"{self.process.args!r} does not listen: {self._log.read_text()[-2000:]}"
        )

    @property
    def pids(self) -> list[int]:
        """The process, and the processes it has started."""
        found = [self.process.pid]
        for pid in found:
            with contextlib.suppress(OSError):
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
                found += [int(child) for child in children.split()]
        return found

    def processor_s(self) -> float:
        """Processor time used so far."""
        return sum(map(processor_s, self.pids))

    def resident_kib(self) -> int:
        """Memory in use."""
        return sum(map(resident_kib, self.pids))

    def stop(self) -> None:
        """End it."""
        pids = self.pids
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in pids[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def processor_s(pid: int) -> float:
    """Processor time a process has used, to the nanosecond of the scheduler."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def resident_kib(pid: int) -> int:
    """Memory a process has in use."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
