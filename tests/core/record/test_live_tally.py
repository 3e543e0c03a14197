"""What the live table counts, told as conversations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cometape.core.cassette import Event, Exchange
from cometape.core.profile.profile import Profile
from cometape.core.record.live_tally import MAX_KINDS, OTHERS, LiveTally, LiveView, OperationRow
from cometape.profiles import load_profile
from scripted import Script

BIN = "/api/v2/me/workbins/9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522"
ITEMS = "/v2/me/workitems"


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("workbins")


@pytest.fixture
def script() -> Script:
    script = Script()
    script.listen("agent7", "/v2/me/*")
    return script


@pytest.fixture
def seen(profile: Profile, script: Script) -> Any:
    def seen() -> LiveView:
        tally = LiveTally(profile)
        for entry in script.entries:
            tally.observe(entry)
        return tally.view()

    return seen


def pull(script: Script, reference_id: int, session: str = "agent7") -> int:
    sent = {"operationName": "PullWorkitem", "id": f"item-{reference_id}"}
    return script.ask(session, "POST", BIN, sent, {"statusCode": 0, "referenceId": reference_id})


def test_nothing_is_known_of_an_empty_recording(profile: Profile) -> None:
    assert LiveTally(profile).view() == LiveView()


def test_an_operation_waits_until_its_event_comes(script: Script, seen: Any) -> None:
    cause = pull(script, 17)
    (waiting,) = seen().waiting
    assert (waiting.name, waiting.session, waiting.number) == ("PullWorkitem", "agent7", cause)
    assert waiting.ids == (("reference-id", 17),)
    assert waiting.since_s == pytest.approx(cause + 0.1)  # when it was answered
    assert seen().operations == (OperationRow(name="PullWorkitem", times=1, waiting=1),)

    script.event("agent7", ITEMS, {"referenceId": 17}, cause)
    assert seen().waiting == ()
    assert seen().operations == (OperationRow(name="PullWorkitem", times=1, events=1),)
    assert (seen().events, seen().matched, seen().unmatched) == (1, 1, 0)


def test_further_events_of_an_operation_are_counted_with_it(script: Script, seen: Any) -> None:
    cause = pull(script, 17)
    for channel in (ITEMS, "/v2/me/workbins"):
        script.event("agent7", channel, {"referenceId": 17}, cause)
    assert [row.events for row in seen().operations] == [2]


def test_an_operation_with_several_ids_waits_for_each(script: Script, seen: Any) -> None:
    answer = {"statusCode": 0, "referenceIds": {"agent7": 17, "agent8": 18}}
    cause = script.ask("agent7", "POST", BIN, {"operationName": "Subscribe"}, answer)
    script.event("agent7", ITEMS, {"referenceId": 17}, cause)
    script.event("agent7", ITEMS, {"referenceId": 17}, cause)
    (waiting,) = seen().waiting
    assert waiting.ids == (("reference-id", 18),)
    script.event("agent7", ITEMS, {"stateResource": "Subscribed"}, cause)  # carries no id
    assert seen().waiting == ()


def test_an_event_that_overtook_its_answer_is_matched_when_that_comes(
    script: Script, seen: Any
) -> None:
    script.event("agent7", ITEMS, {"referenceId": 17})
    assert seen().unmatched == 1
    pull(script, 17)
    assert (seen().matched, seen().unmatched, seen().waiting_total) == (1, 0, 0)
    assert seen().operations[0].events == 1


def test_an_equal_id_of_another_session_matches_nothing(script: Script, seen: Any) -> None:
    script.event("agent8", ITEMS, {"referenceId": 17})
    pull(script, 17)
    assert (seen().matched, seen().unmatched, seen().waiting_total) == (0, 1, 1)


def test_reads_are_one_row(script: Script, seen: Any) -> None:
    for item in range(3):
        script.ask("agent7", "GET", f"/api/v2/me/workitems/{item}", None, {})
    script.ask("agent7", "GET", "/nothing", None, {}, status=404)
    assert seen().reads == OperationRow(name="reads", times=4, failed=1)
    assert seen().operations == ()
    assert (seen().exchanges, seen().sessions, seen().subscriptions) == (4, 1, 1)


def test_what_has_no_name_is_called_by_its_path_without_ids(script: Script, seen: Any) -> None:
    for item in ("02F0XAMPLE00001A", "02F0XAMPLE00001B"):
        script.ask("agent7", "POST", f"/api/v2/me/workitems/{item}/notes?x={item}", {}, {})
    script.publish("agent7", "/chat/00012", {"text": "hello"})
    assert [(row.name, row.times) for row in seen().operations] == [
        ("POST /api/v2/me/workitems/…/notes", 2),
        ("publish /chat/…", 1),
    ]


def test_the_echo_of_a_publish_is_counted_with_it(script: Script, seen: Any) -> None:
    cause = script.publish("agent7", "/chat", {"text": "hello"})
    script.event("agent7", "/chat", {"text": "hello"}, cause)
    assert [(row.name, row.events) for row in seen().operations] == [("publish /chat", 1)]


@pytest.mark.parametrize("how", [{"status": 500}, {"status": 403}, {"error": "client left"}])
def test_a_failure_is_counted_with_its_operation(
    script: Script, seen: Any, how: dict[str, Any]
) -> None:
    script.ask("agent7", "POST", BIN, {"operationName": "PullWorkitem"}, {}, **how)
    assert seen().operations == (OperationRow(name="PullWorkitem", times=1, failed=1),)


def test_a_refused_subscription_is_a_problem(script: Script, seen: Any) -> None:
    script.subscribe("agent7", "/a", "/b", successful=False, error="403::denied")
    assert seen().problems == (("subscribe refused: 403::denied", 2),)
    assert seen().subscriptions == 1


def test_it_stays_bounded_however_many_operations_come(profile: Profile) -> None:
    script = Script()
    asked = script.ask("agent7", "POST", "/x", {"operationName": "A"}, {"referenceId": 1})
    exchange = script.entries[asked - 1]
    assert isinstance(exchange, Exchange)
    tally = LiveTally(profile)
    for number in range(5000):
        body = f'{{"operationName":"A{number}"}}'.encode()
        request = replace(exchange.request, body=body)
        response = replace(exchange.response, body=f'{{"referenceId":{number}}}'.encode())  # type: ignore[type-var]
        tally.observe(replace(exchange, number=number, request=request, response=response))
    for number in range(5000, 9000):
        event = Event(number=number, session="agent7", channel="/a", data={"referenceId": number})
        tally.observe(event)
    view = tally.view()
    assert len(view.operations) == MAX_KINDS + 1
    assert view.operations[-1].name == OTHERS
    assert sum(row.times for row in view.operations) == view.exchanges == 5000
    assert view.waiting_total == 5000
    assert len(view.waiting) == 5
