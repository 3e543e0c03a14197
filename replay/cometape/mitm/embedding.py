"""mitmproxy in process, with only the addons that are needed, from its start to its end.

mitmdump's 31 addons cost as much as the proxying itself (measured: half of all CPU time is spent in
asking them), so here run `Core`, `Proxyserver`, `NextLayer` and `TlsConfig`, and ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mitmproxy.addons.core import Core
from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.master import Master
from mitmproxy.options import Options

from ..core.errors import ConfigurationError
from .held_polls import HOLD_LIMIT_S
from .lean_master import LeanMaster

FAREWELL_S = 2.0
"""How long ending waits for open connections to be closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where mitmproxy shall listen."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: a free one."""

    def url(self, host: str, port: int) -> str:
        """`http://HOST:PORT` of what mitmproxy says it listens on; our word for the host wins."""
        shown = self.host or host
        return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"

    def cannot_listen(self, error: BaseException) -> ConfigurationError:
        """What is told to whoever chose the address."""
        in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        why = "the port is in use" if in_use else str(error)
        return ConfigurationError(
            f"cannot listen on {self.host}:{self.port}: {why}",
            hint="Choose another --port, or none for a free one.",
            reason="port-in-use" if in_use else "cannot-listen",
        )


class _Startup:
    """Tells when connections are accepted, or that they cannot be."""

    name = "cometape-startup"

    def __init__(self, listening: Callable[[str, int], None]) -> None:
        self._listening = listening
        self.failure: BaseException | None = None
        self.master: Master | None = None

    def running(self) -> None:
        assert self.master is not None
        proxyserver: Any = self.master.addons.get("proxyserver")
        servers = proxyserver.servers
        addresses = [address for server in servers for address in server.listen_addrs]
        failures = [server.last_exception for server in servers if server.last_exception]
        if failures or not addresses:
            self.failure = failures[0] if failures else OSError("the proxy does not listen")
            self.master.shutdown()
            return
        self._listening(addresses[0][0], addresses[0][1])


async def run_mitmproxy(
    address: Address,
    options: Options,
    addons: Sequence[object],
    *,
    addon_options: Mapping[str, Any],
    listening: Callable[[str], None],
    stop: asyncio.Event,
    clean: Callable[[str], str] = str,
) -> None:
    """Proxy until `stop` is set or an addon shuts the master down.

    `options` are those of any mitmproxy, `addon_options` those that its addons declare. `listening`
    is called once, with the URL of the proxy, when connections are accepted. `clean` takes secrets
    out of mitmproxy's warnings before they are printed. Raises ConfigurationError when the address
    cannot be listened on.
    """
    startup = _Startup(lambda host, port: listening(address.url(host, port)))
    with _quiet_logs(clean):
        options.update(listen_host=address.host, listen_port=address.port)
        master = LeanMaster(options)
        startup.master = master
        master.addons.add(Core(), Proxyserver(), NextLayer(), TlsConfig())
        master.addons.add(*addons, startup)
        # Options that the addons declare are known only now.
        master.options.update(**_known(addon_options, master.options))
        stopping = asyncio.create_task(_shut_down(master, stop))
        try:
            await master.run()
        finally:
            stopping.cancel()
            await _close_connections(master)
    if startup.failure is not None:
        raise address.cannot_listen(startup.failure) from startup.failure


def _known(addon_options: Mapping[str, Any], options: Options) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        # Eager would close the client's connection, without a word, when the upstream is down.
        "connection_strategy": "lazy",
        **addon_options,
    }
    if "tcp_timeout" in options:  # from 12.2.1; before it is a constant (held_polls)
        chosen["tcp_timeout"] = HOLD_LIMIT_S
    return chosen


async def _shut_down(master: Master, stop: asyncio.Event) -> None:
    await stop.wait()
    master.shutdown()


async def _close_connections(master: Master) -> None:
    """End what mitmproxy leaves to the loop's end: listeners first, then open connections."""
    proxyserver: Any = master.addons.get("proxyserver")
    for instance in list(proxyserver.servers):
        if instance.is_running:
            await instance.stop()
    for handler in list(proxyserver.connections.values()):
        await handler.on_timeout()  # as after a long silence: the one way to end it from outside
    deadline_s = asyncio.get_running_loop().time() + FAREWELL_S
    while proxyserver.connections and asyncio.get_running_loop().time() < deadline_s:
        await asyncio.sleep(0.01)


@contextlib.contextmanager
def _quiet_logs(clean: Callable[[str], str]) -> Iterator[None]:
    """mitmproxy's and asyncio's warnings go to stderr without secrets; the rest nowhere."""
    handler = _CleanWarnings(clean)
    loggers = [logging.getLogger(name) for name in ("mitmproxy", "asyncio")]
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, propagate in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.propagate = propagate


class _CleanWarnings(logging.StreamHandler[Any]):
    """Writes warnings to standard error, cleaned: mitmproxy quotes traffic in some of them."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        super().__init__()
        self.setLevel(logging.WARNING)
        self._clean = clean

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr  # as it is now: while a table is drawn, this prints above it
        super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        text = f"mitmproxy: {record.getMessage()}"
        if record.exc_info and record.exc_info[1] is not None:
            text += f" ({type(record.exc_info[1]).__name__})"
        return self._clean(text)
