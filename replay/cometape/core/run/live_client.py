"""A live client of the replay server, and what a request says about who sent it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from cometape.core.credentials import basic_credentials
from cometape.core.exchange import Headers, Request, Scheme
from cometape.core.identity.identity import Binding
from cometape.core.playbook.recordings import Matches
from cometape.core.shared_text import shared

from .play import MAX_WAITING, Due
from .player import Run

MAX_COOKIES = 16
"""Session cookies remembered of each client, beside which it may have had any number."""


class Cookie(NamedTuple):
    """A cookie, as a client presents it."""

    name: str
    value: str


@dataclass(slots=True, eq=False)
class LiveClient:
    """One client of the replay server, with the recorded session it has taken.

    A server may have ten thousand, most of which do nothing but wait: what holds nothing is no
    container of its own.
    """

    number: int
    run: Run
    session: str
    binding: Binding
    authorization: str | None = None
    user: str | None = None
    tokens: tuple[str, ...] = ()
    """What its `Authorization` said later, the latest ones: its token was renewed."""
    origin: str = "http://localhost"
    """What absolute URIs begin with, as it last addressed this server."""
    client_ids: tuple[str, ...] = ()
    """Its living Bayeux sessions."""
    mailbox: Sequence[Due] = ()
    """Due events that wait for a Bayeux session, or for a subscription."""
    has_claimed: bool = False
    """Whether events are in it that nobody has looked at since its session was taken."""
    handshakes: int = 0
    finishes: int = 0
    """How often it disconnected."""
    finished: bool = False
    """It disconnected, or ended its session; what it does next may be a new beginning."""
    last_beside: int = 0
    """Number of the last client that had come when it finished."""
    beside: str | None = None
    """A second recorded session it has: its Bayeux, where that was recorded as a client's own."""
    committed: bool = False
    """It has done what only its recorded session did, so it cannot take another one."""
    heard: tuple[Due, ...] = ()
    """Events it was given as long as it is not committed: they may be another one's."""
    asked: dict[Matches, None] | None = None
    """What it has asked for that others did as well, as long as it is not committed."""
    subscribed: tuple[str, ...] = ()
    """The subscriptions it asked for, one that was recorded several times as often at most."""
    sibling_of: LiveClient | None = None
    """The client whose cookie it presents, where two Bayeux sessions live behind one."""
    newest_connection: int = 0
    """The last connection of anybody when its Bayeux session began."""
    kept: tuple[Cookie, ...] = ()
    """Session cookies that it has presented, the latest ones."""
    keeps_cookies: bool = False
    """It has presented one with a request: one without is not from it (messages may differ)."""
    renewed: tuple[Cookie, ...] = ()
    """Session cookies it was given in exchange for one it presented, the latest ones."""

    @property
    def bayeux_session(self) -> str:
        """The recorded session that says how its Bayeux goes."""
        return self.beside or self.session

    def has_shown(self, authorization: str) -> bool:
        """Whether this `Authorization` is, or was, its own."""
        return authorization == self.authorization or authorization in self.tokens

    def keep(self, cookie: Cookie) -> None:
        """It has presented a session cookie."""
        if cookie not in self.kept:
            self.kept = (*self.kept[1 - MAX_COOKIES :], cookie)

    def renew(self, cookie: Cookie) -> None:
        """It was given a session cookie in exchange for another."""
        self.renewed = (*self.renewed[1 - MAX_COOKIES :], cookie)

    def commit(self) -> None:
        """It has done what only its recorded session did."""
        self.committed = True
        self.asked = None
        self.heard = ()

    def hear(self, dues: Sequence[Due]) -> None:
        """It is given events; of what a repeat causes nobody else need be told."""
        if not self.committed:
            first = (due for due in dues if due.play is None or due.play.nth == 1)
            self.heard = (*self.heard, *first)

    def post(self, dues: Sequence[Due]) -> None:
        """Events wait for it, after those that do already; the oldest are forgotten."""
        if not dues:
            return
        if not isinstance(self.mailbox, deque):
            self.mailbox = deque(self.mailbox, MAX_WAITING)
        for due in dues:
            if len(self.mailbox) == MAX_WAITING:
                self.mailbox[0].run.forgotten += 1
            self.mailbox.append(due)

    def take_mailbox(self) -> Sequence[Due]:
        """What waits for it; it is about to be delivered."""
        taken, self.mailbox = self.mailbox, ()
        return taken

    @property
    def is_away(self) -> bool:
        """It has finished, or lost its Bayeux session without a word."""
        return self.finished or (self.handshakes > 0 and not self.client_ids)

    @property
    def label(self) -> str:
        """The client in a word or two."""
        return self.user or f"client {self.number}"


class Arrival(NamedTuple):
    """What a request says about who sent it; a tuple, because one is made for every request."""

    connection: int
    cookies: Mapping[str, str]
    authorization: str | None
    """What `Authorization` says; of Basic the user alone, for a password may be mistyped."""
    user: str | None
    origin: str | None

    @classmethod
    def of(cls, connection: int, request: Request) -> Arrival:
        """Read it from the headers."""
        return cls(connection, *_told(request.headers, request.scheme))


@lru_cache(maxsize=512)
def _told(
    headers: Headers, scheme: Scheme
) -> tuple[Mapping[str, str], str | None, str | None, str | None]:
    """Cookies, credentials, their user and the origin: a client sends the same each time."""
    authorization, host = headers.first("Authorization"), headers.first("Host")
    pair = basic_credentials(authorization) if authorization else None
    if pair is not None and pair[0]:
        authorization = f"Basic {pair[0]}"
    return (
        headers.cookies,
        shared(authorization) if authorization is not None else None,
        shared(pair[0]) if pair else None,
        shared(f"{scheme}://{host}") if host else None,
    )


@dataclass(frozen=True, slots=True)
class Found:
    """The client a request is from."""

    client: LiveClient
    audience: Sequence[LiveClient] = ()
    """More than one where it could be from any of these."""
    by_cookie: bool = False
    """Whether a cookie of ours says so: then it does not matter over which connection."""
