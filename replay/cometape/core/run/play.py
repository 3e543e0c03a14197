"""A play, and an event on its way: what one playing of an entry leaves behind until all is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cometape.core.cassette import Entry, Handshake, Subscribe
from cometape.core.identity.identity import Binding
from cometape.core.identity.live_ids import Pairs
from cometape.core.json_value import Json
from cometape.core.playbook.recordings import Follower, Matches

if TYPE_CHECKING:
    from .player import Run


MAX_WAITING = 10_000
"""Due events that wait for one client, or session: of more the oldest are forgotten, and counted
(`Run.forgotten`)."""
MAX_ON_THEIR_WAY = 100_000
"""Events of a run that are on their way; while there are so many, those of a repeat are forgotten.
What is played for the first time is as much as the cassette has, and no more."""


class Actor(Protocol):
    """Who acts in a run: a live client that has taken one of the recorded sessions."""

    @property
    def session(self) -> str:
        """Name of that recorded session."""
        ...

    @property
    def binding(self) -> Binding:
        """Its recorded ids → live ids."""
        ...


@dataclass(slots=True, eq=False)
class Play:
    """One playing of an entry by a live client: the events it causes carry the ids of this play."""

    entry: Entry
    actor: Actor
    at_s: float
    nth: int = 1
    """1, or more for a repeat."""
    is_repeat: bool = False
    """Whether it is an operation that was played before: it gets new ids."""
    issued: Pairs = field(default_factory=dict)
    """Live ids of its request and answer, by kind and recorded value."""
    message_id: str | None = None
    """The Bayeux id of the live publish, which a remote call's answer must carry."""
    audience: Sequence[Actor] = ()
    """Whoever may have asked, where that could not be told."""


@dataclass(slots=True, eq=False)
class Due:
    """An event that is on its way, and then waits for whoever it is for.

    Events that it causes are on their way when it was given to a Bayeux session, fetched or not.
    """

    follower: Follower
    play: Play | None
    at_s: float
    run: Run
    is_delivered: bool = False
    """Whether a client was given it, or would have been."""
    patches: tuple[Json, ...] = ()
    """JSON merge patches (RFC 7396) over its data: a fault makes it say something else."""

    @property
    def session(self) -> str:
        """The recorded session that saw it."""
        return self.follower.session

    @property
    def follows_own_bayeux(self) -> bool:
        """Whether it follows a handshake or a subscription of the session that saw it."""
        entry = self.play.entry if self.play is not None else None
        return isinstance(entry, Handshake | Subscribe) and entry.session == self.session


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Every recording of an operation has been played in this run."""

    matches: Matches
