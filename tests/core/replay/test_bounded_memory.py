"""However long a replay lasts, what it remembers stays of the same size."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

import pytest

from cometape.core.bayeux.subscriptions import MAX_SUBSCRIPTIONS
from cometape.core.report.journal import MAX_LINES
from cometape.core.report.junit import junit_xml
from cometape.core.run.clients import MAX_GONE
from cometape.core.run.play import MAX_ON_THEIR_WAY, MAX_WAITING
from pulling import BINS, ITEMS, PULL, A, pulling
from scripted import Person, Script, Stage

TURNS = 100_000
SETTLED = 50_000
"""After so many turns everything that has a bound has reached it."""
ALLOWED = 1_000
"""Blocks of memory that may come and go between two looks; a turn that left one would be 50,000."""


def blocks_after(stage: Stage, turn: Callable[[], object], turns: int) -> int:
    """Blocks of memory in use after so many turns, none of which the test keeps anything of."""
    talk = stage.talk
    for _ in range(turns):
        turn()
        talk.log.clear()
        talk.exchanges.clear()
        talk.sockets.clear()
    gc.collect()
    return sys.getallocatedblocks()


def growth(stage: Stage, turn: Callable[[], object], turns: int = TURNS) -> int:
    before = blocks_after(stage, turn, min(SETTLED, turns // 2))
    return blocks_after(stage, turn, turns - min(SETTLED, turns // 2)) - before


def at_work(stage: Stage, *channels: str) -> Person:
    person = stage.person()
    person.ask("GET", "/api/v2/me")
    person.listen(*channels)
    return person


def test_a_client_that_loops_over_one_operation_costs_no_more_after_100_000_turns() -> None:
    stage = Stage(pulling(), repeats=True)
    person = at_work(stage, ITEMS, BINS)
    client = person.client
    assert client is not None
    got = 0

    def turn() -> None:
        nonlocal got
        answer = person.ask("POST", A, PULL)
        stage.settle()
        client.connect()
        events = client.events
        reference_ids = {event["data"]["referenceId"] for event in events}
        assert reference_ids == {answer.json["referenceId"]}
        got += len(events)
        client._exchanges.clear()

    assert growth(stage, turn) < ALLOWED
    assert got == 2 * TURNS
    report = stage.service.report()
    assert report.ok
    assert report.runs[0].forgotten == 0
    assert len(stage.service.journal) == MAX_LINES < stage.service.journal.total


def test_nor_does_one_that_loops_over_several_and_looks_at_what_they_did() -> None:
    script = Script()
    script.listen("a", ITEMS)
    for there, name in ((True, "Add"), (False, "Pull")):
        done = script.ask("a", "POST", "/bins/b1", {"operationName": name}, {"referenceId": 3})
        script.event("a", ITEMS, {"referenceId": 3}, cause=done)
        script.ask("a", "GET", "/bins/b1", None, {"there": there})
    stage = Stage(script, repeats=True)
    person = at_work(stage, ITEMS)
    client = person.client
    assert client is not None

    def turn() -> None:
        for there, name in ((True, "Add"), (False, "Pull")):
            person.ask("POST", "/bins/b1", {"operationName": name})
            stage.settle()
            client.connect()
            client._exchanges.clear()
            assert person.ask("GET", "/bins/b1").json == {"there": there}

    assert growth(stage, turn, TURNS // 5) < ALLOWED


def test_of_events_for_a_client_that_never_subscribes_the_latest_wait() -> None:
    stage = Stage(pulling(), repeats=True)
    person = at_work(stage)
    ids: list[int] = []
    for _ in range(2 * MAX_WAITING):
        ids.append(person.ask("POST", A, PULL).json["referenceId"])
        stage.settle()
    assert "30000 events forgotten, for too many waited" in stage.service.report().text()
    assert person.client is not None
    person.listen(ITEMS)
    found = [data["referenceId"] for _, data in person.events()]
    assert found == ids[-MAX_WAITING // 2 :]


def test_a_session_whose_client_works_but_never_polls_ends_when_too_much_waits_for_it() -> None:
    stage = Stage(pulling(), repeats=True)
    person = at_work(stage, ITEMS, BINS)
    client = person.client
    assert client is not None
    for _ in range(MAX_WAITING // 2):
        person.ask("POST", A, PULL)
        stage.talk.advance(0.02)
    (session,) = stage.service.replay.bayeux.sessions
    assert session.unfetched == MAX_WAITING
    person.ask("POST", A, PULL)
    stage.talk.advance(0.02)
    assert client.connect()["error"].startswith("402:")
    person.listen(ITEMS, BINS)
    assert len(person.events()) == MAX_WAITING


def test_while_the_clock_stands_still_repeats_send_off_only_so_many_events() -> None:
    stage = Stage(pulling(), repeats=True)
    person = at_work(stage, ITEMS, BINS)
    for _ in range(MAX_ON_THEIR_WAY // 2 + 10):
        person.ask("POST", A, PULL)
        stage.talk.exchanges.clear()
    (run,) = stage.service.report().runs
    assert run.forgotten == 20
    assert len(run.undelivered) == MAX_ON_THEIR_WAY


def test_a_session_may_have_ten_thousand_subscriptions() -> None:
    stage = Stage(pulling())
    client = at_work(stage).client
    assert client is not None
    first = [f"/of/mine/{number}" for number in range(MAX_SUBSCRIPTIONS)]
    assert client.subscribe(first)["successful"]
    assert client.subscribe("/one/more")["error"].startswith("403:")
    assert client.unsubscribe(first[0])["successful"]
    assert client.subscribe("/one/more")["successful"]


def test_of_bayeux_sessions_that_have_ended_nothing_stays_but_some_ids_for_a_while() -> None:
    stage = Stage(pulling())
    person = at_work(stage)

    def turn() -> None:
        person.shake_hands()
        stage.talk.advance(301)

    before = blocks_after(stage, turn, 2 * MAX_GONE)
    # One for each is its cookie, of which a hundred thousand are kept.
    assert blocks_after(stage, turn, MAX_GONE) - before < MAX_GONE + ALLOWED
    assert not list(stage.service.replay.bayeux.sessions)


@pytest.fixture
def few_runs(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many runs there may be at once, where ten are kept."""
    monkeypatch.setattr("cometape.core.run.seats.MAX_KEPT", 10)
    return 11


def test_of_clients_that_come_and_go_old_runs_are_summed_up(few_runs: int) -> None:
    stage = Stage(pulling())
    for number in range(100):
        person = stage.person(f"user{number % 7}" if number % 2 else None, cookies=True)
        person.ask("GET", "/api/v2/me")
        person.listen(ITEMS, BINS)
        person.ask("POST", A, PULL)
        assert len(person.events()) == 2
        person.leave()
    clients = stage.service.replay.clients
    assert len(clients.clients) == len(clients.runs) <= few_runs
    assert clients.came == clients.runs[-1].number == 100
    report = stage.service.report()
    assert report.ok
    assert report.past.runs == report.past.complete == 100 - len(report.runs)
    assert report.past.delivered == 2 * report.past.runs
    assert f"{report.past.runs} earlier runs ({report.past.runs} of them complete)" in report.text()


def test_what_was_left_over_long_ago_still_fails_a_strict_replay(few_runs: int) -> None:
    stage = Stage(pulling())
    for number in range(2 * few_runs):
        person = stage.person()
        person.ask("GET", "/api/v2/me")
        person.listen(ITEMS, BINS)
        if number:
            person.ask("POST", A, PULL)
            assert len(person.events()) == 2
        person.leave()
        stage.check_quick_looks()
    report = stage.service.report()
    assert all(run.is_complete for run in report.runs)
    assert not report.ok
    assert (report.past.unplayed, report.past.undelivered) == (1, 2)
    assert "1 recording never asked for, 2 events never delivered" in report.verdict
    assert 'failures="1"' in junit_xml({"default": report}, timestamp="2026-03-01T09:15:00")


def test_a_run_in_which_a_bayeux_session_lives_is_never_let_go(few_runs: int) -> None:
    stage = Stage(pulling())
    people = [stage.person(f"user{number}") for number in range(3 * few_runs)]
    for person in people:
        person.ask("GET", "/api/v2/me")
        person.listen(ITEMS, BINS)
    for person in people:
        person.ask("POST", A, PULL)
        assert len(person.events()) == 2


def test_a_client_that_comes_back_after_its_run_was_let_go_is_a_new_one(few_runs: int) -> None:
    stage = Stage(pulling())
    first = stage.person(cookies=True)
    for person in (first, *(stage.person(cookies=True) for _ in range(2 * few_runs)), first):
        person.ask("GET", "/api/v2/me")
        person.listen(ITEMS, BINS)
        assert person.ask("POST", A, PULL).status == 200
        person.leave()
