"""The signals that tell a program to end, from when its event loop runs until that is closed."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping


@contextlib.contextmanager
def handled(told: Mapping[signal.Signals, Callable[[], object]]) -> Iterator[None]:
    """Calls these in the running loop while inside; afterwards the same signals are ignored.

    For programs that end then: a second Ctrl-C, while the loop is being closed, would else meet a
    loop that cannot take it any more (asyncio closes the pipe of its signals before it lets go of
    them, and Python prints a traceback), or end the program before its exit code is what it should
    be.
    """
    loop = asyncio.get_running_loop()
    handling = []
    for number, call in told.items():
        # Windows' loops know no signals; there Ctrl-C ends the runner itself.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, call)
            handling.append(number)
    try:
        yield
    finally:
        for number in handling:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
