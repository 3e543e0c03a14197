"""Between the sockets and a service: ids, actions, the one timer, and faults of the service.

A connection hands in what arrived; the service's actions are carried out at once and in their
order, on whatever connections they concern.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from itertools import count
from math import inf
from typing import Protocol

from cometape.core.errors import CometapeError
from cometape.core.exchange import Headers, Request, Response, Scheme
from cometape.core.service import (
    Abort,
    Accountable,
    Action,
    CloseSocket,
    Manner,
    Proceed,
    Prompt,
    Reset,
    Respond,
    SendText,
    Service,
    Spoil,
    Trickling,
    Upgrade,
)

from .familiar import FamiliarRequests
from .limits import Limits
from .outgoing import render
from .problem import problem
from .spoiled import SpoiledWriting
from .tick_rhythm import TickRhythm
from .uploads import Uploads

SWEEP_S = 1.0
"""How often the timeouts of connections are looked at (sooner where a timeout is shorter)."""
CODE_INTERNAL_ERROR = 1011  # RFC 6455 §7.4.1


class OpenExchange(Protocol):
    """What the host asks of the connection that brought an exchange."""

    number: int
    """The exchange id, from `ServiceHost.new_exchange_id`."""

    def respond(self, response: Response) -> None: ...
    def spoil(self, response: Response, manner: Manner) -> None: ...
    def abort(self) -> None: ...
    def reset(self) -> None: ...
    def accept(self, headers: Headers) -> None: ...


class OpenSocket(Protocol):
    """What the host asks of a connection that has become a WebSocket."""

    def send_text(self, text: str) -> None: ...
    def spoil_text(self, text: str, manner: Manner) -> None: ...
    def close(self, code: int, reason: str) -> None: ...
    def abort(self) -> None: ...
    def reset(self) -> None: ...


class Connection(Protocol):
    """What the host asks of any connection."""

    deadline_s: float
    """When `expire` is wanted; `inf` for never."""

    def expire(self, now_s: float) -> None: ...
    def shut_down(self) -> None: ...
    def abort(self) -> None: ...


class ServiceHost:
    """Drives one service for any number of connections of one event loop."""

    def __init__(
        self,
        service: Service,
        limits: Limits,
        loop: asyncio.AbstractEventLoop,
        *,
        scheme: Scheme | None = "http",
    ) -> None:
        """`scheme` is how clients come; None: as the proxy in front of this server says."""
        self.limits = limits
        self.scheme: Scheme | None = scheme
        self.connections: set[Connection] = set()
        self.familiar = FamiliarRequests()
        self.uploads = Uploads(limits)
        self.max_connections = limits.max_connections
        self.time = loop.time
        self.loop = loop
        self.new_connection_id: Callable[[], int] = count(1).__next__
        self.new_exchange_id: Callable[[], int] = count(1).__next__
        self._service = service
        self._at_once = service.at_once if isinstance(service, Prompt) else None
        self._is_to_arm = False
        """Whether the service will be asked for its deadline at the end of the turn."""
        self._exchanges: dict[int, OpenExchange] = {}
        self._sockets: dict[int, OpenSocket] = {}
        self._writings: dict[int, SpoiledWriting] = {}
        """What trickles by the time of the service."""
        self._timer: asyncio.TimerHandle | None = None
        self._armed_s = inf
        self._rhythm = TickRhythm()
        self._sweeper: asyncio.TimerHandle | None = None
        shortest_s = min(
            limits.header_timeout_s,
            limits.body_timeout_s,
            limits.idle_timeout_s,
            limits.write_timeout_s,
            limits.linger_s,
            limits.probe_s,
        )
        self._sweep_s = max(0.01, min(SWEEP_S, shortest_s / 2))

    def _fault(self) -> Response:
        """As `print_fault`; a service that answers for its faults is told."""
        error = sys.exception()
        if isinstance(self._service, Accountable):
            told = next(iter(str(error).splitlines()), "")
            self._service.failed(f"{type(error).__name__}: {told}")
        return print_fault()

    # Called by connections

    def opened(self, connection: Connection) -> None:
        """A connection exists: its timeouts are watched."""
        self.connections.add(connection)
        if self._sweeper is None:
            self._sweeper = self.loop.call_later(self._sweep_s, self._sweep)

    def closed(self, connection: Connection) -> None:
        """A connection is no more."""
        self.connections.discard(connection)

    def request(self, exchange: OpenExchange, connection: int, request: Request) -> None:
        """A whole request arrived."""
        number = exchange.number
        self._exchanges[number] = exchange
        try:
            actions = self._service.request(number, connection, request, self.time())
        except Exception:
            actions = [Respond(number, self._fault())]
        self._carry_out(actions)

    def answer_at_once(self, connection: int, request: Request, now_s: float) -> bytes | None:
        """The answer to a whole request as bytes, if that is all there is to do now.

        It is for a connection that stays open and owes no other answer. None: nothing has happened.
        """
        if self._at_once is None:
            return None
        try:
            response = self._at_once(connection, request, now_s)
            if response is None:
                return None
            answer = render(response, False, True)
        except Exception:
            answer = render(self._fault(), False, True)
        if not self._is_to_arm and self._armed_s > self._rhythm.rests_until_s:
            self._is_to_arm = True  # once for the many answers that are given in one turn
            self.loop.call_soon(self._arm)
        return answer

    def upgrade(self, exchange: OpenExchange, connection: int, request: Request) -> None:
        """A valid request to become a WebSocket arrived."""
        number = exchange.number
        self._exchanges[number] = exchange
        try:
            actions = self._service.upgrade(number, connection, request, self.time())
        except Exception:
            actions = [Respond(number, self._fault())]
        self._carry_out(actions)

    def upgraded(self, number: int, socket: OpenSocket) -> None:
        """An exchange has become a WebSocket of the same number."""
        self._exchanges.pop(number, None)
        self._sockets[number] = socket

    def text(self, socket: int, text: str) -> None:
        """A whole text message arrived."""
        try:
            actions = self._service.text(socket, text, self.time())
        except Exception:
            self._fault()
            actions = [CloseSocket(socket, CODE_INTERNAL_ERROR)]
        self._carry_out(actions)

    def gone(self, number: int) -> None:
        """The client of an open exchange, or a WebSocket, has gone."""
        if self._exchanges.pop(number, None) is None and self._sockets.pop(number, None) is None:
            return
        try:
            actions = self._service.gone(number, self.time())
        except Exception:
            self._fault()
            actions = ()
        self._carry_out(actions)

    def trickle(self, writing: SpoiledWriting, every_s: float, pieces: int) -> None:
        """Let so many pieces of a writing go, one every so often: by the service's time if it has
        one of its own.
        """
        now = None
        if isinstance(self._service, Trickling):
            now = self._service.trickle(writing.number, every_s, pieces)
        if now is None:
            self._go_on(writing, every_s)
            return
        if now < pieces:
            self._writings[writing.number] = writing
        for _ in range(now):
            writing.go_on()

    def _go_on(self, writing: SpoiledWriting, every_s: float) -> None:
        def step() -> None:
            writing.go_on()
            if writing.is_going:
                self.loop.call_later(every_s, step)

        self.loop.call_later(every_s, step)

    def dried_up(self, number: int) -> None:
        """A writing has ended before its end: its client has gone."""
        if self._writings.pop(number, None) is not None and isinstance(self._service, Trickling):
            self._service.dried_up(number)

    # Called by whoever owns the server

    def perform(self, change: Callable[[float], Sequence[Action]]) -> None:
        """Let `change(now_s)` alter the service from outside; its actions are carried out."""
        self._carry_out(change(self.time()))

    def stop(self) -> None:
        """No tick will come any more."""
        for timer in (self._timer, self._sweeper):
            if timer is not None:
                timer.cancel()
        self._timer = self._sweeper = None
        self._armed_s = -inf

    # Actions

    def _carry_out(self, actions: Sequence[Action]) -> None:
        for action in actions:
            try:
                if type(action) is Respond:  # what is done most, with no call more than it needs
                    exchange = self._exchanges.get(action.exchange)
                    if exchange is not None:
                        exchange.respond(action.response)
                        del self._exchanges[action.exchange]
                else:
                    self._act(action)
            except Exception:  # an answer that cannot be put on the wire
                self._fault()
                if isinstance(action, Spoil):
                    action = action.action
                if isinstance(action, Respond | Upgrade):
                    self._answer_fault(action.exchange)
                elif isinstance(action, SendText):
                    self._close_faulty(action.socket)
        self._arm()

    def _act(self, action: Action) -> None:
        if type(action) is SendText:
            socket = self._sockets.get(action.socket)
            if socket is not None:
                socket.send_text(action.text)
        elif type(action) is CloseSocket:
            socket = self._sockets.get(action.socket)
            if socket is not None:
                socket.close(action.code, action.reason)
        elif type(action) is Upgrade:
            exchange = self._exchanges.get(action.exchange)
            if exchange is not None:
                exchange.accept(action.headers)
        elif type(action) is Abort:
            exchange = self._exchanges.pop(action.exchange, None)
            if exchange is not None:
                exchange.abort()
            elif action.exchange in self._sockets:
                self._sockets[action.exchange].abort()
        else:
            self._act_badly(action)

    def _act_badly(self, action: Action) -> None:
        """What goes wrong on purpose."""
        if isinstance(action, Proceed):
            writing = self._writings.get(action.number)
            if writing is not None:
                writing.go_on()
                if not writing.is_going:
                    self._writings.pop(action.number, None)
        elif isinstance(action, Reset):
            exchange = self._exchanges.pop(action.exchange, None)
            if exchange is not None:
                exchange.reset()
            elif action.exchange in self._sockets:
                self._sockets[action.exchange].reset()
        elif isinstance(action, Spoil) and isinstance(action.action, Respond):
            exchange = self._exchanges.get(action.action.exchange)
            if exchange is not None:
                exchange.spoil(action.action.response, action.manner)
                del self._exchanges[action.action.exchange]
        elif isinstance(action, Spoil) and isinstance(action.action, SendText):
            socket = self._sockets.get(action.action.socket)
            if socket is not None:
                socket.spoil_text(action.action.text, action.manner)

    def _answer_fault(self, number: int) -> None:
        exchange = self._exchanges.pop(number, None)
        if exchange is not None:
            exchange.respond(FAULT)

    def _close_faulty(self, number: int) -> None:
        socket = self._sockets.get(number)
        if socket is not None:
            socket.close(CODE_INTERNAL_ERROR, "")

    # Time

    def _arm(self) -> None:
        """Be woken at the service's deadline, or before (and then look again)."""
        self._is_to_arm = False
        if self._armed_s <= self._rhythm.rests_until_s:
            return  # there is no sooner
        deadline_s = self._service.deadline_s()
        if deadline_s is not None:
            deadline_s = max(deadline_s, self._rhythm.rests_until_s)
            if deadline_s < self._armed_s:
                self._arm_at(deadline_s)

    def _arm_at(self, deadline_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(deadline_s, self._wake)
        self._armed_s = deadline_s

    def _wake(self) -> None:
        self._timer = None
        self._armed_s = inf
        deadline_s = self._service.deadline_s()
        if deadline_s is None:
            return
        now_s = self.time()
        if deadline_s > now_s:
            self._arm_at(deadline_s)
            return
        try:
            actions = self._service.tick(now_s)
        except Exception:
            self._fault()
            actions = ()
            self._rhythm.failed(now_s)
        else:
            self._rhythm.ticked(deadline_s, now_s)
        self._carry_out(actions)

    def _sweep(self) -> None:
        self._sweeper = None
        now_s = self.time()
        for connection in [each for each in self.connections if each.deadline_s <= now_s]:
            connection.expire(now_s)
        if self.connections:
            self._sweeper = self.loop.call_later(self._sweep_s, self._sweep)


FAULT = problem(
    500, "internal-error", "the server failed on this request; its standard error tells why"
)


def print_fault() -> Response:
    """Print the exception being handled on standard error; what is answered because of it.

    One that says what to do, as when the cassette was written to meanwhile, needs no traceback.
    """
    error = sys.exception()
    if isinstance(error, CometapeError):
        print(error, file=sys.stderr, flush=True)
        return problem(
            500,
            error.reason or "internal-error",
            ". ".join(map(str.strip, str(error).splitlines())),
        )
    import traceback  # needed only now

    print(traceback.format_exc(), file=sys.stderr, end="", flush=True)
    return FAULT
