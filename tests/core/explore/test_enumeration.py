"""Laws of the enumeration: legal, complete, no order twice, the nearest first, always the same."""

from __future__ import annotations

from itertools import combinations, islice, permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.explore.enumeration import orders
from cometape.core.explore.order import Order, Pair, cover
from cometape.core.explore.plot import Plot
from plots import plot_of, scripts
from scripted import Script

MANY = 3000


def pulling(*channels: str) -> Script:
    """A pull with an event on each channel, then a look."""
    script = Script()
    script.listen("ada", "/x/**")
    script.ask("ada", "POST", "/pull", {"n": 1}, {"n": 1})
    for channel in channels:
        script.event("ada", channel, {"n": 1}, cause=3)
    script.ask("ada", "GET", "/look", None, {"n": 1})
    return script


def names(script: Script, most: int = 99) -> list[str]:
    return [order.name for order in islice(orders(plot_of(script)), most)]


def test_the_recorded_order_comes_first_then_those_with_one_deviation() -> None:
    found = names(pulling("/x/a", "/x/b"))
    assert found[:6] == [
        "recorded",
        "4-before-3",  # an event before the answer of its cause
        "6-before-5",  # an event after the next answer
        "5-before-4",  # two events swapped
        "4-apart-5",  # two events in a poll each
        "3-after-4+5",
    ]


def test_two_events_of_one_cause_on_one_channel_keep_their_order() -> None:
    found = names(pulling("/x/a", "/x/a"))
    assert "5-before-4" not in found
    assert "4-before-3" in found
    assert "5-before-3+4" not in found


def test_an_event_never_comes_before_what_comes_before_the_request_of_its_cause() -> None:
    script = Script()
    script.listen("ada", "/x/a")
    script.ask("ada", "POST", "/first", {}, {})
    script.ask("ada", "POST", "/second", {}, {})
    script.event("ada", "/x/a", {}, cause=4)
    assert names(script) == ["recorded", "5-before-4"]


def test_answers_change_places_only_where_their_requests_were_on_their_way_at_once() -> None:
    assert not any("before" in name for name in names(pulling()))
    script = Script()
    script.ask("ada", "GET", "/a", None, {})
    script.ask("ada", "GET", "/b", None, {})
    first, second = script.entries
    object.__setattr__(first, "took_s", 9.0)
    assert second.at_s is not None
    assert names(script) == ["recorded", "2-before-1"]


def test_a_goodbye_is_the_last_word() -> None:
    script = pulling("/x/a")
    script.disconnect("ada")
    script.ask("ada", "POST", "/end", {}, {})
    assert not any("7-before" in name for name in names(script))


def test_what_no_client_can_tell_apart_is_one_order() -> None:
    """An answer to one client and an event of another one, of no common cause."""
    script = Script()
    for session in ("ada", "ben"):
        script.listen(session, "/x/a")
    script.ask("ada", "POST", "/ada", {}, {})
    script.event("ada", "/x/a", {}, cause=5)
    script.ask("ben", "POST", "/ben", {}, {})
    assert names(script) == ["recorded", "6-before-5"]


def test_events_are_not_in_one_poll_where_another_client_must_act_between_them() -> None:
    """Event 8 comes after answer 7, which is asked for after answer 5, before which event 6 is."""
    script = Script()
    for session in ("ada", "ben"):
        script.listen(session, "/x/**")
    first = script.ask("ada", "POST", "/first", {}, {})
    script.event("ben", "/x/a", {}, cause=first)
    second = script.ask("ada", "POST", "/second", {}, {})
    script.event("ben", "/x/a", {}, cause=second)
    found = names(script)
    assert "6-with-8" in found
    assert "6-before-5" in found
    assert "6-before-5,6-with-8" not in found


def test_an_event_to_another_client_may_come_before_the_answer_that_it_follows() -> None:
    script = Script()
    script.listen("ben", "/x/a")
    script.ask("ada", "POST", "/ada", {}, {})
    script.event("ben", "/x/a", {}, cause=3)
    assert names(script) == ["recorded", "4-before-3"]


def test_what_a_failed_try_brought_about_comes_after_the_one_that_succeeded() -> None:
    """Or before its answer; and where none succeeded, no order waits for it."""
    script = Script()
    script.listen("ada", "/x/a")
    failed = script.ask("ada", "POST", "/pull", {"n": 1}, error="client left")
    script.event("ada", "/x/a", {}, cause=failed)
    assert names(script) == ["recorded"]
    assert not plot_of(script).steps
    script.ask("ada", "POST", "/pull", {"n": 1}, {})
    assert names(script) == ["recorded", "4-before-5"]


# -------------------------------------------------------------------- laws


def is_legal(plot: Plot, sequence: tuple[int, ...]) -> bool:
    """Whether nothing comes before what must precede it."""
    done = 0
    for place in sequence:
        if plot.must[place] & ~done:
            return False
        done |= 1 << place
    return True


def inverted_in(plot: Plot, sequence: tuple[int, ...]) -> tuple[Pair, ...]:
    """The dependent pairs that come the other way round: what tells one order from another."""
    turn = {place: at for at, place in enumerate(sequence)}
    return tuple(
        sorted(
            (later, earlier)
            for earlier, later in combinations(range(len(sequence)), 2)
            if plot.dependent[later] >> earlier & 1 and turn[later] < turn[earlier]
        )
    )


def size(order: Order) -> tuple[int, int]:
    moved = len(cover(order.inverted)) + len(order.regrouped)
    return moved, len(order.inverted) + len(order.regrouped)


@given(scripts())
def test_every_order_is_legal_and_none_comes_twice(script: Script) -> None:
    plot = plot_of(script)
    found = list(islice(orders(plot), MANY))
    assert all(is_legal(plot, order.sequence) for order in found)
    assert all(inverted_in(plot, order.sequence) == order.inverted for order in found)
    assert len({(order.inverted, order.regrouped) for order in found}) == len(found)


@given(scripts())
def test_they_are_all_there(script: Script) -> None:
    """Compared with every permutation of a small cassette, and every grouping of its events."""
    plot = plot_of(script)
    expected = {
        (inverted, regrouped)
        for inverted in {
            inverted_in(plot, sequence)
            for sequence in permutations(range(len(plot.steps)))
            if is_legal(plot, sequence)
        }
        for pairs in [sorted(Order(plot, inverted).neighbours)]
        for some in range(len(pairs) + 1)
        for regrouped in combinations(pairs, some)
    }
    assert {(order.inverted, order.regrouped) for order in orders(plot)} == expected


@given(scripts(most=9))
def test_the_nearest_come_first(script: Script) -> None:
    sizes = [size(order) for order in islice(orders(plot_of(script)), 300)]
    assert sizes == sorted(sizes)
    assert sizes[0] == (0, 0)


@given(scripts(most=9))
def test_the_same_cassette_gives_the_same_orders(script: Script) -> None:
    assert names(script, 200) == names(script, 200)


@settings(max_examples=50)
@given(scripts(most=9))
def test_an_order_is_made_again_by_its_name(script: Script) -> None:
    plot = plot_of(script)
    for order in islice(orders(plot), 300):
        assert Order.named(plot, order.name) == order


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda p: p[0] != p[1])))
def test_a_cover_is_one_and_no_smaller_one_is(pairs: list[Pair]) -> None:
    found = cover(pairs)
    assert all(set(pair) & set(found) for pair in pairs)
    for places in combinations(range(7), max(0, len(found) - 1)):
        assert not found or not all(set(pair) & set(places) for pair in pairs)
