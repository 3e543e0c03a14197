"""Who is subscribed to what: found by the patterns a channel matches, not by asking everyone."""

from __future__ import annotations

from ..json_value import JsonObject
from .channel import is_valid, patterns_of
from .session import Session

MAX_SUBSCRIPTIONS = 10_000
"""Of one session; more are denied."""


class Subscriptions:
    """The subscriptions of all sessions, by channel or pattern."""

    def __init__(self) -> None:
        self._sessions: dict[str, dict[Session, None]] = {}

    def add(self, session: Session, channel: str) -> None:
        """Subscribe; once more is no more."""
        sessions = self._sessions.setdefault(channel, {})
        if session not in sessions:
            session.subscriptions += (channel,)
            sessions[session] = None

    def remove(self, session: Session, channel: str) -> None:
        """Unsubscribe; nothing happens where there is no subscription."""
        session.subscriptions = tuple(one for one in session.subscriptions if one != channel)
        self._forget(session, channel)

    def remove_all(self, session: Session) -> None:
        """Forget a session. What it was subscribed to can still be read in it."""
        for channel in session.subscriptions:
            self._forget(session, channel)

    def of(self, channel: str) -> list[Session]:
        """Sessions that receive what is sent on `channel`, each once, however many match (C28)."""
        found = [
            sessions
            for pattern in patterns_of(channel)
            if (sessions := self._sessions.get(pattern)) is not None
        ]
        if len(found) == 1:
            return list(found[0])
        return list(dict.fromkeys(session for sessions in found for session in sessions))

    def _forget(self, session: Session, channel: str) -> None:
        sessions = self._sessions.get(channel)
        if sessions is not None:
            sessions.pop(session, None)
            if not sessions:
                del self._sessions[channel]


def wanted_channels(message: JsonObject) -> list[str] | None:
    """The channels in the `subscription` of a message, a string or an array of them.

    Empty when there is none; None when something in it is no channel name.
    """
    asked = message.get("subscription")
    wanted = asked if isinstance(asked, list) else [asked] if asked not in (None, "") else []
    names = [channel for channel in wanted if isinstance(channel, str) and is_valid(channel)]
    return names if len(names) == len(wanted) else None
