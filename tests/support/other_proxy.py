"""A proxy as companies have them: CONNECT and absolute URLs, with or without a password."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from odd_origin import Caller, odd_origin


@dataclass
class OtherProxy:
    """What it was asked can be looked at."""

    authorization: str | None = None
    """The `Proxy-Authorization` that it wants."""
    url: str = ""
    asked: list[str] = field(default_factory=list)
    """First lines of requests, in order."""

    def serve(self, caller: Caller) -> None:
        """Serve one connection."""
        request = caller.request()
        head, _, body = request.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.asked.append(lines[0])
        wanted = f"Proxy-Authorization: {self.authorization}"
        if self.authorization is not None and wanted not in lines:
            caller.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        method, target, version = lines[0].split(" ")
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            with socket.create_connection((host, int(port)), 10) as upstream:
                caller.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _pump(caller.socket, upstream)
            return
        parts = urlsplit(target)
        with socket.create_connection((parts.hostname or "", parts.port or 80), 10) as upstream:
            first = f"{method} {parts.path} {version}"
            kept = [line for line in lines[1:] if not line.startswith("Proxy-")]
            upstream.sendall("\r\n".join([first, *kept, "", ""]).encode() + body)
            _pump(caller.socket, upstream)


def _pump(one: socket.socket, other: socket.socket) -> None:
    def copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    back = threading.Thread(target=copy, args=(other, one), daemon=True)
    back.start()
    copy(one, other)
    back.join(10)


@contextlib.contextmanager
def other_proxy(authorization: str | None = None) -> Iterator[OtherProxy]:
    """A proxy between the recorder and the world."""
    proxy = OtherProxy(authorization)
    with odd_origin(proxy.serve) as url:
        proxy.url = url
        yield proxy
