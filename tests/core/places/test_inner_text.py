"""Values inside texts inside texts: found in clear, exchanged, and no other character changed."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.exchange import Headers, Request
from cometape.core.json_value import Json
from cometape.core.places.inner_text import Spot, spliced, spots
from cometape.core.places.inner_value import rewritten_value
from cometape.core.places.place import Place
from cometape.core.places.request_text import RequestClaims
from strategies import json_values


def found(text: str, *places: str) -> list[Json]:
    return [spot.value for spot in spots(text, [(p, Place.parse(p).steps) for p in places])]


def exchanged(text: str, new: str, *places: str) -> str:
    claims = [(p, Place.parse(p).steps) for p in places]
    return spliced(text, [(one.start, one.end, one.write(new)) for one in spots(text, claims)])


BODY = json.dumps(
    {
        "id": "A1",
        "uri": "http://h/api/workitems/A1/notes?ref=A1&x=1",
        "map": {"A1": {"n": 1}, "B": 2},
        "text": json.dumps({"inner": json.dumps({"id": "A1", "note": 'say "é" \\ 😀 A1'})}),
        "list": "B, A1;A1",
        "form": "a=1&id=A1&id=%41%31",
    }
)


@pytest.mark.parametrize(
    ("place", "values"),
    [
        ("response.json id", ["A1"]),
        ("response.json map.* > key", ["A1", "B"]),
        ("response.json uri > url /api/workitems/{}/**", ["A1"]),
        ("response.json uri > url ?ref", ["A1"]),
        ("response.json text > json inner > json id", ["A1"]),
        ("response.json text > json * > json * > key", ["id", "note"]),
        ("response.json list > list", ["B", "A1;A1"]),
        ("response.json list > list , > list ;", ["B", "A1", "A1"]),
        ("response.json form > form id", ["A1", "A1"]),
        ("response.json text > json nothing", []),
        ("response.json id > json x", []),
        ("response.json map > json x", []),
    ],
)
def test_a_place_leads_into_texts(place: str, values: list[str]) -> None:
    assert found(BODY, place) == values


def test_everything_beside_the_value_stays_as_it_was() -> None:
    text = exchanged(BODY, "Z9", "response.json text > json inner > json id")
    assert text == BODY.replace(r"{\\\"id\\\": \\\"A1", r"{\\\"id\\\": \\\"Z9")
    assert text != BODY


def test_of_places_that_overlap_the_first_counts() -> None:
    text = '{"uri":"http://h/a/b"}'
    places = ("response.json uri > url /a/{}", "response.json uri")
    assert found(text, *places) == ["b"]
    assert found(text, *reversed(places)) == ["http://h/a/b"]


nasty = st.text(min_size=1, max_size=12) | st.sampled_from(
    ["😀\\\"'/", "\u2028<a>&=+%41", "ÿ ", ";,"]
)


@given(nasty, nasty, st.integers(0, 4), st.booleans())
def test_json_in_strings_at_any_depth_is_exchanged_and_nothing_else(
    old: str, new: str, depth: int, ascii: bool
) -> None:
    try:
        (old + new).encode()
    except UnicodeEncodeError:
        return

    def nested(value: str) -> str:
        text = json.dumps({"id": value, "rest": [old, {"id2": old}]}, ensure_ascii=ascii)
        for _ in range(depth):
            text = json.dumps({"in": text, "beside": old}, ensure_ascii=ascii)
        return text

    place = "response.json " + "in > json " * depth + "id"
    assert found(nested(old), place) == [old]
    text = exchanged(nested(old), new, place)
    assert found(text, place) == [new]
    assert exchanged(text, old, place) == (
        nested(old) if not ascii else exchanged(text, old, place)
    )
    (spot,) = spots(nested(old), [(None, Place.parse(place).steps)])
    written = text[spot.start : len(text) - (len(nested(old)) - spot.end)]
    assert text == nested(old)[: spot.start] + written + nested(old)[spot.end :]


@given(nasty, nasty)
def test_urls_and_forms_are_read_in_clear_and_written_encoded(old: str, new: str) -> None:
    try:
        (old + new).encode()
    except UnicodeEncodeError:
        return
    url = f"/items/{quote(old, safe='')}/x?k={quote_plus(old)}&{quote_plus(old)}=1#f"
    assert found(url, "request.path /items/{}/x") == [old]
    assert found(url, "request.query k") == [old]
    changed = exchanged(url, new, "request.path /items/{}/x", "request.query k")
    path, _, query = changed.partition("?")
    assert unquote(path) == f"/items/{new}/x"
    assert parse_qsl(query.rpartition("#")[0], keep_blank_values=True)[0] == ("k", new)
    assert changed.endswith(f"&{quote_plus(old)}=1#f")


@given(json_values, st.sampled_from(["a", "**.id", "* > key", "a > json b", "** > url ?x"]))
def test_exchanging_a_value_for_itself_changes_no_value(value: Json, where: str) -> None:
    text = json.dumps(value)
    place = Place.parse(f"response.json {where}")
    changes = [
        (one.start, one.end, one.write(one.value))
        for one in spots(text, [(0, place.steps)])
        if isinstance(one.value, str)
    ]
    assert json.loads(spliced(text, changes)) == value

    def same(spot: Spot[Any]) -> str | None:
        return spot.value if isinstance(spot.value, str) else None

    data = Place.parse(f"event.data {where}")
    assert rewritten_value(value, [(0, data)], same) == value
    assert rewritten_value(value, [(0, data)], lambda spot: None) is value


def test_a_value_of_data_is_rewritten_inside_its_texts_and_keys() -> None:
    data: Json = {
        "n": 17,
        "m": {"17": 17, "x": "17"},
        "t": '{"n": 17, "u": "/a/17"}',
        "rest": [17],
    }
    places = ["n", "m.* > key", "t > json n", "t > json u > url /a/{}"]
    claims = [(p, Place.parse(f"event.data {p}")) for p in places]
    new = rewritten_value(data, claims, lambda spot: "99" if spot.value in (17, "17") else None)
    assert new == {
        "n": 99,
        "m": {"99": 17, "x": "17"},
        "t": '{"n": 99, "u": "/a/99"}',
        "rest": [17],
    }
    assert isinstance(new, dict)
    assert new["rest"] is data["rest"]  # type: ignore[call-overload,index]


def test_a_request_is_rewritten_in_its_target_and_its_body() -> None:
    claims = RequestClaims.of(
        (p, Place.parse(p))
        for p in (
            "request.path /a/{}",
            "request.query q > list",
            "request.form f",
            "request.json j",
        )
    )
    form = Request(
        method="POST",
        target="/a/X?q=X,y&z=X",
        headers=Headers([("Content-Type", "application/x-www-form-urlencoded")]),
        body=b"f=X&g=X",
    )

    def change(spot: Spot[str]) -> str | None:
        return "é/1" if spot.value == "X" else None

    rewritten = claims.rewrite(form, change)
    assert (rewritten.target, rewritten.body) == (
        "/a/%C3%A9%2F1?q=%C3%A9%2F1,y&z=X",
        b"f=%C3%A9%2F1&g=X",
    )
    as_json = Request(method="POST", target="/b", body=b'{"j": "X", "k": "X"}')
    assert claims.rewrite(as_json, change).body == '{"j": "é/1", "k": "X"}'.encode()
    other = Request(method="POST", target="/b/X", body=b'{"k": "X"}')
    assert claims.rewrite(other, change) is other
