"""The laws of a replay: whatever clients do, in any order, at any pace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cometape.core.run.pace import Pace
from scripted import Person, Script, Stage

CHANNELS = ("/v2/me/workbins", "/v2/me/workitems")


def story(operations: int = 4) -> Script:
    """Operations on two workbins with one to three events each, reads in between, two people."""
    script = Script()
    for user in ("agent7", "supervisor"):
        script.ask(user, "GET", "/api/v2/me", None, {"user": user})
        script.listen(user, *CHANNELS)
    for n in range(operations):
        user = ("agent7", "supervisor")[n % 2]
        number = 10 + n // 2  # both sessions count from 10
        sent = {"operationName": f"Do{n}"}
        answer = {"statusCode": 0, "referenceId": number, "n": number}
        op = script.ask(user, "POST", f"/api/v2/workbins/bin-{n % 3}", sent, answer)
        for m in range(1 + n % 3):
            channel = CHANNELS[(n + m) % 2]
            script.event(user, channel, {"referenceId": number, "op": n, "m": m, "n": number})
        other = "supervisor" if user == "agent7" else "agent7"
        script.event(other, CHANNELS[0], {"op": n, "m": "told"}, cause=op)
        script.ask(user, "GET", f"/api/v2/workbins/bin-{n % 3}", None, {"done": n})
    return script


STORY = story()
EVENTS_OF = {n: 1 + n % 3 for n in range(4)}

steps = st.lists(
    st.one_of(
        st.tuples(st.just("do"), st.integers(0, 3)),
        st.tuples(st.just("look"), st.integers(0, 2)),
        st.tuples(st.just("poll"), st.sampled_from(["agent7", "supervisor"])),
        st.tuples(st.just("wait"), st.sampled_from([0.001, 0.005, 0.02, 40.0])),
        st.tuples(st.just("miss"), st.integers(0, 3)),
    ),
    max_size=25,
)


class Playing:
    """Both people of the story, carrying out steps."""

    def __init__(self, seed: int = 0, pace: str = "instant", cookies: bool = True) -> None:
        self.stage = Stage(STORY, seed=seed, pace=Pace.parse(pace))
        self.people = {name: self.come(name, cookies) for name in ("agent7", "supervisor")}
        self.bodies: list[bytes] = []
        self.asked: dict[int, int | None] = {}

    def come(self, name: str, cookies: bool) -> Person:
        person = self.stage.person(name, cookies=cookies)
        person.ask("GET", "/api/v2/me")
        person.listen(*CHANNELS)
        return person

    def carry_out(self, step: tuple[str, Any]) -> None:
        kind, what = step
        if kind == "do":
            person = self.people[("agent7", "supervisor")[what % 2]]
            answer = person.ask(
                "POST", f"/api/v2/workbins/bin-{what % 3}", {"operationName": f"Do{what}"}
            )
            self.bodies.append(answer.body)
            if answer.status == 200:
                self.asked[what] = answer.json["referenceId"]
            else:
                assert what in self.asked, "an operation is exhausted when it was played"
        elif kind == "look":
            self.bodies.append(
                self.people["agent7"].ask("GET", f"/api/v2/workbins/bin-{what}").body
            )
        elif kind == "poll":
            self.people[what].events(settle=False)
        elif kind == "wait":
            self.stage.talk.advance(what)
            if what > 1:  # or their sessions would expire after seven of these
                for person in self.people.values():
                    person.events(settle=False)
        else:
            self.bodies.append(self.people["agent7"].ask("DELETE", f"/nothing/{what}").body)
        self.check()
        self.stage.check_quick_looks()

    def check(self) -> None:
        """No event before its cause; each once, in order, with the id of its own answer."""
        for name, person in self.people.items():
            assert person.client is not None
            seen: dict[int, list[object]] = {}
            for message in person.client.events:
                data = message["data"]
                assert data["op"] in self.asked, "an event before its cause"
                if "referenceId" in data:
                    assert data["referenceId"] == self.asked[data["op"]]
                    assert data["n"] == 10 + data["op"] // 2, "what is no id stays"
                seen.setdefault(data["op"], []).append(data["m"])
            for op, found in seen.items():
                mine = name == ("agent7", "supervisor")[op % 2]
                assert found == (list(range(EVENTS_OF[op])) if mine else ["told"])[: len(found)]

    def finish(self) -> None:
        """All events of all operations asked for have come."""
        for person in self.people.values():
            person.events()
        self.check()
        total = sum(len(person.client.events) for person in self.people.values() if person.client)
        assert total == sum(EVENTS_OF[op] + 1 for op in self.asked)


@given(steps, st.sampled_from(["instant", "recorded", "x3"]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_causality_holds_for_any_interleaving(
    plan: list[tuple[str, Any]], pace: str, cookies: bool
) -> None:
    playing = Playing(pace=pace, cookies=cookies)
    for step in plan:
        playing.carry_out(step)
    playing.stage.talk.advance(60)
    playing.finish()


@given(steps, st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_the_same_client_and_clock_and_seed_give_the_same_bytes(
    plan: list[tuple[str, Any]], seed: int
) -> None:
    logs = []
    for _ in range(2):
        playing = Playing(seed=seed)
        for step in plan:
            playing.carry_out(step)
        logs.append(playing.stage.talk.log)
    assert logs[0] == logs[1]


@given(steps, steps)
@settings(max_examples=30, deadline=None)
def test_others_on_the_server_change_no_byte_of_an_answer(
    plan: list[tuple[str, Any]], others: list[tuple[str, Any]]
) -> None:
    alone = Playing()
    for step in plan:
        alone.carry_out(step)
    shared = Playing()
    strangers = [shared.stage.person(f"stranger-{n}", cookies=True) for n in range(2)]
    for stranger in strangers:
        stranger.ask("GET", "/api/v2/me")
        stranger.listen(*CHANNELS)
    for n, step in enumerate(plan):
        shared.carry_out(step)
        for kind, what in others[n : n + 1]:
            if kind == "do":
                strangers[what % 2].ask(
                    "POST", f"/api/v2/workbins/bin-{what % 3}", {"operationName": f"Do{what}"}
                )
    assert _without_run(shared.bodies) == _without_run(alone.bodies)


def _without_run(bodies: list[bytes]) -> list[Any]:
    """Bodies, those of misses without the number of the run, which is the server's count."""
    found = []
    for body in bodies:
        value = json.loads(body)
        found.append({"reason": value["reason"]} if "reason" in value else body)
    return found


@given(st.lists(st.integers(0, 3), unique=True, min_size=1), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_ids_do_not_depend_on_how_often_a_client_polls(order: list[int], polls: int) -> None:
    seen = []
    for times in (0, polls):
        playing = Playing()
        for what in order:
            for _ in range(times):
                playing.carry_out(("look", what % 3))
                playing.carry_out(("poll", "agent7"))
                playing.carry_out(("wait", 0.005))
            playing.carry_out(("do", what))
        seen.append(playing.asked)
    assert seen[0] == seen[1]


def test_who_turns_out_to_be_another_client_gets_new_ids_in_the_new_run() -> None:
    stage = Stage(STORY)
    ids = []
    agent, first = (arrive(stage, user) for user in ("agent7", "stranger"))
    agent.leave()
    do = {"operationName": "Do0"}
    ids.append(first.ask("POST", "/api/v2/workbins/bin-0", do).json["referenceId"])
    second = arrive(stage, "stranger")
    arrive(stage, "agent7")
    ids.append(second.ask("POST", "/api/v2/workbins/bin-0", do).json["referenceId"])
    assert len(set(ids)) == 2


def arrive(stage: Stage, user: str) -> Person:
    person = stage.person(user, cookies=True)
    person.ask("GET", "/api/v2/me")
    person.listen(*CHANNELS)
    return person


class Crowd(RuleBasedStateMachine):
    """Clients come, act and leave in any order; each only ever sees its own run."""

    @initialize()
    def begin(self) -> None:
        self.stage = Stage(STORY)
        self.people: list[tuple[Person, dict[int, int]]] = []

    @rule(user=st.sampled_from(["agent7", "supervisor", "stranger"]))
    def come(self, user: str) -> None:
        if len(self.people) < 6:
            person = self.stage.person(user, cookies=True)
            person.ask("GET", "/api/v2/me")
            person.listen(*CHANNELS)
            self.people.append((person, {}))

    @rule(index=st.integers(0, 5), operation=st.integers(0, 3))
    def act(self, index: int, operation: int) -> None:
        for person, live in self._person(index):
            answer = person.ask(
                "POST",
                f"/api/v2/workbins/bin-{operation % 3}",
                {"operationName": f"Do{operation}"},
            )
            if answer.status == 200:
                live[answer.json["referenceId"]] = operation

    @rule(index=st.integers(0, 5))
    def leave(self, index: int) -> None:
        for person, live in self._person(index):
            person.leave()
            self.people.remove((person, live))

    @rule(seconds=st.sampled_from([0.002, 0.02, 30.0]))
    def wait(self, seconds: float) -> None:
        self.stage.talk.advance(seconds)

    @invariant()
    def own_events_only(self) -> None:
        issued = [number for _, live in self.people for number in live]
        assert len(issued) == len(set(issued)), "an id was issued twice"
        for person, live in self.people:
            assert person.client is not None
            for event in person.client.events:
                number = event["data"].get("referenceId")
                if number is not None:
                    assert live[number] == event["data"]["op"]

    @invariant()
    def a_quick_look_at_what_is_left_over_says_what_the_report_says(self) -> None:
        self.stage.check_quick_looks()

    def _person(self, index: int) -> Iterator[tuple[Person, dict[int, int]]]:
        if self.people:
            yield self.people[index % len(self.people)]


Crowd.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestCrowd = Crowd.TestCase
