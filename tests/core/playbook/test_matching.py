"""Shapes, their keys and their differences; near misses in their order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.exchange import Headers, Request
from cometape.core.json_value import Json
from cometape.core.places.place import Place
from cometape.core.places.typed_path import TypedPath
from cometape.core.playbook.difference import differences
from cometape.core.playbook.matching import Shape, Shaper
from cometape.core.profile.profile import Profile
from strategies import json_values

PROFILE = Profile(
    name="test",
    uri_fields=(TypedPath.parse("**.uri"),),
    volatile=(
        Place(part="request.json", path=TypedPath.parse("**.timestamp")),
        Place(part="request.query", name="_"),
        Place(part="request.path", name="/cache/{}/*"),
    ),
)
SHAPER = Shaper(PROFILE, ["https://gws.example"])


def shape(target: str, body: Any = None, method: str = "POST", **headers: str) -> Shape:
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    pairs = Headers((name.replace("_", "-"), value) for name, value in headers.items())
    return SHAPER.shape(Request(method=method, target=target, headers=pairs, body=data))


def facets(one: Shape, other: Shape) -> set[str]:
    return {difference.facet for difference in differences(one, other)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (shape("/x?a=1&b=2"), shape("/x?b=2&a=1")),
        (shape("/x?a=%20"), shape("/x?a=+")),
        (shape("/x?_=1&a=1"), shape("/x?a=1&_=2")),
        (shape("/cache/1/x"), shape("/cache/2/x")),
        (shape("/%61"), shape("/a")),
        (shape("http://gws.example/a?b=c"), shape("/a?b=c")),
        (shape("http://[::1/a?b=c#d"), shape("/a?b=c")),
        (shape("/x", {"a": 1, "b": [1.0]}), shape("/x", {"b": [1], "a": 1.0})),
        (shape("/x", {"timestamp": 1, "a": {"timestamp": 2}}), shape("/x", {"a": {}})),
        (shape("/x", {"uri": "http://a/b"}), shape("/x", {"uri": "https://c:1/b"})),
        (
            shape("/x", {"z": "https://gws.example/b"}),
            shape("/x", {"z": "http://live:1/b"}, Host="live:1"),
        ),
        (
            shape("/x?u=https://gws.example/b"),
            shape("/x?u=http%3A%2F%2Flive:1%2Fb", Host="live:1"),
        ),
        (
            shape("/x", b"b=2&a=%31", Content_Type="application/x-www-form-urlencoded"),
            shape("/x", b"a=1&b=2", Content_Type="application/x-www-form-urlencoded; charset=x"),
        ),
        (
            shape("/x", b"--q1\r\nA\r\n--q1--", Content_Type="multipart/form-data; boundary=q1"),
            shape("/x", b"--z\r\nA\r\n--z--", Content_Type='multipart/form-data; boundary="z"'),
        ),
    ],
)
def test_what_means_the_same_has_the_same_key(one: Shape, other: Shape) -> None:
    assert one.key == other.key
    assert not differences(one, other)


@pytest.mark.parametrize(
    ("one", "other", "facet"),
    [
        (shape("/x", method="GET"), shape("/x"), "method"),
        (shape("/x/"), shape("/x"), "path"),
        (shape("/a%2Fb"), shape("/a/b"), "path"),
        (shape("/x?a=1&a=1"), shape("/x?a=1"), "query"),
        (shape("/x?a="), shape("/x"), "query"),
        (shape("/x", {"a": 1}), shape("/x", {"a": True}), "body"),
        (shape("/x", {"a": None}), shape("/x", {}), "body"),
        (shape("/x", [1, 2]), shape("/x", [2, 1]), "body"),
        (shape("/x", {"z": "http://other/b"}), shape("/x", {"z": "http://live/b"}), "body"),
        (shape("/x", {}), shape("/x"), "body"),
        (shape("/x", b"{}x"), shape("/x", {}), "body"),
    ],
)
def test_what_means_another_thing_has_another_key(one: Shape, other: Shape, facet: str) -> None:
    assert one.key != other.key
    assert facets(one, other) == facets(other, one) == {facet}


def test_a_placeholder_fits_any_text_but_no_other_value() -> None:
    recorded = shape("/by/<token:1>?k=<token:2>", {"a": "x<password:1>y", "b": "<token:1>"})
    assert recorded.wild
    assert not differences(recorded, shape("/by/me?k=q", {"a": "x y", "b": "1"}))
    assert facets(recorded, shape("/by/?k=q", {"a": "x1y", "b": "1"})) == {"path"}
    assert facets(recorded, shape("/by/me?k=q", {"a": "xy", "b": 1})) == {"body"}
    again = shape("/by/<token:8>?k=<token:9>", {"b": "<token:8>", "a": "x<password:5>y"})
    assert recorded.key == again.key, "numbers are those of one cassette"


@given(json_values, json_values)
def test_equal_keys_are_no_differences_and_the_other_way_round(one: Json, other: Json) -> None:
    mine, theirs = (shape("/x", [value]) for value in (one, other))
    if not mine.wild and not theirs.wild:
        assert (mine.key == theirs.key) == (not differences(mine, theirs))
    assert not differences(mine, mine)


@given(json_values, st.randoms())
def test_the_order_of_members_is_nothing(value: Json, random: Any) -> None:
    def shuffled(one: Json) -> Json:
        if isinstance(one, dict):
            items = [(key, shuffled(child)) for key, child in one.items()]
            random.shuffle(items)
            return dict(items)
        return [shuffled(child) for child in one] if isinstance(one, list) else one

    assert shape("/x", [value]).key == shape("/x", [shuffled(value)]).key


def test_json_too_deep_for_us_is_compared_as_text() -> None:
    deep = b"[" * 5000 + b"]" * 5000
    assert shape("/x", deep).body_form == "text"
    assert shape("/x", deep).key == shape("/x", deep).key
