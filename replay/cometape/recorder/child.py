"""A command that runs while it is recorded: its signals, its end, its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..core.errors import ConfigurationError
from ..mitm.authority import authority_in, bundle
from .environment import recorded_environment

PATIENCE_S = 10.0
"""How long a command that is told to end may take."""


class CommandNotFoundError(ConfigurationError):
    """There is no such command; as in a shell, the exit code says so."""

    exit_code = 127


class CommandNotRunnableError(ConfigurationError):
    """It is there and cannot be run."""

    exit_code = 126


def executable(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """The file that `command` runs. Raises ConfigurationError when there is none to run."""
    name = command[0]
    found = shutil.which(name, path=environment.get("PATH"))
    if found is not None:
        return found
    if os.path.dirname(name) and os.path.exists(name):
        raise CommandNotRunnableError(
            f"{name} cannot be run: it is a folder, or not executable",
            hint="What comes after -- is a command with its arguments, as in a shell.",
            reason="command-not-runnable",
        )
    raise CommandNotFoundError(
        f"there is no command {name!r}",
        hint="What comes after -- is a command with its arguments; it was looked for in PATH. "
        "For a line of shell: -- sh -c 'LINE'.",
        reason="command-not-found",
    )


class Child:
    """The command once it is started."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start it with our input and output. Raises ConfigurationError when it cannot be."""
        path = executable(command, environment)
        try:
            process = await asyncio.create_subprocess_exec(
                *command, executable=path, env=dict(environment)
            )
        except OSError as error:
            raise CommandNotRunnableError(
                f"{command[0]} cannot be run: {error.strerror or error}",
                hint="A script must begin with the line that names its interpreter, #!…",
                reason="command-not-runnable",
            ) from error
        return cls(process)

    async def ended(self) -> int:
        """Wait for its end; its exit code, as a shell tells it: 128 + the signal that ended it."""
        code = await self._process.wait()
        return 128 - code if code < 0 else code

    def signal(self, number: signal.Signals) -> None:
        """Hand on a signal that we were sent."""
        # What is typed at a terminal (Ctrl-C) reaches all of its foreground group without us.
        if number == signal.SIGINT and _in_the_foreground():
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def end(self) -> int:
        """Tell it to end, and see to it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            return await asyncio.wait_for(self.ended(), PATIENCE_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            return await self.ended()


class RecordedCommand:
    """A command that begins when the recorder listens, and whose end is that of the recording."""

    def __init__(
        self, command: Sequence[str], *, confdir: Path, is_proxy: bool, stop: asyncio.Event
    ) -> None:
        """`stop` ends the recording; `confdir` holds the authority that the command must trust.

        Raises ConfigurationError when there is no such command, so before anything is recorded.
        """
        executable(command, os.environ)
        self._command = command
        self._confdir = confdir
        self._is_proxy = is_proxy
        self._stop = stop
        self._child: Child | None = None
        self._running: asyncio.Task[int] | None = None
        self._refused = 0
        """The exit code where a signal came before the command could begin."""

    def start(self, url: str) -> None:
        """The recorder listens at `url`."""
        if not self._stop.is_set():
            self._running = asyncio.create_task(self._run(url))

    def signal(self, number: signal.Signals) -> None:
        """We were sent a signal: it is the command's."""
        if self._child is not None:
            self._child.signal(number)
        else:
            self._refused = 128 + number
            self._stop.set()

    async def ended(self) -> int:
        """The recording is over: the command's exit code. One that still runs is told to end."""
        if self._running is None:
            return self._refused
        if self._child is not None and not self._running.done():
            await self._child.end()
        return await self._running

    async def _run(self, url: str) -> int:
        try:
            with self._trusted() as trusted:
                environment = recorded_environment(
                    os.environ, url=url, is_proxy=self._is_proxy, bundle=trusted
                )
                self._child = await Child.start(self._command, environment)
                if self._stop.is_set():
                    return await self._child.end()
                return await self._child.ended()
        finally:
            self._stop.set()

    @contextlib.contextmanager
    def _trusted(self) -> Iterator[Path]:
        """The file of certificates to trust, there as long as the command runs."""
        with contextlib.ExitStack() as stack:
            try:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cometape-"))
                file = Path(folder, "trusted.pem")
                file.write_bytes(bundle(authority_in(self._confdir), os.environ))
            except OSError as error:
                raise ConfigurationError(
                    f"the certificates for {self._command[0]} cannot be written: {error}",
                    hint="They go to the folder for temporary files; TMPDIR names another.",
                    reason="unwritable",
                ) from error
            yield file


def _in_the_foreground() -> bool:
    try:
        with open("/dev/tty", "rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False
