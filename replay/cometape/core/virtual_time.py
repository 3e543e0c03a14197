"""A clock that stands still until it is advanced, for any Service.

What a service does by itself (a held connect that times out, a silent session that expires, an
event that comes twenty seconds after its cause) happens when somebody advances the clock, and in
no other moment: a thirty-second timeout is tested in milliseconds, with the same bytes every time.

Advancing goes through the deadlines in their order and stops at each. So one advance over several
deadlines does what many small ones do, as long as nobody acts in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .errors import ConfigurationError
from .exchange import Request
from .service import Action, Service
from .trickles import Trickles

MAX_ADVANCE_S = 366 * 86_400.0
"""More than a year at once is a mistake, and would be a long walk for a busy service."""
LATE_NS = 1_000_000
"""A service whose deadline stays in the past after a tick is asked again this much later, as the
shell does."""
_NS = 1_000_000_000


class Impatient(Protocol):
    """What waits for clients: they act in the shell's time, whatever the service is told."""

    def hear(self, shell_s: float) -> None:
        """The shell's time."""
        ...

    def wake_s(self) -> float | None:
        """When, by the shell's time, the service shall be ticked though its own stands still."""
        ...

    def woken(self) -> None:
        """It was ticked."""
        ...


def checked_seconds(seconds: float) -> float:
    """Seconds that can pass.

    Raises ConfigurationError for a negative or absurd number of them, and for what is no number.
    """
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 <= seconds <= MAX_ADVANCE_S:  # nan is neither
        raise ConfigurationError(
            f"the clock cannot be advanced by {seconds!r} seconds",
            hint=f"Give a number from 0 to {MAX_ADVANCE_S:.0f}; time does not go back.",
            reason="bad-advance",
        )
    return seconds


class VirtualTime:
    """Stands before a service and tells it a time of its own; the shell's time is ignored.

    But for what is `impatient`: that hears it. The time is kept in whole nanoseconds, so that ten
    advances of 0.1 s are one of 1 s.
    """

    def __init__(
        self, inner: Service, *, now_s: float = 0.0, impatient: Impatient | None = None
    ) -> None:
        self.inner = inner
        self._impatient = impatient
        self._now_ns = round(now_s * _NS)
        self._trickles = Trickles()
        self._told_s = now_s
        """The latest time the service was told; times never go back (`Service`)."""

    @property
    def now_s(self) -> float:
        """The time, in seconds."""
        return max(self._told_s, self._now_ns / _NS)

    def next_s(self) -> float | None:
        """When the service wants to do something by itself; None: never, as things stand."""
        return self.inner.deadline_s()

    def next_piece_s(self) -> float | None:
        """When the next piece of what trickles goes; None: nothing does."""
        next_ns = self._trickles.next_ns()
        return None if next_ns is None else next_ns / _NS

    def advance(self, seconds: float) -> list[Action]:
        """Let time pass. Raises ConfigurationError as `checked_seconds`."""
        return self._go_to(self._now_ns + round(checked_seconds(seconds) * _NS))

    def advance_to(self, at_s: float) -> list[Action]:
        """Let time pass until `at_s`; nothing happens where that is in the past."""
        return self.advance(max(0.0, at_s - self._now_ns / _NS))

    def _go_to(self, until_ns: int) -> list[Action]:
        actions: list[Action] = []
        while True:
            deadline_s, piece_ns = self.inner.deadline_s(), self._trickles.next_ns()
            # Rounded, because 12.3 + 30 is a hair more than 42.3.
            due_ns = None if deadline_s is None else max(round(deadline_s * _NS), self._now_ns)
            if piece_ns is not None and piece_ns <= min(until_ns, due_ns or piece_ns):
                self._now_ns = max(piece_ns, self._now_ns)
                actions += self._trickles.take_due(self._now_ns)
                continue
            if due_ns is None or deadline_s is None or due_ns > until_ns:
                break
            self._now_ns = due_ns
            self._told_s = max(deadline_s, self._told_s)
            actions += self._noted(self.inner.tick(self._told_s))
            after_s = self.inner.deadline_s()
            if after_s is not None and after_s <= self._told_s:
                self._now_ns += LATE_NS
                self._told_s = self._now_ns / _NS
        self._now_ns = max(until_ns, self._now_ns)
        return actions

    # ---------------------------------------------------------------- the service

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """A request, now."""
        told_s = self._tell(now_s)
        return self._noted(self.inner.request(exchange, connection, request, told_s))

    def upgrade(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """A request to become a WebSocket, now."""
        return self.inner.upgrade(exchange, connection, request, self._tell(now_s))

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        """A frame of a WebSocket, now."""
        return self._noted(self.inner.text(socket, text, self._tell(now_s)))

    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        """A client left, now."""
        return self._noted(self.inner.gone(exchange_or_socket, self._tell(now_s)))

    def tick(self, now_s: float) -> Sequence[Action]:
        """Nothing, but for what waits for clients: real time does not matter here."""
        wake_s = self.deadline_s()
        if self._impatient is None or wake_s is None or wake_s > now_s:
            return ()
        actions = self._noted(self.inner.tick(self._tell(now_s)))
        self._impatient.woken()
        return actions

    def deadline_s(self) -> float | None:
        """Never, but for what waits for clients: nothing happens until the clock is advanced."""
        return None if self._impatient is None else self._impatient.wake_s()

    def trickle(self, number: int, every_s: float, pieces: int) -> int:
        """So many pieces of an answer are to come, one every so often of this clock."""
        return self._trickles.begin(number, round(every_s * _NS), pieces, self._now_ns)

    def dried_up(self, number: int) -> None:
        """Nobody reads it any more."""
        self._trickles.forget(number)

    def _noted(self, actions: Sequence[Action]) -> Sequence[Action]:
        self._trickles.note(actions, self._now_ns)
        return actions

    def _tell(self, shell_s: float) -> float:
        if self._impatient is not None:
            self._impatient.hear(shell_s)
        self._told_s = self.now_s
        return self._told_s
