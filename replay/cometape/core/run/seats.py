"""Seats: which recorded session of which run a live client takes.

A client takes the session that is named after its user, else the next one nobody has taken that
made such a request, in order of first appearance. When there is none a new run begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from cometape.core.playbook.playbook import Playbook
from cometape.core.playbook.recordings import Matches

from .live_client import Arrival, LiveClient
from .player import Run
from .vacancy import vacate

MAX_RUNS = 1000
"""Runs looked at for a free seat, the latest ones."""
MAX_GUESSED = 100
"""Runs looked at for a seat that somebody has by guess, those latest taken so."""
MAX_KEPT = 10_000
"""Runs kept one by one. When there are a tenth more, that tenth is let go: the oldest whose clients
have no Bayeux session any more. A client that began anew every minute would take a week."""
ALONE = "client"
"""The session that a client takes in a cassette without any."""


class Seats:
    """The runs of a replay, with their sessions taken and free."""

    def __init__(self, playbook: Playbook, new_run: Callable[[int], Run]) -> None:
        self.runs: list[Run] = [new_run(1)]
        """Without those that were let go."""
        self.on_past: list[Callable[[Sequence[Run]], None]] = []
        """Are told of the runs that are let go."""
        self.moved: list[LiveClient] = []
        """Clients that have changed their seat, until they are taken up (`take_up`)."""
        self._playbook = playbook
        self._new_run = new_run
        self._users = _recorded_users(playbook)
        self._guessed: dict[int, Run] = {}
        """The latest runs in which somebody may have a session by guess alone, by number."""

    def are_named(self, user: str | None, session: str) -> bool:
        """Whether a recorded session is named after a user."""
        return session in self._users.get(user or "", ())

    def choose(self, arrival: Arrival, fits: frozenset[str]) -> tuple[Run, str]:
        """The run and session for a new client, whose request was made in the sessions `fits`."""
        named = self._users.get(arrival.user or "", ())
        newest = self.runs[-1]
        if named:
            seat = self._own_seat(arrival, named, fits)
            return seat or (self._begin_run(), next((n for n in named if n in fits), named[0]))
        names = list(self._playbook.sessions) or [ALONE]
        wanted = [name for name in names if name in fits] or names
        # Nobody is two recorded clients; who has no name may be the one that was here before.
        again = self._is_seated(arrival, newest) if arrival.user else self._is_over(newest)
        if not again:
            for name in wanted:
                if newest.is_free(name):
                    return newest, name
        return self._begin_run(), wanted[0]

    def beside(self, client: LiveClient, *, alone: bool, channel: str | None = None) -> str | None:
        """The free session of a second Bayeux client behind the same cookie, if one was recorded.

        That is a session that shook hands, of the same user where it has a name; `alone`: and did
        nothing else, since what it asked for went by the cookie; with `channel`, that subscribed
        to it.
        """
        for name, session in self._playbook.sessions.items():
            named = self._users.get(client.user or "", ())
            if (
                session.handshakes
                and client.run.is_free(name)
                and not (alone and session.exchanges)
                and (not named or name in named)
                and (channel is None or session.subscribes_to(channel))
            ):
                return name
        return None

    def subscribes(self, client: LiveClient, channels: Sequence[str]) -> bool:
        """Whether a client's recorded session subscribed to one of these."""
        session = self._playbook.sessions.get(client.bayeux_session)
        return session is not None and any(map(session.subscribes_to, channels))

    def change(self, client: LiveClient, matches: Matches) -> bool:
        """A client whose session was a guess changes to the one that did what it does.

        As long as it has done nothing that only its present one did, nobody could notice. Where
        that session is taken and has done it already, a new run begins. True when it changed.
        """
        if not matches or client.committed:
            return False
        if client.session in matches.sessions:
            if len(matches.sessions) == 1 or matches.are_operations:
                client.commit()
            elif client.asked is None:
                client.asked = {matches: None}
            else:
                client.asked[matches] = None
            return False
        if self.are_named(client.user, client.session):
            return False
        targets = [name for name in self._playbook.sessions if name in matches.sessions]
        free = next((name for name in targets if client.run.is_free(name)), None)
        if free is None and (
            not matches.are_operations
            or any(client.run.is_unplayed(matches, name) for name in matches.by_session)
        ):
            return False
        self._move(client, free or targets[0])
        client.commit()
        return True

    def may_be(self, client: LiveClient, user: str | None) -> bool:
        """Whether a client of no name may turn out to be this user."""
        named = self._users.get(user or "", ())
        if not named or client.session in named:
            return True
        return not client.committed and any(client.run.is_free(name) for name in named)

    def named(self, client: LiveClient) -> None:
        """A client has told its name: it changes to the session that is named after it."""
        named = self._users.get(client.user or "", ())
        if named and client.session not in named and not client.committed:
            free = next((name for name in named if client.run.is_free(name)), None)
            if free is not None:
                self._move(client, free)

    def join(self, client: LiveClient) -> None:
        """A client shakes hands that has none recorded: its Bayeux was taken for another client.

        That happens where nothing on the wire tied the two together. It takes the free session
        that is Bayeux alone as well.
        """
        sessions = self._playbook.sessions
        own = sessions.get(client.session)
        if own is None or own.handshakes or client.beside is not None:
            return
        for name, session in sessions.items():
            if session.handshakes and not session.exchanges and client.run.is_free(name):
                client.beside = name
                client.run.actors[name] = client
                _claim(client, name)
                return

    def _own_seat(
        self, arrival: Arrival, named: Sequence[str], fits: frozenset[str]
    ) -> tuple[Run, str] | None:
        """The seat of a user after whom sessions are named, in a run that has begun.

        Whoever else is on the server must not matter to it: it comes to those who have a session
        of their own, to the latest of them, and whoever has its session by guess makes room. Where
        all guess they may belong together: that run is joined when there is room, not broken up.
        """
        newest, wanted = self.runs[-1], set(named)
        # Of a thousand runs hardly one has a seat to give.
        latest = [run for run in self.runs[-MAX_RUNS:] if not run.actors.keys() >= wanted]
        found = {run.number: run for run in (*latest, *self._runs_of_guesses(), newest)}
        is_new = self._is_over(newest) and self._is_seated(arrival, newest)
        runs = [
            run
            for _, run in sorted(found.items(), reverse=True)
            if self._is_active(run) or (run is newest and not is_new)
        ]
        for run in runs:
            if self._is_company(run, arrival):
                for name in self._free(run, named, fits) or named:
                    if run.is_free(name) or self._make_room(run, name):
                        return run, name
        for run in runs:
            for name in self._free(run, named, fits)[:1]:
                return run, name
        for run in runs:
            for name in named:
                if self._has_room(run) and self._make_room(run, name):
                    return run, name
        return None

    def _free(self, run: Run, named: Sequence[str], fits: frozenset[str]) -> list[str]:
        """Which of these sessions nobody has taken, those that `fits` first."""
        free = [name for name in named if run.is_free(name)]
        return sorted(free, key=lambda name: name not in fits)

    def _runs_of_guesses(self) -> list[Run]:
        """The latest runs in which somebody has a session by guess alone."""
        found: list[Run] = []
        for number, run in list(self._guessed.items()):
            if any(map(self._is_guess, clients_in(run))):
                found.append(run)
            else:
                del self._guessed[number]
        return found

    def _is_guess(self, client: LiveClient) -> bool:
        """Whether a client has its session by guess alone."""
        return not client.committed and not self.are_named(client.user, client.session)

    def _is_company(self, run: Run, arrival: Arrival) -> bool:
        """Whether somebody else has a session of a run that is surely its own."""
        return any(
            client.user != arrival.user
            and not self._is_guess(client)
            and (run is self.runs[-1] or not client.is_away)
            for client in clients_in(run)
        )

    def _make_room(self, run: Run, session: str) -> bool:
        """Let a client that has a session by guess alone take another one.

        Where the run has none left it goes on in a run of its own; but not one of several tabs.
        """
        holder = run.actors.get(session)
        if not isinstance(holder, LiveClient) or not self._is_guess(holder):
            return False
        if any(one.sibling_of in (holder, holder.sibling_of or holder) for one in clients_in(run)):
            return False
        other = next((name for name in self._playbook.sessions if run.is_free(name)), session)
        self._move(holder, other)
        return True

    def _move(self, client: LiveClient, session: str) -> None:
        """Change a client's session, and its run where that session is taken.

        Bayeux that only the old session has it keeps beside; what it has asked for counts as asked
        for by the new one.
        """
        sessions, old, run = self._playbook.sessions, client.session, client.run
        if not run.is_free(session):
            beside = client.beside
            vacate(client, old)
            if beside is not None:
                vacate(client, beside)
            client.run = self._begin_run()
            client.binding.begin_anew()
            if beside is not None:
                client.run.actors[beside] = client
        elif (
            client.client_ids
            and client.beside is None
            and not sessions[old].exchanges
            and not sessions[session].handshakes
        ):
            client.beside = old
        else:
            vacate(client, old)
        client.session = session
        client.run.actors[session] = client
        self._note_guess(client)
        _claim(client, session)
        for matches in client.asked or ():
            for recording in matches.of(session)[:1]:
                client.run.played.setdefault(recording.number, 1)
        self.moved.append(client)

    def _note_guess(self, client: LiveClient) -> None:
        if self._is_guess(client):
            self._guessed[client.run.number] = client.run
            if len(self._guessed) > MAX_GUESSED:
                del self._guessed[next(iter(self._guessed))]

    def take_up(self, now_s: float) -> Sequence[LiveClient]:
        """Those who have changed their seat since the last time; their runs have begun."""
        moved, self.moved = self.moved, []
        for client in moved:
            client.run.begin(now_s)
        return moved

    def take(self, client: LiveClient, now_s: float) -> None:
        """A client takes its seat; events that waited for somebody to come are its."""
        client.run.actors[client.session] = client
        client.run.begin(now_s)
        self._note_guess(client)
        _claim(client, client.session)

    def _begin_run(self) -> Run:
        if not self.runs[-1].actors:
            return self.runs[-1]
        tenth = MAX_KEPT // 10
        if len(self.runs) >= MAX_KEPT + tenth and len(self.runs) % tenth == 0:
            self.let_go(tenth)
        self.runs.append(self._new_run(self.runs[-1].number + 1))
        return self.runs[-1]

    def let_go(self, most: int) -> None:
        """Forget so many runs, the oldest; those in which a Bayeux session lives stay."""
        over = (run for run in self.runs if not any(c.client_ids for c in clients_in(run)))
        past = list(islice(over, most))
        numbers = {run.number for run in past}
        self.runs[:] = [run for run in self.runs if run.number not in numbers]
        for number in numbers:
            self._guessed.pop(number, None)
        for told in self.on_past:
            told(past)

    def _has_room(self, run: Run) -> bool:
        """Whether some recorded session of a run is free; of a thousand runs hardly one has."""
        return len(run.actors) < len(self._playbook.sessions)

    def _is_active(self, run: Run) -> bool:
        return any(not client.is_away for client in clients_in(run))

    def _is_over(self, run: Run) -> bool:
        """Whether all who took part have finished, and nobody was recorded to come after them."""
        clients = clients_in(run)
        if not clients or any(not client.finished for client in clients):
            return False
        sessions = self._playbook.sessions
        last = max((sessions[c.session].last for c in clients if c.session in sessions), default=0)
        return not any(s.first > last for s in sessions.values() if run.is_free(s.name))

    def _is_seated(self, arrival: Arrival, run: Run) -> bool:
        """Whether this user has a session of the run already."""
        return arrival.user is not None and any(c.user == arrival.user for c in clients_in(run))


def _claim(client: LiveClient, session: str) -> None:
    """Events that waited for somebody to take a session are its client's."""
    waiting = client.run.claim(session)
    if waiting:
        client.post(waiting)
        client.has_claimed = True


def clients_in(run: Run) -> list[LiveClient]:
    """The live clients that have taken a session of a run, each once."""
    found = [actor for actor in run.actors.values() if isinstance(actor, LiveClient)]
    return list(dict.fromkeys(found))


def _recorded_users(playbook: Playbook) -> dict[str, tuple[str, ...]]:
    """The recorded sessions of each user: `agent7`, and `agent7-2` for a second one."""
    found: dict[str, tuple[str, ...]] = {}
    for name in playbook.sessions:
        stem, dash, number = name.rpartition("-")
        users = [name] + ([stem] if dash and number.isdecimal() else [])
        for user in users:
            found[user] = (*found.get(user, ()), name)
    return found
