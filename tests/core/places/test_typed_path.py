"""Typed paths find values by where they are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.json_value import Json
from cometape.core.places.typed_path import TypedPath

DOCUMENT: Json = {
    "referenceId": 17,
    "referenceIds": {"B": 57, "A": 56},
    "workitem": {"id": "X", "uri": "http://h/X", "userData": {"a.b": 1, "referenceId": 17}},
    "items": [{"uri": "http://h/1"}, {"chatUri": "http://h/2", "0": "zero"}],
}


def found(path: str, value: Json = DOCUMENT) -> list[Json]:
    return TypedPath.parse(path).values(value)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("referenceId", [17]),
        ("referenceIds.*", [57, 56]),
        ('workitem.userData."a.b"', [1]),
        ("items.0.uri", ["http://h/1"]),
        ('items.1."0"', ["zero"]),
        ("items.1.0", []),
        ("items.*.uri", ["http://h/1"]),
        ("**.uri", ["http://h/X", "http://h/1"]),
        ("**.*Uri", ["http://h/2"]),
        ("**.referenceId", [17, 17]),
        ("*.id", ["X"]),
        ("absent.referenceId", []),
        ("referenceId.deeper", []),
    ],
)
def test_a_path_leads_to_what_it_names(path: str, values: list[Json]) -> None:
    assert found(path) == values


def test_double_star_alone_is_every_value_the_whole_included() -> None:
    assert found("**", {"a": [1]}) == [{"a": [1]}, [1], 1]


def test_a_place_is_found_once_however_many_ways_lead_to_it() -> None:
    assert found("**.a.**.b", {"a": {"a": {"b": 1}}}) == [1]


def test_an_index_is_not_a_key_and_true_is_not_1() -> None:
    assert found("1", {"1": "key"}) == []
    assert found("1", ["zero", "one"]) == ["one"]


def test_locations_name_keys_and_indexes() -> None:
    assert [location for location, _ in TypedPath.parse("items.*.*Uri").find(DOCUMENT)] == [
        ("items", 1, "chatUri")
    ]


def test_rewriting_changes_what_it_names_and_shares_the_rest() -> None:
    new = TypedPath.parse("referenceIds.*").rewrite(DOCUMENT, lambda value: None)
    assert isinstance(new, dict)
    assert isinstance(DOCUMENT, dict)
    assert new["referenceIds"] == {"B": None, "A": None}
    assert list(new) == list(DOCUMENT)
    assert new["workitem"] is DOCUMENT["workitem"]
    assert DOCUMENT["referenceIds"] == {"B": 57, "A": 56}


def test_rewriting_nothing_gives_the_same_value_back() -> None:
    assert TypedPath.parse("**.nowhere").rewrite(DOCUMENT, lambda _: 1) is DOCUMENT


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", '"a', 'a"b"', "a\\b", '"a"b'])
def test_a_malformed_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="typed path"):
        TypedPath.parse(text)


segments = st.one_of(
    st.text(min_size=1, max_size=6).map(
        lambda key: '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    ),
    st.sampled_from(["a", "b", "*", "**", "0", "12", "*Uri", "x*y"]),
)
paths = st.lists(segments, min_size=1, max_size=5).map(".".join)
keys = st.sampled_from(["a", "b", "xUri", "x1y", "0"])
documents: st.SearchStrategy[Json] = st.recursive(
    st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None)
@given(paths)
def test_a_path_reads_back_as_it_is_written(text: str) -> None:
    path = TypedPath.parse(text)
    assert TypedPath.parse(str(path)) == path
    assert str(TypedPath.parse(str(path))) == str(path)


@settings(deadline=None)
@given(paths, documents)
def test_every_place_found_holds_the_value_found(text: str, document: Json) -> None:
    places = list(TypedPath.parse(text).find(document))
    for location, value in places:
        at: Json = document
        for step in location:
            if isinstance(step, int):
                assert isinstance(at, list)
                at = at[step]
            else:
                assert isinstance(at, dict)
                at = at[step]
        assert at is value
    assert len({location for location, _ in places}) == len(places)


@settings(deadline=None)
@given(paths, documents)
def test_rewriting_touches_exactly_what_finding_finds(text: str, document: Json) -> None:
    path = TypedPath.parse(text)
    seen: list[Json] = []

    def note(value: Json) -> Json:
        seen.append(value)
        return value

    assert path.rewrite(document, note) is document
    assert len(seen) == len(path.values(document))
