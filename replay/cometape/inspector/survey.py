"""One pass over the entries of a cassette: what there is to say of it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator

from cometape.core.cassette import (
    Connect,
    Entry,
    Event,
    Exchange,
    Handshake,
    Publish,
    Subscribe,
    Unsubscribe,
)
from cometape.core.catalogue import Catalogue
from cometape.core.profile.profile import Profile

from .effects import end_s, operation, spontaneous
from .problems import Problems
from .summary import MadeList, ReadSummary, SessionSummary, Subscription, Summary
from .wording import is_operation, outcome

_EVERY = 1024


def summarise(
    catalogue: Catalogue, profile: Profile, progress: Callable[[int, int], None] | None = None
) -> Summary:
    """The summary of a cassette; `progress` is told how many entries are done, of how many."""
    sessions = [_Session(name) for name in catalogue.sessions]
    reads, problems = _Reads(), Problems(catalogue, profile)
    operations, causeless = array("I"), array("I")
    follows = array("I")
    """Of each spontaneous event the place plus 1 of what it follows in its session; 0: none."""
    duration_s: float | None = None
    for place in range(len(catalogue)):
        if progress is not None and place % _EVERY == 0:
            progress(place, len(catalogue))
        entry = catalogue.entry(place)
        session = sessions[catalogue.session_of[place]]
        problems.observe(place, entry)
        if isinstance(entry, Exchange | Publish):
            is_one = is_operation(entry, profile)
            if is_one or catalogue.has_effects(place):
                operations.append(place)
            elif isinstance(entry, Exchange):
                reads.observe(entry)
            session.observe_request(is_operation=is_one)
        elif isinstance(entry, Event) and not isinstance(entry.cause, int):
            causeless.append(place)
            follows.append(session.latest + 1)
        session.observe(place, entry)
        ended_s = end_s(entry)
        if ended_s is not None and (duration_s is None or ended_s > duration_s):
            duration_s = ended_s
    if progress is not None:
        progress(len(catalogue), len(catalogue))
    numbers = catalogue.numbers
    return Summary(
        header=catalogue.header,
        entries=len(catalogue),
        duration_s=duration_s,
        sessions=tuple(session.summary() for session in sessions),
        operations=MadeList(lambda place: operation(catalogue, place, profile), operations),
        reads=reads.finish(),
        spontaneous=MadeList(
            lambda index: spontaneous(
                catalogue,
                causeless[index],
                numbers[follows[index] - 1] if follows[index] else None,
            ),
            range(len(causeless)),
        ),
        problems=problems.finish(),
    )


class _Session:
    """What one session did so far."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.latest = -1
        """Place of the latest client action."""
        self._types: dict[str, None] = {}
        self._handshakes = self._operations = self._reads = self._events = 0
        self._subscribes: list[Subscribe] = []
        self._ended: set[str] = set()
        self._began_s: float | None = None
        self._ended_s: float | None = None

    def observe_request(self, *, is_operation: bool) -> None:
        """An exchange or a publish."""
        self._operations += is_operation
        self._reads += not is_operation

    def observe(self, place: int, entry: Entry) -> None:
        """The next of its entries."""
        if isinstance(entry, Event):
            self._events += 1
        else:
            self.latest = place
        if isinstance(entry, Connect):
            self._types[entry.connection_type] = None
        elif isinstance(entry, Handshake):
            self._handshakes += 1
        elif isinstance(entry, Subscribe):
            self._subscribes.append(entry)
        elif isinstance(entry, Unsubscribe):
            self._ended.add(entry.channel)
        ended_s = end_s(entry)
        if entry.at_s is not None and (self._began_s is None or entry.at_s < self._began_s):
            self._began_s = entry.at_s
        if ended_s is not None and (self._ended_s is None or ended_s > self._ended_s):
            self._ended_s = ended_s

    def summary(self) -> SessionSummary:
        """All of it."""
        return SessionSummary(
            name=self._name,
            connection_types=tuple(self._types),
            handshakes=self._handshakes,
            subscriptions=tuple(map(self._subscription, self._subscribes)),
            operations=self._operations,
            reads=self._reads,
            events=self._events,
            began_s=self._began_s,
            ended_s=self._ended_s,
        )

    def _subscription(self, entry: Subscribe) -> Subscription:
        return Subscription(
            number=entry.number,
            channel=entry.channel,
            error=None if entry.successful else entry.error or "refused",
            ended=entry.channel in self._ended,
        )


class _Reads:
    """Reads by session, method and target."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], tuple[dict[str, None], array[int]]] = {}

    def observe(self, entry: Exchange) -> None:
        """The next."""
        key = (entry.session, entry.request.method, entry.request.target)
        outcomes, numbers = self._found.setdefault(key, ({}, array("Q")))
        outcomes[outcome(entry)] = None
        numbers.append(entry.number)

    def finish(self) -> MadeList[ReadSummary]:
        """All of them, in the order in which each was first seen."""
        made = list(self._summaries())
        return MadeList(made.__getitem__, range(len(made)))

    def _summaries(self) -> Iterator[ReadSummary]:
        for (session, method, target), (outcomes, numbers) in self._found.items():
            yield ReadSummary(
                session=session,
                method=method,
                target=target,
                outcomes=tuple(outcomes),
                numbers=MadeList(numbers.__getitem__, range(len(numbers))),
            )
