"""Pace: how recorded delays become live ones."""

from __future__ import annotations

from dataclasses import dataclass

from cometape.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Pace:
    """How recorded delays between a cause and its events become live ones."""

    factor: float = 0.0
    """Live seconds per recorded second; 0: events come at once."""
    manual: bool = False
    """Whether live seconds are those of a clock that the test advances (`core.virtual_time`)."""

    @classmethod
    def parse(cls, text: str) -> Pace:
        """`instant`, `recorded`, `manual`, or `x4` for four times as fast.

        Raises ConfigurationError for anything else.
        """
        if text == "instant":
            return cls(0.0)
        if text == "recorded":
            return cls(1.0)
        if text == "manual":
            return cls(1.0, manual=True)
        try:
            speed = float(text.removeprefix("x"))
        except ValueError:
            speed = 0.0
        if not 0.0 < speed < float("inf"):
            raise ConfigurationError(
                f"{text!r} is not a pace.",
                hint="Use 'instant', 'recorded', 'manual' (a clock that the test advances), or a"
                " speed such as 'x4' (four times as fast).",
                reason="pace",
            )
        return cls(1.0 / speed)

    def __str__(self) -> str:
        if self.factor == 0.0:
            return "instant"
        if self.manual:
            return "manual"
        return "recorded" if self.factor == 1.0 else f"x{1 / self.factor:g}"


INSTANT = Pace()
