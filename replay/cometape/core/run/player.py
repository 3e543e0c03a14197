"""A run: one playing of a cassette, with a state of its own.

Operations advance the run, reads show the recorded state that fits what the run has done, events
become due when what sets them off has been answered. A run knows nothing of HTTP, of Bayeux or of
live clients but what it is told; who acts in it is an `Actor`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence

from cometape.core.cassette import Entry
from cometape.core.exchange import Response
from cometape.core.identity.identity import Identity, Ledger
from cometape.core.identity.live_ids import Pairs
from cometape.core.playbook.playbook import START, Playbook
from cometape.core.playbook.recordings import Follower, Matches, Playable, Recordings

from .pace import INSTANT, Pace
from .play import MAX_ON_THEIR_WAY, MAX_WAITING, Actor, Due, Exhausted, Play
from .reads import Reads
from .repeats import NO_REPEATS, Repeats
from .schedule import Schedule
from .sparse import NOBODY, NOTHING, plus

MAX_DONE = 20
"""Operations remembered in their order, the latest ones; misses tell of these."""


class Run:
    """One playing of a cassette."""

    __slots__ = (
        "_done",
        "_event_gap_s",
        "_find_shift",
        "_minted",
        "_next",
        "_pace",
        "_reads",
        "_schedule",
        "actors",
        "delivered",
        "done_count",
        "forgotten",
        "number",
        "on_play",
        "playbook",
        "played",
        "shared",
        "shift_s",
        "spared",
        "unclaimed",
    )

    def __init__(
        self,
        playbook: Playbook,
        number: int,
        *,
        pace: Pace = INSTANT,
        event_gap_s: float = 0.01,
        shift_s: Callable[[float], int] = lambda now_s: 0,
    ) -> None:
        """`shift_s` tells, when the run begins, how much later than recorded its dates are."""
        self.on_play: Callable[[Run, Play], None] | None = None
        """Is told of operations, publishes, handshakes and subscriptions as they are played."""
        self.playbook = playbook
        self.number = number
        self.shift_s = 0
        self._find_shift = shift_s
        self.actors: dict[str, Actor] = {}
        """Who has taken each recorded session."""
        self.played: dict[int, int] = {}
        """How often each entry was played, by number. Where nobody gives up a seat nothing is taken
        out, and its length tells whether anything was played that had not been."""
        self.delivered: Mapping[int, int] = NOTHING
        """How often each event was given to a Bayeux session, by number."""
        self.done_count = 0
        """How many operations and publishes were played."""
        self._done: Sequence[int] = ()
        """Numbers of the latest of them, in their order."""
        self.unclaimed: Mapping[str, deque[Due]] = NOTHING
        """Due events of recorded sessions that no client has taken yet."""
        self.forgotten = 0
        """Events that waited in vain, or had no place to wait, for there were too many of them."""
        self.spared: frozenset[int] = NOBODY
        """Entries that a fault kept from being played or delivered: nobody is to blame for that."""
        self._pace = pace
        self._event_gap_s = event_gap_s
        self.shared = Ledger()
        """Live values of ids that mean one thing in all sessions; placeholders always do."""
        self._minted: Mapping[int, list[Identity]] = NOTHING
        """By operation, the ids that its first play brought forth: a repeat gets new ones."""
        self._schedule = Schedule()
        self._reads: Reads | None = None
        self._next: Mapping[Hashable, int] = NOTHING
        """The first that may be unplayed, of several kinds of lists; it moves on."""

    def begin(self, now_s: float) -> None:
        """A client has come: events that nothing precedes are on their way, once."""
        if START not in self.played:
            self.shift_s = self._find_shift(now_s)
            for follower in self.playbook.followers(START):
                for _, delay_s in self.delays((follower,)):  # each by itself: they have no cause
                    self._send_off(follower, None, now_s + delay_s)
            self.played[START] = 1

    @property
    def done(self) -> Sequence[int]:
        """Numbers of the latest operations and publishes played, in their order."""
        return self._done[-MAX_DONE:]

    def is_free(self, session: str) -> bool:
        """Whether no client has taken a recorded session."""
        return session not in self.actors

    # ---------------------------------------------------------------- answers

    def choose(
        self, session: str, matches: Matches, *, repeats: Repeats = NO_REPEATS
    ) -> Playable | Exhausted | None:
        """Which of the recordings of a request answers it now; None when there is none at all.

        The session's own recordings go first, then those of sessions nobody has taken, then, if
        it has none of its own, anybody's. An operation is answered by its recordings in their
        order, once each; a read by the recording that fits the state of the run.
        """
        if not matches:
            return None
        free = [name for name in matches.by_session if self.is_free(name) and name != session]
        if session in matches.by_session:
            order = [session, *free]
        else:
            order = free + [name for name in matches.by_session if name not in free]
        if not matches.are_operations:
            return self._read(matches, order[0])
        for name in order:
            fresh = self._fresh(matches.by_session[name])
            if fresh is not None:
                return fresh
        last = matches.by_session[order[0]][-1]
        return last if repeats.allow(last) else Exhausted(matches)

    def is_unplayed(self, matches: Matches, session: str, since: int = 0) -> bool:
        """Whether a recording of that session has not been played, after the entry `since`."""
        recordings = matches.by_session.get(session)
        return recordings is not None and self._unplayed(recordings, since) < len(recordings)

    def has_operations_left(self, session: str) -> bool:
        """Whether some operation of a recorded session has not been played."""
        recorded = self.playbook.sessions.get(session)
        numbers = recorded.operations if recorded is not None else ()
        key = ("operations", session)
        at = self._next.get(key, 0)
        before = at
        while at < len(numbers) and numbers[at] in self.played:
            at += 1
        if at > before:
            self._next = plus(self._next, key, at)
        return at < len(numbers)

    def is_operation(self, number: int) -> bool:
        """Whether the entry with that number advances a run."""
        playable = self.playbook.playable(number)
        return playable is not None and playable.is_operation

    def answer(
        self,
        playable: Playable,
        actor: Actor,
        origin: str,
        now_s: float,
        *,
        audience: Sequence[Actor] = (),
        fresh: Collection[Identity] = (),
        used: Pairs | None = None,
    ) -> tuple[Play, Response]:
        """Play an exchange: its response with live ids; the events it causes are on their way.

        `origin` is what absolute URIs shall begin with: the one by which the client came. `fresh`
        are ids to be issued anew though they have a live value: the cookies of a client that came
        without. `used` are the ids that the request named: the answer and the events speak of
        the same, also where others have come since in a repeat.
        """
        play = self._begin(playable.exchange, actor, now_s, playable.is_operation)
        play.audience = audience
        if used:
            play.issued.update(used)
        template = self.playbook.response(playable, dated=self.shift_s != 0)
        minted = self._minted[playable.number] if play.is_repeat else ()
        self.issue(play, template.identities, (*fresh, *minted))
        response = template.fill(
            lambda one: play.issued[one.kind, one.recorded], origin, self.shift_s
        )
        if playable.is_operation:
            self._set_off(play)
        return play, response

    def happened(
        self,
        entry: Entry,
        actor: Actor,
        now_s: float,
        *,
        message_id: str | None = None,
        used: Pairs | None = None,
    ) -> Play:
        """A recorded handshake, subscription or publish came to pass; events follow it."""
        play = self._begin(entry, actor, now_s, self.is_operation(entry.number))
        play.message_id = message_id
        if used:
            play.issued.update(used)
        self._set_off(play)
        return play

    def play_again(self, entry: Entry, fact: int, actor: Actor, now_s: float) -> Play:
        """Play an operation again, the `fact`; the ids that it issues are for the caller."""
        number = entry.number
        nth = self.played[number] = self.played[number] + 1
        if self.spared:
            self.expect(number)
        if self.playbook.shows_states:
            self._note_fact(fact, is_operation=True)
        self._note_done(number)
        return Play(entry, actor, now_s, nth, True)

    def delays(self, followers: Iterable[Follower]) -> list[tuple[Follower, float]]:
        """How long after their common cause events come: none before an earlier one."""
        longest_s, found = self._event_gap_s, []
        for follower in followers:
            longest_s = max(longest_s, follower.delay_s * self._pace.factor)
            found.append((follower, longest_s))
        return found

    def set_off(self, play: Play, delays: Sequence[tuple[Follower, float]]) -> None:
        """Events that a play causes are on their way."""
        now_s = play.at_s
        for follower, delay_s in delays:
            self._send_off(follower, play, now_s + delay_s)

    def take_back(self, reads: Recordings) -> None:
        """Reads of a session count as never asked for."""
        for number in reads.numbers:
            self.played.pop(number, None)
        self._next = NOTHING
        if self._reads is not None:
            self._reads.forget(reads)

    # ---------------------------------------------------------------- identities

    def issue(self, play: Play, identities: Sequence[Identity], anew: Collection[Identity]) -> None:
        """Give a play the live values of these ids: new ones of those `anew` and those unknown."""
        issued = play.issued
        for identity in identities:
            key = identity[0], identity[2]
            if key in issued:
                continue
            if identity in anew:
                live = self.live(identity, play.actor, renew=True)
            else:
                known = self.known(identity, play.actor)
                if known is None:
                    self._note_minted(identity, play)
                    known = self.live(identity, play.actor, renew=True)
                live = known
            issued[key] = live

    def minted(self, number: int) -> Sequence[Identity]:
        """The ids that the first play of an operation brought forth: a repeat gets new ones."""
        return self._minted[number]

    def known(self, identity: Identity, actor: Actor) -> str | None:
        """The live value of a recorded id for that client, if it has one."""
        if not identity.session:
            return self.shared.known(identity)
        return actor.binding.known(identity)

    def live(
        self, identity: Identity, actor: Actor, *, renew: bool = False, series: str = "answer"
    ) -> str:
        """The live value of a recorded id for that client, issued if need be."""
        found = None if renew else self.known(identity, actor)
        if found is not None:
            return found
        if identity.session:
            return actor.binding.renew(identity, series)
        created = self.playbook.created_ids.get(identity.kind, ())
        live = actor.binding.renew(identity, series, self.shared, created)
        self.shared.enter(identity, live)
        return live

    def behind(self, kind: str, live: str, actor: Actor) -> Identity | None:
        """The identity behind a live id that a client names: its own, or anybody's of the run."""
        return actor.binding.behind(kind, live) or self.shared.behind(kind, live)

    def made(self, identity: Identity, live: str, actor: Actor) -> None:
        """A client has made up an id itself."""
        (actor.binding if identity.session else self.shared).enter(identity, live)

    def event_lookup(self, due: Due, receiver: Actor) -> dict[Identity, str]:
        """Live values of the ids in an event, as one receiver sees them."""
        found: dict[Identity, str] = {}
        for one in self.playbook.event(due.follower).identities:
            issued = due.play.issued.get((one.kind, one.recorded)) if due.play is not None else None
            if issued is None:
                issued = self._live_of_event(one, due.play, receiver)
            found[one] = issued
        return found

    def _live_of_event(self, identity: Identity, play: Play | None, receiver: Actor) -> str:
        """Of an id that only an event hands out: a repeat of its cause hands out another."""
        if play is None or identity.session:
            return self.live(identity, receiver, series="event")
        renew = play.is_repeat and identity in self._minted[play.entry.number]
        if not renew and self.known(identity, receiver) is None:
            self._note_minted(identity, play)
        live = self.live(identity, receiver, renew=renew, series="event")
        play.issued[identity.kind, identity.recorded] = live
        return live

    def _note_minted(self, identity: Identity, play: Play) -> None:
        if not play.is_repeat and (minted := self._minted.get(play.entry.number)) is not None:
            minted.append(identity)

    # ---------------------------------------------------------------- events

    def deadline_s(self) -> float | None:
        """When the next event becomes due."""
        return self._schedule.next_s()

    def release(self, now_s: float, only: Actor | None = None) -> list[Due]:
        """The events whose time has come; with `only`, that client's whatever their time."""
        if only is not None:
            return self.hurry([due for due in self.scheduled if self.receiver(due) is only])
        return self._sent(self._schedule.take_due(now_s))

    def hurry(self, dues: Sequence[Due]) -> list[Due]:
        """These of the events on their way, before their time."""
        self._schedule.take(dues)
        return self._sent(list(dues))

    def call_off(self, dues: Sequence[Due]) -> None:
        """These of the events on their way do not come."""
        self._schedule.take(dues)

    def _sent(self, dues: list[Due]) -> list[Due]:
        played, notes = self.played, self.playbook.shows_states
        for due in dues:
            follower = due.follower
            number = follower.number
            played[number] = played[number] + 1 if number in played else 1
            if notes:
                self._note_fact(follower.fact, is_operation=False)
        return dues

    def receiver(self, due: Due) -> Actor | None:
        """Whom an event is for: who set it off, or who has taken the session that saw it."""
        if due.play is not None and due.play.entry.session == due.session:
            return due.play.actor
        return self.actors.get(due.session)

    @property
    def scheduled(self) -> list[Due]:
        """Events that are on their way."""
        return list(self._schedule)

    def reached(self, dues: Sequence[Due], now_s: float) -> bool:
        """A client was given an event, each of so many times: what it causes is on its way, once.

        Whether there is anything.
        """
        number = dues[0].follower.number
        self.delivered = plus(self.delivered, number, self.delivered.get(number, 0) + len(dues))
        if self.playbook.followers(number):
            return any([self.went_by(due, now_s) for due in dues])  # a list: all of them go by
        for due in dues:
            due.is_delivered = True
        return False

    def came_back(self, due: Due) -> None:
        """An event that a client was given did not reach it after all."""
        number = due.follower.number
        self.delivered = plus(self.delivered, number, self.delivered[number] - 1)

    def wait(self, due: Due) -> None:
        """A due event waits for somebody to take the session that saw it."""
        waiting = self.unclaimed.get(due.session)
        if waiting is None:
            waiting = deque(maxlen=MAX_WAITING)
            self.unclaimed = plus(self.unclaimed, due.session, waiting)
        self.forgotten += len(waiting) == MAX_WAITING
        waiting.append(due)

    def claim(self, session: str) -> Sequence[Due]:
        """Somebody has taken a session: what waited for that."""
        waiting = self.unclaimed.get(session)
        if waiting is None:
            return ()
        self.unclaimed = {name: dues for name, dues in self.unclaimed.items() if name != session}
        return waiting

    def spare(self, number: int) -> None:
        """A fault keeps an entry from being played or delivered."""
        self.spared |= {number}

    def expect(self, number: int) -> None:
        """An entry that was spared comes after all."""
        self.spared -= {number}

    def went_by(self, due: Due, now_s: float) -> bool:
        """An event was delivered, or lost on its way: what it causes comes, once.

        Whether there is anything.
        """
        if due.is_delivered:
            return False
        due.is_delivered = True
        followers = self.playbook.followers(due.follower.number)
        for follower, delay_s in self.delays(followers):
            self._send_off(follower, due.play, now_s + delay_s)
        return bool(followers)

    # ---------------------------------------------------------------- state

    def _begin(self, entry: Entry, actor: Actor, now_s: float, is_operation: bool) -> Play:
        nth = self.played[entry.number] = self.played.get(entry.number, 0) + 1
        if self.spared:
            self.expect(entry.number)
        if not is_operation:
            return Play(entry, actor, now_s, nth)
        if self.playbook.shows_states:
            self._note_fact(self.playbook.fact(entry.number), is_operation=True)
        self._note_done(entry.number)
        is_repeat = entry.number in self._minted
        if not is_repeat:
            self._minted = plus(self._minted, entry.number, [])
        return Play(entry, actor, now_s, nth, is_repeat)

    def _note_done(self, number: int) -> None:
        done = self._done
        if not isinstance(done, list):
            self._done = done = []
        done.append(number)
        if len(done) > 2 * MAX_DONE:
            del done[:-MAX_DONE]
        self.done_count += 1

    def _note_fact(self, fact: int, *, is_operation: bool) -> None:
        if self._reads is None:
            self._reads = Reads()
        self._reads.happened(fact, is_operation=is_operation)

    def _set_off(self, play: Play) -> None:
        followers = self.playbook.followers(play.entry.number)
        if play.nth > 1:
            followers = [follower for follower in followers if follower.caused]
        if followers:
            self.set_off(play, self.delays(followers))
        if self.on_play is not None:
            self.on_play(self, play)

    def _send_off(self, follower: Follower, play: Play | None, at_s: float) -> None:
        """Put an event on its way."""
        if play is None or play.nth == 1 or len(self._schedule) < MAX_ON_THEIR_WAY:
            self._schedule.put(Due(follower, play, at_s, self))
        else:  # the clock stands still, and a client goes on and on
            self.forgotten += 1

    def _fresh(self, recordings: Recordings) -> Playable | None:
        at = self._unplayed(recordings)
        return recordings[at] if at < len(recordings) else None

    def _unplayed(self, recordings: Recordings, since: int = 0) -> int:
        """The first of some recordings that was not played, after the entry `since`.

        What was played stays so: looking goes on where it ended.
        """
        if len(recordings) == 1:
            number = recordings.number(0)
            return int(number in self.played or number <= since)
        key = (recordings.key, since)
        at = self._next.get(key)
        if at is None:
            at = recordings.since(since)
        while at < len(recordings) and recordings.number(at) in self.played:
            at += 1
        self._next = plus(self._next, key, at)
        return at

    def _read(self, matches: Matches, session: str) -> Playable:
        recordings = matches.by_session[session]
        if len(recordings) == 1:
            return recordings[0]
        if self._reads is None:
            self._reads = Reads()
        return self._reads.answer(recordings, self.playbook, self.played)
