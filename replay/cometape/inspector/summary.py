"""What is in a cassette: sessions, operations with the events they caused, problems.

Of a long recording the lists here hold a few bytes an item, and make an item when it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, overload

from cometape.core.cassette import Header

Item = TypeVar("Item")
ProblemKind = Literal["failed", "refused", "no-event", "no-cause", "not-subscribed"]


class MadeList(Sequence[Item], Generic[Item]):
    """A list whose items are made each time they are looked at."""

    __slots__ = ("_make", "_what")

    def __init__(self, make: Callable[[int], Item], what: Sequence[int]) -> None:
        """`make` makes an item of each number in `what`."""
        self._make = make
        self._what = what

    def __len__(self) -> int:
        return len(self._what)

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> MadeList[Item]: ...

    def __getitem__(self, index: int | slice) -> Item | MadeList[Item]:
        if isinstance(index, slice):
            return MadeList(self._make, self._what[index])
        return self._make(self._what[index])

    def __iter__(self) -> Iterator[Item]:
        return map(self._make, self._what)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A channel a session asked for."""

    number: int
    channel: str
    error: str | None = None
    """Why it was refused."""
    ended: bool = False
    """Whether the recording shows its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSummary:
    """One recorded client session."""

    name: str
    connection_types: tuple[str, ...]
    """By which its connects came."""
    handshakes: int
    subscriptions: tuple[Subscription, ...]
    operations: int
    reads: int
    events: int
    began_s: float | None
    ended_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An event, seen from what caused it."""

    number: int
    session: str
    channel: str
    words: str
    after_request_s: float | None
    after_answer_s: float | None
    """Negative when it overtook the answer of the operation that caused it."""
    cause: int
    """Number of the entry that caused it: the operation, or another event of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSummary:
    """An exchange that may change something, or a publish, with what it caused."""

    number: int
    session: str
    at_s: float | None
    took_s: float | None
    name: str
    method: str | None
    """None for a publish."""
    subject: str
    """Ids and words beside its name in the request's JSON: `02F0XAMPLE00001A`."""
    target: str
    """Target of the request, channel of the publish."""
    outcome: str
    correlation_ids: tuple[tuple[str, str | int], ...]
    """Kind and value of every id in the answer that events refer to: `("reference-id", 17)`."""
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSummary:
    """Reads of one target by one session."""

    session: str
    method: str
    target: str
    outcomes: tuple[str, ...]
    """Different ones, in order."""
    numbers: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpontaneousEvent:
    """An event that nothing recorded explains."""

    number: int
    session: str
    at_s: float | None
    channel: str
    words: str
    after: int | None
    """The client action of that session which it follows: where a replay anchors it."""
    effects: tuple[Effect, ...] = ()
    """Events that it caused, at any remove."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something a reviewer should look at."""

    kind: ProblemKind
    entry: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What is in a cassette."""

    header: Header
    entries: int
    duration_s: float | None
    sessions: tuple[SessionSummary, ...]
    operations: Sequence[OperationSummary]
    reads: Sequence[ReadSummary]
    spontaneous: Sequence[SpontaneousEvent]
    problems: Sequence[Problem]
