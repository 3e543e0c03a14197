"""Rules are read from text and from mappings, are written back, and errors say what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.errors import ConfigurationError
from cometape.core.faults.fault_kind import KINDS, kinds_of
from cometape.core.faults.fault_reading import read_rule, read_rules
from cometape.core.faults.fault_rule import WHERE_KEYS, FaultRule, Where
from cometape.core.faults.parameter import Parameter, Value, duration_s, duration_text
from cometape.profiles import load_profile


def values_of(parameter: Parameter) -> st.SearchStrategy[Value]:
    """What a parameter can be."""
    match parameter.form:
        case "duration":
            return st.integers(0, 3_600_000).map(lambda ms: duration_s(f"{ms}ms"))
        case "status":
            return st.integers(200, 599)
        case "count":
            return st.integers(1, 1_000_000)
        case "share":
            return st.sampled_from([0.1, 0.25, 0.5, 0.99])
        case "word":
            return st.sampled_from(parameter.choices)
        case "json":
            return st.sampled_from(['{"a": null}', '{"a": {"b": [1, "x y\'z"]}}', "{}"])
    return st.text(min_size=1)


@st.composite
def rules(draw: st.DrawFn) -> FaultRule:
    """Any rule of a built-in kind."""
    kind = draw(st.sampled_from(list(KINDS.values())))
    values = tuple(
        (parameter.name, draw(values_of(parameter)))
        for parameter in kind.parameters
        if parameter.default is None or draw(st.booleans())
    )
    where = Where(
        operation=draw(st.none() | st.text(min_size=1)),
        method=draw(st.none() | st.sampled_from(["GET", "POST"])),
        path=draw(st.none() | st.text().map(lambda text: "/" + text)),
        channel=draw(st.none() | st.sampled_from(["/v2/me/*", "/meta/connect", "/a b/c"])),
        entry=draw(st.none() | st.integers(1, 99)),
        session=draw(st.none() | st.text(min_size=1)),
    )
    nth = draw(st.sampled_from([(), ((1, 1),), ((2, 4), (7, None)), ((3, None),)]))
    return FaultRule(
        kind=kind,
        values=values,
        where=where,
        nth=nth,
        times=draw(st.none() | st.integers(1, 9)),
        probability=draw(st.none() | st.sampled_from([0.25, 0.5, 1.0])),
    )


@given(rules())
def test_a_rule_is_read_back_from_its_text_and_from_its_json(rule: FaultRule) -> None:
    assert read_rule(str(rule)) == rule
    assert read_rule(rule.json()) == rule


@pytest.mark.parametrize(
    ("text", "mapping"),
    [
        ("lost", {"fault": "lost"}),
        ("402", {"fault": 402}),
        ("delay=1.5s nth=2-", {"fault": "delay", "by": "1500ms", "nth": "2-"}),
        (
            "status=503 body='come again' operation=Pull* times=1",
            {
                "fault": "status",
                "code": 503,
                "body": "come again",
                "operation": "Pull*",
                "times": 1,
            },
        ),
        ("""changed='{"a": null}'""", {"fault": "changed", "patch": {"a": None}}),
        ("lost entry=9 probability=0.5", {"fault": "lost", "entry": 9, "probability": 0.5}),
    ],
)
def test_text_and_mapping_say_the_same(text: str, mapping: dict[str, Any]) -> None:
    assert read_rule(text) == read_rule(mapping)


def test_a_list_of_rules_may_mix_texts_and_mappings() -> None:
    written: Any = {"faults": ["lost", {"fault": "reset", "when": "after"}]}
    assert [str(rule) for rule in read_rules(written)] == ["lost", "reset=after"]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "it is empty"),
        ("last", "Did you mean `lost`? Allowed: delay, status, reset,"),
        ("lost=3", "the fault `lost` takes no value"),
        ("late", "`late=…`: a duration with its unit"),
        ("late=2", "a duration with its unit, as in 200ms"),
        ("late=2h", "a duration with its unit"),
        ("late=61m", "60m at most"),
        ("status=999", "an HTTP status from 200 to 599"),
        ("cut=1.5", "a share above 0 and below 1"),
        ("reset=never", "it takes before or instead or after"),
        ("lost chanel=/x", "Did you mean `channel`? Allowed: operation, method,"),
        ("lost channel=x", "a channel is written as in /v2/me/workitems"),
        ("lost twice", "'twice' is no KEY=VALUE"),
        ("lost nth=0", "numbers from 1 up"),
        ("lost nth=4-2", "numbers from 1 up"),
        ("lost times=0", "a whole number from 1 up"),
        ("lost probability=0", "a share above 0, at most 1"),
        ("lost entry=x", "the number of a recorded entry"),
        ("lost path=me", "a path begins with a slash"),
        ("lost method=post", "a method such as POST"),
        ("lost nth=1 nth=2", "`nth` is given twice"),
        ("lost channel='/x", "close the quotes"),
        ("changed=[1]", "a JSON object"),
        ({"kind": "lost"}, "add `fault: NAME`"),
        (7, "7 is no fault"),
    ],
)
def test_an_error_names_the_option_and_what_is_allowed(written: Any, told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_rule(written, option="--fault")
    assert str(refused.value).startswith("--fault: ")
    assert told in str(refused.value)
    assert refused.value.reason == "bad-fault"


def test_the_errors_of_a_list_tell_which_one() -> None:
    with pytest.raises(ConfigurationError, match=r"^faults\.yaml, number 2: there is no fault 'x'"):
        read_rules(["lost", "x"], option="faults.yaml")
    with pytest.raises(ConfigurationError, match="no list"):
        read_rules({"fault": "lost"})


def test_the_faults_of_a_profile_are_kinds_like_the_others() -> None:
    kinds = kinds_of(load_profile("workbins").faults)
    assert str(read_rule("csrf-403 path=/api/v2/me nth=2", kinds)) == (
        "csrf-403 path=/api/v2/me nth=2"
    )
    with pytest.raises(ConfigurationError, match="csrf-403"):
        read_rule("csrf-404", kinds)


@given(st.integers(0, 3_600_000))
def test_durations_are_read_as_they_are_written(milliseconds: int) -> None:
    assert duration_s(duration_text(milliseconds / 1000)) == milliseconds / 1000


def test_every_key_of_where_is_read() -> None:
    assert WHERE_KEYS == ("operation", "method", "path", "channel", "entry", "session")
