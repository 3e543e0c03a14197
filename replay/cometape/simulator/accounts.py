"""Who is asking: HTTP Basic, the `JSESSIONID` cookie, `AWSELB`, the CSRF token.

A login opens an HTTP session; its cookie then ties REST, CSRF token and CometD together
(CSRFProtection). A client that keeps no cookies, but sends `Authorization` every time, gets a new
session on each connection, as from any servlet container; so that its `referenceId`s do not start
again each time, its sessions share one counter until a cookie comes back.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field

from cometape.core.exchange import Request

from .identifiers import Identifiers
from .model import User

CSRF_HEADER = "X-CSRF-TOKEN"
"""The header that carries the token; answers name it in `X-CSRF-HEADER`."""


@dataclass(slots=True, eq=False, kw_only=True)
class HttpSession:
    """One `JSESSIONID`."""

    id: str
    user: User
    csrf_token: str
    balancer: str
    """The `AWSELB` value that goes with it."""
    connection: int
    """The connection that opened it."""
    used_s: float
    confirmed: bool = False
    """Whether the cookie has come back."""
    last_reference_id: int | None = None
    """The last number of this session's own counter."""
    client_ids: list[str] = field(default_factory=list)
    """The Bayeux sessions opened in it."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """What a request's credentials came to."""

    session: HttpSession | None
    """None: not authenticated."""
    by_cookie: bool = False
    """Whether the session was found by its cookie."""
    set_cookies: tuple[str, ...] = ()
    """`Set-Cookie` values, when the session is new."""


class Accounts:
    """The users and their HTTP sessions."""

    def __init__(
        self,
        users: Iterable[User],
        identifiers: Identifiers,
        *,
        load_balancer: bool,
        idle_s: float,
    ) -> None:
        self._users = {user.user_name: user for user in users}
        self._identifiers = identifiers
        self._load_balancer = load_balancer
        self._idle_s = idle_s
        self._sessions: dict[str, HttpSession] = {}

    @property
    def sessions(self) -> list[HttpSession]:
        """Every open session, oldest first."""
        return list(self._sessions.values())

    def open(self, session: HttpSession) -> bool:
        """Whether the session has not ended."""
        return session.id in self._sessions

    def sessions_of(self, user_id: str) -> list[HttpSession]:
        """A user's open sessions."""
        return [session for session in self._sessions.values() if session.user.id == user_id]

    def admit(self, request: Request, connection: int, now_s: float) -> Entrance:
        """Find or open the session of a request."""
        credentials = request.headers.first("Authorization")
        user = self._user(credentials) if credentials is not None else None
        if credentials is not None and user is None:
            return Entrance(None)
        session = self._by_cookie(request, now_s)
        if session is not None and user in (None, session.user):
            session.confirmed = True
            session.used_s = now_s
            return Entrance(session, by_cookie=True)
        if user is None:
            return Entrance(None)
        if "JSESSIONID" not in request.cookies():
            for known in self._sessions.values():
                if (
                    known.connection == connection
                    and known.user is user
                    and not known.confirmed
                    and now_s - known.used_s <= self._idle_s
                ):
                    known.used_s = now_s
                    return Entrance(known)
        return self._login(user, connection, now_s)

    def end(self, session: HttpSession) -> list[HttpSession]:
        """End a session; for a client without cookies, all sessions it was given."""
        ended = [session]
        if not session.confirmed:
            ended = [
                other for other in self.sessions_of(session.user.id) if not other.confirmed
            ] or ended
        for each in ended:
            self._sessions.pop(each.id, None)
        return ended

    def _login(self, user: User, connection: int, now_s: float) -> Entrance:
        session = HttpSession(
            id=self._identifiers.session(),
            user=user,
            csrf_token=self._identifiers.uuid(),
            balancer=self._identifiers.hexadecimal(40).upper(),
            connection=connection,
            used_s=now_s,
        )
        self._sessions[session.id] = session
        cookies = [f"JSESSIONID={session.id}; Path=/; HttpOnly"]
        if self._load_balancer:
            cookies.append(f"AWSELB={session.balancer}; Path=/")
        return Entrance(session, set_cookies=tuple(cookies))

    def _by_cookie(self, request: Request, now_s: float) -> HttpSession | None:
        cookies = request.cookies()
        session = self._sessions.get(cookies.get("JSESSIONID", ""))
        if session is None:
            return None
        if self._load_balancer and cookies.get("AWSELB") != session.balancer:
            return None  # another node of the cluster, which has never heard of the session
        if now_s - session.used_s > self._idle_s:
            del self._sessions[session.id]
            return None
        return session

    def _user(self, authorization: str) -> User | None:
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            # ISO-8859-1 is what the C# client encodes with, and decodes any byte.
            decoded = base64.b64decode(encoded.strip(), validate=True).decode("latin-1")
        except (binascii.Error, ValueError):
            return None
        name, separator, password = decoded.partition(":")
        user = self._users.get(name)
        if not separator or user is None or user.password != password:
            return None
        return user
