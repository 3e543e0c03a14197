"""A live client of the replay server, and what a request says about who sent it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from cometape.core.credentials import basic_credentials
from cometape.core.exchange import Request
from cometape.core.identity.identity import Binding
from cometape.core.playbook.recordings import Matches

from .play import Due
from .player import Run


@dataclass(slots=True, eq=False)
class LiveClient:
    """One client of the replay server, with the recorded session it has taken."""

    number: int
    run: Run
    session: str
    binding: Binding
    authorization: str | None = None
    user: str | None = None
    origin: str = "http://localhost"
    """What absolute URIs begin with, as it last addressed this server."""
    client_ids: dict[str, None] = field(default_factory=dict)
    """Its living Bayeux sessions."""
    mailbox: list[Due] = field(default_factory=list)
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
    asked: dict[Matches, None] = field(default_factory=dict)
    """What it has asked for so far that others did as well."""
    subscribed: dict[str, int] = field(default_factory=dict)
    """How often it asked for each subscription."""
    browser_ids: int = 0
    """How many `BAYEUX_BROWSER` cookies it was given."""
    sibling_of: LiveClient | None = None
    """The client whose cookie it presents, where two Bayeux sessions live behind one."""
    newest_connection: int = 0
    """The last connection of anybody when its Bayeux session began."""
    kept: set[str] = field(default_factory=set)
    """Session cookies, `name=value`, that it has presented."""
    keeps_cookies: bool = False
    """It has presented one with a request: one without is not from it (messages may differ)."""
    renewed: set[str] = field(default_factory=set)
    """Session cookies it was given in exchange for one it presented."""

    @property
    def bayeux_session(self) -> str:
        """The recorded session that says how its Bayeux goes."""
        return self.beside or self.session

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
    user: str | None
    origin: str | None

    @classmethod
    def of(cls, connection: int, request: Request) -> Arrival:
        """Read it from the headers."""
        authorization = request.headers.first("Authorization")
        return cls(
            connection=connection,
            cookies=request.cookies(),
            authorization=authorization,
            user=_user(authorization) if authorization else None,
            origin=request.origin,
        )


@lru_cache(maxsize=256)
def _user(authorization: str) -> str | None:
    """The user of Basic credentials: a client sends the same with every request."""
    pair = basic_credentials(authorization)
    return pair[0] if pair else None


@dataclass(frozen=True, slots=True)
class Found:
    """The client a request is from."""

    client: LiveClient
    audience: Sequence[LiveClient] = ()
    """More than one where it could be from any of these."""
    by_cookie: bool = False
    """Whether a cookie of ours says so: then it does not matter over which connection."""
