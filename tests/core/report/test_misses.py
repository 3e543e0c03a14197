"""Misses: the nearest recordings, the rules that rejected them, a difference, and what to do."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.exchange import Headers, Request
from cometape.core.json_value import Json
from cometape.core.playbook.matching import Shape, Shaper
from cometape.core.playbook.nearest import NearestIndex, RequestHead, path_likeness
from cometape.core.report.body_diff import MAX_LINES, request_diff
from cometape.core.report.explainer import near_miss
from cometape.core.report.miss import Miss, NearMiss, RunState, reason_for
from cometape.profiles import load_profile
from scripted import dumped

SHAPER = Shaper(load_profile("workbins"))


def shape(target: str, sent: object = None, method: str = "POST") -> Shape:
    body = b"" if sent is None else sent if isinstance(sent, bytes) else dumped(sent)
    headers = Headers([("Content-Type", "application/json")] if sent is not None else [])
    return SHAPER.shape(Request(method=method, target=target, headers=headers, body=body))


def index(*recorded: Shape, times: int = 1) -> NearestIndex:
    heads = [
        RequestHead(number=n, session="a", method=one.method, segments=one.segments, times=times)
        for n, one in enumerate(recorded)
    ]
    paths = ((one.number, one.segments) for one in heads)
    return NearestIndex(paths, heads.__getitem__, recorded.__getitem__)


def near(live: Shape, *recorded: Shape, times: int = 1) -> list[NearMiss]:
    found = index(*recorded, times=times).nearest(live, "a")
    return [near_miss(one, live, {}) for one in found]


def numbers(live: Shape, *recorded: Shape) -> list[int]:
    return [one.number for one in near(live, *recorded)]


# ------------------------------------------------------------------ the nearest


def test_the_nearest_come_by_method_then_path_then_query_then_body() -> None:
    live = shape("/api/bins/1?x=1", {"id": 1})
    assert numbers(
        live,
        shape("/api/bins/2?x=1", {"id": 1}),
        shape("/api/bins/1?x=2", {"id": 1}),
        shape("/api/bins/1?x=1", {"id": 2}),
        shape("/api/bins/1?x=1", {"id": 1}, method="PUT"),
        shape("/other"),
    ) == [2, 1, 0]
    assert numbers(live, shape("/other"), shape("/api/bins/2")) == [1]
    assert numbers(live, shape("/completely/else/where")) == []


def test_the_very_path_with_another_method_is_always_among_them() -> None:
    live = shape("/api/bins/1", {"id": 1}, method="GET")
    others = [shape(f"/api/bins/{n}", {"id": 1}, method="GET") for n in range(2, 9)]
    assert numbers(live, *others, shape("/api/bins/1", {"id": 1})) == [0, 1, 7]


@pytest.mark.parametrize(
    ("one", "other", "likely"),
    [
        ("/api/v2/users/U1/workbins/W1", "/api/v2/workbins/W1", True),
        ("/api/v2/me/workbins/W1", "/api/v2/me/workbins/W2", True),
        ("/api/v2/me", "/api/v2/you", True),
        ("/api/v2/me", "/internal-api/business-attributes", False),
        ("/", "/", True),
        ("/a", "/b", False),
    ],
)
def test_paths_are_alike_by_their_segments_from_either_end(
    one: str, other: str, likely: bool
) -> None:
    a, b = one.split("/"), other.split("/")
    assert (path_likeness(a, b) >= 0.5) is likely
    assert path_likeness(a, b) == path_likeness(b, a)


paths = st.lists(st.sampled_from(["api", "v2", "me", "x1", "x2", "workbins"]), max_size=6)


@given(st.lists(paths, max_size=30), paths)
def test_a_recording_of_the_very_path_is_never_overlooked(
    recorded: list[list[str]], live: list[str]
) -> None:
    shapes = [shape("/" + "/".join(one), {"n": 1}) for one in recorded]
    asked = shape("/" + "/".join(live), {"n": 2})
    found = near(asked, *shapes)
    assert len(found) <= 3
    if live in recorded:
        assert found[0].number == recorded.index(live)
        assert reason_for(found) == "body-differs"


def test_the_work_is_bounded_however_many_were_recorded() -> None:
    """Of a hundred thousand recordings a few dozen are compared."""
    compared: list[int] = []

    def shape_of(number: int) -> Shape:
        compared.append(number)
        return shape(target(number), {"n": number})

    def target(number: int) -> str:
        return "/api/v2/me" if number % 2 else f"/api/v2/users/U{number}/workbins/W{number % 97}"

    def head_of(number: int) -> RequestHead:
        segments = tuple(target(number).split("/"))
        return RequestHead(number=number, session="a", method="POST", segments=segments)

    paths = ((n, tuple(target(n).split("/"))) for n in range(100_000))
    found = NearestIndex(paths, head_of, shape_of)
    for live in ("/api/v2/me", "/api/v2/users/U4/workbins/W5", "/api/v2/users/new/workbins/W4"):
        compared.clear()
        assert found.nearest(shape(live, {"n": -1}), "a", around=50_000)
        assert len(compared) <= 120
    near_here = found.nearest(shape("/api/v2/me", {"n": -1}), "a", around=50_000)
    assert all(abs(one.head.number - 50_000) < 100 for one in near_here), "those that come next"


def test_the_reason_is_that_of_the_nearest() -> None:
    live = shape("/api/bins/1?x=1", {"id": 1})
    for other, reason in (
        (shape("/api/bins/1?x=1", {"id": 2}), "body-differs"),
        (shape("/api/bins/1", {"id": 2}), "query-differs"),
        (shape("/api/bins/1", {"id": 2}, method="PUT"), "method-differs"),
        (shape("/api/bins/2?x=1", {"id": 1}), "no-match"),
    ):
        assert reason_for(near(live, other)) == reason


# ------------------------------------------------------------------ what is told


def test_a_near_miss_says_how_often_just_this_was_recorded() -> None:
    (only,) = near(shape("/x", {"id": 1}), shape("/x", {"id": 2}), times=5)
    assert "and 4 more times" in only.lines()[0]


def test_a_long_list_of_rules_is_cut_and_the_rest_counted() -> None:
    live = shape("/x", {str(n): n for n in range(40)})
    (only,) = near(live, shape("/x", {str(n): "x" * 500 for n in range(40)}))
    lines = only.lines()
    assert lines[-1].strip() == "… and 32 more differences"
    assert max(map(len, lines)) < 200
    assert len(only.diff) <= MAX_LINES + 1


def test_a_miss_is_told_in_text_and_in_json() -> None:
    live = shape("/x", {"id": 1, "new": True})
    state = RunState(
        run=2,
        client="agent7",
        session="a",
        done=("3 POST /y",),
        sessions=(("a", "agent7"), ("b", None), ("c", None)),
        waiting=("event 4 waits",),
    )
    found = tuple(near(live, shape("/x", {"id": 2})))
    miss = Miss(
        reason="body-differs",
        request=str(live),
        body=live.body,
        nearest=found,
        state=state,
        remedies=("profile: do",),
    )
    text = miss.text()
    for line in (
        "miss (body-differs): POST /x",
        "        body.id: recorded 2, sent 1",
        "        body.new: sent true, the recording has none",
        "run 2, agent7 as 'a':",
        "3 POST /y",
        "sessions: 'a' is agent7, 'b', 'c' free",
        "event 4 waits",
        "what to do: Only the body differs.",
        "    profile: do",
    ):
        assert line in text
    response = miss.response()
    problem = json.loads(response.body)
    assert response.status == problem["status"] == 599
    assert problem["detail"] == text
    assert problem["run"]["done"] == ["3 POST /y"]
    assert problem["run"]["sessions"][1] == {"session": "b", "client": None}
    assert problem["nearest"][0]["rejected_by"][0]["rule"] == "body"
    assert "+++ sent" in problem["nearest"][0]["diff"]
    assert problem["remedies"] == ["profile: do"]


# ------------------------------------------------------------------ the difference


def diff(recorded: object, live: object) -> list[str]:
    return request_diff(shape("/x", recorded), shape("/x", live))


def test_a_difference_shows_what_differs_and_folds_what_does_not() -> None:
    data = {f"k{n}": "v" * 30 for n in range(20)}
    recorded = {"a": 1, "b": 2, "c": 3, "d": 4, "item": {"id": "X1", "userData": data}, "z": 1}
    live = recorded | {"item": {"id": "X2", "userData": data, "new": [1, {"a": None}]}}
    assert diff(recorded, live) == [
        "  POST /x",
        "  {",
        "    … 2 equal members",
        '    "c": 3',
        '    "d": 4',
        '    "item": {',
        '-     "id": "X1"',
        '+     "id": "X2"',
        '      "userData": {…}',
        '+     "new": [1, {"a": null}]',
        "    }",
        '    "z": 1',
        "  }",
    ]


def test_lists_are_compared_by_what_is_in_them() -> None:
    recorded = [{"id": n} for n in range(50)]
    live = [*recorded[:20], {"id": "new"}, *recorded[20:49], {"id": 99}]
    assert diff(recorded, live)[2:] == [
        "    … 18 equal items",
        '    {"id": 18}',
        '    {"id": 19}',
        '+   {"id": "new"}',
        '    {"id": 20}',
        '    {"id": 21}',
        "    … 25 equal items",
        '    {"id": 47}',
        '    {"id": 48}',
        "    {",
        '-     "id": 49',
        '+     "id": 99',
        "    }",
        "  ]",
    ]


def test_long_texts_are_shown_where_they_begin_to_differ() -> None:
    lines = diff({"t": "a" * 5000 + "x"}, {"t": "a" * 5000 + "y" * 900})
    assert [line for line in lines if line[0] in "-+"] == [
        '-   "t": …' + "a" * 20 + 'x"',
        '+   "t": …' + "a" * 20 + "y" * 67 + "…",
    ]


def test_other_bodies_have_a_difference_too() -> None:
    text = "\n".join(f"line {n}" for n in range(20))
    lines = request_diff(shape("/x", text.encode()), shape("/x", text.replace("7", "!").encode()))
    assert "- line 7" in lines
    assert "+ line !" in lines
    assert "  … 5 equal lines" in lines
    assert request_diff(shape("/x"), shape("/x", {"a": 1}))[1:] == ["- (no body)", '+ {"a": 1}']
    assert request_diff(shape("/x?y=1"), shape("/z", {"a": 1}))[:2] == [
        "- POST /x?y=1",
        "+ POST /z",
    ]


values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=5), inner, max_size=8)
    ),
    max_leaves=30,
)


@given(values, values)
def test_a_difference_is_short_and_shows_something_whatever_is_compared(
    recorded: Json, live: Json
) -> None:
    one, other = shape("/x", [recorded]), shape("/x", [live])
    lines = request_diff(one, other)
    assert len(lines) <= MAX_LINES + 1
    assert max(map(len, lines)) < 400
    changed = any(line[:1] in ("-", "+") for line in lines)
    assert changed or len(lines) > MAX_LINES or one.key == other.key
