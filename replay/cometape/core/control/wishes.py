"""What the control API wants of the shell: listening sockets and the connections behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..service import Action
from .served_run import ServedRun


@dataclass(frozen=True, slots=True)
class Open:
    """Listen for a run; then call `ControlService.opened` or `not_opened`."""

    run: ServedRun
    port: int
    """0: any free one."""


@dataclass(frozen=True, slots=True)
class Close:
    """Listen for a run no more, and disconnect its clients; then call `ControlService.closed`."""

    run: ServedRun


@dataclass(frozen=True, slots=True)
class CarryOut:
    """Carry out actions on the connections of a run, and ask it again when it wants a tick."""

    run: ServedRun
    actions: Sequence[Action]


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Cut every connection of a run, as a failing network would."""

    run: ServedRun


Wish = Open | Close | CarryOut | Disconnect
