"""What an operation brings about: several events, to several sessions, by way of other events."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.run.pace import Pace
from scripted import Person, Script, Stage

BINS = "/v2/me/workbins"
ITEMS = "/v2/me/workitems"
BIN = "/api/v2/users/00025aA4/workbins/3434543f"
PULL = {"operationName": "PullWorkitem", "id": "02F0XAMPLE00001A"}


def supervision() -> Script:
    """A supervisor pulls an item from an agent's workbin: both are told, on two channels."""
    script = Script()
    for who in ("supervisor", "agent7"):
        script.ask(who, "GET", "/api/v2/me", None, {"statusCode": 0, "user": {"userName": who}})
        script.listen(who, "/v2/me/*")
    removed = {
        "messageType": "WorkbinStateChangeMessage",
        "action": "ItemRemoved",
        "id": "3434543f",
        "workitemStateResourceV2": {"id": PULL["id"]},
    }
    taken = {
        "messageType": "WorkitemStateChangeMessage",
        "notificationType": "StatusChange",
        "referenceId": 17,
        "workitem": {"id": PULL["id"], "state": "Processing"},
    }
    script.ask("supervisor", "POST", BIN, PULL, {"statusCode": 0, "referenceId": 17})
    script.event("supervisor", BINS, removed | {"referenceId": 17})
    script.event("agent7", BINS, removed)  # the copy for the other, without the actor's id
    script.event("supervisor", ITEMS, taken)
    return script


def come(stage: Stage, *users: str) -> list[Person]:
    people = [stage.person(user) for user in users]
    for person in people:
        person.ask("GET", "/api/v2/me")
        person.listen("/v2/me/*")
    return people


@pytest.mark.parametrize("first", ["supervisor", "agent7"])
def test_what_a_supervisor_does_reaches_the_agent_when_it_is_done(first: str) -> None:
    stage = Stage(supervision())
    second = {"supervisor": "agent7", "agent7": "supervisor"}[first]
    people = dict(zip((first, second), come(stage, first, second), strict=True))
    agent, supervisor = people["agent7"], people["supervisor"]
    stage.talk.advance(60)
    assert agent.events() == supervisor.events() == []
    live = supervisor.ask("POST", BIN, PULL).json["referenceId"]
    assert [(channel, data.get("referenceId")) for channel, data in supervisor.events()] == [
        (BINS, live),
        (ITEMS, live),
    ]
    ((channel, data),) = agent.events()
    assert (channel, data["action"], "referenceId" in data) == (BINS, "ItemRemoved", False)
    assert stage.service.report().ok, stage.service.report().text()


def test_an_agent_who_comes_late_is_told_what_the_supervisor_did() -> None:
    stage = Stage(supervision())
    (supervisor,) = come(stage, "supervisor")
    supervisor.ask("POST", BIN, PULL)
    assert len(supervisor.events()) == 2
    (agent,) = come(stage, "agent7")
    assert len(agent.events()) == 1


@pytest.mark.parametrize("order", ["AB", "BA"])
def test_each_subscription_of_many_is_confirmed_or_fails_with_its_own_id(order: str) -> None:
    """One request, several ids, an outcome for each, one of them a failure."""
    script = Script()
    script.listen("agent7", BINS)
    target = "/api/v2/me/workbins?workbinIds=A1,B1"
    script.ask(
        "agent7",
        "POST",
        target,
        {"operationName": "Subscribe"},
        {"statusCode": 0, "referenceIds": {"B1": 57, "A1": 56}},
    )
    outcomes = {
        "A": {"id": "A1", "referenceId": 56, "stateResource": "Subscribed"},
        "B": {"id": "B1", "referenceId": 57, "stateResource": "RequestFailed"},
    }
    kind = {"messageType": "WorkbinSubscriptionStateChangeMessage"}
    for one in order:
        script.event("agent7", BINS, kind | outcomes[one])
    stage = Stage(script)
    person = stage.person()
    person.listen(BINS)
    answers = [person.ask("POST", target, {"operationName": "Subscribe"}) for _ in range(3)]
    ids = [answer.json["referenceIds"] for answer in answers]
    assert len({live for one in ids for live in one.values()}) == 6, "each repeat has its own"
    found = [(data["id"], data["referenceId"], data["stateResource"]) for data in person.data()]
    expected = {
        "A": ("A1", "Subscribed"),
        "B": ("B1", "RequestFailed"),
    }
    assert found == [
        (expected[one][0], live[expected[one][0]], expected[one][1])
        for live in ids
        for one in order
    ]


def test_events_without_an_id_follow_the_operation_that_the_rules_name() -> None:
    script = Script()
    script.listen("agent7", "/v2/me/*")
    for workbin in ("A1", "B1"):
        script.ask(
            "agent7",
            "POST",
            f"/api/v2/me/workbins/{workbin}",
            {"operationName": "Subscribe"},
            {"statusCode": 0},
        )
    for workbin in ("A1", "B1"):
        data = {"messageType": "WorkbinSubscriptionStateChangeMessage", "id": workbin}
        script.event("agent7", BINS, data | {"stateResource": "Subscribed"})
    stage = Stage(script)
    person = stage.person()
    person.listen("/v2/me/*")
    for workbin in ("B1", "A1"):
        person.ask("POST", f"/api/v2/me/workbins/{workbin}", {"operationName": "Subscribe"})
        stage.settle()
    assert [data["id"] for data in person.data()] == ["B1", "A1"]


def test_a_failed_operation_is_followed_by_its_failure_and_then_by_its_success() -> None:
    """Recorded: Accept fails by an Error, the second Accept succeeds."""
    script = Script()
    script.listen("agent7", ITEMS)
    accept = {"operationName": "Accept"}
    for number, kind in ((4, "Error"), (5, "StatusChange")):
        script.ask("agent7", "POST", "/api/v2/me/workitems/X1", accept, {"referenceId": number})
        data = {"notificationType": kind, "workitem": {"id": "X1", "state": "Processing"}}
        script.event("agent7", ITEMS, data | {"referenceId": number})
    stage = Stage(script)
    person = stage.person()
    person.listen(ITEMS)
    ids = []
    for _ in range(2):
        ids.append(person.ask("POST", "/api/v2/me/workitems/X1", accept).json["referenceId"])
    assert [(data["notificationType"], data["referenceId"]) for data in person.data()] == [
        ("Error", ids[0]),
        ("StatusChange", ids[1]),
    ]


# ------------------------------------------------------------------ events caused by events


def relay() -> Script:
    """An operation's event reaches the supervisor; that sets off one for the agent, and a third."""
    script = Script()
    for who in ("supervisor", "agent7"):
        script.ask(who, "GET", "/api/v2/me", None, {"user": who})
        script.listen(who, ITEMS)
    do = script.ask("supervisor", "POST", "/x", {"operationName": "Do"}, {"referenceId": 17})
    one = script.event("supervisor", ITEMS, {"referenceId": 17, "n": 1}, cause=do)
    two = script.event("agent7", ITEMS, {"n": 2}, cause=one)
    script.event("supervisor", ITEMS, {"referenceId": 17, "n": 3}, cause=two)
    return script


def test_an_event_follows_the_delivery_of_the_event_that_causes_it() -> None:
    stage = Stage(relay())
    supervisor, agent = come_to_items(stage)
    stage.talk.advance(60)
    assert supervisor.data() == agent.data() == []
    live = supervisor.ask("POST", "/x", {"operationName": "Do"}).json["referenceId"]
    stage.talk.advance(0.011)
    assert [data["n"] for data in supervisor.data()][:1] == [1]
    stage.settle()
    assert [data["n"] for data in agent.data()] == [2]
    assert supervisor.data() == [{"referenceId": live, "n": 1}, {"referenceId": live, "n": 3}]
    assert stage.service.report().ok, stage.service.report().text()


def test_what_is_caused_by_an_event_nobody_got_waits_and_says_so() -> None:
    stage = Stage(relay())
    supervisor = stage.person("supervisor")
    supervisor.ask("GET", "/api/v2/me")
    supervisor.listen(ITEMS)
    report = stage.service.report()
    why = {one.entry: one.why for one in report.undelivered}
    asked = "waits for exchange 7, POST /x Do, which was not asked for"
    assert why[8] == f"it {asked}"
    assert why[9] == f"it waits for event 8, which {asked}"
    assert why[10] == f"it waits for event 9, which waits for event 8, which {asked}"
    supervisor.ask("POST", "/x", {"operationName": "Do"})
    stage.settle()
    assert [data["n"] for data in supervisor.data()] == [1]
    why = {one.entry: one.why for one in stage.service.report().undelivered}
    assert why[9] == "no client came for the recorded session 'agent7'"
    assert why[10] == "it waits for event 9, which was not delivered"
    agent = stage.person("agent7")
    agent.ask("GET", "/api/v2/me")
    agent.listen(ITEMS)
    stage.settle()
    assert [data["n"] for data in agent.data()] == [2]
    assert [data["n"] for data in supervisor.data()] == [1, 3]
    assert stage.service.report().ok


def test_a_repeat_repeats_the_whole_chain_with_ids_of_its_own() -> None:
    stage = Stage(relay(), repeats=True)
    supervisor, agent = come_to_items(stage)
    ids = []
    for _ in range(3):
        ids.append(supervisor.ask("POST", "/x", {"operationName": "Do"}).json["referenceId"])
        stage.settle()
    assert len(set(ids)) == 3
    assert [(data["n"], data["referenceId"]) for data in supervisor.data()] == [
        (n, live) for live in ids for n in (1, 3)
    ]
    assert [data["n"] for data in agent.data()] == [2, 2, 2]


def test_what_a_spontaneous_event_causes_follows_it_once() -> None:
    script = Script()
    script.listen("agent7", ITEMS)
    one = script.event("agent7", ITEMS, {"n": 1}, cause="spontaneous")
    script.event("agent7", ITEMS, {"n": 2}, cause=one, at_s=9.0)
    stage = Stage(script, pace=Pace.parse("recorded"))
    person = stage.person()
    person.listen(ITEMS)
    stage.talk.advance(1.1)
    assert [data["n"] for data in person.data()] == [1]
    stage.talk.advance(5.9)
    assert [data["n"] for data in person.data()] == [1, 2]


def test_a_goodbye_right_after_an_answer_still_gets_the_chain() -> None:
    script = Script()
    script.listen("agent7", ITEMS)
    do = script.ask("agent7", "POST", "/x", {"operationName": "Do"}, {})
    one = script.event("agent7", ITEMS, {"n": 1}, cause=do)
    script.event("agent7", ITEMS, {"n": 2}, cause=one)
    stage = Stage(script)
    person = stage.person()
    client = person.listen(ITEMS)
    client.hold()
    person.ask("POST", "/x", {"operationName": "Do"})
    client.disconnect()
    assert [event["data"]["n"] for event in client.events] == [1, 2]
    assert stage.service.report().ok


def come_to_items(stage: Stage) -> list[Person]:
    people = [stage.person(user) for user in ("supervisor", "agent7")]
    for person in people:
        person.ask("GET", "/api/v2/me")
        person.listen(ITEMS)
    return people


# ------------------------------------------------------------------ the law

WHO = ("agent7", "supervisor", "third")


@dataclass(frozen=True)
class Told:
    """An event of a drawn story."""

    number: int
    session: str
    cause: int
    operation: int


@st.composite
def forests(draw: st.DrawFn) -> tuple[Script, list[tuple[int, str]], list[Told]]:
    """Operations of three people, each with a tree of events to any of them."""
    script = Script()
    for who in WHO:
        script.ask(who, "GET", "/api/v2/me", None, {"user": who})
        script.listen(who, "/v2/me/*")
    operations: list[tuple[int, str]] = []
    told: list[Told] = []
    for n in range(draw(st.integers(1, 4))):
        who = draw(st.sampled_from(WHO))
        answer = {"referenceId": 100 + n}
        do = script.ask(who, "POST", f"/do/{n}", {"operationName": f"Do{n}"}, answer)
        operations.append((do, who))
        tree = [do]
        for _ in range(draw(st.integers(0, 5))):
            session, cause = draw(st.sampled_from(WHO)), draw(st.sampled_from(tree))
            channel = draw(st.sampled_from([BINS, ITEMS]))
            number = len(script.entries) + 1
            data = {"event": number, "referenceId": 100 + n}
            tree.append(script.event(session, channel, data, cause=cause))
            told.append(Told(number, session, cause, do))
    return script, operations, told


@given(forests(), st.data())
@settings(max_examples=60, deadline=None)
def test_any_tree_of_events_comes_after_its_causes_whoever_does_what_when(
    story: tuple[Script, list[tuple[int, str]], list[Told]], data: st.DataObject
) -> None:
    script, operations, told = story
    pace = Pace.parse(data.draw(st.sampled_from(["instant", "recorded", "x7"])))
    repeats = data.draw(st.integers(1, 2))
    stage = Stage(script, pace=pace, repeats=True)
    people: dict[str, Person] = dict(zip(WHO, come(stage, *WHO), strict=True))
    plan = data.draw(st.permutations([one for one in operations for _ in range(repeats)]))
    ids: dict[int, list[int]] = {}
    seen: list[tuple[int, int]] = []
    """Every event in the order in which clients got them: its number and its id."""
    read: dict[str, int] = dict.fromkeys(WHO, 0)

    def look(who: str) -> None:
        person = people[who]
        assert person.client is not None
        person.client.poll()
        for event in person.client.events[read[who] :]:
            found: dict[str, Any] = event["data"]
            one = next(one for one in told if one.number == found["event"])
            assert one.session == who
            assert found["referenceId"] in ids.get(one.operation, []), "before its operation"
            seen.append((one.number, found["referenceId"]))
        read[who] = len(person.client.events)

    def look_around() -> None:
        for who in data.draw(st.permutations(WHO)):
            look(who)

    for number, who in plan:
        sent = script.entries[number - 1]
        target = sent.request.target  # type: ignore[attr-defined]
        answer = people[who].ask("POST", target, {"operationName": f"Do{target[-1]}"})
        ids.setdefault(number, []).append(answer.json["referenceId"])
        stage.talk.advance(data.draw(st.sampled_from([0.0, 0.005, 0.012, 3.0])))
        look_around()
    for _ in range(40):
        stage.talk.advance(2.0)
        look_around()
    assert sorted(seen) == sorted(
        (one.number, live) for one in told for live in ids[one.operation]
    ), "each once for each time its operation was asked for"
    given_so_far: Counter[int] = Counter()
    causes = {one.number: one.cause for one in told}
    for line in stage.service.journal:
        if line.kind in ("answered", "repeat", "event") and line.entry is not None:
            given_so_far[line.entry] += 1
            cause = causes.get(line.entry, line.entry)
            assert given_so_far[cause] >= given_so_far[line.entry], "an event before its cause"
    assert stage.service.report().ok, stage.service.report().text()
