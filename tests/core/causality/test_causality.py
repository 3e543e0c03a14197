"""Events find what caused them; what nothing explains stays spontaneous."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest

from causal_tape import (
    BAYEUX,
    OTHER_W,
    WORKBINS,
    Tape,
    W,
    X,
    Y,
    in_workbin,
    ref,
    subscription,
    workitem,
)
from cometape.core.cassette import Cassette, Disconnect, Event, Header, Publish
from cometape.core.causality.inference import Cause, CauseFinder, infer_causes
from cometape.core.errors import CassetteError

# By identity.


def test_an_event_with_the_reference_id_of_an_answer_was_caused_by_it() -> None:
    tape = Tape()
    pull = tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(17))
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=Y, answer=ref(18))
    tape.event(workitem("Processing", referenceId=17))
    tape.event(in_workbin("ItemRemoved", referenceId=17))
    assert tape.causes() == [pull, pull]
    assert tape.rules() == ["reference-id of the same session"] * 2


def test_each_reference_id_of_a_map_points_to_the_one_request() -> None:
    tape = Tape()
    both = tape.post(
        f"/api/v2/me/workbins?workbinIds={W},{OTHER_W}",
        "Subscribe",
        answer={"statusCode": 0, "referenceIds": {OTHER_W: 57, W: 56}},
    )
    tape.event(subscription("Subscribed", W, referenceId=56))
    tape.event(subscription("Subscribed", OTHER_W, referenceId=57))
    assert tape.causes() == [both, both]


def test_equal_reference_ids_of_two_sessions_are_not_mixed_up() -> None:
    tape = Tape()
    of_7 = tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(3))
    of_8 = tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=Y, answer=ref(3), session="agent8")
    tape.event(workitem("Processing", X, referenceId=3), session="agent7")
    tape.event(workitem("Processing", Y, referenceId=3), session="agent8")
    tape.event(in_workbin("ItemRemoved", X, referenceId=3), session="agent8")
    tape.event(in_workbin("ItemRemoved", Y, referenceId=3), session="agent7")
    assert tape.causes() == [of_7, of_8, of_7, of_8]


def test_an_actors_reference_id_reaching_others_points_to_the_actors_request() -> None:
    tape = Tape()
    pull = tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(3))
    tape.event(in_workbin("ItemRemoved", referenceId=3), session="agent8")
    assert tape.causes() == [pull]
    assert tape.rules() == [None]  # while recording, its own session may yet issue a 3


def test_one_session_s_counter_that_starts_again_points_to_the_latest() -> None:
    tape = Tape()
    tape.post("/api/v2/me/workitems", "Create", answer=ref(1))
    tape.post("/api/v2/me", "EndContactCenterSession")
    second = tape.post("/api/v2/me/workitems", "Create", answer=ref(1))
    tape.event(workitem("Processing", referenceId=1))
    assert tape.causes() == [second]


def test_an_event_that_overtakes_its_answer_finds_its_cause() -> None:
    tape = Tape()
    tape.post(f"/api/v2/workbins/{W}", "AddWorkitem", id=X, answer=ref(7), session="agent8")
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(7), took_s=0.5)
    pull = tape.entries.pop()
    tape.now_s = 0.2
    tape.event(workitem("Processing"))
    tape.event(workitem("Processing", referenceId=7))
    tape.entries.append(replace(pull, number=4))
    assert tape.causes() == [4, 4]


def test_an_event_is_not_caused_by_a_request_that_began_after_it() -> None:
    tape = Tape()
    tape.event(workitem("Processing", referenceId=7))
    tape.event(workitem("Processing"))
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(7))
    assert tape.causes() == ["spontaneous", "spontaneous"]


def test_a_number_that_is_no_reference_id_ties_nothing() -> None:
    tape = Tape()
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(17))
    tape.event({"messageType": "Other", "userData": {"referenceId": 17}, "count": 17})
    assert tape.causes() == ["spontaneous"]


# By publish.


def test_a_broadcast_is_the_echo_of_the_publish_with_equal_data_for_everybody_once() -> None:
    tape = Tape()
    first = tape.publish("/chat", {"text": "hi", "n": 1})
    tape.event({"n": 1, "text": "hi"}, channel="/chat", session="agent8")
    second = tape.publish("/chat", {"text": "hi", "n": 1})
    tape.event({"text": "hi", "n": 1}, channel="/chat")
    tape.event({"text": "hi", "n": 1}, channel="/chat", session="agent8")
    tape.event({"text": "hi", "n": 1}, channel="/chat")
    tape.event({"text": "ho", "n": 1}, channel="/chat")
    tape.event({"text": "hi", "n": 1}, channel="/other")
    assert tape.causes(BAYEUX) == [first, first, second, second, "spontaneous", "spontaneous"]


def test_an_echo_may_come_just_before_the_reply_to_its_publish() -> None:
    tape = Tape()
    tape.event("x", channel="/chat")
    publish = tape.publish("/chat", "x")
    assert tape.causes(BAYEUX) == [publish]


def test_a_service_answers_the_session_that_asked_by_message_id_where_there_is_one() -> None:
    tape = Tape()
    one = tape.publish("/service/echo", {"q": 1}, message_id="4")
    two = tape.publish("/service/echo", {"q": 2}, message_id="5")
    tape.event({"a": 2}, channel="/service/echo", message_id="5")
    tape.event({"a": 0}, channel="/service/echo", session="agent8")
    tape.event({"a": 1}, channel="/service/echo")
    tape.event({"a": 3}, channel="/service/echo")
    assert tape.causes(BAYEUX) == [two, "spontaneous", one, "spontaneous"]


def test_a_publish_that_was_refused_causes_nothing() -> None:
    tape = Tape()
    tape.entries.append(
        Publish(number=1, session="agent7", successful=False, channel="/chat", data="x")
    )
    tape.event("x", channel="/chat")
    assert tape.causes(BAYEUX) == ["spontaneous"]


# What is written down.


def test_a_written_cause_stays_even_against_the_reference_id() -> None:
    tape = Tape()
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(17))
    other = tape.post("/api/v2/me", "Ready")
    tape.event(workitem("Processing", referenceId=17), cause=other)
    tape.event(workitem("Processing", referenceId=17), cause="spontaneous")
    assert tape.causes() == [other, "spontaneous"]


def test_a_written_cause_uses_up_an_outcome_that_comes_once() -> None:
    tape = Tape()
    one = tape.post(f"/api/v2/workbins/{W}", "Subscribe", answer=ref(1))
    two = tape.post(f"/api/v2/workbins/{W}", "Subscribe", answer=ref(2))
    tape.event(subscription("Subscribed"), cause=one)
    tape.event(subscription("Subscribed"))
    assert tape.causes() == [one, two]


@pytest.mark.parametrize(
    ("cause", "message"),
    [(9, "no entry"), (3, "in a circle: 3 by 3"), (4, "began later"), (5, "came later")],
)
def test_a_written_cause_that_cannot_be_is_refused(cause: int, message: str) -> None:
    tape = Tape()
    tape.post("/api/v2/me", "Ready")
    tape.event({})
    tape.event({}, cause=cause)
    tape.post("/api/v2/me", "Ready")
    tape.event({})
    with pytest.raises(CassetteError, match=message) as refused:
        tape.causes()
    assert refused.value.entry == 3
    assert "spontaneous" in refused.value.hint


def test_other_entries_are_left_as_they_are() -> None:
    tape = Tape()
    tape.post("/api/v2/me", "Ready")
    tape.entries.append(Disconnect(number=2, session="agent7"))
    cassette = Cassette(Header(scenario="x"), tuple(tape.entries))
    assert infer_causes(cassette, WORKBINS) == cassette


# While recording.


def test_an_event_whose_identity_was_not_seen_yet_waits_for_its_answer() -> None:
    tape = Tape()
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=X, answer=ref(3), session="agent8")
    tape.post(f"/api/v2/workbins/{W}", "PullWorkitem", id=Y, answer=ref(3), took_s=0.5)
    tape.now_s = 0.2
    tape.event(workitem("Processing", Y, referenceId=3))
    of_8, of_7, event = tape.entries
    assert isinstance(event, Event)
    finder = CauseFinder(WORKBINS)
    finder.observe(of_8)
    assert finder.cause_of(event) is None
    finder.observe(of_7)
    assert finder.cause_of(event) == Cause(2, "reference-id of the same session")


def test_memory_is_bounded() -> None:
    finder = CauseFinder(WORKBINS, max_operations=200)
    used: list[int] = []
    tracemalloc.start()
    try:
        for first in (1, 301, 601):
            for number in range(first, first + 300):
                tape = Tape(timed=False)
                tape.post(f"/w/{number}", "PullWorkitem", id=f"I{number}", answer=ref(number))
                finder.observe(replace(tape.entries[0], number=number))
            used.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert used[2] < used[1] * 1.1

    def cause_of(number: int) -> Cause | None:
        event = Event(number=1, session="agent7", channel="/x", data={"referenceId": number})
        return finder.cause_of(event, last_chance=True)

    assert cause_of(900) == Cause(900, "reference-id of the same session")
    assert cause_of(1) is None
