"""`cometape` under guard: ends at once, with exit code 97, when anything in it reaches out.

    python tests/support/guarded.py replay FILE

Python tells an audit hook of every name that is looked up, every connection and datagram, and every
program that is started, whoever does it: this package, a library, the interpreter (PEP 578). uvloop
does the same by its own means and tells nobody, so the guard takes it away: what runs on the loop
is the same.
"""

from __future__ import annotations

import os
import sys
from typing import Any

REACHED_OUT = 97
"""The exit code."""
OUTGOING = (
    *("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"),
    *("socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"),
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork"),
    *("urllib.Request", "http.client.connect", "ftplib.connect", "smtplib.connect"),
)
LISTENING = ("127.0.0.1", "localhost", None)
"""To listen somewhere is to look its address up first."""


def guard(event: str, arguments: tuple[Any, ...]) -> None:
    """The hook."""
    if event not in OUTGOING:
        return
    if event == "socket.getaddrinfo" and arguments[0] in LISTENING:
        return
    os.write(2, f"reached out: {event} {arguments!r}\n".encode())
    os._exit(REACHED_OUT)


def main() -> None:
    """Take uvloop away, look, and be `cometape`."""
    sys.modules["uvloop"] = None  # type: ignore[assignment]
    sys.addaudithook(guard)
    if sys.argv[1:] == ["connect"]:  # shows that the guard is awake
        import socket

        socket.create_connection(("127.0.0.1", 9))
    from cometape.cli import main as cometape

    cometape()


if __name__ == "__main__":
    main()
