"""The gate that answers leave by: later, in pieces, cut short or not at all, as was planned.

A Service around another one. Where no plan is made for an exchange, its answer passes untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..exchange import Request
from ..service import Abort, Action, Manner, Reset, Respond, SendText, Service, Spoil

UNSPOILT = Manner()


@dataclass(slots=True, kw_only=True)
class Plan:
    """What is to become of one answer."""

    delay_s: float = 0.0
    """How long it is held back."""
    until: Callable[[float], float | None] | None = None
    """It is held back until what this says: from when on it may leave; None: that is not known.
    It is asked whenever something has happened."""
    patience_s: float | None = None
    """How long it may not be known; None: for ever."""
    manner: Manner = UNSPOILT
    is_lost: bool = False
    """The connection is reset instead."""
    then: list[Callable[[float], Sequence[Action]]] = field(default_factory=list)
    """What happens once it has left."""
    gave_up: Callable[[float], None] | None = None
    """Is told when patience ends before `until` says yes."""
    channels: tuple[str, ...] = ()
    """Over a WebSocket: it is the frame with a message on one of these."""


@dataclass(slots=True, kw_only=True)
class _Held:
    number: int
    action: Respond | SendText | Reset | Abort
    plan: Plan
    ready_s: float
    """When it may leave at the earliest."""
    give_up_s: float | None
    until_s: float | None = None
    """What `until` said last."""

    @property
    def is_met(self) -> bool:
        """Whether what it waits for has happened."""
        return self.plan.until is None or self.until_s is not None

    @property
    def leaves_s(self) -> float | None:
        """When it leaves, as things stand; None: not by itself."""
        known_s = self.until_s if self.is_met else self.give_up_s
        if known_s is None:
            return self.ready_s if self.plan.until is None else None
        return max(self.ready_s, known_s)

    def look(self, now_s: float) -> bool:
        """Ask again; whether it leaves now."""
        if self.plan.until is not None:
            self.until_s = self.plan.until(now_s)
        leaves_s = self.leaves_s
        return leaves_s is not None and leaves_s <= now_s


class AnswerGate:
    """Holds and spoils the answers of a service."""

    def __init__(self, inner: Service) -> None:
        self.inner = inner
        self._plans: dict[int, list[Plan]] = {}
        """By exchange or socket; of an exchange there is one at most."""
        self._held: list[_Held] = []

    @property
    def is_idle(self) -> bool:
        """Whether nothing is planned or held."""
        return not self._plans and not self._held

    def plan(self, exchange_or_socket: int) -> Plan:
        """The plan for an exchange; a new one for each frame of a socket."""
        plans = self._plans.setdefault(exchange_or_socket, [])
        plans.append(Plan())
        return plans[-1]

    def plan_of(self, exchange: int) -> Plan:
        """The plan for an exchange, made if need be."""
        plans = self._plans.get(exchange)
        return plans[0] if plans else self.plan(exchange)

    # ---------------------------------------------------------------- the service

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """A request."""
        actions = self.inner.request(exchange, connection, request, now_s)
        return self.passing(actions, now_s)

    def upgrade(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """A request to become a WebSocket."""
        return self.passing(self.inner.upgrade(exchange, connection, request, now_s), now_s)

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        """A frame of a WebSocket."""
        return self.passing(self.inner.text(socket, text, now_s), now_s)

    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        """A client left; to the service inside, an answer that is held here has been given."""
        self._plans.pop(exchange_or_socket, None)
        held = [one for one in self._held if one.number == exchange_or_socket]
        self._held = [one for one in self._held if one.number != exchange_or_socket]
        if any(not isinstance(one.action, SendText) for one in held):
            return self.passing((), now_s)
        return self.passing(self.inner.gone(exchange_or_socket, now_s), now_s)

    def tick(self, now_s: float) -> Sequence[Action]:
        """Time has passed."""
        deadline_s = self.inner.deadline_s()
        is_due = deadline_s is not None and deadline_s <= now_s
        return self.passing(self.inner.tick(now_s) if is_due else (), now_s)

    def deadline_s(self) -> float | None:
        """When `tick` is wanted next."""
        inner_s = self.inner.deadline_s()
        return min([*self.leaving_s(), *([] if inner_s is None else [inner_s])], default=None)

    def leaving_s(self) -> list[float]:
        """When the answers leave that are held, as far as that is known."""
        times = [one.leaves_s for one in self._held]
        return [time for time in times if time is not None]

    # ---------------------------------------------------------------- the gate

    def passing(self, actions: Sequence[Action], now_s: float) -> Sequence[Action]:
        """What the service wants done, less what is held, and what need not be held any longer."""
        if self.is_idle:
            return actions
        return self._sorted(actions, now_s) + self._let_out(now_s)

    def _sorted(self, actions: Sequence[Action], now_s: float) -> list[Action]:
        """What of these leaves now; the rest is held."""
        found: list[Action] = []
        for action in actions:
            plan, number = self._plan_for(action)
            if plan is None:
                found.append(action)
                continue
            assert isinstance(action, Respond | SendText | Reset | Abort)
            held = _Held(
                number=number,
                action=action,
                plan=plan,
                ready_s=now_s + plan.delay_s,
                give_up_s=None if plan.patience_s is None else now_s + plan.patience_s,
            )
            if held.look(now_s):
                found += self._leave(held, now_s)
            else:
                self._held.append(held)
        return found

    def _let_out(self, now_s: float) -> list[Action]:
        """What need not be held any longer, and all that follows from its leaving."""
        found: list[Action] = []
        again = True
        while again:
            again = False
            for held in list(self._held):
                if held.look(now_s):
                    self._held.remove(held)
                    if not held.is_met and held.plan.gave_up is not None:
                        held.plan.gave_up(now_s)
                    found += self._leave(held, now_s)
                    again = True
        return found

    def _leave(self, held: _Held, now_s: float) -> list[Action]:
        plan, action = held.plan, held.action
        found: list[Action] = []
        if plan.is_lost:
            found.append(Reset(held.number))
        elif plan.manner != UNSPOILT and isinstance(action, Respond | SendText):
            found.append(Spoil(action, plan.manner))
        else:
            found.append(action)
        for step in plan.then:
            found += self._sorted(step(now_s), now_s)
        return found

    def _plan_for(self, action: Action) -> tuple[Plan | None, int]:
        if isinstance(action, SendText):
            for plan in self._plans.get(action.socket, ()):
                if any(f'"channel":"{channel}"' in action.text for channel in plan.channels):
                    self._forget(action.socket, plan)
                    return plan, action.socket
            return None, action.socket
        if isinstance(action, Respond | Reset | Abort):
            plans = self._plans.get(action.exchange)
            if plans:
                plan = plans[0]
                self._forget(action.exchange, plan)
                return plan, action.exchange
            return None, action.exchange
        return None, 0

    def _forget(self, number: int, plan: Plan) -> None:
        plans = self._plans[number]
        plans.remove(plan)
        if not plans:
            del self._plans[number]
