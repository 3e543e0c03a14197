"""A body is written as structure only where structure gives the bytes back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.body import MAX_JSON_DEPTH, Body, JsonStyle

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)
styles = st.one_of(
    st.builds(JsonStyle, spaced=st.booleans(), ascii=st.booleans(), newline=st.booleans()),
    st.builds(
        JsonStyle,
        indent=st.sampled_from([1, 2, 3, 4, 8]),
        ascii=st.booleans(),
        newline=st.booleans(),
    ),
)


@given(st.binary())
def test_any_bytes_come_back(data: bytes) -> None:
    assert Body.from_bytes(data).to_bytes() == data


@given(st.text())
def test_any_text_comes_back_also_when_it_claims_to_be_json(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    assert Body.from_bytes(data, "application/json").to_bytes() == data


@given(json_values, styles)
def test_json_of_a_known_style_is_kept_as_structure(value: object, style: JsonStyle) -> None:
    data = style.dumps([value]).encode("utf-8", "surrogatepass")  # type: ignore[list-item]
    body = Body.from_bytes(data, "application/json")
    assert body.to_bytes() == data
    if "\\ud" not in json.dumps(value):
        assert (body.form, body.value) == ("json", [value])


@given(styles)
def test_a_style_is_noted_in_words_and_read_back(style: JsonStyle) -> None:
    assert JsonStyle.parse(style.render()) == style


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"", "empty"),
        (b'{"statusCode":0,"referenceId":17}', "json"),
        (b'{"a":1,"a":2}', "text"),  # a dict would lose the first
        (b'{"a": 1,"b":2}', "text"),  # two styles in one
        (b'{"price":1.50}', "text"),
        (b'["\\ud83d"]', "text"),  # no YAML can hold a lone surrogate
        (b"Missing or invalid Csrf token", "text"),
        (b"\xff\xfe", "base64"),
    ],
)
def test_the_form_is_the_most_readable_that_is_exact(data: bytes, form: str) -> None:
    body = Body.from_bytes(data)
    assert body.form == form
    assert body.to_bytes() == data


def test_json_nested_too_deep_for_a_cassette_is_kept_as_text() -> None:
    deep = b"[" * (MAX_JSON_DEPTH + 1) + b"]" * (MAX_JSON_DEPTH + 1)
    assert Body.from_bytes(deep).form == "text"
    assert Body.from_bytes(b"[" * 100_000).form == "text"


def test_an_unknown_style_word_is_named() -> None:
    with pytest.raises(ValueError, match="unknown JSON style 'pretty'"):
        JsonStyle.parse("spaced pretty")
