"""Places of a profile: their written form, and what it must not be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.errors import ProfileError
from cometape.core.places.place import InPath, Place
from cometape.core.profile.profile import Profile
from cometape.core.profile.profile_format import parse_profile


@pytest.mark.parametrize(
    "text",
    [
        "response.json referenceIds.*",
        "response.json items.* > key",
        "event.data **.uri > url /**/{}/**",
        "event.data note > json a.b > json c > key",
        "request.query workbinIds > list",
        "request.query workbinIds > list ;",
        "request.header named-by X-CSRF-HEADER",
        "response.header Location > url ?order",
        "request.json state > form id",
        "request.path /a/order-{}.pdf",
        "event.message ext.requestId",
        "publish.data orders.*.id",
        "response.callback",
    ],
)
def test_a_place_is_written_as_it_was_read(text: str) -> None:
    assert str(Place.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("response.body x", "is no part"),
        ("response.json", "response.json referenceIds.*"),
        ("response.json a > xml b", "is no step into a text"),
        ("response.json a > url b", "/**/{}"),
        ("request.query a > key", "is no step into a text"),
        ("request.path /a/b", "one `{}`"),
        ("response.callback x", "one callback"),
        ("request.cookie named-by x", "header"),
        ("event.data a > json", "is no step"),
    ],
)
def test_what_is_no_place_is_refused_with_what_would_be_one(text: str, words: str) -> None:
    with pytest.raises(ProfileError) as refused:
        parse_profile({"profile": "p", "volatile": [text]}, "p.yaml")
    assert words in f"{refused.value}"


@pytest.mark.parametrize(
    ("template", "path", "found"),
    [
        ("/api/*/items/{}", "/api/v2/items/X", ["X"]),
        ("/api/*/items/{}", "/api/v2/items/X/more", []),
        ("/api/*/items/{}", "/api/v2/items", []),
        ("/**/items/{}/**", "/api/v2/items/X/more", ["X"]),
        ("/**/items/{}/**", "/items/X", ["X"]),
        ("/**/{}", "/a/b/c", ["c"]),
        ("/**/{}/**", "/a/b", ["a", "b"]),
        ("/orders/order-{}.pdf", "/orders/order-17.pdf", ["17"]),
        ("/orders/order-{}.pdf", "/orders/order-.pdf", []),
    ],
)
def test_a_template_finds_its_segment(template: str, path: str, found: list[str]) -> None:
    assert [path[start:end] for _, start, end in InPath(template).find(path)] == found


def fits(template: list[str], segments: list[str]) -> bool:
    """Whether a template without `{}` fits segments: by trying everything."""
    if not template:
        return not segments
    if template[0] == "**":
        return any(fits(template[1:], segments[n:]) for n in range(len(segments) + 1))
    alike = bool(segments) and template[0] in ("*", segments[0])
    return alike and fits(template[1:], segments[1:])


words = st.lists(st.sampled_from(["*", "**", "a", "b"]), max_size=4)


@given(words, words, st.lists(st.sampled_from(["a", "b", "xay", ""]), max_size=6))
def test_a_template_finds_each_segment_that_it_can_mean(
    before: list[str], after: list[str], segments: list[str]
) -> None:
    path = "/".join(["", *segments])
    found = InPath("/".join(["", *before, "x{}y", *after])).find(path)
    assert [index for index, _, _ in found] == [
        at + 1
        for at, segment in enumerate(segments)
        if segment == "xay" and fits(before, segments[:at]) and fits(after, segments[at + 1 :])
    ]


def test_a_path_of_very_many_segments_is_gone_through_once() -> None:
    path = "/a" * 20_000
    assert [index for index, _, _ in InPath("/**/a/**/{}").find(path)] == [20_000]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ({"issued": ["request.json a"]}, "`made_by`"),
        ({"made_by": "client", "issued": ["response.json a"]}, "`made_by`"),
        ({"made_by": "client"}, "`issued`"),
        ({"operations": ["Create"]}, "`issued`"),
        ({"made_by": "client", "issued": ["request.json a"], "operations": ["A"]}, "`issued`"),
        ({"counter": {"start": 1}}, "start: 1000"),
        ({"counter": {"step": 0}}, "start: 1000"),
        ({"counter": {"begin": 1}}, "allowed: start, step"),
        ({"form": "roman"}, "shape"),
    ],
)
def test_a_kind_that_cannot_be_is_refused(kind: dict[str, object], words: str) -> None:
    with pytest.raises(ProfileError) as refused:
        parse_profile({"profile": "p", "identities": {"x": {"form": "text", **kind}}}, "p.yaml")
    assert words in f"{refused.value}"


def test_dates_say_their_form_where_they_are_numbers() -> None:
    profile: Profile = parse_profile(
        {"profile": "p", "dates": ["response.json a", "event.data b as epoch-ms"]}, "p.yaml"
    )
    assert [(str(one.place), one.form) for one in profile.dates] == [
        ("response.json a", "text"),
        ("event.data b", "epoch-ms"),
    ]
    with pytest.raises(ProfileError, match="epoch-s"):
        parse_profile({"profile": "p", "dates": ["event.data b as minutes"]}, "p.yaml")
