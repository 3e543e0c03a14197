"""What can go wrong: every kind of fault, with its parameters.

A fault of scope `answer` befalls an exchange (or a Bayeux message with a channel), one of scope
`event` an event on its way to a client, one of scope `overtaking` an event whose cause is about to
be answered. Profiles add kinds of their own (`profile_fault`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .parameter import Parameter
from .profile_fault import ProfileFault

Scope = Literal["answer", "event", "overtaking"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """One kind of fault."""

    name: str
    scope: Scope
    about: str
    parameters: tuple[Parameter, ...] = ()
    """The first is the one that `name=value` sets."""
    over_http_only: bool = False
    """It needs an HTTP answer: a WebSocket has no status."""
    declared: ProfileFault | None = None
    """What a profile says it does; None for the built-in ones."""

    def parameter(self, name: str) -> Parameter | None:
        """Its parameter of that name."""
        return next((one for one in self.parameters if one.name == name), None)


BUILT_IN = (
    FaultKind(
        name="delay",
        scope="answer",
        about="the answer is held back",
        parameters=(Parameter(name="by", form="duration", about="how long"),),
    ),
    FaultKind(
        name="status",
        scope="answer",
        about="an HTTP error instead of the answer; the operation does not happen",
        parameters=(
            Parameter(name="code", form="status", about="the status"),
            Parameter(name="body", form="text", default="", about="the body, empty by default"),
        ),
        over_http_only=True,
    ),
    FaultKind(
        name="reset",
        scope="answer",
        about="the connection is reset (TCP RST)",
        parameters=(
            Parameter(
                name="when",
                form="word",
                default="before",
                choices=("before", "instead", "after"),
                about="before: the operation does not happen; instead: it happens, its answer is"
                " lost; after: the whole answer has been sent",
            ),
        ),
    ),
    FaultKind(
        name="cut",
        scope="answer",
        about="only the first part of the answer's bytes, then a reset",
        parameters=(
            Parameter(name="share", form="share", default=0.5, about="how much of them is sent"),
        ),
    ),
    FaultKind(
        name="drip",
        scope="answer",
        about="the answer trickles in, a few bytes at a time",
        parameters=(
            Parameter(name="every", form="duration", default=0.05, about="time between two pieces"),
            Parameter(name="bytes", form="count", default=16, about="bytes of one piece"),
        ),
    ),
    FaultKind(
        name="402",
        scope="answer",
        about="the client's Bayeux session ends as soon as the operation is answered",
        parameters=(
            Parameter(
                name="events",
                form="word",
                default="lost",
                choices=("lost", "kept"),
                about="whether what the operation causes is lost, or comes after a new handshake",
            ),
        ),
    ),
    FaultKind(
        name="expired",
        scope="answer",
        about="the client's Bayeux session has ended before the request is looked at",
    ),
    FaultKind(
        name="early",
        scope="overtaking",
        about="the event reaches the client before the answer of its cause",
        parameters=(
            Parameter(
                name="within",
                form="duration",
                default=2.0,
                about="how long the answer waits for a poll that takes the event",
            ),
        ),
    ),
    FaultKind(
        name="late",
        scope="event",
        about="the event comes later",
        parameters=(Parameter(name="by", form="duration", about="how much later"),),
    ),
    FaultKind(name="lost", scope="event", about="the event never reaches the client"),
    FaultKind(
        name="duplicated",
        scope="event",
        about="the event comes more than once",
        parameters=(
            Parameter(name="copies", form="count", default=2, about="how often it comes"),
            Parameter(name="after", form="duration", default=0.0, about="time between two copies"),
        ),
    ),
    FaultKind(
        name="reordered",
        scope="event",
        about="the next event on another channel overtakes it",
        parameters=(
            Parameter(
                name="within",
                form="duration",
                default=1.0,
                about="how long it waits for that one",
            ),
        ),
    ),
    FaultKind(
        name="changed",
        scope="event",
        about="the event says something else: its data with a JSON merge patch (RFC 7396)",
        parameters=(
            Parameter(name="patch", form="json", about="the patch; null removes a member"),
        ),
    ),
)

KINDS: Mapping[str, FaultKind] = {kind.name: kind for kind in BUILT_IN}
"""The built-in kinds, by name."""


def kinds_of(declared: Sequence[ProfileFault]) -> Mapping[str, FaultKind]:
    """The built-in kinds and those that a profile declares."""
    own = {
        fault.name: FaultKind(
            name=fault.name,
            scope="answer" if fault.answer is not None else "event",
            about=fault.about,
            over_http_only=fault.answer is not None,
            declared=fault,
        )
        for fault in declared
    }
    return {**KINDS, **own}
