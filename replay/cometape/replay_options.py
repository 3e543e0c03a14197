"""How a test says how to replay: the options of the marker `cometape`, by name and checked."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cometape.core.bayeux.settings import LONGEST_S
from cometape.core.errors import ConfigurationError
from cometape.core.explore.conductor import PATIENCE_S
from cometape.core.faults.fault_kind import kinds_of
from cometape.core.faults.fault_reading import read_rules
from cometape.core.faults.fault_rule import FaultRule
from cometape.core.identity.date_shift import Dates
from cometape.core.json_value import Json
from cometape.core.profile.profile import Profile
from cometape.core.replay.replay_service import BAYEUX, MAX_INTERVAL_MS, ReplaySettings
from cometape.core.run.pace import Pace

_LEAST_PATIENCE_S = 0.001

OPTIONS = frozenset(
    (
        "seed",
        "pace",
        "strict",
        "repeats",
        "dates",
        "as_recorded",
        "faults",
        "order",
        "patience_s",
        "timeout_s",
        "max_interval_s",
        "dialect",
    )
)
"""What `replay_settings` knows."""


def replay_settings(options: Mapping[str, Any], profile: Profile) -> ReplaySettings:
    """How to replay, as a test says it: `OPTIONS` by name; faults may be those of the profile.

    Raises ConfigurationError for a value that cannot be used, or another name.
    """
    unknown = sorted(options.keys() - OPTIONS)
    if unknown:
        raise ConfigurationError(
            f"a replay has no option {unknown[0]!r}",
            hint=f"There are: {', '.join(sorted(OPTIONS))}.",
            reason="bad-option",
        )
    given = _Options(options)
    return ReplaySettings(
        seed=given.whole("seed", 0),
        pace=Pace.parse(str(options.get("pace", "instant"))),
        strict=given.flag("strict", default=True),
        repeats=given.flag_or_texts("repeats"),
        as_recorded=given.flag("as_recorded", default=False),
        dates=Dates.parse(str(options["dates"])) if "dates" in options else None,
        faults=_fault_rules(options.get("faults", ()), profile),
        order=given.text("order"),
        order_patience_s=given.seconds("patience_s", PATIENCE_S, least=_LEAST_PATIENCE_S),
        dialect=given.text("dialect"),
        bayeux=replace(
            BAYEUX,
            timeout_ms=round(given.seconds("timeout_s", 30) * 1000),
            max_interval_ms=round(given.seconds("max_interval_s", MAX_INTERVAL_MS / 1000) * 1000),
            wall_offset_s=time.time() - time.monotonic(),
        ),
    )


class _Options:
    """Options of a Python call. Whoever reads one says what it must be."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    def whole(self, name: str, default: int) -> int:
        value = self._given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong(name, value, "a whole number")
        return value

    def seconds(self, name: str, default: float, *, least: float = 0.0) -> float:
        value = self._given.get(name, default)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not least <= value <= LONGEST_S:  # nan is neither
            raise _wrong(name, value, f"a number of seconds from {least:g} to {LONGEST_S}")
        return float(value)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._given.get(name, default)
        if not isinstance(value, bool):
            raise _wrong(name, value, "True or False")
        return value

    def flag_or_texts(self, name: str) -> bool | list[str]:
        value = self._given.get(name, False)
        if isinstance(value, bool):
            return value
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list | tuple) or not all(isinstance(one, str) for one in texts):
            raise _wrong(name, value, "True, False or a list of names")
        return list(texts)

    def text(self, name: str) -> str | None:
        value = self._given.get(name)
        if value is not None and not isinstance(value, str):
            raise _wrong(name, value, "a text, or None")
        return value


def _wrong(name: str, value: object, wanted: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name}={value!r} cannot be used", hint=f"It must be {wanted}.", reason="bad-option"
    )


def _fault_rules(written: Any, profile: Profile) -> tuple[FaultRule, ...]:
    if not written:
        return ()
    if not isinstance(written, str | dict | list | tuple):
        raise _wrong("faults", written, "a rule, or a list of rules")
    rules: list[Json] = [written] if isinstance(written, str | dict) else list(written)
    return read_rules(rules, kinds_of(profile.faults), option="(faults=…)")
