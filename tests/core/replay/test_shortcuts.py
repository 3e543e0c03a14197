"""A request that comes again is answered by a shortcut, and nobody can tell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cometape.core.exchange import Request
from cometape.core.replay.replay_service import ReplayService
from cometape.core.service import Action, Respond
from scripted import Person, Script, Stage

ITEMS = "/v2/me/workitems"
BIN = "/api/v2/workbins/W1"
USERS = ("agent7", "supervisor")
OPERATIONS = ("Pull", "Create", "Complete")
HOSTS = ("127.0.0.1:8090", "gws.test:9000")


def story() -> Script:
    """Two people; operations with ids, absolute URIs, events to both; reads between them."""
    script = Script()
    for n, user in enumerate(USERS, 1):
        cookie = ("Set-Cookie", f"JSESSIONID=<session:{n}>; Path=/; HttpOnly")
        script.ask(user, "GET", "/api/v2/me", None, {"user": user}, answer_headers=[cookie])
        script.listen(user, "/v2/me/*")
        for at, name in enumerate(OPERATIONS):
            number = 10 * n + at
            answer: dict[str, Any] = {"statusCode": 0, "referenceId": number}
            if name == "Complete":  # an id that lasts, beside the one that is new each time
                answer["session"] = f"<session:{n}>"
            location = ("Location", f"https://gws.example{BIN}/{number}")
            op = script.ask(
                user, "POST", BIN, {"operationName": name}, answer, answer_headers=[location]
            )
            item = {"id": f"02F0XAMPLE0000{n}{at}", "uri": f"https://gws.example/{at}"}
            script.event(user, ITEMS, {"referenceId": number, "workitem": item})
            script.event(user, ITEMS, {"percent": "100%s", "referenceId": number}, cause=op)
            script.event(USERS[2 - n], ITEMS, {"told": number}, cause=op)
            script.ask(user, "GET", BIN, None, {"done": name, "by": user})
    return script


class Shell:
    """A service before which requests that are equal are one object, as a server does; or none."""

    def __init__(self, service: ReplayService, *, remembers: bool) -> None:
        self._service = service
        self._known: dict[str, Request] = {}
        self._remembers = remembers
        self.upgrade, self.text, self.gone = service.upgrade, service.text, service.gone
        self.tick, self.deadline_s = service.tick, service.deadline_s

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        if self._remembers:
            request = self._known.setdefault(repr(request), request)
            response = self._service.at_once(connection, request, now_s)
            if response is not None:
                return [Respond(exchange, response)]
        else:
            request = replace(request)
        return self._service.request(exchange, connection, request, now_s)


class Playing:
    """The people of the story on a stage."""

    def __init__(self, *, remembers: bool, **options: Any) -> None:
        self.stage = Stage(story(), repeats=True, **options)
        self.stage.talk.service = Shell(self.stage.service, remembers=remembers)
        self.people: list[Person] = []
        for user in USERS:
            self.come(user)

    def come(self, user: str) -> None:
        """Somebody new, with a cookie jar and a Bayeux session."""
        person = self.stage.person(user, cookies=True)
        person.ask("GET", "/api/v2/me")
        person.listen("/v2/me/*")
        self.people.append(person)

    def carry_out(self, step: tuple[str, int, int]) -> None:
        """One step of a plan."""
        kind, who, what = step
        person = self.people[who % len(self.people)]
        if kind in ("do", "once"):
            for _ in range(
                3 if kind == "do" else 1
            ):  # the first may be no repeat, the second learns the shortcut
                person.ask("POST", BIN, {"operationName": OPERATIONS[what % len(OPERATIONS)]})
        elif kind == "read":
            person.ask("GET", BIN)
        elif kind == "poll":
            assert person.client is not None
            if person.client.client_id is not None:
                person.events(settle=False)
        elif kind == "wait":
            self.stage.talk.advance((0.001, 0.02, 40.0)[what % 3])
        elif kind == "leave":
            assert person.client is not None
            if person.client.client_id is not None:
                person.client.disconnect()
        elif kind == "listen":
            person.listen("/v2/me/*")
        elif kind == "come":
            self.come(USERS[what % 2])
        elif kind == "move":
            person.host = HOSTS[what % 2]
        elif kind == "swap":  # two connections of a pool change hands
            other = self.people[what % len(self.people)]
            person.connection, other.connection = other.connection, person.connection
        elif kind == "forget" and person.cookies is not None:
            person.cookies.clear()
        elif kind == "login":
            person.ask("GET", "/api/v2/me")
        elif kind == "fault":
            self.stage.service.faults.add(("duplicated", "lost")[what % 2])
        elif kind == "heal":
            self.stage.service.faults.clear()

    @property
    def all_there_is(self) -> tuple[object, ...]:
        """Everything that was sent, written down and left over."""
        self.stage.talk.advance(1)
        for person in self.people:
            if person.client is not None and person.client.client_id is not None:
                person.events(settle=False)
        service = self.stage.service
        return (
            self.stage.talk.log,
            service.journal.text(),
            json.dumps(service.report(with_played=True).json()),
            [run.done for run in service.replay.clients.runs],
        )


KINDS = (
    *("do", "do", "once", "read", "poll", "wait", "leave", "listen"),
    *("come", "move", "swap", "forget", "login", "fault", "heal"),
)
few = st.sampled_from((0, 0, 0, 1, 1, 2, 3))
steps = st.lists(st.tuples(st.sampled_from(KINDS), few, few), min_size=3, max_size=20)
ALL = [("do", 0, 0), ("do", 0, 1), ("do", 0, 2), ("wait", 0, 1)]
"""All that the first person was recorded to do, and its events."""


@given(steps, st.integers(0, 2))
@settings(max_examples=80, deadline=None)
@example([("do", 0, 0), ("move", 0, 1), ("do", 0, 0), ("move", 0, 0), ("do", 0, 0)], 0)
@example([("do", 0, 0), ("swap", 0, 1), ("do", 0, 0), ("forget", 0, 0), ("do", 0, 0)], 0)
@example([("do", 0, 0), ("come", 0, 0), ("do", 0, 0), ("do", 2, 0), ("do", 0, 1)], 0)
@example([*ALL, ALL[0], ("leave", 0, 0), ALL[0]], 0)
@example([*ALL[:2], ("wait", 0, 1), ("leave", 0, 0), ALL[0], ("once", 0, 2), ALL[0]], 0)
def test_whether_requests_are_known_again_changes_no_byte_and_no_line(
    plan: list[tuple[str, int, int]], seed: int
) -> None:
    found = []
    for remembers in (True, False):
        playing = Playing(remembers=remembers, seed=seed)
        for step in plan:
            playing.carry_out(step)
        found.append(playing.all_there_is)
    for one, other in zip(*found, strict=True):
        assert one == other


def repeated(playing: Playing, times: int = 4) -> list[int]:
    """The ids that the first person's repeats are answered with."""
    body = {"operationName": "Pull"}
    return [playing.people[0].ask("POST", BIN, body).json["referenceId"] for _ in range(times)]


def test_a_repeat_that_comes_again_has_a_shortcut_and_fresh_ids() -> None:
    playing = Playing(remembers=True)
    answers = playing.stage.service.replay.answers
    ids = repeated(playing)
    assert len(set(ids)) == 4
    assert len(answers) == 1
    playing.stage.talk.advance(1)
    data = playing.people[0].data()
    assert [one["referenceId"] for one in data if "workitem" in one] == ids


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_fault_on_purpose_befalls_a_request_with_a_shortcut_as_any(when: str) -> None:
    playing = Playing(remembers=True)
    if when == "after":
        repeated(playing)
    playing.stage.service.faults.add("status=503 operation=Pull")
    answer = playing.people[0].ask("POST", BIN, {"operationName": "Pull"})
    assert answer.status == 503
