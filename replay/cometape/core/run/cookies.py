"""Session cookies that a replay has issued: whose each is, and with which exchange it came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cometape.core.bayeux.endpoint import BROWSER_COOKIE
from cometape.core.playbook.playbook import START
from cometape.core.recent import Lately

from .live_client import Arrival, Cookie, LiveClient

MAX_COOKIES = 100_000
"""Of each name so many at least are known that were issued or presented last."""


class _Issued(NamedTuple):
    """What there is to know of the cookies of one name, by their values."""

    owners: Lately[str, LiveClient]
    entries: Lately[str, int]


class Cookies:
    """The cookies of one replay. There may be thousands: their values alone are kept."""

    def __init__(self, names: Sequence[str]) -> None:
        """`names` are those of the profile's session cookies, the most telling first."""
        self._issued = {
            name: _Issued(Lately(MAX_COOKIES), Lately(MAX_COOKIES))
            for name in (*names, BROWSER_COOKIE)
        }

    def issue(self, cookie: Cookie, client: LiveClient, entry: int) -> None:
        """A client is given a cookie with the answer of an exchange, or by a handshake (START)."""
        issued = self._issued.get(cookie.name)
        if issued is None:
            issued = self._issued[cookie.name] = _Issued(Lately(MAX_COOKIES), Lately(MAX_COOKIES))
        issued.owners[cookie.value] = client
        if entry != START:
            issued.entries[cookie.value] = entry

    def owner(self, cookie: Cookie) -> LiveClient | None:
        """Whose a cookie is."""
        issued = self._issued.get(cookie.name)
        return issued.owners.get(cookie.value) if issued is not None else None

    def entry(self, cookie: Cookie) -> int:
        """Number of the exchange that a cookie was issued with."""
        return self._issued[cookie.name].entries.get(cookie.value) or START

    def change_owner(self, cookie: Cookie, client: LiveClient) -> None:
        """A cookie turns out to be another client's."""
        self._issued[cookie.name].owners[cookie.value] = client

    def presents(self, arrival: Arrival, name: str) -> bool:
        """Whether a request carries a cookie of that name that this server has issued."""
        value = arrival.cookies.get(name)
        return value is not None and self.owner(Cookie(name, value)) is not None

    def of(self, arrival: Arrival) -> Cookie | None:
        """The most telling cookie of a request that this server has issued.

        None where the request says outright that it is from another user than the cookie's: two
        users behind one cookie jar.
        """
        if not arrival.cookies:
            return None
        for name, issued in self._issued.items():
            value = arrival.cookies.get(name)
            client = issued.owners.get(value) if value is not None else None
            if value is not None and client is not None:
                differ = arrival.user and client.user and arrival.user != client.user
                return None if differ else Cookie(name, value)
        return None

    def forget(self, is_gone: Callable[[LiveClient], bool]) -> None:
        """Forget the cookies of these clients."""
        for issued in self._issued.values():
            issued.owners.forget(is_gone)
