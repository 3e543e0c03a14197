"""Whose traffic is this: captured requests to recorded client sessions.

A recorded session is one client of the recorded system: its REST calls and its Bayeux session. No
single mark on the wire says so. The rules, the strongest first:

1. A session cookie (`JSESSIONID`, the profile names them), unless the request authenticates as
   another user than the cookie's (two users behind one cookie jar).
2. `Authorization`. Several sessions of one user are told apart by their cookies: a client that has
   presented one would have presented it again. Clients that keep no cookies (aiohttp drops them
   for IP addresses; workbins-api §9) get a new one with every answer and present none.
3. The Bayeux client id, for messages that carry one (`core.record.bayeux_observer` knows it).
4. The TCP connection.
5. The only client it can be.

Traffic that was exported from a cassette says itself whose it is, and is believed.

A handshake carries no client id: it belongs to a client whose Bayeux session is gone, or that
never had one, before it is taken for a new client. So a `402` with re-handshake stays one session.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from enum import Enum

from ..exchange import Request, Response
from ..recent import Recent

BROWSER_COOKIE = "BAYEUX_BROWSER"
"""CometD's own cookie; several Bayeux sessions may share it, so it is only a hint."""


MAX_MARKS = 65_536
"""Cookies, and connections, that lead to their client at a time: the latest."""
_MAX_OF_CLIENT = 256
"""Cookies, credentials, … remembered of one client: the latest; a server may renew them often."""


class Life(Enum):
    """What is known about a client's Bayeux session."""

    NONE = "never handshaken"
    LIVE = "handshaken, and nothing says that it ended"
    LOST = "a poll failed or was cancelled: the client may go on or shake hands again"
    ENDED = "disconnected"


@dataclass(slots=True, eq=False)
class Client:
    """One recorded client session, growing while it is watched."""

    name: str
    user: str | None = None
    credentials: dict[str, None] = field(default_factory=dict)
    kept: dict[str, None] = field(default_factory=dict)
    """Session cookies the client has presented."""
    renewed: dict[str, None] = field(default_factory=dict)
    """Session cookies it was given in exchange for one it presented."""
    browsers: dict[str, None] = field(default_factory=dict)
    life: Life = Life.NONE
    used: int = 0
    """When last seen, by the count of observations."""
    lost: int = 0
    """When its Bayeux session was lost, by the same count."""
    sibling_of: Client | None = None
    """The client with the same cookie, where two Bayeux sessions live behind one."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The marks on one request and its answer."""

    connection: str
    presented: tuple[str, ...] = ()
    """Session cookies of the request, as `name=value`."""
    issued: tuple[str, ...] = ()
    """Session cookies of the answer."""
    credentials: str | None = None
    """What `Authorization` says, by user for Basic."""
    user: str | None = None
    browsers: tuple[str, ...] = ()
    unsafe: bool = False
    """Whether the method asks for a change: an anonymous POST that is given a cookie logs in."""
    session: str | None = None
    """The name of the client session, where no inference is needed (`CapturedRequest.session`)."""


def evidence(
    connection: str,
    request: Request,
    response: Response | None,
    session_cookies: tuple[str, ...],
    session: str | None = None,
) -> Evidence:
    """Read the marks of a request and its answer."""
    cookies = request.cookies()
    issued = _issued(response)
    credentials, user = _credentials(request.headers.first("Authorization"))
    browsers = (cookies.get(BROWSER_COOKIE), issued.get(BROWSER_COOKIE))
    return Evidence(
        connection=connection,
        presented=tuple(f"{n}={cookies[n]}" for n in session_cookies if cookies.get(n)),
        issued=tuple(f"{n}={issued[n]}" for n in session_cookies if issued.get(n)),
        credentials=credentials,
        user=user,
        browsers=tuple(browser for browser in browsers if browser),
        unsafe=request.method not in ("GET", "HEAD", "OPTIONS", "TRACE"),
        session=session,
    )


class ClientSessions:
    """All recorded client sessions of one recording, and the marks that lead to them."""

    def __init__(self) -> None:
        self.clients: list[Client] = []
        self._cookies: Recent[str, Client] = Recent(MAX_MARKS)
        self._connections: Recent[str, Client] = Recent(MAX_MARKS)
        self._by_login: Recent[str, list[Client]] = Recent(MAX_MARKS)
        """By credentials."""
        self._names: set[str] = set()
        self._anonymous = 0
        self._count = 0

    def of_exchange(self, seen: Evidence) -> Client:
        """The client a REST exchange belongs to."""
        if seen.session is not None:
            return self.learn(self._named(seen.session), seen)
        client = self._by_cookie(seen)
        if client is None and seen.credentials is not None:
            client = self._by_credentials(seen)
        elif client is None:
            client = self._by_connection(seen) or self._only_one_it_can_be(seen)
        return self.learn(client or self._new(seen), seen)

    def of_handshake(self, seen: Evidence) -> Client:
        """The client a handshake belongs to, new if all that fit have a live Bayeux session."""
        if seen.session is not None:
            return self.learn(self._named(seen.session), seen)
        client = self._by_cookie(seen)
        if client is not None:
            client = self._free_sibling(client, seen)
        elif seen.credentials is not None:
            mates = self._mates(seen) or self._anonymous_on(seen.connection)
            client = self._free(mates, seen)
        else:
            client = self._free_anonymous(seen)
        return self.learn(client or self._new(seen), seen)

    def learn(self, client: Client, seen: Evidence) -> Client:
        """Note the marks of a request that is known to be `client`'s."""
        self._count += 1
        client.used = self._count
        self._connections[seen.connection] = client
        if seen.credentials is not None and (not client.user or client.user == seen.user):
            if seen.credentials not in client.credentials:
                _note(client.credentials, seen.credentials)
                self._by_login.setdefault(seen.credentials, []).append(client)
            client.user = client.user or seen.user
        for cookie in seen.presented:
            if self._cookies.setdefault(cookie, client) is client:
                _note(client.kept, cookie)
        for cookie in seen.issued:
            self._cookies[cookie] = client
            if not client.kept.keys().isdisjoint(seen.presented):
                _note(client.renewed, cookie)
        for browser in seen.browsers:
            _note(client.browsers, browser)
        return client

    def begins(self, client: Client) -> None:
        """It has shaken hands."""
        client.life = Life.LIVE

    def is_live(self, client: Client) -> None:
        """Its Bayeux session is in use. One that has ended stays so: a poll may answer late."""
        if client.life is not Life.ENDED:
            client.life = Life.LIVE

    def is_lost(self, client: Client) -> None:
        """Its Bayeux session was refused, or its poll ended without an answer."""
        if client.life is Life.LIVE:
            client.life = Life.LOST
            client.lost = self._count

    def has_ended(self, client: Client) -> None:
        """Its Bayeux session was disconnected."""
        client.life = Life.ENDED

    # -- which one -----------------------------------------------------------------------------

    def _named(self, name: str) -> Client:
        found = next((client for client in self.clients if client.name == name), None)
        if found is None:
            found = Client(name=name)
            self._names.add(name)
            self.clients.append(found)
        return found

    def _by_cookie(self, seen: Evidence) -> Client | None:
        for cookie in seen.presented:
            client = self._cookies.get(cookie)
            if client is None:
                continue
            if seen.user and client.user and seen.user != client.user:
                return None
            others = client.kept.keys() - {cookie}
            if cookie not in client.kept and others and cookie not in client.renewed:
                # Given to a request without a cookie that was taken for this client's; but this
                # client presents another one, so the two are two.
                client = self._new(seen, user=client.user)
                self._cookies[cookie] = client
            return client
        return None

    def _by_credentials(self, seen: Evidence) -> Client | None:
        mates = self._mates(seen)
        if not mates:
            # Only a client already known for its Bayeux session is worth joining: the name of
            # an anonymous one on disk cannot be bettered any more.
            anonymous = self._anonymous_on(seen.connection)
            return _latest([client for client in anonymous if client.life is not Life.NONE])
        on_connection = self._connections.get(seen.connection)
        if on_connection in mates and not (seen.presented and on_connection.kept):
            return on_connection
        if seen.presented or seen.issued:
            return _latest([client for client in mates if not client.kept])
        return _latest(mates)

    def _by_connection(self, seen: Evidence) -> Client | None:
        client = self._connections.get(seen.connection)
        return None if client is None or (seen.presented and client.kept) else client

    def _only_one_it_can_be(self, seen: Evidence) -> Client | None:
        if seen.presented or (seen.issued and seen.unsafe):
            return None
        strangers = [c for c in self.clients if not c.credentials and not c.kept]
        if strangers or seen.issued:
            return _latest(strangers)
        return self.clients[0] if len(self.clients) == 1 else None

    def _mates(self, seen: Evidence) -> list[Client]:
        return self._by_login.get(seen.credentials or "") or []

    def _anonymous_on(self, connection: str) -> list[Client]:
        client = self._connections.get(connection)
        return [client] if client is not None and not client.credentials else []

    def _free_sibling(self, client: Client, seen: Evidence) -> Client:
        head = client.sibling_of or client
        family = [head, *(c for c in self.clients if c.sibling_of is head)]
        found = self._free(family, seen)
        if found is None:
            found = self._new(seen, user=head.user)
            found.sibling_of = head
        return found

    def _free(self, candidates: list[Client], seen: Evidence) -> Client | None:
        """The likeliest of the candidates without a live Bayeux session."""
        free = [client for client in candidates if client.life is not Life.LIVE]
        on_connection = self._connections.get(seen.connection)
        if on_connection in free:
            return on_connection
        lost = [client for client in free if client.life is Life.LOST]
        return min(lost, key=lambda client: client.lost) if lost else _latest(free)

    def _free_anonymous(self, seen: Evidence) -> Client | None:
        on_connection = self._connections.get(seen.connection)
        if on_connection is not None and on_connection.life is not Life.LIVE:
            return on_connection
        same_browser = [c for c in self.clients if not c.browsers.keys().isdisjoint(seen.browsers)]
        lost = [
            client
            for client in (same_browser or self.clients)
            if client.life is Life.LOST and not (seen.presented and client.kept)
        ]
        if lost:
            return min(lost, key=lambda client: client.lost)
        never = [client for client in self.clients if client.life is Life.NONE]
        return never[0] if len(never) == 1 and not seen.presented else None

    def _new(self, seen: Evidence, user: str | None = None) -> Client:
        user = user or seen.user
        name = user
        if name is None:
            self._anonymous += 1
            name = f"session-{self._anonymous}"
        base, number = name, 1
        while name in self._names:
            number += 1
            name = f"{base}-{number}"
        client = Client(name=name, user=user)
        self._names.add(name)
        self.clients.append(client)
        return client


def _note(marks: dict[str, None], mark: str) -> None:
    """Remember a mark of a client, as its latest."""
    marks.pop(mark, None)
    marks[mark] = None
    if len(marks) > _MAX_OF_CLIENT:
        del marks[next(iter(marks))]


def _latest(clients: list[Client]) -> Client | None:
    return max(clients, key=lambda client: client.used, default=None)


def _credentials(authorization: str | None) -> tuple[str | None, str | None]:
    """What tells one `Authorization` from another, and the user where it names one."""
    if not authorization:
        return None, None
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return authorization, None
    try:
        decoded = base64.b64decode(rest.strip(), validate=True)
    except (binascii.Error, ValueError):
        return authorization, None
    try:
        text = decoded.decode("utf-8")
    except UnicodeDecodeError:  # Genesys' C# client sends ISO-8859-1
        text = decoded.decode("latin-1")
    user = text.partition(":")[0].strip()
    printable = "".join(char if char.isprintable() else "?" for char in user)
    return (f"basic {user}", printable) if user else (authorization, None)


def _issued(response: Response | None) -> dict[str, str]:
    """Cookies an answer sets, less those it deletes (RFC 6265 §4.1.2)."""
    found: dict[str, str] = {}
    for header in response.headers.all("Set-Cookie") if response is not None else ():
        pair, *attributes = header.split(";")
        name, _, value = pair.strip().partition("=")
        gone = any(a.strip().lower().replace(" ", "") == "max-age=0" for a in attributes)
        if value and not gone:
            found[name] = value
    return found
