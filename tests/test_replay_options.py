"""Options of a replay as a test gives them: used as they are meant, or refused by name."""

from __future__ import annotations

import math
from typing import Any

import pytest

from cometape.core.errors import ConfigurationError
from cometape.core.faults.fault_rule import FaultRule
from cometape.profiles import load_profile
from cometape.replay_options import replay_settings

PROFILE = load_profile("workbins")


@pytest.mark.parametrize(
    "options",
    [
        {"timeout_s": "x"},
        {"timeout_s": math.nan},
        {"timeout_s": True},
        {"timeout_s": None},
        {"max_interval_s": math.inf},
        {"max_interval_s": -1},
        {"max_interval_s": 86_401},
        {"patience_s": 0},
        {"patience_s": [1]},
        {"seed": "four"},
        {"seed": 1.5},
        {"strict": "no"},
        {"as_recorded": 1},
        {"repeats": 3},
        {"repeats": ["Pull", 3]},
        {"order": 7},
        {"dialect": 3},
        {"faults": 5},
    ],
    ids=str,
)
def test_a_value_that_cannot_be_used_is_refused_by_name(options: dict[str, Any]) -> None:
    ((name, value),) = options.items()
    with pytest.raises(ConfigurationError) as caught:
        replay_settings(options, PROFILE)
    assert caught.value.reason == "bad-option"
    assert f"{name}={value!r} cannot be used" in caught.value.what


def test_what_can_be_used_is() -> None:
    options = {"timeout_s": 20, "max_interval_s": 0.5, "patience_s": 2, "repeats": ("Pull",)}
    found = replay_settings(options | {"seed": 3, "strict": False, "faults": "lost"}, PROFILE)
    assert (found.bayeux.timeout_ms, found.bayeux.max_interval_ms) == (20_000, 500)
    assert (found.seed, found.strict, found.order_patience_s) == (3, False, 2)
    assert found.repeats == ["Pull"]
    (rule,) = found.faults
    assert isinstance(rule, FaultRule)


def test_without_any_option_it_is_strict_and_instant() -> None:
    found = replay_settings({}, PROFILE)
    assert found.strict
    assert (str(found.pace), found.repeats, found.order, found.faults) == (
        "instant",
        False,
        None,
        (),
    )
