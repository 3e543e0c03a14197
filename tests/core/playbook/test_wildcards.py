"""Recorded placeholders are found by masks: just those that a comparison of all would find."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cometape.core.exchange import Headers, Request
from cometape.core.playbook.difference import differences
from cometape.core.playbook.matching import Shape, Shaper
from cometape.core.playbook.wildcards import Mask
from cometape.profiles import load_profile

SHAPER = Shaper(load_profile("bayeux"))
words = st.sampled_from(["a", "b", "17", "x y", "<session:1>", "<session:2>", "Basic <token:3>"])
scalars: st.SearchStrategy[Any] = st.one_of(words, st.integers(0, 3), st.booleans(), st.none())
bodies = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)
pairs = st.lists(st.tuples(st.sampled_from(["q", "r", "<n:1>"]), words), max_size=3)


@st.composite
def shapes(draw: Any) -> Shape:
    path = "/".join(draw(st.lists(words, min_size=1, max_size=3))).replace(" ", "%20")
    query = "&".join(f"{name}={value}" for name, value in draw(pairs)).replace(" ", "%20")
    form = draw(st.sampled_from(["none", "json", "form", "text"]))
    kinds = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
    texts = {
        "none": "",
        "json": json.dumps(draw(bodies)),
        "form": "&".join(f"{name}={value}" for name, value in draw(pairs)),
        "text": draw(words),
    }
    request = Request(
        method=draw(st.sampled_from(["POST", "PUT"])),
        target=f"/{path}?{query}",
        headers=Headers([("Content-Type", kinds.get(form, "text/plain"))]),
        body=texts[form].encode(),
    )
    return SHAPER.shape(request, recorded=True)


def lived(value: Any, live: Any) -> Any:
    """A value with something else in place of each placeholder, or what `live` draws."""
    if isinstance(value, str):
        return "".join(live() if at % 3 == 0 and at else part for at, part in _parts(value))
    if isinstance(value, list):
        return [lived(child, live) for child in value]
    if isinstance(value, dict):
        return {key: lived(child, live) for key, child in value.items()}
    return value


def _parts(text: str) -> list[tuple[int, str]]:
    from cometape.core.identity.identity import PLACEHOLDER

    found = PLACEHOLDER.split(text)
    pieces: list[tuple[int, str]] = []
    for at in range(0, len(found), 3):
        if at:
            pieces.append((3, ""))
        pieces.append((1, found[at]))
    return pieces


@given(shapes(), st.data())
def test_what_fits_a_recording_leaves_the_same_of_its_mask(recorded: Shape, data: Any) -> None:
    mask = Mask.of(recorded)
    assert Mask.parse(str(mask)) == mask
    live = st.sampled_from(["z", "9", "long one"])

    def draw() -> str:
        return str(data.draw(live))

    from cometape.core.playbook.matching import shape

    other = shape(
        recorded.method,
        tuple(lived(part, draw) for part in recorded.segments),
        tuple(sorted((lived(n, draw), lived(v, draw)) for n, v in recorded.query)),
        recorded.body_form,
        lived(recorded.body, draw),
    )
    if not differences(recorded, other):
        assert mask.rest(other) == mask.rest(recorded)


@given(shapes(), shapes())
def test_two_requests_that_fit_are_never_told_apart(recorded: Shape, live: Shape) -> None:
    same_path = recorded.method == live.method and len(recorded.segments) == len(live.segments)
    if same_path and not differences(recorded, live):
        assert Mask.of(recorded).rest(live) == Mask.of(recorded).rest(recorded)
