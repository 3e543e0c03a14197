"""A program on a terminal of its own, as a person sees it: size, colours, Ctrl-C."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Sequence

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def _as_in_the_foreground() -> None:
    """Ctrl-C is a signal, also where these tests run in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """What a program has written to its terminal so far, and the keyboard."""

    def __init__(self, command: Sequence[str], columns: int, lines: int, **variables: str) -> None:
        self._main, program_end = pty.openpty()
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(program_end, termios.TIOCSWINSZ, size)
        attributes = termios.tcgetattr(program_end)
        attributes[3] |= termios.NOFLSH  # Ctrl-C must not throw away what is not read yet
        termios.tcsetattr(program_end, termios.TCSANOW, attributes)
        unset = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
        environment = {name: value for name, value in os.environ.items() if name not in unset}
        with os.fdopen(program_end, "rb", buffering=0) as stream:
            self._process = subprocess.Popen(
                command,
                stdin=stream,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                preexec_fn=_as_in_the_foreground,
                env={**environment, "TERM": "xterm", **variables},
            )
        self._raw = b""

    @property
    def written(self) -> str:
        """Everything, control sequences and all."""
        return self._raw.decode("utf-8", "replace")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def text(self) -> str:
        """Everything without control sequences: also what has been wiped since."""
        return _CONTROL.sub("", self.written).replace("\r", "")

    @property
    def screen(self) -> list[str]:
        """The lines that can be seen now."""
        lines = [""]
        for part in re.split(r"(\x1b\[1A|\x1b\[2K|\n)", self.written.replace("\r", "")):
            if part == "\n":
                lines.append("")
            elif part == "\x1b[2K":
                lines[-1] = ""
            elif part == "\x1b[1A":
                lines.pop()
            else:
                lines[-1] += _CONTROL.sub("", part)
        return lines

    def until(self, told: Callable[[Terminal], bool], within_s: float = 20) -> None:
        """Read on until it is so."""
        give_up_s = time.monotonic() + within_s
        while not told(self):
            assert time.monotonic() < give_up_s, self.written
            assert self._read(0.1), f"it ended: {self.written}"

    def until_says(self, text: str) -> None:
        """Read on until the screen shows this."""
        self.until(lambda terminal: text in "\n".join(terminal.screen))

    def press(self, keys: bytes) -> None:
        """Type something; `b"\\x03"` is Ctrl-C."""
        os.write(self._main, keys)

    def end(self, within_s: float = 15) -> int:
        """Read to its end; the exit code."""
        give_up_s = time.monotonic() + within_s
        while self._read(0.1):
            assert time.monotonic() < give_up_s, self.written
        return self._process.wait(5)

    def close(self) -> None:
        """Kill it if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(5)
        os.close(self._main)

    def _read(self, within_s: float) -> bool:
        ready, _, _ = select.select([self._main], [], [], within_s)
        if not ready:
            return True
        try:
            data = os.read(self._main, 65536)
        except OSError:  # EIO: nobody has the other end open any more
            return False
        self._raw += data
        return bool(data)


@contextlib.contextmanager
def terminal(
    *command: str, columns: int = 100, lines: int = 40, **variables: str
) -> Iterator[Terminal]:
    """A program on a terminal, killed when the block ends."""
    opened = Terminal(command, columns, lines, **variables)
    try:
        yield opened
    finally:
        opened.close()
