"""Orders as they are played: eager clients meet every one of them, others are let go in time."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.explore.conductor import PATIENCE_S
from cometape.core.explore.enumeration import orders
from cometape.core.faults.fault_reading import read_rules
from cometape.core.run.pace import Pace
from eager import played
from plots import plot_of, scripts
from scripted import JSON_HEADERS, Script, Stage


def pulling() -> Script:
    """A pull with two events on two channels, then a look."""
    script = Script()
    script.listen("ada", "/x/**")
    script.ask("ada", "POST", "/pull", {"n": 1}, {"n": 1})
    script.event("ada", "/x/a", {"event": 4}, cause=3)
    script.event("ada", "/x/b", {"event": 5}, cause=3)
    script.ask("ada", "GET", "/look", None, {"n": 1})
    return script


def seen(name: str, *, patient: bool = False, **options: Any) -> list[Any]:
    """What the client of `pulling` meets under an order."""
    script = pulling()
    _, (client,) = played(script, patient=patient, order=name, **options)
    return client.seen


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("recorded", [3, (4, 5), 6]),
        ("4-before-3", [4, 3, 5, 6]),
        ("3-after-4+5", [(4, 5), 3, 6]),
        ("6-before-5", [3, 4, 6, 5]),
        ("6-before-4+5", [3, 6, (4, 5)]),
        ("5-before-4", [3, (5, 4), 6]),
        ("5-before-4,5-apart-4", [3, 5, 4, 6]),
        ("4-apart-5", [3, 4, 5, 6]),
        ("5-before-3+4", [5, 3, 4, 6]),
    ],
)
def test_the_client_meets_the_order_that_is_named(name: str, expected: list[Any]) -> None:
    assert seen(name) == expected


def test_a_failed_try_is_made_up_for_in_any_order() -> None:
    for name, expected in (("recorded", [5, 4]), ("4-before-5", [4, 5])):
        script = Script()
        script.listen("ada", "/x/a")
        failed = script.ask("ada", "POST", "/pull", {"n": 1}, error="client left")
        script.event("ada", "/x/a", {"event": 4}, cause=failed)
        script.ask("ada", "POST", "/pull", {"n": 1}, {"n": 1})
        stage, (client,) = played(script, order=name)
        assert client.seen == expected
        assert stage.service.report().ok
        assert not stage.service.report().unrealised


def test_an_order_that_a_client_cannot_meet_is_let_go_and_told() -> None:
    """It looks only when it has both events, one of which shall come after the look."""
    script = pulling()
    stage, (client,) = played(script, patient=True, order="6-before-5")
    assert client.seen == [3, 4, 5, 6]
    report = stage.service.report()
    (told,) = report.unrealised
    assert told == 'answer 6 (GET /look) did not come before event 5 ({"event": 5} on /x/b)'
    assert f"the client could not meet the order:\n  {told}" in report.text()
    assert report.ok
    assert stage.talk.now_s - 1000 < 2 * PATIENCE_S


def test_how_long_nothing_happens_before_that_can_be_said() -> None:
    script = pulling()
    stage, _ = played(script, patient=True, order="6-before-5", order_patience_s=3.0)
    assert 3.0 <= stage.talk.now_s - 1000 < 3.5


def test_a_client_that_says_goodbye_gets_what_is_held_for_it_first() -> None:
    script = pulling()
    stage = Stage(script, order="6-before-4+5")
    person = stage.person("ada")
    client = person.listen("/x/**")
    poll = client.hold()
    person.ask("POST", "/pull", {"n": 1})
    stage.talk.advance(0.1)
    assert poll.held
    person.leave()
    assert [event["data"]["event"] for event in poll.events] == [4, 5]
    assert len(stage.service.report().unrealised) == 2


def test_every_run_is_played_in_the_order_anew() -> None:
    script = pulling()
    for _ in range(3):
        _, (client,) = played(script, order="4-before-3")
        assert client.seen == [4, 3, 5, 6]


def test_faults_befall_what_is_conducted() -> None:
    assert seen("4-before-3", faults=read_rules(["lost entry=5"])) == [4, 3, 6]
    assert seen("recorded", faults=read_rules(["duplicated entry=4"])) == [3, (4, 4, 5), 6]


def test_reads_that_repeat_are_steps_in_their_order() -> None:
    script = Script()
    script.listen("ada", "/x/**")
    for cause in (3, 6):
        script.ask("ada", "POST", f"/do/{cause}", {}, {})
        script.event("ada", "/x/a", {"event": cause + 1}, cause=cause)
        script.ask("ada", "GET", "/look", None, {"n": cause})
    _, (client,) = played(script, order="8-before-7")
    assert client.seen == [3, 4, 5, 6, 8, 7]


MANUAL = Pace.parse("manual")


def by_hand(script: Script, order: str) -> Stage:
    """A replay in an order by a clock that stands still."""
    return Stage(script, pace=MANUAL, order=order)


def test_on_a_clock_that_stands_still_answers_go_without_it_and_events_wait_for_it() -> None:
    script = pulling()
    stage = by_hand(script, "recorded")
    assert stage.run is not None
    person = stage.person("ada")
    poll = person.listen("/x/**").hold()
    assert person.ask("POST", "/pull", {"n": 1}).json == {"n": 1}
    stage.talk.advance(60)
    assert poll.held
    moment = stage.run.moment(stage.talk.now_s)
    assert [(one.what, one.client, one.entry) for one in moment.pending] == [
        ("event", "ada", 4),
        ("event", "ada", 5),
        ("timeout", "ada", None),
    ]
    assert moment.pending[0].text.endswith(": what the order holds back")
    stage.talk.carry_out(stage.run.advance_to_next("event"))
    assert [event["data"]["event"] for event in poll.events] == [4, 5]


def test_on_a_clock_that_stands_still_an_event_comes_before_its_answer_all_the_same() -> None:
    script = pulling()
    stage = by_hand(script, "4-before-3")
    assert stage.run is not None
    person = stage.person("ada")
    client = person.listen("/x/**")
    pull = stage.talk.send(
        "POST", "/pull", headers=[*person.headers, *JSON_HEADERS], body=b'{"n":1}'
    )
    assert pull.held
    assert stage.run.moment(0).pending[0].what == "expiry", "nothing is told of that never comes"
    assert [
        event["data"]["event"]
        for event in client.send(
            client.message("/meta/connect", connectionType="long-polling")
        ).events
    ] == [4]
    assert pull.held
    stage.talk.advance(0.01)
    assert pull.answered
    assert stage.run.moment(0).now_s == 0.0


def test_on_a_clock_that_stands_still_what_a_client_cannot_meet_is_let_go_all_the_same() -> None:
    """An answer shall come after an event, which no poll takes; an event after a look."""
    script = pulling()
    stage = by_hand(script, "4-before-3")
    person = stage.person("ada")
    person.listen("/x/**")
    pull = stage.talk.send(
        "POST", "/pull", headers=[*person.headers, *JSON_HEADERS], body=b'{"n":1}'
    )
    stage.talk.advance(PATIENCE_S - 0.01)
    assert pull.held
    stage.talk.advance(0.02)
    assert pull.answered
    stage, (client,) = played(script, patient=True, order="6-before-5", pace=MANUAL)
    assert client.seen == [3, 4, 5, 6]
    assert len(stage.service.report().unrealised) == 1


def test_on_a_clock_that_stands_still_events_come_at_once_that_an_answer_waits_for() -> None:
    script = pulling()
    stage = by_hand(script, "recorded")
    person = stage.person("ada")
    poll = person.listen("/x/**").hold()
    person.ask("POST", "/pull", {"n": 1})
    look = stage.talk.send("GET", "/look", headers=person.headers)
    stage.talk.advance(0.03)
    assert [event["data"]["event"] for event in poll.events] == [4, 5]
    assert look.answered


def test_between_two_answers_no_time_passes() -> None:
    script = Script()
    for number in (1, 2, 3):
        script.ask("ada", "POST", f"/{number}", {}, {})
    stage = Stage(script, order="recorded")
    person = stage.person("ada")
    for number in (1, 2, 3):
        person.ask("POST", f"/{number}", {})  # fails where it is held


@settings(max_examples=60)
@given(scripts(), st.integers(0, 60), st.sampled_from(["instant", "recorded", "manual"]))
def test_eager_clients_meet_every_order(script: Script, skipped: int, pace: str) -> None:
    """Nothing is let go, nothing is undelivered, and each client sees its part of the order.

    The pace does not matter; where a test holds the clock, no answer waits for it.
    """
    plot = plot_of(script)
    for order in islice(orders(plot), skipped, skipped + 6):
        stage, clients = played(script, order=order.name, pace=Pace.parse(pace))
        report = stage.service.report()
        assert report.unrealised == ()
        assert pace == "recorded" or stage.talk.now_s - 1000 < PATIENCE_S
        assert report.ok, report.text()
        for client in clients:
            flat = [
                number
                for one in client.seen
                for number in (one if isinstance(one, tuple) else (one,))
            ]
            mine = client.person.user
            steps = [plot.steps[place] for place in order.sequence]
            assert flat == [step.number for step in steps if step.session == mine]
