"""One trial: a replay in one order, the command that is its client, and how that ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from typing import IO
from urllib.parse import urlsplit

from cometape.core.control.served_run import ServedRun
from cometape.core.errors import ConfigurationError
from cometape.core.explore.order import Order, Pair
from cometape.core.json_value import JsonObject
from cometape.core.playbook.playbook import Playbook
from cometape.core.replay.replay_service import ReplaySettings
from cometape.core.report.journal import Report
from cometape.recorder.child import executable
from cometape.recorder.environment import URL_VARIABLE
from cometape.server.listener import BackgroundServer

ORDER_VARIABLE = "COMETAPE_ORDER"
"""Holds the name of the order, for a command that wants to tell it."""
SETTLE_S = 0.25
"""How long events that are on their way may take to arrive once the command has ended."""
PATIENCE_S = 2.0
"""How long a command that is told to end may take."""
MAX_OUTPUT_BYTES = 64 * 1024
"""Of what a command printed the last so many are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a trial ended."""

    order: Order
    exit_code: int
    """Of the command, as a shell tells it: 128 + the signal that ended it."""
    timeout_s: float | None
    """How long it might have taken, where it was ended because it took longer."""
    took_s: float
    report: Report
    unmet: tuple[Pair, ...]
    """Pairs of the order that came the other way round."""
    has_come: bool
    """Whether the command asked the replay anything."""
    is_strict: bool
    output: str
    """What the command printed, the end of it."""

    @property
    def unrealised(self) -> tuple[str, ...]:
        """What of the order the client could not meet."""
        return self.report.unrealised

    @property
    def is_broken(self) -> bool:
        """Whether the client cannot stand the order."""
        if self.exit_code != 0 or not self.has_come:
            return True
        return self.is_strict and not self.report.ok

    @property
    def ending(self) -> str:
        """How the command ended, in a few words."""
        if self.timeout_s is not None:
            return f"did not end in {self.timeout_s:g} s"
        return f"exit code {self.exit_code}{_signal_of(self.exit_code)}"

    @property
    def verdict(self) -> str:
        """What is to be said of the order, in a few words."""
        if self.exit_code:
            return self.ending
        if not self.has_come:
            return "it asked nothing of the replay"
        if self.is_broken:
            return self.report.verdict.removeprefix("replay: ")
        return "not realisable" if self.unrealised else "passed"

    def json(self) -> JsonObject:
        """For a machine."""
        return {
            "order": self.order.name,
            "what": str(self.order),
            "broken": self.is_broken,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "timeout": self.timeout_s is not None,
            "took_s": round(self.took_s, 3),
            "unrealised": list(self.unrealised),
            "report": self.report.json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """How trials are made: of what, with which command."""

    playbook: Playbook
    settings: ReplaySettings
    command: tuple[str, ...]
    limit_s: float
    """How long the command may take."""

    def __post_init__(self) -> None:
        """Raises ConfigurationError when there is no such command, before anything is served."""
        executable(self.command, os.environ)

    def of(self, order: Order, stop: threading.Event) -> Outcome:
        """Serve one order to one run of the command; `stop` ends it before its time.

        Raises ConfigurationError when the command cannot be run.
        """
        run = ServedRun("trial", "", self.playbook, replace(self.settings, order=order.name))
        service = run.replay
        with BackgroundServer(run) as server, tempfile.TemporaryFile() as printed:
            began_s = time.monotonic()
            code, is_timeout = self._run(server.url, order, printed, stop)
            took_s = time.monotonic() - began_s
            report = server.call(service.report)
            while report.undelivered and time.monotonic() < began_s + took_s + SETTLE_S:
                time.sleep(0.01)
                report = server.call(service.report)
            conductor = service.conductor
            assert conductor is not None
            return Outcome(
                order=order,
                exit_code=code,
                timeout_s=self.limit_s if is_timeout else None,
                took_s=took_s,
                report=report,
                unmet=server.call(lambda: conductor.unmet),
                has_come=server.call(lambda: len(service.journal)) > 0,
                is_strict=self.settings.strict,
                output=_end_of(printed),
            )

    def _run(
        self, url: str, order: Order, printed: IO[bytes], stop: threading.Event
    ) -> tuple[int, bool]:
        """The command's exit code, and whether it took too long."""
        try:
            process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                env=_environment(url, order.name),
                start_new_session=True,  # so that all it has started can be ended with it
            )
        except OSError as error:
            raise ConfigurationError(
                f"{self.command[0]} cannot be run: {error.strerror or error}",
                hint="A script must begin with the line that names its interpreter, #!…",
                reason="command-not-runnable",
            ) from error
        give_up_s = time.monotonic() + self.limit_s
        code: int | None = None
        while code is None and time.monotonic() < give_up_s and not stop.is_set():
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(timeout=0.1)
        is_timeout = code is None and not stop.is_set()
        if code is None:
            code = _end(process)
        _end_group(process.pid)  # what it has left running
        return (128 - code if code < 0 else code) or int(is_timeout), is_timeout


def _environment(url: str, order: str) -> dict[str, str]:
    """What the command finds: where the replay is, past any proxy, and which order it plays."""
    after = {**os.environ, URL_VARIABLE: url, ORDER_VARIABLE: order}
    for name in ("NO_PROXY", "no_proxy"):
        exempt = [each for each in after.get(name, "").split(",") if each.strip()]
        after[name] = ",".join([*exempt, urlsplit(url).hostname or ""])
    return after


def _end(process: subprocess.Popen[bytes]) -> int:
    """End a command that has not ended by itself; its exit code."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        _signal_group(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=PATIENCE_S)
    return process.wait()


def _end_group(group: int) -> None:
    """End what is left of a process group whose leader is gone: asked first, then made to."""
    give_up_s = time.monotonic() + PATIENCE_S
    is_there = _signal_group(group, signal.SIGTERM)
    while is_there and time.monotonic() < give_up_s:
        time.sleep(0.01)
        is_there = _signal_group(group, 0)
    if is_there:
        _signal_group(group, signal.SIGKILL)


def _signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group (0: to nobody); whether anybody is in it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # the latter of zombies, on macOS
        return False
    return True


def _signal_of(exit_code: int) -> str:
    """` (SIGSEGV)`, where an exit code tells of a signal, as shells have it."""
    try:
        return f" ({signal.Signals(exit_code - 128).name})" if exit_code > 128 else ""
    except ValueError:
        return ""


def _end_of(printed: IO[bytes]) -> str:
    size = printed.seek(0, os.SEEK_END)
    printed.seek(max(0, size - MAX_OUTPUT_BYTES))
    return printed.read().decode("utf-8", "replace")
