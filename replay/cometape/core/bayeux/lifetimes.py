"""How long sessions live without a sign of life, and when each is to be looked at.

Silence is counted from the answer to a connect or handshake: the next connect must come within the
advised interval and `maxInterval`; any other message prolongs that; a held connect suspends it
(CometD: `maxInterval`; C45, C46).

A session has one timer, which only says: look again. It is there before a hold may end, and what
was put off in the meantime is put off without it: neither an event that ends a hold nor the next
connect costs a timer.
"""

from __future__ import annotations

from math import ceil

from .session import Session
from .timers import Timers


class Lifetimes:
    """When sessions expire, and when their holds end."""

    def __init__(self, *, max_interval_ms: int, sweep_ms: int, timeout_ms: int) -> None:
        """`timeout_ms` is how long connects are held."""
        self._timers: Timers[Session] = Timers()
        self._timeout_s = timeout_ms / 1000
        self._max_interval_s = max_interval_ms / 1000
        self._sweep_s = sweep_ms / 1000

    def next_s(self) -> float | None:
        """When `take_due` is wanted next."""
        return self._timers.next_s()

    def take_due(self, now_s: float) -> Session | None:
        """The next session whose hold has lasted long enough, or that was silent too long."""
        while (session := self._timers.pop_due(now_s)) is not None:
            session.look = None
            if session.hold is not None:
                at_s = session.hold.until_s
            elif session.expire_at_s is not None:
                at_s = self._swept(session.expire_at_s)
            else:
                continue
            if at_s <= now_s:
                return session
            self._look_at(session, at_s)
        return None

    def hold(self, session: Session) -> None:
        """A connect is held: who is being waited with is not silent."""
        assert session.hold is not None
        session.expire_at_s = None
        self._look_at(session, session.hold.until_s)

    def expect(self, session: Session, now_s: float) -> None:
        """A connect or handshake was answered: the next connect must come in time."""
        session.expire_at_s = now_s + session.interval_ms / 1000 + self._max_interval_s
        over_at_s = self._swept(session.expire_at_s)
        self._look_at(session, min(over_at_s, now_s + self._timeout_s))

    def touch(self, session: Session, now_s: float) -> None:
        """A message came: a sign of life."""
        if session.expire_at_s is not None:
            session.expire_at_s = max(session.expire_at_s, now_s + self._max_interval_s)

    def over_at_s(self, session: Session) -> float | None:
        """When silence ends a session: not before the next sweep."""
        return None if session.expire_at_s is None else self._swept(session.expire_at_s)

    def forget(self, session: Session) -> None:
        """The session has ended; nobody needs to look any more."""
        session.expire_at_s = None
        if session.look is not None:
            self._timers.cancel(session.look)
            session.look = None

    def _swept(self, at_s: float) -> float:
        """All that expire between two sweeps are found at one time."""
        return ceil(at_s / self._sweep_s) * self._sweep_s if self._sweep_s else at_s

    def _look_at(self, session: Session, at_s: float) -> None:
        if session.look is not None:
            if session.look[0] <= at_s:
                return
            self._timers.cancel(session.look)
        session.look = self._timers.schedule(at_s, session)
