"""`referenceId`: the counters behind it, by session, user or for all.

Nothing documents the scope; the samples show small numbers that rise by one per request.
"""

from __future__ import annotations

from random import Random

from .accounts import HttpSession

LOWEST, HIGHEST = 2, 14
"""Where a seeded counter may start: the samples begin with 8, 13, 14."""


class ReferenceIds:
    """Issues `referenceId`s."""

    def __init__(self, random: Random, first: int | None) -> None:
        self._random = random
        self._first = first
        self._last: dict[str, int] = {}

    def next(self, session: HttpSession, scope: str) -> int:
        """The next number for a request of `session`; `scope` is the switch's setting."""
        if scope == "global":
            return self._advance("")
        if scope == "user":
            return self._advance(session.user.id)
        if session.confirmed:
            last = session.last_reference_id
            number = self._start() if last is None else last + 1
        else:  # no cookie has come back (yet): one counter for all such sessions of the user
            number = self._advance(f"{session.user.id} without cookies")
        session.last_reference_id = number
        return number

    def _advance(self, key: str) -> int:
        last = self._last.get(key)
        self._last[key] = self._start() if last is None else last + 1
        return self._last[key]

    def _start(self) -> int:
        if self._first is not None:
            return self._first
        return self._random.randint(LOWEST, HIGHEST)
