"""Many runs in one loop, each on a listening socket of its own, and the control API beside them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cometape.core.control.control_service import ControlService
from cometape.core.control.served_run import ServedRun
from cometape.core.control.wishes import CarryOut, Close, Disconnect, Open
from cometape.core.errors import CometapeError
from cometape.core.exchange import Request
from cometape.core.playbook.playbook import Playbook
from cometape.core.service import Action

from .cassette_watch import CassetteWatch
from .limits import MIB, Limits
from .listener import ADDRESS_OPTIONS, Listener

if TYPE_CHECKING:
    import ssl

CONTROL_LIMITS = Limits(max_body_bytes=MIB, max_connections=1000)
"""A call is small; an injected event may be a page or two."""
LOOKS_REST = 10.0
"""Times as long as a look at what calls wait for has taken, there is none: so they take a tenth of
the time that clients have. When the time of a call is up it is answered all the same."""


class RunServer:
    """Serves the runs of a `ControlService`; with `control_port` None without its API."""

    def __init__(
        self,
        control: ControlService,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        behind_proxy: bool = False,
        control_host: str = "127.0.0.1",
        control_port: int | None = 0,
        limits: Limits | None = None,
    ) -> None:
        """`host` is where runs listen, the first one on `port`; with `tls` by HTTPS.

        With `behind_proxy` clients come to the first run by a proxy of ours on this machine, which
        has the address.
        """
        self.control = control
        self.control_url = ""
        """The base URL of the control API, once started."""
        self._host = host
        self._port = port
        self._tls = tls
        self._behind_proxy = behind_proxy
        self._limits = limits
        self._listeners: dict[ServedRun, Listener] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._watches: list[CassetteWatch[Playbook]] = []
        self._looking: asyncio.TimerHandle | None = None
        """The next look of calls that wait."""
        self._looking_from_s = 0.0
        """When that may be, by the loop's clock."""
        self._ends: list[Callable[[], None]] = []
        """End the listening to changes of runs, which goes on while a call waits for one."""
        self._control: Listener | None = None
        if control_port is not None:
            self._control = Listener(
                _Front(self),
                host=control_host,
                port=control_port,
                limits=CONTROL_LIMITS,
                options=("--control-host", "--control-port"),
            )

    async def start(self) -> str:
        """Listen; the base URL of the first run.

        Raises:
            ConfigurationError: as `Listener.start`.
        """
        try:
            for place, run in enumerate(self.control.runs):
                if place == 0 and self._behind_proxy:
                    await self._listen(run, Listener(run, limits=self._limits, behind_proxy=True))
                else:
                    await self._listen(run, self._listener(run, 0 if place else self._port))
            if self._control is not None:
                self.control_url = await self._control.start()
        except BaseException:
            await self.stop()
            raise
        for each in self._watches:
            self._in_background(each.watch())
        return next(iter(self.control.runs)).url

    async def stop(self) -> None:
        """Stop listening and disconnect every client."""
        if self._looking is not None:
            self._looking.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        listeners = [*self._listeners.values(), *([self._control] if self._control else [])]
        await asyncio.gather(*(listener.stop() for listener in listeners))
        self._listeners.clear()

    def watch(
        self,
        path: Path,
        cassette: str,
        load: Callable[[Path], Playbook],
        tell: Callable[[str], None],
    ) -> None:
        """Once started, read a cassette again whenever its file changes.

        The runs that were there from the start begin anew with it, runs that calls have made when
        they are reset. A file that cannot be used changes nothing, nor does one that the settings
        of its run do not fit; `tell` says why, and the shelf.
        """
        shelf, runs = self.control.runs.shelf, self.control.runs

        def changed(playbook: Playbook) -> None:
            for run in runs.fixed:
                if run.cassette != cassette:
                    continue
                try:
                    run.reset(asyncio.get_running_loop().time(), playbook)
                except CometapeError as error:  # its order, or its dates
                    shelf.damaged(cassette, str(error))
                    tell(f"{path} has changed; its run goes on with the one of before\n  {error}")
                    return
                self._listeners[run].disconnect_all()
            shelf.reload(cassette, playbook)
            entries = len(playbook.index.numbers)
            tell(f"{path} has changed: read again, {entries} entries; its run begins anew")

        def damaged(error: CometapeError) -> None:
            shelf.damaged(cassette, str(error))
            tell(f"{path} has changed, and cannot be used; the one of before stays\n  {error}")

        self._watches.append(CassetteWatch(path, load, changed=changed, damaged=damaged))

    def perform(self, run: ServedRun, change: Callable[[float], Sequence[Action]]) -> None:
        """Let `change(now_s)` alter a run from outside; its actions are carried out."""
        self._listeners[run].perform(change)

    # ---------------------------------------------------------------- wishes of the control API

    def grant_wishes(self) -> None:
        """Do what the control API wants."""
        for wish in self.control.take_wishes():
            if isinstance(wish, Open):
                self._in_background(self._open(wish.run, wish.port))
            elif isinstance(wish, Close):
                self._in_background(self._close(wish.run))
            elif wish.run not in self._listeners:
                pass  # it is only being opened: nobody is connected
            elif isinstance(wish, CarryOut):
                actions = wish.actions
                self.perform(wish.run, lambda now_s, actions=actions: actions)  # type: ignore[misc]
            elif isinstance(wish, Disconnect):
                self._listeners[wish.run].disconnect_all()
        self._listen_to_changes()

    async def _open(self, run: ServedRun, port: int) -> None:
        assert self._control is not None
        try:
            url = await self._listen(run, self._listener(run, port, ("--host", "`port`")))
        except CometapeError as error:
            known = error
            self._control.perform(lambda now_s: self.control.not_opened(run, known, now_s))
        else:
            self._control.perform(lambda now_s: self.control.opened(run, url, now_s))

    async def _close(self, run: ServedRun) -> None:
        assert self._control is not None
        await self._listeners.pop(run).stop()
        self._control.perform(lambda now_s: self.control.closed(run, now_s))

    def _listener(
        self, run: ServedRun, port: int, options: tuple[str, str] = ADDRESS_OPTIONS
    ) -> Listener:
        return Listener(
            run,
            host=self._host,
            port=port,
            limits=self._limits,
            tls=self._tls,
            options=options,
        )

    async def _listen(self, run: ServedRun, listener: Listener) -> str:
        run.url = await listener.start()
        self._listeners[run] = listener
        if self._ends:
            self._ends.append(run.on_change(self._note_change))
        return run.url

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _listen_to_changes(self) -> None:
        if self.control.is_waited and not self._ends:
            self._ends = [run.on_change(self._note_change) for run in self.control.runs]
        elif self._ends and not self.control.is_waited:
            for end in self._ends:
                end()
            self._ends = []

    def _note_change(self) -> None:
        if self.control.is_waited and self._looking is None:
            loop = asyncio.get_running_loop()
            at_s = max(self._looking_from_s, loop.time())
            self._looking = loop.call_at(at_s, self._look)

    def _look(self) -> None:
        self._looking = None
        began_s = time.thread_time()
        if self._control is not None:
            self._control.perform(self.control.look)
        took_s = time.thread_time() - began_s
        self._looking_from_s = asyncio.get_running_loop().time() + LOOKS_REST * took_s
        self._listen_to_changes()


class _Front:
    """The control API as the shell serves it: after every call its wishes are granted."""

    def __init__(self, server: RunServer) -> None:
        self._server = server
        self._control = server.control

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        actions = self._control.request(exchange, connection, request, now_s)
        self._server.grant_wishes()
        return actions

    def upgrade(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        return self._control.upgrade(exchange, connection, request, now_s)

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        return self._control.text(socket, text, now_s)

    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        return self._control.gone(exchange_or_socket, now_s)

    def tick(self, now_s: float) -> Sequence[Action]:
        return self._control.tick(now_s)

    def deadline_s(self) -> float | None:
        return self._control.deadline_s()
