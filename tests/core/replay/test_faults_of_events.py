"""Faults that befall events, and those of an API: early, late, lost, more than once, changed."""

from __future__ import annotations

from cometape.core.faults.fault_reading import read_rules
from pulled import BIN, BINS, ITEMS, KINDS, channels_of, pull, pulling, staged, told
from scripted import Script, Stage


def test_an_event_comes_before_its_answer() -> None:
    stage, person = staged("early entry=6")
    assert person.client is not None
    poll, asked = person.client.hold(), pull(stage, person)
    assert [event["channel"] for event in poll.events] == [ITEMS]
    assert asked.held, "the answer waits a moment, so that the event is seen first"
    stage.settle()
    assert asked.json["referenceId"] == poll.events[0]["data"]["referenceId"]
    assert channels_of(person) == [ITEMS, BINS]


def test_an_event_comes_before_its_answer_over_a_websocket_too() -> None:
    stage = Stage(pulling(), faults=read_rules(["early operation=PullWorkitem"]))
    person = stage.person("agent7")
    client = person.listen(ITEMS, BINS, connection_type="websocket")
    asked = pull(stage, person)
    assert [event["channel"] for event in client.events] == [ITEMS, BINS]
    assert asked.held
    stage.talk.advance(0.01)
    assert asked.answered


def test_an_answer_waits_for_the_poll_that_takes_the_early_event() -> None:
    stage, person = staged("early entry=6")
    asked = pull(stage, person)
    stage.talk.advance(1)
    assert asked.held
    assert person.client is not None
    person.client.poll()
    stage.settle()
    assert asked.answered


def test_an_answer_does_not_wait_for_ever() -> None:
    stage, person = staged("early=3s entry=6")
    asked = pull(stage, person)
    stage.talk.advance(2.9)
    assert asked.held
    stage.talk.advance(0.2)
    assert asked.answered
    assert "no poll took the early event in time" in told(stage)[-1]


def test_an_event_comes_late_and_one_never() -> None:
    stage, person = staged("late=5s channel=/v2/me/workitems", "lost channel=/v2/me/workbins")
    pull(stage, person)
    assert channels_of(person) == []
    assert stage.service.report().ok
    stage.talk.advance(5)
    assert channels_of(person) == [ITEMS]
    report = stage.service.report()
    assert report.ok, report.text()
    assert "lost channel=/v2/me/workbins: fired once" in report.text()


def test_what_a_lost_event_causes_comes_all_the_same() -> None:
    script = pulling()
    script.event("agent7", BINS, {"action": "Next"}, cause=6)
    stage, person = staged("lost entry=6", script=script)
    pull(stage, person)
    assert sorted(data["action"] for data in person.data()) == ["ItemRemoved", "Next"]
    report = stage.service.report()
    assert report.ok, report.text()


def test_an_event_comes_twice() -> None:
    stage, person = staged("duplicated entry=6")
    pull(stage, person)
    found = person.events()
    assert [channel for channel, _ in found] == [ITEMS, ITEMS, BINS]
    assert found[0] == found[1]


def test_copies_of_an_event_come_apart() -> None:
    stage, person = staged("duplicated=3 after=10s entry=6")
    pull(stage, person)
    assert channels_of(person) == [ITEMS, BINS]
    stage.talk.advance(10)
    assert channels_of(person) == [ITEMS, BINS, ITEMS]
    stage.talk.advance(10)
    assert channels_of(person) == [ITEMS, BINS, ITEMS, ITEMS]


def test_an_event_is_overtaken_by_one_on_another_channel() -> None:
    stage, person = staged("reordered entry=6")
    pull(stage, person)
    assert channels_of(person) == [BINS, ITEMS]


def test_an_event_that_nothing_overtakes_comes_after_all() -> None:
    stage, person = staged("reordered=2s entry=7")
    pull(stage, person)
    assert channels_of(person) == [ITEMS]
    stage.talk.advance(2)
    assert channels_of(person) == [ITEMS, BINS]


def test_where_all_may_be_overtaken_the_next_one_overtakes_the_first() -> None:
    """Were both to wait, none would overtake the other."""
    stage, person = staged("reordered")
    pull(stage, person)
    assert channels_of(person) == [BINS, ITEMS]
    assert "reordered: fired once" in stage.service.report().text()


def test_a_late_event_overtakes_one_that_waits_for_it() -> None:
    stage, person = staged("reordered=1s entry=6", "late=300ms entry=7")
    pull(stage, person)
    assert channels_of(person) == []
    stage.talk.advance(0.3)
    assert channels_of(person) == [BINS, ITEMS]


def test_an_event_that_is_late_waits_to_be_overtaken_from_then_on() -> None:
    stage, person = staged("late=2s entry=6", "reordered=3s entry=6", "late=4s entry=7")
    pull(stage, person)
    stage.talk.advance(3.8)
    assert channels_of(person) == []
    stage.talk.advance(0.2)
    assert channels_of(person) == [BINS, ITEMS]


def test_copies_wait_with_the_event_that_is_overtaken() -> None:
    stage, person = staged("duplicated entry=6", "reordered entry=6")
    pull(stage, person)
    assert channels_of(person) == [BINS, ITEMS, ITEMS]
    stage, person = staged("duplicated=2 after=1s entry=6", "reordered=5s entry=6", "lost entry=7")
    pull(stage, person)
    stage.talk.advance(4.8)
    assert channels_of(person) == []
    stage.talk.advance(0.2)
    assert channels_of(person) == [ITEMS]
    stage.talk.advance(1)
    assert channels_of(person) == [ITEMS, ITEMS]


def test_two_rules_of_one_kind_do_together_what_each_does() -> None:
    stage, person = staged("duplicated=2 entry=6", "duplicated=3 entry=6", "late=1s", "late=2s")
    pull(stage, person)
    stage.talk.advance(2.8)
    assert channels_of(person) == []
    stage.talk.advance(0.2)
    assert channels_of(person) == [ITEMS] * 4 + [BINS]


def test_an_event_says_something_else() -> None:
    stage, person = staged("""changed='{"referenceId": null, "more": 1}' entry=6""")
    pull(stage, person)
    first, second = person.data()
    assert "referenceId" not in first
    assert first["more"] == 1
    assert "referenceId" in second


def test_events_can_be_lost_by_chance_and_the_seed_says_which() -> None:
    def seen(seed: int) -> list[str]:
        stage, person = staged("lost probability=0.5", seed=seed)
        pull(stage, person)
        return channels_of(person)

    outcomes = {tuple(seen(seed)) for seed in range(12)}
    assert len(outcomes) > 2
    assert seen(3) == seen(3)


def test_csrf_403_refuses_operations_alone() -> None:
    stage, person = staged("csrf-403 nth=1")
    assert person.ask("GET", "/api/v2/me").status == 200
    refused = pull(stage, person)
    assert (refused.status, refused.body) == (403, "Missing or invalid Csrf token")
    assert pull(stage, person).status == 200


def test_a_request_fails_after_it_was_accepted() -> None:
    stage, person = staged("request-failed operation=PullWorkitem")
    answer = pull(stage, person).json
    ((channel, data),) = person.events()
    assert channel == ITEMS
    assert data["notificationType"] == "Error"
    assert data["referenceId"] == answer["referenceId"]
    assert stage.service.report().ok


def test_a_subscription_to_a_workbin_fails() -> None:
    script = Script()
    script.listen("agent7", ITEMS, BINS)
    sent = {"operationName": "Subscribe"}
    script.ask("agent7", "POST", BIN, sent, {"statusCode": 0, "referenceId": 3})
    subscribed = {
        "messageType": "WorkbinSubscriptionStateChangeMessage",
        "stateResource": "Subscribed",
        "id": "34",
    }
    script.event("agent7", BINS, subscribed)
    stage = Stage(script, faults=read_rules(["request-failed"], KINDS))
    person = stage.person("agent7")
    person.listen(ITEMS, BINS)
    person.ask("POST", BIN, sent)
    assert [data["stateResource"] for data in person.data()] == ["RequestFailed"]


def test_the_http_session_ends_and_bayeux_with_it() -> None:
    stage, person = staged("session-ended operation=PullWorkitem nth=1")
    assert person.client is not None
    poll, refused = person.client.hold(), pull(stage, person)
    assert refused.status == 401
    assert refused.json == {"statusCode": 20, "statusMessage": "Access denied"}
    assert poll.message["error"].startswith("402:")
