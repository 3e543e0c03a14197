"""An option's value in seconds: a finite number, a day at most, as the control API takes it."""

from __future__ import annotations

import math
from typing import Any

import click

from cometape.core.bayeux.settings import LONGEST_S


class Seconds(click.FloatRange):
    """From 0 (or, with `min_open`, more than 0) to a day; `nan` and `inf` are refused.

    `click.FloatRange` lets NaN pass, which is neither below nor above any bound: a limit of so many
    seconds would then never be reached.
    """

    name = "seconds"

    def __init__(self, *, min_open: bool = False) -> None:
        super().__init__(min=0, max=LONGEST_S, min_open=min_open)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value} is no number of seconds; give one from 0 to {LONGEST_S}.", param)
        return found
