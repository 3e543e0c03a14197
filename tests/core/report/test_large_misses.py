"""A miss of a large body: little is told of it, little is kept, and little work is done."""

from __future__ import annotations

import json
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.exchange import Headers, Request
from cometape.core.json_value import Json, json_beginning
from cometape.core.playbook.difference import (
    MAX_DIFFERENCES,
    NOT_COMPARED,
    Patience,
    differences,
    value_differences,
)
from cometape.core.playbook.matching import Shape, Shaper
from cometape.core.report.body_diff import MAX_LINES, request_diff
from cometape.core.report.chronicle import MAX_MISSES, MAX_MISSES_CHARACTERS
from cometape.core.report.excerpt import excerpt
from cometape.profiles import load_profile
from scripted import Script, Stage, dumped
from strategies import json_values

SHAPER = Shaper(load_profile("workbins"))
MEMBERS = {f"m{n}": n for n in range(8_000)}
MANY: dict[str, Any] = {
    "members": MEMBERS,
    "items": [*range(8_000)],
    "text": {"a": "x" * 100_000},
    "key": {"k" * 100_000: 1},
    "deep": json.loads('{"a":' * 190 + json.dumps([1] * 3000) + "}" * 190),
}


def shape(sent: Json) -> Shape:
    headers = Headers([("Content-Type", "application/json")])
    return SHAPER.shape(Request(method="POST", target="/x", headers=headers, body=dumped(sent)))


def tape(*bodies: object) -> Script:
    script = Script()
    for body in bodies:
        script.ask("a", "POST", "/x", body, {})
    return script


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("is_like", [False, True])
def test_the_answer_is_small_however_large_the_body(name: str, is_like: bool) -> None:
    sent = [MANY[name], {"end": 2}]
    stage = Stage(tape([MANY[name], {"end": 1}] if is_like else {"id": 1}))
    answer = stage.person("a").ask("POST", "/x", sent)
    assert answer.status == 599
    assert len(answer.body) < 100_000
    found = answer.json
    assert found["reason"] == "body-differs"
    assert found["body"].startswith(json.dumps(sent)[:100])
    assert found["body"].endswith(f"… ({len(json.dumps(sent)):,} characters)")
    for near in found["nearest"]:
        assert 1 <= len(near["differences"]) <= 21
        assert len(near["diff"].splitlines()) <= MAX_LINES + 3


def test_a_difference_at_the_end_of_a_large_body_is_found() -> None:
    found = Stage(tape(MEMBERS | {"end": 1})).person("a").ask("POST", "/x", MEMBERS | {"end": 2})
    (near,) = found.json["nearest"]
    assert [one["text"] for one in near["rejected_by"]] == ["body.end: recorded 1, sent 2"]
    assert near["diff"].splitlines()[-4:] == [
        '    "m7999": 7999',
        '-   "end": 1',
        '+   "end": 2',
        "  }",
    ]


def test_where_the_rest_is_not_compared_that_is_told() -> None:
    items = [*range(60_000)]
    found = Stage(tape([items, 1])).person("a").ask("POST", "/x", [items, 2]).json
    (near,) = found["nearest"]
    assert near["rejected_by"] == [{"rule": "body", "text": f"body: {NOT_COMPARED}"}]
    assert near["differences"] == [{"facet": "body", "where": "body"}]
    assert found["reason"] == "body-differs"
    assert not [one for one in found["remedies"] if one.startswith(("profile", "client"))]


def test_more_differences_than_are_looked_for_are_not_counted_wrongly() -> None:
    found = Stage(tape({"id": 1})).person("a").ask("POST", "/x", MEMBERS).json
    assert f"… and more than {MAX_DIFFERENCES - 7} more differences" in found["detail"]
    assert "… and more than 970 more lines" in found["nearest"][0]["diff"]


@given(json_values, json_values, st.integers(0, 60))
def test_with_little_patience_the_first_differences_are_found(
    one: Json, other: Json, values: int
) -> None:
    every = list(value_differences(one, other, "body"))
    some = list(value_differences(one, other, "body", Patience(values)))
    found = list(takewhile(lambda difference: not difference.is_rest, some))
    assert found == every[: len(found)]
    assert found == every or len(some) == len(found) + 1


@given(json_values, json_values)
def test_whatever_the_patience_what_differs_is_never_equal(one: Json, other: Json) -> None:
    mine, theirs = shape([one]), shape([other])
    for values in (0, 1, 5):
        found = differences(mine, theirs, Patience(values))
        assert found or not differences(mine, theirs)
    assert len(request_diff(mine, theirs)) <= MAX_LINES + 1


@given(json_values, st.integers(0, 40))
def test_the_beginning_of_json_is_that_of_the_whole(value: Json, most: int) -> None:
    whole = json.dumps(value, ensure_ascii=False)
    text, is_whole = json_beginning(value, most)
    assert is_whole == (len(whole) <= most)
    assert text == (whole if is_whole else whole[:most])
    told = excerpt(value, most)
    assert told == value or (isinstance(told, str) and len(told) <= most + 1)


def test_misses_are_kept_up_to_a_size_and_all_counted() -> None:
    stage = Stage(tape(*({f"m{n}": f"{r}" * 600 for n in range(30)} for r in range(3))))
    person = stage.person("a")
    asked = 0
    while len(stage.service.misses) == asked < MAX_MISSES:
        person.ask("POST", "/x", {f"m{n}": "sent" * 150 for n in range(30)})
        asked += 1
    kept = stage.service.misses
    assert len(kept) == asked - 1
    most = MAX_MISSES_CHARACTERS + max(miss.characters for miss in kept)
    assert MAX_MISSES_CHARACTERS <= sum(miss.characters for miss in kept) <= most
    assert stage.service.report().misses_total == asked


def test_of_large_requests_the_latest_are_remembered() -> None:
    """Each tells which recording it almost was, as long as they are not too large together."""
    stage = Stage(tape({"id": 1}))
    person = stage.person("a")

    def almost() -> str:
        (left,) = stage.service.report().unplayed
        return str(left.almost)

    person.ask("POST", "/x", {"id": 2})
    assert almost() == "POST /x of a, but body.id: recorded 1, sent 2"
    for number in range(5):
        assert almost() == "POST /x of a, but body.id: recorded 1, sent 2"
        person.ask("POST", "/x", {"id": 3, "text": f"{number}" * 500_000})
    assert almost().startswith("POST /x of a, but body.id: recorded 1, sent 3; body.text:")
    person.ask("POST", "/x", {"id": 4, "text": "4" * 1_000_000})
    assert "sent 3" in almost()
