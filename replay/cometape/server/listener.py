"""A listening socket in front of a service: in a running loop, for a command, or in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Protocol, Self, TypeVar

from cometape import end_signals
from cometape.core.errors import ConfigurationError
from cometape.core.exchange import Scheme
from cometape.core.service import Action, Service

from .event_loop import new_event_loop
from .http_protocol import HttpConnection
from .limits import Limits
from .old_objects import OldObjects
from .service_host import ServiceHost

try:
    import resource
except ImportError:  # pragma: no cover - Windows has no such limit
    resource = None  # type: ignore[assignment]

T = TypeVar("T")

BACKLOG = 2048
"""Connections the kernel keeps until we accept them: a thousand clients may start at once."""
SPARE_FILES = 64
"""Files the process may need besides connections."""
TLS_HANDSHAKE_S = 10.0
"""How long a client may take to agree on TLS."""
ADDRESS_OPTIONS = ("--host", "--port")
"""What commands call the address to listen on."""
FAREWELL_S = 1.0
"""How long stopping waits for what is written to reach the clients."""


class Listener:
    """Serves `service` on one address, in the running event loop.

    `port` 0 takes a free one. Nothing is opened before `start`.
    """

    def __init__(
        self,
        service: Service,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        behind_proxy: bool = False,
        options: tuple[str, str] = ADDRESS_OPTIONS,
    ) -> None:
        """With `tls` it speaks HTTPS; `behind_proxy`: our own proxy says who came by TLS.

        `options` are what errors call host and port: by these a user chooses others.
        """
        self._service = service
        self._address = host
        self._port = port
        self._options = options
        self._tls = tls
        self._behind_proxy = behind_proxy
        self._limits = limits or Limits()
        self._server: asyncio.Server | None = None
        self._host: ServiceHost | None = None
        self.url = ""
        """The base URL, `http://HOST:PORT` or `https://…`, once started."""

    async def start(self) -> str:
        """Listen; the base URL, `http://HOST:PORT`.

        Raises:
            ConfigurationError: the port is in use or not allowed, or the host has no address here.
        """
        loop = asyncio.get_running_loop()
        scheme: Scheme = "http" if self._tls is None else "https"
        host = self._host = ServiceHost(
            self._service, self._limits, loop, scheme=None if self._behind_proxy else scheme
        )
        host.max_connections = _affordable(self._limits.max_connections)
        sock = _bind(self._address, self._port, self._options)
        try:
            self._server = await loop.create_server(
                lambda: HttpConnection(host),
                sock=sock,
                backlog=BACKLOG,
                ssl=self._tls,
                ssl_handshake_timeout=TLS_HANDSHAKE_S if self._tls is not None else None,
                ssl_shutdown_timeout=FAREWELL_S if self._tls is not None else None,
            )
        except BaseException:
            sock.close()
            raise
        port = sock.getsockname()[1]
        name = f"[{self._address}]" if ":" in self._address else self._address
        self.url = f"{scheme}://{name}:{port}"
        return self.url

    async def stop(self) -> None:
        """Stop listening and disconnect every client (WebSockets with close code 1001)."""
        server, host = self._server, self._host
        if server is None or host is None:
            return
        self._server = None
        server.close()
        for connection in list(host.connections):
            connection.shut_down()
        patience = asyncio.get_running_loop().time() + FAREWELL_S
        while host.connections and asyncio.get_running_loop().time() < patience:
            await asyncio.sleep(0.005)
        for connection in list(host.connections):
            connection.abort()
        await asyncio.sleep(0)  # aborted connections are told in the next turn of the loop
        host.stop()

    def perform(self, change: Callable[[float], Sequence[Action]]) -> None:
        """Let `change(now_s)` alter the service from outside; its actions are carried out."""
        assert self._host is not None, "not started"
        self._host.perform(change)

    def disconnect_all(self) -> None:
        """Cut every connection, as a failing network would; go on listening."""
        for connection in list(self._host.connections if self._host is not None else ()):
            connection.abort()


class Server(Protocol):
    """What listens, on one address or on several, in the running event loop."""

    async def start(self) -> str:
        """Listen; the base URL of the first address. Raises ConfigurationError."""
        ...

    async def stop(self) -> None:
        """Stop listening and disconnect every client."""
        ...


class Front(Protocol):
    """What clients talk to instead of a listener, which is behind it: a proxy."""

    async def run(
        self, behind: str, *, listening: Callable[[str], None], stop: asyncio.Event
    ) -> None:
        """Pass on what comes to the URL `behind` until `stop` is set.

        Calls `listening` once, with its own URL. Raises ConfigurationError when it cannot listen.
        """
        ...


def serve(
    service: Service,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
    front: Front | None = None,
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then disconnect everybody and return.

    The first line on standard output is `listening on http://HOST:PORT` (`https:` with `tls`);
    `on_listening` is then called with the base URL, for whatever a command has to say besides.
    With a `front` that is the front's address, and `host` and `port` are of the server behind it.

    Raises:
        ConfigurationError: as `Listener.start`.
    """
    listener = Listener(
        service, host=host, port=port, limits=limits, tls=tls, behind_proxy=front is not None
    )
    serve_until_told(listener, front=front, on_listening=on_listening)


def serve_until_told(
    server: Server,
    *,
    front: Front | None = None,
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """As `serve`, whatever the server listens on."""
    _allow_files()
    # mitmproxy's own loop is asyncio's: its eager tasks (12, Python 3.13) are beyond uvloop.
    factory = new_event_loop if front is None else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(server, front, on_listening))


async def _serve(
    listener: Server, front: Front | None, on_listening: Callable[[str], None] | None
) -> None:
    ended = asyncio.Event()

    def listening(url: str) -> None:
        print(f"listening on {url}", flush=True)
        if on_listening is not None:
            on_listening(url)
        # A cassette in memory need not be walked again and again.
        ending.callback(OldObjects().release)

    told = {signal.SIGINT: ended.set, signal.SIGTERM: ended.set}
    with contextlib.ExitStack() as ending, end_signals.handled(told):
        url = await listener.start()
        try:
            if front is None:
                listening(url)
                await ended.wait()
            else:
                await front.run(url, listening=listening, stop=ended)
        finally:
            await listener.stop()


class ServerThread:
    """A server run by a loop in a thread of its own, as a context manager.

    What it serves belongs to that thread while it runs; use `call` to look at it.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.url = ""
        """The base URL, `http://HOST:PORT`, once started."""

    def start(self) -> Self:
        """Listen, and return when clients can connect.

        Raises:
            ConfigurationError: as `Listener.start`.
        """
        started: Future[str] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(started,), name="cometape server", daemon=True
        )
        self._thread.start()
        try:
            self.url = started.result()
        except BaseException:
            self._thread.join()
            raise
        return self

    def stop(self) -> None:
        """Disconnect every client and end the thread; the second time nothing happens."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._loop = self._thread = None
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

    def call(self, function: Callable[[], T]) -> T:
        """Run `function` in the server's thread, between two requests; what it returns.

        When no server is running, or in its thread already, it is simply called.
        """
        if self._loop is None or threading.current_thread() is self._thread:
            return function()
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(function())
            except BaseException as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return done.result()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self, started: Future[str]) -> None:
        loop = new_event_loop()
        try:
            try:
                url = loop.run_until_complete(self._server.start())
            except BaseException as error:
                started.set_exception(error)
                return
            self._loop = loop
            started.set_result(url)
            loop.run_forever()
            loop.run_until_complete(self._server.stop())
        finally:
            loop.close()


class BackgroundServer(ServerThread):
    """A service on one address, served by a thread of its own.

    with BackgroundServer(service) as server:
        requests.get(server.url)
    """

    def __init__(
        self,
        service: Service,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        limits: Limits | None = None,
    ) -> None:
        self._listener = Listener(service, host=host, port=port, limits=limits)
        super().__init__(self._listener)

    def perform(self, change: Callable[[float], Sequence[Action]]) -> None:
        """As `Listener.perform`, from any thread."""
        self.call(lambda: self._listener.perform(change))

    def disconnect_all(self) -> None:
        """As `Listener.disconnect_all`, from any thread."""
        self.call(self._listener.disconnect_all)


def _bind(host: str, port: int, options: tuple[str, str]) -> socket.socket:
    """A bound socket on the one address of `host` that suits best (IPv4 before IPv6).

    One, because `localhost` names two addresses, and port 0 would be a different port on each.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise _not_of_this_machine(host, error, options) from None
    family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share a port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _not_listening(host, port, error, options) from None
    return sock


def _not_of_this_machine(host: str, error: OSError, options: tuple[str, str]) -> ConfigurationError:
    return ConfigurationError(
        f"{host!r} is not an address of this machine: {error.strerror}",
        hint=f"give {options[0]} an address such as 127.0.0.1 (this machine only) or 0.0.0.0 (all)",
        reason="host-unknown",
    )


def _not_listening(
    host: str, port: int, error: OSError, options: tuple[str, str]
) -> ConfigurationError:
    host_option, port_option = options
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"port {port} on {host} is in use by another program",
            hint=f"stop that program, choose another port with {port_option}, or take a free one"
            f" with {port_option} 0",
            reason="port-in-use",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return ConfigurationError(
            f"port {port} on {host} may not be used by this user",
            hint=f"choose a port above 1023 with {port_option}, or take a free one with"
            f" {port_option} 0",
            reason="port-not-allowed",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return _not_of_this_machine(host, error, options)
    return ConfigurationError(
        f"cannot listen on port {port} of {host}: {error.strerror}",
        hint=f"give {host_option} an address of this machine, such as 127.0.0.1, or {port_option}"
        " another port",
        reason="cannot-listen",
    )


def _allow_files() -> None:
    """Let this process open as many files as it may ask for: 10,000 held connects need them."""
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _affordable(connections: int) -> int:
    """No more connections than the process may open files."""
    if resource is None:  # pragma: no cover
        return connections
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return connections
    return max(1, min(connections, soft - SPARE_FILES))
