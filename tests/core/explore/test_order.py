"""Names of orders: what they say, and which are refused."""

from __future__ import annotations

import pytest

from cometape.core.errors import ConfigurationError
from cometape.core.explore.order import Order
from cometape.core.explore.plot import MAX_STEPS
from plots import plot_of
from scripted import Script


def pulling() -> Script:
    script = Script()
    script.listen("ada", "/x/**")
    script.ask("ada", "POST", "/pull", {"n": 1}, {"n": 1})
    script.event("ada", "/x/a", {"type": "Taken"}, cause=3)
    script.event("ada", "/x/a", {"type": "Removed"}, cause=3)
    script.ask("ada", "GET", "/look", None, {"n": 1})
    return script


def test_an_order_says_in_words_what_is_other_than_recorded() -> None:
    plot = plot_of(pulling())
    assert str(Order.named(plot, "recorded")) == "as recorded"
    assert str(Order.named(plot, "4-before-3")) == (
        "event 4 (Taken on /x/a) comes before answer 3 (POST /pull)"
    )
    assert str(Order.named(plot, "4-apart-5")) == (
        "event 4 (Taken on /x/a) and event 5 (Removed on /x/a) come in two polls"
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "is no part of a name"),
        ("4<3", "is no part of a name"),
        ("9-before-3", "entry 9 is no answer or event of this cassette"),
        ("2-before-3", "entry 2 is no answer or event of this cassette"),
        ("5-before-4", r"event 5 \(Removed on /x/a\) cannot come before event 4"),
        ("3-before-4", "comes before that anyway"),
        ("6-before-4", "it contradicts itself"),
        ("4-with-5", "are not grouped so, or always are"),
        ("3-with-4", "are not grouped so, or always are"),
    ],
)
def test_a_name_that_is_none_is_refused_with_the_reason(name: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as refused:
        Order.named(plot_of(pulling()), name)
    assert refused.value.reason == "bad-order"
    assert str(refused.value).startswith(f"{name!r} is no order of this cassette: ")


def test_a_cassette_that_is_too_long_is_refused() -> None:
    script = Script()
    for nth in range(MAX_STEPS + 1):
        script.ask("ada", "POST", f"/{nth}", {}, {})
    with pytest.raises(ConfigurationError, match="more than 400") as refused:
        plot_of(script)
    assert refused.value.reason == "too-long"
