"""Origins of URIs are exchanged where the profile says so, and no other byte is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.json_value import Json
from cometape.core.places.typed_path import TypedPath
from cometape.core.record.uri_origins import UnfinishedBody, UriOrigins

PATHS = tuple(TypedPath.parse(path) for path in ("**.uri", "**.uris.*", "workitem.link"))
URIS = UriOrigins(PATHS)
PUBLIC, CLIENT = "http://gws.example:8090", "http://127.0.0.1:4711"


def changed(body: str) -> str:
    return URIS.changed(body.encode(), lambda origin: CLIENT).decode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"uri":"http://a/b"}', '{"uri":"http://127.0.0.1:4711/b"}'),
        (' { "uri" :\n"HTTPS://a:1" } ', ' { "uri" :\n"http://127.0.0.1:4711" } '),
        (r'{"uri":"http:\/\/a\/b"}', r'{"uri":"http:\/\/127.0.0.1:4711\/b"}'),
        ('{"uris":["http://a/1","/2"]}', '{"uris":["http://127.0.0.1:4711/1","/2"]}'),
        (r'{"u\u0072i":"http://a"}', r'{"u\u0072i":"http://127.0.0.1:4711"}'),
        ('[{"a":[1,{"uri":"http://a/é"}],"n":1.0}]', None),
        ('{"text":"http://a/b","uri":"/relative","x":{"uri":7}}', "same"),
        ('{"uri":"see http://a/b","other":["uri","http://a"]}', "same"),
        ('{"uri":"http://a/b"', "same"),
        ("uri: http://a/b", "same"),
        ('/**/cb([{"data":{"uri":"http://a/b"}}]);', None),
        ('[{"channel":"/c","data":{"workitem":{"link":"http://a/b"}}}]', None),
        ('{"channel":"/c","data":{"workitem":{"link":"http://a/b"}}}', None),
        ('{"other":{"workitem":{"link":"http://a/b"}}}', "same"),
    ],
)
def test_only_the_origin_of_a_uri_at_a_path_of_the_profile_changes(
    body: str, expected: str | None
) -> None:
    if expected is None:
        expected = body.replace("http://a", CLIENT)
    assert changed(body) == (body if expected == "same" else expected)


def test_an_origin_can_be_left_as_it_is() -> None:
    body = b'{"uri":"http://a/b","x":{"uri":"http://c/d"}}'
    known = {"http://a": "http://longer.example"}
    assert URIS.changed(body, known.get) == body.replace(b"http://a", b"http://longer.example")


def test_bytes_that_are_no_text_are_left_alone() -> None:
    body = b'{"uri":"http://a/\xff"}'
    assert URIS.changed(body, lambda origin: CLIENT) == body


TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["http://gws.example/a", "https://x", 'say "http://x"', "h", '"http://q"', ","]
    ),
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.one_of(TEXTS, st.integers(), st.none(), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.just("uri"), st.just("uris"), TEXTS), inner, max_size=4),
    ),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_the_same_value_with_other_origins_comes_out(value: Json, ascii: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii).encode("utf-8", "surrogatepass")

    def expected(value: Json, *, path: tuple[str | int, ...] = ()) -> Json:
        if isinstance(value, dict):
            return {k: expected(v, path=(*path, k)) for k, v in value.items()}
        if isinstance(value, list):
            return [expected(v, path=(*path, i)) for i, v in enumerate(value)]
        at = any(wanted.leads_to(path) for wanted in PATHS)
        if at and isinstance(value, str) and value.startswith(("http://gws.example", "https://x")):
            return value.replace("http://gws.example", CLIENT).replace("https://x", CLIENT)
        return value

    assert json.loads(URIS.changed(body, lambda origin: CLIENT)) == expected(value)


@given(VALUES, st.lists(st.integers(1, 9), max_size=40), st.booleans())
def test_a_body_in_any_chunks_comes_out_as_the_whole_would(
    value: Json, sizes: list[int], coded: bool
) -> None:
    body = json.dumps(value).encode()
    whole = URIS.changed(body, lambda origin: CLIENT)
    held = UnfinishedBody(
        lambda all: URIS.changed(all, lambda origin: CLIENT), limit=10**6, with_codings=coded
    )
    out, at = b"", 0
    for size in [*sizes, len(body)]:
        out += held.feed(body[at : at + size])
        at += size
    assert out + held.end() == whole


@given(VALUES)
def test_a_path_leads_to_what_it_finds_and_to_nothing_else(value: Json) -> None:
    def locations(value: Json, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
        steps = list(value.items()) if isinstance(value, dict) else []
        every = [*steps, *(enumerate(value) if isinstance(value, list) else ())]
        return [at, *(each for step, child in every for each in locations(child, (*at, step)))]

    for path in PATHS:
        found = {location for location, _ in path.find(value)}
        assert {each for each in locations(value) if path.leads_to(each)} == found


def test_what_holds_no_absolute_uri_is_never_held() -> None:
    body = UnfinishedBody(lambda whole: whole, limit=10**6)
    for chunk in (b'[{"uri":"/a"},', b'"say: http",', b'{"href":', b'"/x"', b"}]"):
        assert body.feed(chunk) == chunk
    assert body.end() == b""


def test_a_body_is_held_from_its_first_absolute_uri_on() -> None:
    body = UnfinishedBody(lambda whole: whole.replace(b"a.example", b"b"), limit=10**6)
    assert body.feed(b'[{"id":1,"uri":"htt') == b'[{"id":1,"uri":'
    assert body.feed(b'p://a.example/1"},') == b""
    assert body.feed(b"2") == b""
    assert body.end() == b'"http://b/1"},2'


def test_a_body_too_long_to_be_held_is_let_go_as_it_is() -> None:
    body = UnfinishedBody(lambda whole: b"", limit=20)
    assert body.feed(b'["http://a/1"') == b"["
    assert body.feed(b"," + b"1" * 20) == b'"http://a/1",' + b"1" * 20
    assert body.feed(b"more") == b"more"
    assert (body.end(), body.given_up) == (b"", True)
