"""Live clients: whose request is this, and which recorded session of which run has that client.

Evidence, the strongest first: a session cookie that this server issued; the Bayeux client id;
`Authorization`; the connection; and where there is nothing, the client that was here last. A
client without cookies that shares its `Authorization` with another cannot be told apart by
it: each of its handshakes while another is active takes a new seat, and a request of which only
the `Authorization` is known goes to the first of them for which it is still to come, its events to
all of them (`Found.audience`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from operator import attrgetter

from cometape.core.bayeux.endpoint import BROWSER_COOKIE
from cometape.core.identity.identity import Binding, Issuer
from cometape.core.playbook.playbook import START, Playbook
from cometape.core.playbook.recordings import Matches
from cometape.core.profile.profile import IdentityKind
from cometape.core.recent import Lately

from .circle import Circle, may_come_without, newest_of_several
from .cookies import Cookies
from .live_client import Arrival, Cookie, Found, LiveClient
from .logins import Logins
from .player import Run
from .seats import Seats
from .tabs import Tabs

CLIENT_ID = IdentityKind(name="client-id", form="base36", scope="run")
"""What Bayeux client ids are, where a profile does not say."""
MAX_GONE = 10_000
"""Bayeux sessions that have ended remembered: whose they were."""
MAX_USERS = 100_000
"""Users of whom it is known how often they have come, at least: those that came last."""
MAX_CONNECTIONS = 20_000
"""Connections remembered; nobody says when one ends, and some clients use each but once."""


@dataclass(slots=True)
class _Line:
    """A connection, and whose it is."""

    client: LiveClient
    sure: bool
    """Else it was only guessed from the Authorization, or from nothing."""
    reads: set[int] | None = None
    """What was answered over it while it was a guess."""


class Clients:
    """Every live client of a replay server, and its runs."""

    def __init__(self, playbook: Playbook, seed: int, new_run: Callable[[int], Run]) -> None:
        self._playbook = playbook
        self._seed = seed
        self.seats = Seats(playbook, new_run)
        self.seats.on_past.append(self._let_go)
        kinds = playbook.profile.identities
        self._kinds = {CLIENT_ID.name: CLIENT_ID} | {kind.name: kind for kind in kinds}
        self._recorded: Callable[[], Collection[int]] = lambda: playbook.recorded_integers
        self.clients: list[LiveClient] = []
        """In the order in which they came, without those of runs that were let go."""
        self.came = 0
        """How many there have ever been."""
        self.tabs = Tabs(self.seats, self._seated, self._has_left)
        self._lately = Circle()
        """Those of all clients."""
        self.cookies = Cookies(playbook.profile.session_cookies)
        self._by_client_id: dict[str, LiveClient] = {}
        """Of living Bayeux sessions."""
        self._gone: Lately[str, LiveClient] = Lately(MAX_GONE)
        """By client ids of Bayeux sessions that have ended."""
        self._logins = Logins()
        self._by_connection: dict[int, _Line] = {}
        self._newest_connection = 0
        self._occurrences: Lately[str, int] = Lately(MAX_USERS)
        self.knowledge = 0
        """Counts what may change whose a request with a cookie is, or which seat its client has.
        What moves from one request to the next, the client of a connection, is not in it."""
        self.has_left: Callable[[str], bool] = lambda client_id: False
        """Whether the client of a living Bayeux session has closed its connections; the server
        is made after this, and says so then."""

    @property
    def runs(self) -> list[Run]:
        """All runs, in the order in which they began."""
        return self.seats.runs

    # ---------------------------------------------------------------- what is learnt

    def know_cookie(
        self,
        name: str,
        value: str,
        client: LiveClient,
        *,
        entry: int = START,
        renewed: bool = False,
    ) -> None:
        """This server has issued a cookie to a client, `renewed` in exchange for another.

        `entry` is the exchange it was issued with.
        """
        self.knowledge += 1
        cookie = Cookie(name, value)
        self.cookies.issue(cookie, client, entry)
        if renewed:
            client.renew(cookie)

    def know_client_id(self, client_id: str, client: LiveClient) -> None:
        """A Bayeux session was opened for a client."""
        self.knowledge += 1
        self._by_client_id[client_id] = client
        client.client_ids += (client_id,)
        client.finished = False
        client.newest_connection = self._newest_connection

    def lose_client_id(self, client_id: str, client: LiveClient) -> None:
        """A Bayeux session of a client has ended."""
        client.client_ids = tuple(one for one in client.client_ids if one != client_id)
        self._by_client_id.pop(client_id, None)
        self._gone[client_id] = client

    def know_connection(self, connection: int, client: LiveClient) -> None:
        """A connection is surely that client's."""
        line = self._by_connection.get(connection)
        if line is not None and line.client is client:
            line.sure = True
        else:
            self._set_line(connection, client, sure=True)

    def _set_line(self, connection: int, client: LiveClient, *, sure: bool) -> None:
        line = self._by_connection.get(connection)
        if line is not None and line.client is client:
            line.sure = line.sure or sure
            return
        self._newest_connection = max(self._newest_connection, connection)
        if line is None and len(self._by_connection) >= MAX_CONNECTIONS:
            del self._by_connection[next(iter(self._by_connection))]
        self._by_connection[connection] = _Line(client, sure)

    def settle(self, client: LiveClient, matches: Matches) -> None:
        """A client asks for this, which may show that it has another seat (`Seats.change`)."""
        self.knowledge += self.seats.change(client, matches)

    def finish(self, client: LiveClient) -> None:
        """A client has said goodbye; who comes after it may be the same one again."""
        self.knowledge += 1
        client.finished = True
        client.last_beside = self.came

    def of_client_id(self, client_id: str) -> LiveClient | None:
        """The client of a Bayeux session, living or gone lately."""
        return self._by_client_id.get(client_id) or self._gone.get(client_id)

    # ---------------------------------------------------------------- who is it

    def of_request(self, arrival: Arrival, matches: Matches, now_s: float) -> Found:
        """The client an HTTP request is from, new if need be; `matches` are its recordings."""
        cookie = self.cookies.of(arrival)
        owner = self.cookies.owner(cookie) if cookie is not None else None
        if owner is not None and self._is_anothers(cookie, owner):
            owner = found = None
        else:
            by_cookie = Found(owner, by_cookie=True) if owner is not None else None
            found = by_cookie or self._by_the_rest(arrival, matches)
        if found is None or self._comes_again(found.client, matches, owner is not None):
            found = Found(self._new(arrival, matches.sessions, now_s))
        self._learn(arrival, found.client, sure=owner is not None)
        if cookie is not None:
            self._present(cookie, found.client)
            found.client.keeps_cookies = cookie.name != BROWSER_COOKIE
        return found

    def guessed(self, connection: int, read: int) -> None:
        """A read was answered to whoever has a connection, as far as is known."""
        known = self._by_connection.get(connection)
        if known is not None and not known.sure:
            known.reads = known.reads or set()
            known.reads.add(read)

    def of_handshake(self, arrival: Arrival, now_s: float) -> LiveClient:
        """The client a Bayeux handshake is from; a new one while those it could be are active."""
        self.knowledge += 1
        cookie = self.cookies.of(arrival)
        owner = self.cookies.owner(cookie) if cookie is not None else None
        if owner is not None and self._is_anothers(cookie, owner):
            owner, mates = None, []
        elif cookie is not None and owner is not None:
            owner = self.tabs.shaking_hands(cookie, owner, arrival, now_s)
            mates = [owner]
        elif arrival.authorization is not None:
            mates = list(self._logins.of(arrival.authorization))
            if not mates:
                mates += filter(None, [self._renewed_on(arrival) or self._adoptable(arrival)])
        else:
            mates = list(self._lately)
        line = self._by_connection.get(arrival.connection)
        mates.sort(key=attrgetter("number"), reverse=True)
        if line is not None and line.client in mates:
            mates.remove(line.client)
            mates.insert(0, line.client)
        for client in mates:
            if owner is None and client.client_ids and not self._is_back(client):
                continue
            if client.finished and not self._may_come_back(client, owner is not None):
                continue
            break
        else:
            rivals = [one for one in mates if one.client_ids]
            if arrival.authorization is not None:
                self._logins.take_over(arrival.authorization)
            client = self._new(arrival, self._playbook.shaking_sessions, now_s)
            self._give_connections(rivals, client)
        self.seats.join(client)
        if cookie is not None and client.sibling_of is None:
            self._present(cookie, client)
        self._learn(arrival, client, sure=True)
        return client

    def of_subscription(
        self, client_id: str, channels: Sequence[str], arrival: Arrival, now_s: float
    ) -> Sequence[LiveClient]:
        """What a Bayeux session subscribes to may show which of several tabs it is.

        Those who have other Bayeux sessions than before.
        """
        client = self._by_client_id[client_id]
        if self.seats.subscribes(client, channels) or self.cookies.of(arrival) is None:
            return ()
        found = self.tabs.subscribing(client_id, client, channels, arrival, now_s)
        for one in found:
            self.knowledge += 1
            self._by_client_id |= dict.fromkeys(one.client_ids, one)
        return found

    def _has_left(self, client: LiveClient) -> bool:
        """Whether all connections of a client's Bayeux sessions were closed by it."""
        return bool(client.client_ids) and all(map(self.has_left, client.client_ids))

    def _is_back(self, client: LiveClient) -> bool:
        """Whether a handshake without a cookie may be from a client whose connections are closed.

        It may when the recorded client came again as well: a page that was loaded again.
        """
        return self._has_to_shake_hands(client) and self._has_left(client)

    def _has_to_shake_hands(self, client: LiveClient) -> bool:
        """Whether the recorded client shook hands more often than this one so far."""
        session = self._playbook.sessions.get(client.bayeux_session)
        return session is not None and client.handshakes < len(session.handshakes)

    def _present(self, cookie: Cookie, client: LiveClient) -> None:
        if self.cookies.owner(cookie) is not client:
            # It was taken for another client when it was given this.
            self.knowledge += 1
            self.cookies.change_owner(cookie, client)
            client.run.played.setdefault(self.cookies.entry(cookie), 1)
        if cookie.name != BROWSER_COOKIE and cookie not in client.kept:
            self.knowledge += 1
            client.keep(Cookie(cookie.name, client.binding.same(cookie.value)))

    def _is_anothers(self, cookie: Cookie | None, owner: LiveClient) -> bool:
        """Whether a cookie shows that its owner, as far as was known, is really two clients.

        It was given to a request without a cookie, which was taken for the owner's; but the owner
        presents another one.
        """
        if cookie is None or cookie in owner.kept or cookie in owner.renewed:
            return False
        return any(kept.name == cookie.name for kept in owner.kept)

    def _by_the_rest(self, arrival: Arrival, matches: Matches) -> Found | None:
        """The client of a request without a cookie, by Authorization and connection."""
        group: Sequence[LiveClient]
        if arrival.authorization is not None:
            group = self._logins.of(arrival.authorization)
            if (renewed := self._renewed_on(arrival, matches)) is not None:
                return Found(renewed)
        else:
            active = [one for one in self._lately if not one.finished]
            nameless = [one for one in active if one.authorization is None]
            group = nameless or active or self._lately
        line = self._by_connection.get(arrival.connection)
        known = line.client if line is not None and self._may_be(line, arrival, group) else None
        if line is not None and known is not None and line.sure:
            # A pool of connections may outlive one client and serve the next.
            successors = [c for c in group if not c.finished and c.number > known.last_beside]
            if not known.finished or not successors or self._is_late_for(known, matches):
                return Found(known)
            return Found(successors[-1])
        if not matches.are_operations and (newest := newest_of_several(group)) is not None:
            return Found(known if known is not None and may_come_without(known) else newest)
        # A client that keeps its cookies would have presented them.
        group = [one for one in group if not one.keeps_cookies]
        if matches.are_operations:
            # What is recorded after a goodbye comes from one that said it, not from its twin.
            for one in group:
                if one.finished and self._is_late_for(one, matches):
                    return Found(one)
        active = [one for one in group if not one.finished] or group[-1:]
        if not active:
            adopted = self._adoptable(arrival) if arrival.authorization is not None else None
            return Found(adopted) if adopted is not None else None
        handshaken = [one for one in active if one.client_ids]
        if known not in active:
            known = None
        if len(handshaken) < 2:
            only = known or (handshaken or active)[-1]
            return self._by_a_twin(only, group, matches) or Found(only)
        fitting = [one for one in handshaken if self._has_still_to(one, matches)]
        if known is not None and known in fitting:
            return Found(known, handshaken)
        return Found((fitting or handshaken)[0], handshaken)

    def _may_be(self, line: _Line, arrival: Arrival, group: Sequence[LiveClient]) -> bool:
        """Whether a connection's client is of those an arrival can be from, forgotten or not."""
        shown = arrival.authorization
        surely = line.sure and shown is not None and line.client.has_shown(shown)
        return surely or line.client in group

    def _by_a_twin(
        self, client: LiveClient, group: Sequence[LiveClient], matches: Matches
    ) -> Found | None:
        """A recording that is left over by one who has gone, where `client` has used up its own.

        While both were here nothing told them apart, and what this one asked for was taken for the
        other's, or the other way round. The events are for the one who is left.
        """
        if not matches.are_operations or self._has_still_to(client, matches):
            return None
        for twin in group:
            beside = twin.finished and twin.last_beside >= client.number
            if beside and twin.handshakes and self._has_still_to(twin, matches):
                return Found(twin, (client,))
        return None

    def _has_still_to(self, client: LiveClient, matches: Matches) -> bool:
        return client.run.is_unplayed(matches, client.session)

    def _give_connections(self, rivals: Sequence[LiveClient], client: LiveClient) -> None:
        """A new client turns up where one was active: what only seemed that one's may be its.

        That is any connection first seen since the other one's Bayeux session began.
        """
        if not rivals:
            return
        for connection, line in self._by_connection.items():
            owner = line.client
            if not line.sure and connection > owner.newest_connection and owner in rivals:
                line.client = client
                for read in line.reads or ():
                    client.run.played.setdefault(read, 1)

    def _adoptable(self, arrival: Arrival) -> LiveClient | None:
        """A client that has shown no credentials so far, whose these may be."""
        nobody = [
            client
            for client in self._lately
            if client.authorization is None
            and not client.finished
            and self.seats.may_be(client, arrival.user)
        ]
        line = self._by_connection.get(arrival.connection)
        if line is not None and line.client in nobody:
            return line.client
        named = (c for c in nobody if self.seats.are_named(arrival.user, c.session))
        return next(named, nobody[0] if nobody else None)

    def _renewed_on(self, arrival: Arrival, matches: Matches | None = None) -> LiveClient | None:
        """Whose token was renewed: the client of this connection shows one that nobody has shown.

        A pool of connections may serve several clients. So the connection must surely be that
        client's, and the recorded one must have done this as well: what was recorded with a new
        token in a session of its own is replayed so. `matches` is None for a handshake. Another
        user, where it says its name, is another client.
        """
        line, token = self._by_connection.get(arrival.connection), arrival.authorization
        if line is None or not line.sure or arrival.user is not None or token is None:
            return None
        client = line.client
        if client.authorization is None or client.has_shown(token):
            return None
        if client.user is not None or client.keeps_cookies or client.finished:
            return None
        if not self._logins.may_be_renewed(token):
            return None
        if matches is None:
            came_again = not client.client_ids and self._has_to_shake_hands(client)
        elif matches.are_operations:
            came_again = self._has_still_to(client, matches)
        else:
            came_again = client.session in matches.by_session
        if not came_again:
            return None
        self.knowledge += 1
        self._logins.renew(token, client)
        return client

    def _learn(self, arrival: Arrival, client: LiveClient, *, sure: bool) -> None:
        if arrival.origin is not None:
            client.origin = arrival.origin
        line = self._by_connection.get(arrival.connection)
        if sure or line is None or not line.sure:
            self._set_line(arrival.connection, client, sure=sure)
        if arrival.authorization is not None and client.authorization is None:
            self.knowledge += 1
            client.authorization, client.user = arrival.authorization, arrival.user
            self.seats.named(client)
            self._logins.join(arrival.authorization, client)

    # ---------------------------------------------------------------- the same client again

    def _comes_again(self, client: LiveClient, matches: Matches, cookie: bool) -> bool:
        """Whether a request of a client that had finished is a new beginning.

        It is not when it was recorded after the end and is still to come (an
        EndContactCenterSession after the disconnect, a last look at something).
        """
        if not client.finished:
            return False
        if matches.are_operations and client.run.is_unplayed(matches, client.session):
            return False
        if self._is_late_for(client, matches):
            return False
        return not cookie or not self._is_anything_left(client)

    def _is_late_for(self, client: LiveClient, matches: Matches) -> bool:
        """Whether this was recorded after the end of the client's session and is still to come."""
        session = self._playbook.sessions.get(client.session)
        if session is None or session.ended is None:
            return False
        return client.run.is_unplayed(matches, client.session, since=session.ended)

    def _may_come_back(self, client: LiveClient, cookie: bool) -> bool:
        """Whether a handshake after a disconnect goes on with the same recorded session."""
        session = self._playbook.sessions.get(client.bayeux_session)
        if session is not None and client.finishes <= session.comebacks:
            return True
        return cookie and self._is_anything_left(client)

    def _is_anything_left(self, client: LiveClient) -> bool:
        return client.run.has_operations_left(client.session)

    # ---------------------------------------------------------------- a new client

    def _new(self, arrival: Arrival, fits: frozenset[str], now_s: float) -> LiveClient:
        run, session = self.seats.choose(arrival, fits)
        return self._seated(arrival, run, session, now_s)

    def _seated(self, arrival: Arrival, run: Run, session: str, now_s: float) -> LiveClient:
        self.came += 1
        client = LiveClient(
            number=self.came,
            run=run,
            session=session,
            binding=Binding(self._kinds, lambda: self._issuer(client)),
        )
        self.knowledge += 1
        self.clients.append(client)
        self._lately.join(client)
        self.seats.take(client, now_s)
        self._learn(arrival, client, sure=False)
        return client

    def _let_go(self, runs: Sequence[Run]) -> None:
        """Runs are forgotten, and with them their clients: one that comes back is a new one."""
        numbers = {run.number for run in runs}

        def is_gone(client: LiveClient) -> bool:
            return client.run.number in numbers

        def are_here(clients: Sequence[LiveClient]) -> list[LiveClient]:
            return [one for one in clients if not is_gone(one)]

        self.knowledge += 1
        self.clients, self._lately = are_here(self.clients), Circle(are_here(self._lately))
        self._logins.let_go(are_here)
        lines = self._by_connection.items()
        self._by_connection = {at: line for at, line in lines if not is_gone(line.client)}
        self.cookies.forget(is_gone)
        self._gone.forget(is_gone)

    def _issuer(self, client: LiveClient) -> Issuer:
        """Of a client's ids: made when the first is needed, for it may tell its name late."""
        who = client.user or client.authorization or ""
        occurrence = self._occurrences[who] = (self._occurrences.get(who) or 0) + 1
        return Issuer(self._seed, who, occurrence, self._recorded)
