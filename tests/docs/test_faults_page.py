"""`docs/faults.md` names every fault, parameter and key there is, and its rules can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from cometape.core.faults.fault_kind import BUILT_IN, kinds_of
from cometape.core.faults.fault_reading import HOW_OFTEN_KEYS, read_rule, read_rules
from cometape.core.faults.fault_rule import WHERE_KEYS
from cometape.core.profile.profile_format import parse_profile
from cometape.profiles import load_profile

PAGE = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")
KINDS = kinds_of(load_profile("workbins").faults)
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)


def test_every_fault_and_parameter_has_its_row() -> None:
    rows = {match[1]: match[0] for match in re.finditer(r"\| `([\w-]+)(?:=\w+)?` \|.*", PAGE)}
    for kind in BUILT_IN:
        for parameter in kind.parameters:
            assert f"`{parameter.name}`" in rows[kind.name], kind.name
    assert set(KINDS) | set(WHERE_KEYS) | set(HOW_OFTEN_KEYS) == set(rows)


@pytest.mark.parametrize("text", re.findall(r"--fault '([^']*)'", PAGE))
def test_the_rules_of_the_page_can_be_read(text: str) -> None:
    assert str(read_rule(text, KINDS)) == text


def test_the_yaml_of_the_page_can_be_read() -> None:
    rules, profile = (yaml.safe_load(text) for form, text in BLOCKS if form == "yaml")
    assert len(read_rules(rules, KINDS)) == 3
    declared = parse_profile({"profile": "mine", **profile}, "the page").faults
    assert [fault.name for fault in declared] == ["quota", "half-done"]
    assert [read_rule(fault.name, kinds_of(declared)).kind.scope for fault in declared] == [
        "answer",
        "event",
    ]
