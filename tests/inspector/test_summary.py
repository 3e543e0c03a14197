"""What a summary finds in a cassette."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from cometape.core.cassette import Cassette, Event
from cometape.core.catalogue import Catalogue
from cometape.core.causality.inference import infer_causes
from cometape.core.errors import CassetteError
from cometape.inspector.as_json import summary_as_json
from cometape.inspector.entry_links import links
from cometape.inspector.survey import summarise
from cometape.inspector.wording import event_words, printable, short_target, title
from cometape.profiles import load_profile
from strategies import cassettes
from two_sessions import ITEM, TWO_SESSIONS

WORKBINS = load_profile("workbins")
BAYEUX = load_profile("bayeux")
INFERRED = infer_causes(TWO_SESSIONS, WORKBINS)
CATALOGUE = Catalogue.of(INFERRED)
SUMMARY = summarise(CATALOGUE, WORKBINS)


def test_sessions_come_with_their_subscriptions_and_counts() -> None:
    supervisor, agent = SUMMARY.sessions
    assert (supervisor.name, supervisor.connection_types) == ("supervisor", ("long-polling",))
    assert (supervisor.operations, supervisor.reads, supervisor.events) == (2, 0, 2)
    assert [(one.channel, one.error) for one in agent.subscriptions] == [
        ("/v2/me/*", None),
        ("/secret", "403:/secret:denied"),
    ]
    assert (agent.operations, agent.reads, agent.events) == (2, 4, 4)
    assert (agent.began_s, agent.ended_s) == (0.3, 3.0)


def test_an_operation_is_told_with_its_id_and_the_events_it_caused() -> None:
    pull = SUMMARY.operations[0]
    assert (pull.number, pull.name, pull.subject) == (7, "PullWorkitem", ITEM)
    assert pull.correlation_ids == (("reference-id", 7),)
    assert [(one.number, one.session) for one in pull.effects] == [(8, "agent"), (10, "supervisor")]
    assert pull.effects[0].after_request_s == pytest.approx(0.046)
    assert pull.effects[0].after_answer_s == pytest.approx(0.016)


def test_an_event_that_overtook_its_answer_has_a_negative_delay() -> None:
    complete = SUMMARY.operations[1]
    assert complete.effects[0].after_answer_s == pytest.approx(-0.01)


def test_a_publish_is_an_operation_too() -> None:
    publish = SUMMARY.operations[-1]
    assert (publish.method, publish.target, publish.outcome) == (None, "/chat", "ok")
    assert [one.number for one in publish.effects] == [21]


def test_reads_of_one_target_are_told_together() -> None:
    (reads,) = SUMMARY.reads
    assert (tuple(reads.numbers), reads.outcomes) == (
        (15, 17, 18, 19),
        ("client left", "503", "200"),
    )


def test_spontaneous_events_name_the_client_action_they_follow() -> None:
    assert [(one.number, one.after) for one in SUMMARY.spontaneous] == [(13, 9), (16, 7)]


def test_problems_are_named_in_the_order_of_the_entries() -> None:
    assert [(one.kind, one.entry) for one in SUMMARY.problems] == [
        ("refused", 6),
        ("no-event", 14),
        ("failed", 15),
        ("no-cause", 16),
        ("failed", 17),
        ("not-subscribed", 21),
    ]
    assert SUMMARY.problems[1].what == "Add was answered with reference-id 14, and no event came"


def test_a_cassette_without_entries_has_a_summary() -> None:
    summary = summarise(Catalogue.of(Cassette(TWO_SESSIONS.header)), WORKBINS)
    assert (summary.entries, summary.duration_s, list(summary.problems)) == (0, None, [])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(cassettes())
def test_any_cassette_has_a_summary_that_is_json(cassette: Cassette) -> None:
    try:
        inferred = infer_causes(cassette, BAYEUX)
    except CassetteError:  # the strategy lets an event cause another
        inferred = cassette
    summary = summarise(Catalogue.of(inferred), BAYEUX)
    assert json.loads("".join(summary_as_json(summary, "c.yaml")))["entries"] == summary.entries
    assert summary.entries == len(cassette.entries)


def test_the_json_is_indented_as_a_whole_although_it_comes_in_pieces() -> None:
    text = "".join(summary_as_json(SUMMARY, "c.yaml"))
    found = json.loads(text)
    assert json.dumps(found, indent=2) + "\n" == text
    operations = found["operations"]
    assert operations[0]["correlation_ids"] == [{"kind": "reference-id", "value": 7}]


def test_an_entry_knows_its_cause_its_effects_and_its_neighbours() -> None:
    pull = links(CATALOGUE, 7, WORKBINS)
    assert pull is not None
    assert [(one.number, one.kind, one.after_s) for one in pull.effects] == [
        (8, "event", 0.016),
        (10, "event", 0.028),
    ]
    assert pull.previous is not None
    assert pull.following is not None
    assert (pull.previous.number, pull.following.number) == (3, 10)
    gone = links(CATALOGUE, 8, WORKBINS)
    assert gone is not None
    assert gone.cause is not None
    assert (gone.cause.number, gone.cause.title) == (7, f"PullWorkitem {ITEM} 200")
    assert links(CATALOGUE, 12, WORKBINS) is None


def test_without_times_delays_are_unknown() -> None:
    timeless = Cassette(
        INFERRED.header, tuple(replace(entry, at_s=None) for entry in INFERRED.entries)
    )
    summary = summarise(Catalogue.of(timeless), WORKBINS)
    assert summary.operations[0].effects[0].after_answer_s is None
    assert summary.duration_s is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"messageType": "WorkitemStateChangeMessage", "notificationType": "StatusChange",
          "workitem": {"state": "Processing", "userData": {"deep": "Deep"}}},
         "StatusChange Processing"),
        ({"messageType": "WorkbinSubscriptionStateChangeMessage"},
         "WorkbinSubscriptionStateChangeMessage"),
        ({"id": "02F0", "n": 1, "list": ["Word"]}, ""),
        ([1], ""), (None, ""), ("hello", "hello"), (17, "17"),
    ],
)  # fmt: skip
def test_the_words_of_an_event_tell_what_it_is(data: object, words: str) -> None:
    assert event_words(data) == words  # type: ignore[arg-type]


def test_long_ids_are_cut_and_words_are_not() -> None:
    assert short_target("/api/v2/me/workbins/9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522?a=*") == (
        "/api/v2/me/workbins/9c1d5…?a=*"
    )
    assert short_target("/api/v2/settings/interaction-workspace") == (
        "/api/v2/settings/interaction-workspace"
    )


def test_control_characters_are_made_visible() -> None:
    assert printable("a\x1b[31m\n") == "a\\x1b[31m\\n"
    event = Event(number=1, session="a", channel="/a", data="x\ny")
    assert title(event, WORKBINS) == "/a x\ny"
