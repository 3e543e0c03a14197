"""Tabs: several live clients behind one cookie, each with a Bayeux session of its own.

What they ask for over HTTP goes by the cookie, to the first of them. Which tab shakes hands nobody
can see; what it subscribes to may show which recorded one it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cometape.core.bayeux.endpoint import BROWSER_COOKIE

from .live_client import Arrival, Cookie, LiveClient
from .player import Run
from .seats import Seats, clients_in
from .vacancy import take_back_bayeux

Seat = Callable[[Arrival, Run, str, float], LiveClient]
"""Makes a new client that takes a session of a run."""


class Tabs:
    """Who is who behind one cookie."""

    def __init__(self, seats: Seats, seat: Seat, has_left: Callable[[LiveClient], bool]) -> None:
        """`has_left`: whether a client has closed the connections of its Bayeux sessions."""
        self._seats = seats
        self._seat = seat
        self._has_left = has_left
        self.is_held: Callable[[str], bool] = lambda client_id: False
        """Whether a connect of a Bayeux session is being held: its page is open."""

    def shaking_hands(
        self, cookie: Cookie, owner: LiveClient, arrival: Arrival, now_s: float
    ) -> LiveClient:
        """Which of the clients behind a cookie shakes hands.

        As the recorder does, one whose Bayeux session is gone before another recorded one. Where
        none was recorded, one that has no page open, as far as is known: it was loaded again.
        Else the tabs are one client with several Bayeux sessions.
        """
        family = _family(owner)
        gone = [one for one in family if not one.client_ids or self._has_left(one)]
        if gone:
            return gone[0]
        session = self._seats.beside(owner, alone=cookie.name != BROWSER_COOKIE)
        if session is None:
            closed = (one for one in family if not any(map(self.is_held, one.client_ids)))
            return next(closed, owner)
        return self._sibling(owner, arrival, session, now_s)

    def subscribing(
        self,
        client_id: str,
        client: LiveClient,
        channels: Sequence[str],
        arrival: Arrival,
        now_s: float,
    ) -> Sequence[LiveClient]:
        """A Bayeux session asks for the first subscriptions: they show whose it is.

        It goes to the client whose recorded session asked for them, and that one's, if it does not
        show the same, comes back in exchange. Those with other Bayeux sessions than before.
        """
        if self._seats.subscribes(client, channels):
            return ()
        owner = client.sibling_of or client
        for other in _family(owner):
            if other is not client and self._seats.subscribes(other, channels[-1:]):
                break
        else:
            session = self._seats.beside(owner, alone=owner.keeps_cookies, channel=channels[-1])
            if session is None:
                return ()
            other = self._sibling(owner, arrival, session, now_s)
        shows_it = self._seats.subscribes(other, other.subscribed)
        theirs = () if shows_it else other.client_ids
        kept = tuple(one for one in client.client_ids if one != client_id)
        client.client_ids = kept + theirs
        other.client_ids = ((*other.client_ids, client_id)) if shows_it else (client_id,)
        if not shows_it and not kept:
            client.subscribed, other.subscribed = other.subscribed, client.subscribed
            client.handshakes, other.handshakes = other.handshakes, client.handshakes
        other.finished = False
        if not client.client_ids:
            take_back_bayeux(client, client.bayeux_session)
        return client, other

    def _sibling(
        self, owner: LiveClient, arrival: Arrival, session: str, now_s: float
    ) -> LiveClient:
        sibling = self._seat(arrival, owner.run, session, now_s)
        sibling.sibling_of = owner
        return sibling


def _family(owner: LiveClient) -> list[LiveClient]:
    return [owner, *(one for one in clients_in(owner.run) if one.sibling_of is owner)]
