"""A performance: how far one run has come in the order that is played."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from cometape.core.run.play import Due
from cometape.core.run.player import Run


class Moment(NamedTuple):
    """By two clocks, which are one where the replay's goes by itself."""

    at_s: float
    """By the replay's."""
    shell_s: float
    """By the shell's."""


ANY_TIME = float("-inf")
BEGINNING = Moment(0.0, 0.0)


@dataclass(slots=True, eq=False)
class Performance:
    """How far one run has come."""

    run: Run
    done: dict[int, Moment] = field(default_factory=dict)
    """Places of the steps that are through, in their order, and when."""
    known: dict[int, frozenset[int]] = field(default_factory=dict)
    """Places of the answers that were asked for, and the answers that were through by then: who
    asked may have seen those."""
    forced: dict[int, None] = field(default_factory=dict)
    """Steps that went before their turn, because nothing else happened."""
    passed_over: dict[int, None] = field(default_factory=dict)
    """Steps that nobody waits for any more."""
    answers: dict[int, int] = field(default_factory=dict)
    """Places of the answers that are held, and their exchange."""
    events: dict[int, list[Due]] = field(default_factory=dict)
    """Places of the events that are held."""
    given: dict[int, Due] = field(default_factory=dict)
    """Events that were given and have not left yet."""
    batches: dict[int, int] = field(default_factory=dict)
    """Events that were given, and with which others: equal numbers, at once."""
    stirred: Moment = BEGINNING
    """When something happened last."""
