"""Leftovers: what of a cassette a run has not played, and what it would have taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from ..cassette import Event, Exchange, Handshake, Publish, Subscribe
from .journal import Repeat, RunReport, Undelivered, Unplayed
from .live_client import LiveClient
from .playbook import START, Follower, Playable, Playbook, summary
from .player import Due, Run
from .seats import clients_in


def run_report(run: Run, queued: Sequence[Due] = ()) -> RunReport:
    """What became of a run; `queued` are events in Bayeux queues that nobody has fetched."""
    playbook = run.playbook
    unfetched = [due for due in queued if due.run is run]
    return RunReport(
        run=run.number,
        clients=tuple((one.label, one.session) for one in clients_in(run)),
        answered=sum(
            times
            for number, times in run.played.items()
            if number in playbook.playables and isinstance(playbook.entries[number], Exchange)
        ),
        delivered=sum(run.delivered.values()) - len(unfetched),
        unplayed=tuple(_unplayed(run)),
        undelivered=tuple(_undelivered(run, unfetched)),
        repeats=tuple(
            Repeat(entry=number, what=str(playbook.playables[number]), times=run.played[number])
            for number in sorted(set(run.done))
            if run.played[number] > 1
        ),
    )


def waiting_lines(run: Run, queued: Sequence[Due] = (), limit: int = 20) -> tuple[str, ...]:
    """The first events of a run that were not delivered yet, each in a line."""
    queued = [due for due in queued if due.run is run]
    first = islice(_undelivered(run, queued), limit)
    return tuple(f"event {one.entry} ({one.what}): {one.why}" for one in first)


def _unplayed(run: Run) -> Iterator[Unplayed]:
    seen_reads: set[tuple[str, tuple[object, ...]]] = set()
    for playable in run.playbook.playables.values():
        if playable.is_operation:
            if playable.number in run.played:
                continue
        else:
            # However often a read was recorded: once asked for it is not left over.
            key = (playable.session, playable.shape.key)
            if key in seen_reads or _is_read(run, playable):
                continue
            seen_reads.add(key)
        yield Unplayed(
            entry=playable.number,
            session=playable.session,
            what=str(playable),
            needed=_needed(run, playable),
        )


def _is_read(run: Run, playable: Playable) -> bool:
    recordings = run.playbook.matches(playable.shape).by_session.get(playable.session, ())
    return any(one.number in run.played for one in recordings)


def _needed(run: Run, playable: Playable) -> str:
    verb = "publish" if isinstance(playable.entry, Publish) else "request"
    if run.is_free(playable.session):
        return f"a client for the recorded session {playable.session!r} (none came) and its {verb}"
    if not playable.is_operation:
        return f"this request from {playable.session!r}, once at least"
    recordings = run.playbook.matches(playable.shape).by_session.get(playable.session, [])
    played = sum(one.number in run.played for one in recordings)
    if played:
        return (
            f"this {verb} from {playable.session!r} {len(recordings)} times; it came {played}"
            f" time{'s' if played > 1 else ''}"
        )
    return f"this {verb} from {playable.session!r}"


def _undelivered(run: Run, queued: Sequence[Due]) -> Iterator[Undelivered]:
    told: set[int] = set()
    for follower, why in _pending(run, queued):
        told.add(follower.event.number)
        yield _undelivered_one(follower, why)
    for followers in run.playbook.followers.values():
        for follower in followers:
            number = follower.event.number
            if number not in told and not run.delivered.get(number):
                yield _undelivered_one(follower, _why_not_due(run, follower))


def _undelivered_one(follower: Follower, why: str) -> Undelivered:
    event = follower.event
    return Undelivered(
        entry=event.number,
        session=event.session,
        channel=event.channel,
        what=summary(event.data),
        why=why,
    )


def _pending(run: Run, queued: Iterable[Due]) -> Iterator[tuple[Follower, str]]:
    for due in run.scheduled:
        yield due.follower, "it was on its way when the replay ended"
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
        return f"no subscription of {client.label} takes {due.follower.event.channel}"
    if client.handshakes == 0:
        return f"{client.label} has no Bayeux session: it never shook hands"
    return f"{client.label} has no Bayeux session any more"


def _why_not_due(run: Run, follower: Follower) -> str:
    playbook = run.playbook
    number = follower.anchor
    chain: list[int] = []
    while isinstance(playbook.entries.get(number), Event) and number not in chain:
        chain.append(number)
        if number in run.played:
            break
        number = playbook.anchors[number]
    waits = "".join(f"it waits for event {one}, which " for one in chain[:1])
    waits += "".join(f"waits for event {one}, which " for one in chain[1:])
    if chain and (number == START or number in run.played):
        return f"{waits}was not delivered"
    if number == START or number in run.played:
        return "it never became due"
    waits += "waits" if chain else "it waits"
    entry = playbook.entries[number]
    kind = type(entry).__name__.lower()
    if isinstance(entry, Exchange) and number not in playbook.playables:
        return (
            f"{waits} for exchange {number}, {_what(playbook, number)}, recorded without an answer"
        )
    if isinstance(entry, Exchange | Publish):
        asked = "which was not asked for"
        if isinstance(entry, Publish):
            asked = "which was not published"
        return f"{waits} for {kind} {number}, {_what(playbook, number)}, {asked}"
    return f"{waits} for {kind} {number}, {entry_title(playbook, number)}, which did not happen"


def _what(playbook: Playbook, number: int) -> str:
    playable = playbook.playables.get(number)
    return str(playable) if playable is not None else entry_title(playbook, number)


def entry_title(playbook: Playbook, number: int) -> str:
    """A recorded entry in a few words."""
    entry = playbook.entries[number]
    if isinstance(entry, Exchange):
        return f"{entry.request.method} {entry.request.target}"
    if isinstance(entry, Handshake):
        return f"a handshake of {entry.session!r}"
    if isinstance(entry, Subscribe):
        return f"a subscription of {entry.session!r} to {entry.channel}"
    return f"{type(entry).__name__.lower()} of {entry.session!r}"
