"""Operations whose event has not come yet.

An operation is answered twice: at once with an id (`referenceId`), later with an event that carries
it. Between the two it waits; an operation that waits for ever is what a recording lacks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cometape.core.profile.identity_places import identities_of_event
from cometape.core.profile.profile import Profile

from ..body import json_of
from ..cassette import Entry, Event, Exchange
from ..json_value import Json

MAX_WAITING = 4096
"""Operations remembered at a time; older ones are given up and only counted."""
_MAX_EARLY = 256
"""Events remembered whose operation is not answered yet."""

Id = tuple[str, str | int]
"""Kind and value of an identity: `("reference-id", 17)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An operation of which some event has not come."""

    number: int
    session: str
    name: str
    """`PullWorkitem`, as `operation_kind` says it."""
    since_s: float | None
    """When it was answered, seconds since the recording began."""
    ids: tuple[Id, ...]
    """Ids of its answer that no event has carried yet."""


@dataclass(slots=True, eq=False)
class _Open:
    entry: Waiting
    ids: dict[Id, None]


class AwaitedEvents:
    """Entries in, in their order; what waits can be looked at any time. Its memory is bounded."""

    def __init__(self, profile: Profile, *, most: int = MAX_WAITING) -> None:
        self._profile = profile
        self._most = most
        self._issued = [
            (kind, place.path)
            for kind, place, issued in profile.places["response"]
            if issued and place.path is not None and any(p.part == "event.data" for p in kind.used)
        ]
        self._open: dict[int, _Open] = {}
        self._early: dict[tuple[str, Id], int] = {}
        self.by_name: Counter[str] = Counter()
        """How many operations of each kind wait."""
        self.given_up = 0
        """Operations that were still waiting when they were forgotten."""

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Waiting]:
        """Those that wait, the oldest first."""
        for waiting in self._open.values():
            entry = waiting.entry
            yield Waiting(
                number=entry.number,
                session=entry.session,
                name=entry.name,
                since_s=entry.since_s,
                ids=tuple(waiting.ids),
            )

    def answered(self, entry: Exchange, name: str) -> int:
        """An operation was answered; returns how many of its events had come before."""
        ids = dict.fromkeys(self._ids_of(entry))
        if not ids:
            return 0
        came = 0
        for one in list(ids):
            early = self._early.pop((entry.session, one), 0)
            if early:
                came += early
                del ids[one]
        if ids:
            since_s = None if entry.at_s is None else entry.at_s + (entry.took_s or 0.0)
            self._open[entry.number] = _Open(
                Waiting(
                    number=entry.number, session=entry.session, name=name, since_s=since_s, ids=()
                ),
                ids,
            )
            self.by_name[name] += 1
            if len(self._open) > self._most:
                self._forget(next(iter(self._open)))
                self.given_up += 1
        return came

    def came(self, event: Event) -> Sequence[Id]:
        """An event came; it answers its cause, or an operation that is not answered yet.

        Returns the ids it carries that answers hand out.
        """
        named = ids_of_event(event.data, self._profile)
        if type(event.cause) is int:
            self._tick_off(event.cause, named)
        elif event.cause is None:
            for one in named:
                key = (event.session, one)
                self._early[key] = self._early.pop(key, 0) + 1
                if len(self._early) > _MAX_EARLY:
                    del self._early[next(iter(self._early))]
        return named

    def _ids_of(self, entry: Exchange) -> Iterator[Id]:
        body = json_of(entry.response.body) if entry.response is not None else None
        if body is not None:
            for kind, path in self._issued:
                for _, value in path.find(body):
                    if isinstance(value, str | int) and kind.fits(value):
                        yield kind.name, value

    def _tick_off(self, cause: int, named: Sequence[Id]) -> None:
        waiting = self._open.get(cause)
        if waiting is None:
            return
        answered = [one for one in named if one in waiting.ids]
        if not named:  # a workbin's `Subscribed` carries no id: it answers one of them
            answered = list(waiting.ids)[:1]
        for one in answered:
            del waiting.ids[one]
        if not waiting.ids:
            self._forget(cause)

    def _forget(self, number: int) -> None:
        name = self._open.pop(number).entry.name
        self.by_name[name] -= 1


def ids_of_event(data: Json, profile: Profile) -> list[Id]:
    """The ids an event carries that answers hand out, each once."""
    found = (
        (one.kind.name, one.value)
        for one in identities_of_event(profile, data)
        if isinstance(one.value, str | int)
        and any(place.part.startswith("response.") for place in one.kind.issued)
    )
    return list(dict.fromkeys(found))


def waiting_ids(waiting: Waiting) -> str:
    """The ids it waits for, in words: `reference-id 17, reference-id 18`."""
    return ", ".join(f"{kind} {value}" for kind, value in waiting.ids)


def is_operation(entry: Entry, profile: Profile) -> bool:
    """Whether an entry is an exchange that may change something."""
    return isinstance(entry, Exchange) and entry.request.method not in profile.safe_methods
