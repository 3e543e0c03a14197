"""Which rule fires when: counted for each client, drawn from the seed alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cometape.core.faults.fault_ledger import FaultLedger
from cometape.core.faults.fault_reading import read_rule
from cometape.core.faults.fault_rule import Occasion


def event(who: str = "one", session: str = "agent7", channel: str = "/v2/me/x") -> Occasion:
    return Occasion(scope="event", who=who, session=session, channels=(channel,))


def fired(ledger: FaultLedger, *whos: str) -> list[bool]:
    return [bool(ledger.firing(event(who))) for who in whos]


def ledger_of(*texts: str, seed: int = 0) -> FaultLedger:
    ledger = FaultLedger(seed)
    for text in texts:
        ledger.add(read_rule(text))
    return ledger


def test_a_rule_fires_every_time_unless_told_otherwise() -> None:
    assert fired(ledger_of("lost"), *"aaa") == [True, True, True]


def test_nth_counts_the_occasions_of_each_client_apart() -> None:
    assert fired(ledger_of("lost nth=2"), *"abaabb") == [False, False, True, False, True, False]
    assert fired(ledger_of("lost nth=2-3"), *"aaaa") == [False, True, True, False]
    assert fired(ledger_of("lost nth=1,3-"), *"aaaa") == [True, False, True, True]


def test_times_bounds_the_firings_of_each_client() -> None:
    assert fired(ledger_of("lost times=1"), *"aab") == [True, False, True]


def test_what_a_rule_does_not_fit_is_no_occasion_of_it() -> None:
    ledger = ledger_of("lost channel=/v2/me/* nth=2")
    found = [bool(ledger.firing(event(channel=c))) for c in ("/v2/me/x", "/other/x", "/v2/me/y")]
    assert found == [False, False, True]


@given(st.integers(), st.lists(st.sampled_from("bcd"), max_size=60))
def test_the_draws_of_a_client_do_not_depend_on_the_others(seed: int, others: list[str]) -> None:
    alone = fired(ledger_of("lost probability=0.5", seed=seed), *"a" * 20)
    ledger = ledger_of("late=1s", "lost probability=0.5", seed=seed)
    crowded = []
    for at in range(20):
        for other in others[at::20]:
            ledger.firing(event(other))
        crowded.append(any(rule.kind.name == "lost" for rule in ledger.firing(event("a"))))
    assert crowded == alone


def test_a_probability_is_met_over_many_occasions_and_differs_by_seed() -> None:
    found = fired(ledger_of("lost probability=0.3", seed=5), *["a"] * 2000)
    assert 0.25 < sum(found) / len(found) < 0.35
    assert found != fired(ledger_of("lost probability=0.3", seed=6), *["a"] * 2000)


def test_several_rules_fire_on_one_occasion_in_their_order() -> None:
    ledger = ledger_of("late=1s", "duplicated", "lost nth=2")
    assert [str(rule) for rule in ledger.firing(event())] == ["late=1s", "duplicated"]


def test_bayeux_messages_are_meant_only_where_channel_or_path_say_so() -> None:
    connect = Occasion(
        scope="answer", who="a", path="/cometd", channels=("/meta/connect",), is_bayeux=True
    )
    for text, fits in (
        ("delay=1s", False),
        ("delay=1s channel=/meta/connect", True),
        ("delay=1s path=/comet*", True),
        ("delay=1s channel=/meta/subscribe", False),
    ):
        assert bool(ledger_of(text).firing(connect)) == fits, text


def test_the_tallies_tell_of_rules_that_never_fired_and_why() -> None:
    ledger = ledger_of("lost nth=9", "reset", "late=1s")
    fired(ledger, "a", "a")
    texts = [str(tally) for tally in ledger.tallies()]
    assert texts == [
        "lost nth=9: never fired, though it fitted 2 times",
        "reset: never fired; nothing came that it fits",
        "late=1s: fired 2 times",
    ]


def test_a_removed_rule_is_still_told_if_it_had_fired() -> None:
    ledger = ledger_of("late=1s", "reset")
    fired(ledger, "a")
    assert ledger.remove(1)
    assert not ledger.remove(1)
    assert fired(ledger, "a") == [False]
    assert [tally.rule for tally in ledger.tallies()] == ["late=1s", "reset"]
    assert ledger.remove(2)
    assert [tally.rule for tally in ledger.tallies()] == ["late=1s"]
