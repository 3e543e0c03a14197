"""WebSockets: which sessions are pushed to over which. A session outlives its socket (C68)."""

from __future__ import annotations

from .session import Session


class Sockets:
    """Sessions by the socket they are pushed to over; one socket may serve several (C72)."""

    def __init__(self) -> None:
        self._sessions: dict[int, dict[Session, None]] = {}

    def attach(self, session: Session, socket: int) -> None:
        """The session is pushed to over this socket now, and over no other."""
        self.detach(session)
        session.socket = socket
        self._sessions.setdefault(socket, {})[session] = None

    def detach(self, session: Session) -> None:
        """The session has moved to HTTP, or has ended."""
        if session.socket is None:
            return
        sessions = self._sessions[session.socket]
        del sessions[session]
        if not sessions:
            del self._sessions[session.socket]
        session.socket = None

    def close(self, socket: int) -> list[Session]:
        """The socket has ended; the sessions that were pushed to over it."""
        sessions = list(self._sessions.pop(socket, ()))
        for session in sessions:
            session.socket = None
        return sessions
