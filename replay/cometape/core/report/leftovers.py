"""Leftovers: what of a cassette a run has not played, and what it would have taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import islice

from cometape.core.cassette import Event, Exchange, Publish
from cometape.core.playbook.playbook import START
from cometape.core.playbook.recordings import Follower, Playable
from cometape.core.run.live_client import LiveClient
from cometape.core.run.play import Due
from cometape.core.run.player import Run
from cometape.core.run.seats import clients_in

from .journal import Played, Repeat, RunReport, Undelivered, Unplayed

_WAITING = 20
"""Events a miss lists."""
_LOOKED_AT = 1000
"""Events a miss looks at for those that were not delivered."""
_ALMOST = 100
"""Recordings never asked for to which the nearest live request is told."""
_LISTED = 20
"""Events told that wait for one recording."""


def run_report(
    run: Run,
    queued: Sequence[Due] = (),
    almost: Callable[[Playable, int], str | None] = lambda _, __: None,
    *,
    with_played: bool = False,
    as_recorded: bool = False,
) -> RunReport:
    """What became of a run; `queued` are events in Bayeux queues that nobody has fetched.

    `almost` tells of a recording which live request of a run came nearest to it. With
    `as_recorded`, exchanges that broke off before their answer are played, and may be left over.
    """
    playbook = run.playbook
    unfetched = [due for due in queued if due.run is run]
    return RunReport(
        run=run.number,
        clients=tuple((one.label, one.session) for one in clients_in(run)),
        answered=sum(
            times
            for number, times in run.played.items()
            if (found := playbook.playable(number)) is not None and not found.is_publish
        ),
        delivered=sum(run.delivered.values()) - len(unfetched),
        forgotten=run.forgotten,
        unplayed=tuple(_in_order(_unplayed(run, almost), _unbroken(run) if as_recorded else ())),
        undelivered=tuple(
            _undelivered(run, unfetched, playbook.all_followers(), as_recorded=as_recorded)
        ),
        repeats=tuple(
            Repeat(entry=number, what=playbook.title(number), times=times)
            for number, times in sorted(run.played.items())
            if times > 1 and run.is_operation(number)
        ),
        played=tuple(_played(run)) if with_played else (),
    )


def waiting_lines(
    run: Run, queued: Sequence[Due] = (), *, around: int = START, as_recorded: bool = False
) -> tuple[str, ...]:
    """Events of a run that were not delivered yet, each in a line.

    Those on their way come first, then those that follow the entry `around`, which was played last.
    """
    queued = [due for due in queued if due.run is run]
    followers = islice(run.playbook.followers_from(around), _LOOKED_AT)
    first = islice(_undelivered(run, queued, followers, as_recorded=as_recorded), _WAITING)
    return tuple(
        f"event {one.entry} ({one.what}) {one.why.removeprefix('it ')}"
        if one.why.startswith("it ")
        else f"event {one.entry} ({one.what}): {one.why}"
        for one in first
    )


def first_unplayed(run: Run, around: int = START, *, as_recorded: bool = False) -> int | None:
    """The number of a recording that is left over, the first from the entry `around` on.

    None where none is, also before it.
    """
    playbook, played, spared = run.playbook, run.played, run.spared
    seen_reads: set[Hashable] = set()
    for playable in playbook.playables_from(around):
        number = playable.number
        if number in played or number in spared:
            continue
        if not playable.is_operation:
            recordings = playbook.recordings_like(playable)
            if recordings.key in seen_reads:
                continue
            seen_reads.add(recordings.key)
            if any(one in played for one in recordings.numbers):
                continue
        return number
    broken = next(_unbroken(run), None) if as_recorded else None
    return None if broken is None else broken.entry


def first_undelivered(run: Run, around: int = START, *, as_recorded: bool = False) -> int | None:
    """What an event follows that is left over, the first that follows `around` or a later entry.

    None where none is, also before it. Events in Bayeux queues count as delivered.
    """
    followers = run.playbook.followers_from(around)
    found = next(_undelivered(run, (), followers, as_recorded=as_recorded), None)
    return None if found is None else run.playbook.anchor(found.entry)


def _played(run: Run) -> Iterator[Played]:
    """What was asked for and what was delivered; a read that was recorded often counts once."""
    playbook = run.playbook
    seen: set[Hashable] = set()
    for number, times in sorted(run.played.items()):
        playable = playbook.playable(number)
        if playable is not None:
            key = number if playable.is_operation else playbook.recordings_like(playable).key
            if key not in seen:
                seen.add(key)
                what = str(playable)
                yield Played(entry=number, session=playable.session, what=what, times=times)
    for follower in playbook.all_followers():
        times = run.delivered.get(follower.number, 0)
        if times > 0:
            what = str(follower)
            yield Played(entry=follower.number, session=follower.session, what=what, times=times)


def _unplayed(run: Run, almost: Callable[[Playable, int], str | None]) -> Iterator[Unplayed]:
    playbook = run.playbook
    found = (playbook.playable(number) for number in run.played)
    played = Counter(playbook.recordings_like(one).key for one in found if one is not None)
    seen_reads: set[Hashable] = set()
    told = 0
    for playable in playbook.playables():
        if playable.number in run.spared:
            continue
        recordings = playbook.recordings_like(playable)
        if playable.is_operation:
            if playable.number in run.played:
                continue
        else:
            # However often a read was recorded: once asked for it is not left over.
            if recordings.key in seen_reads or recordings.key in played:
                continue
            seen_reads.add(recordings.key)
        told += 1
        yield Unplayed(
            entry=playable.number,
            session=playable.session,
            what=str(playable),
            needed=_needed(run, playable, len(recordings), played[recordings.key]),
            almost=almost(playable, run.number) if told <= _ALMOST else None,
            awaited_by=tuple(
                follower.number
                for follower in playbook.followers(playable.number)[:_LISTED]
                if not run.delivered.get(follower.number)
            ),
        )


def _in_order(one: Iterable[Unplayed], other: Iterable[Unplayed]) -> list[Unplayed]:
    return sorted((*one, *other), key=lambda unplayed: unplayed.entry)


def _unbroken(run: Run) -> Iterator[Unplayed]:
    """Exchanges that were to break off as recorded, and were not asked for."""
    playbook = run.playbook
    for number in playbook.unanswered_numbers():
        if number in run.played or number in run.spared:
            continue
        session = playbook.session_of(number)
        answered = playbook.matches(playbook.shape_of(number))
        if session in answered.by_session and not answered.are_operations:
            continue  # a read is asked for once at least, and told of above
        needed = f"a client for the recorded session {session!r} (none came)"
        if not run.is_free(session):
            needed = f"this request from {session!r}, once more than it was answered before"
        yield Unplayed(
            entry=number,
            session=session,
            what=f"{playbook.title(number)}, which breaks off: {playbook.error(number)}",
            needed=needed,
            awaited_by=tuple(
                follower.number
                for follower in playbook.followers(number)[:_LISTED]
                if not run.delivered.get(follower.number)
            ),
        )


def _needed(run: Run, playable: Playable, recorded: int, played: int) -> str:
    verb = "publish" if playable.is_publish else "request"
    if run.is_free(playable.session):
        return f"a client for the recorded session {playable.session!r} (none came) and its {verb}"
    if not playable.is_operation:
        return f"this request from {playable.session!r}, once at least"
    if played:
        return (
            f"this {verb} from {playable.session!r} {recorded} times; it came {played}"
            f" time{'s' if played > 1 else ''}"
        )
    return f"this {verb} from {playable.session!r}"


def _undelivered(
    run: Run,
    queued: Sequence[Due],
    followers: Iterable[Follower],
    *,
    as_recorded: bool,
) -> Iterator[Undelivered]:
    told: set[int] = set()
    for follower, why in _pending(run, queued):
        told.add(follower.number)
        yield _undelivered_one(follower, why)
    for follower in followers:
        if run.spared and (follower.number in run.spared or follower.anchor in run.spared):
            continue
        if follower.number not in told and not run.delivered.get(follower.number):
            missing = _why_not_due(run, follower, as_recorded=as_recorded)
            if missing is not None:
                yield _undelivered_one(follower, missing)


def _undelivered_one(follower: Follower, why: str) -> Undelivered:
    return Undelivered(
        entry=follower.number,
        session=follower.session,
        channel=follower.channel,
        what=follower.what,
        why=why,
    )


def _pending(run: Run, queued: Iterable[Due]) -> Iterator[tuple[Follower, str]]:
    for due in run.scheduled:
        yield due.follower, "it was still on its way"
    for session, dues in run.unclaimed.items():
        for due in dues:
            yield due.follower, f"no client came for the recorded session {session!r}"
    for client in clients_in(run):
        for due in client.mailbox:
            if due.run is run:
                yield due.follower, _why_not_taken(client, due)
    for due in queued:
        yield due.follower, "it waits for the client's next connect"


def _why_not_taken(client: LiveClient, due: Due) -> str:
    if client.client_ids:
        return f"no subscription of {client.label} takes {due.follower.channel}"
    if client.handshakes == 0:
        return f"{client.label} has no Bayeux session: it never shook hands"
    return f"{client.label} has no Bayeux session any more"


def _why_not_due(run: Run, follower: Follower, *, as_recorded: bool) -> str | None:
    """What an event waits for; None for what only a failed try can bring about.

    Those are played `as_recorded` alone; else a later try that was answered stands in for them.
    """
    playbook = run.playbook
    number = follower.anchor
    chain: list[int] = []
    while playbook.kind(number) is Event and number not in chain:
        chain.append(number)
        if number in run.played:
            break
        number = playbook.anchor(number)
    if not as_recorded:
        played_by = playbook.failed_tries.stands_in_for(number)
        if played_by is None:
            return None
        number = played_by
    waits = "".join(f"it waits for event {one}, which " for one in chain[:1])
    waits += "".join(f"waits for event {one}, which " for one in chain[1:])
    if chain and (number == START or number in run.played):
        return f"{waits}was not delivered"
    if number == START or number in run.played:
        return "it never became due"
    waits += "waits" if chain else "it waits"
    kind = playbook.kind(number)
    told = f"{waits} for {kind.__name__.lower()} {number}, " if kind is not None else waits
    told += playbook.title(number)
    if kind is Exchange:
        return f"{told}, which was not asked for"
    return (
        f"{told}, which was not published" if kind is Publish else f"{told}, which did not happen"
    )
