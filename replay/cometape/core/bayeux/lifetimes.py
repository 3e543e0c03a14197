"""How long sessions live without a sign of life.

Silence is counted from the answer to a connect or handshake: the next connect must come within the
advised interval and `maxInterval`; any other message prolongs that; a held connect suspends it
(CometD: `maxInterval`; C45, C46).
"""

from __future__ import annotations

from math import ceil

from .session import Hold, Session
from .timers import Timers


class Lifetimes:
    """When sessions expire. A session has at most one timer, which only says: look again."""

    def __init__(
        self, timers: Timers[Session | Hold], *, max_interval_ms: int, sweep_ms: int
    ) -> None:
        self._timers = timers
        self._max_interval_s = max_interval_ms / 1000
        self._sweep_s = sweep_ms / 1000

    def expect(self, session: Session, now_s: float) -> None:
        """A connect or handshake was answered: the next connect must come in time."""
        session.expire_at_s = now_s + session.interval_ms / 1000 + self._max_interval_s
        self._look_at(session, session.expire_at_s)

    def touch(self, session: Session, now_s: float) -> None:
        """A message came: a sign of life."""
        if session.expire_at_s is not None:
            session.expire_at_s = max(session.expire_at_s, now_s + self._max_interval_s)

    def is_over(self, session: Session, now_s: float) -> bool:
        """Whether a session whose timer came due has been silent too long; if not, look later."""
        session.expiry = None
        if session.expire_at_s is None:
            return False
        if session.expire_at_s <= now_s:
            return True
        self._look_at(session, session.expire_at_s)
        return False

    def forget(self, session: Session) -> None:
        """The session has ended; nobody needs to look any more."""
        session.expire_at_s = None
        if session.expiry is not None:
            self._timers.cancel(session.expiry)
            session.expiry = None

    def _look_at(self, session: Session, at_s: float) -> None:
        if self._sweep_s:  # all that expire between two sweeps are found by one timer's time
            at_s = ceil(at_s / self._sweep_s) * self._sweep_s
        if session.expiry is not None:
            if session.expiry.at_s <= at_s:
                return
            self._timers.cancel(session.expiry)
        session.expiry = self._timers.schedule(at_s, session)
