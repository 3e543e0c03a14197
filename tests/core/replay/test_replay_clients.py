"""Whose request is whose: several clients, users, runs, with and without cookies."""

from __future__ import annotations

from typing import Any

import pytest

from cometape.core.replay.replay_service import Replay
from cometape.core.run.circle import MAX_FINISHED
from scripted import NOTIFICATIONS, Person, Script, Stage

ITEMS = "/v2/me/workitems"


def one_session(user: str = "agent7") -> Script:
    """Log in, listen, two operations with an event each, leave."""
    script = Script()
    cookie = [("Set-Cookie", "JSESSIONID=<session:1>; Path=/")]
    script.ask(user, "GET", "/api/v2/me", None, {"user": {"id": user}}, answer_headers=cookie)
    script.listen(user, ITEMS)
    for name, number in (("Ready", 11), ("Pull", 12)):
        script.ask(user, "POST", "/api/v2/me", {"operationName": name}, {"referenceId": number})
        script.event(user, ITEMS, {"referenceId": number, "name": name})
    script.disconnect(user)
    script.ask(user, "POST", "/api/v2/me", {"operationName": "EndContactCenterSession"}, {})
    return script


def two_sessions() -> Script:
    """A supervisor pulls from an agent's workbin; both are told, the agent without an id."""
    script = Script()
    for number, user in enumerate(("supervisor", "agent7")):
        cookie = [("Set-Cookie", f"JSESSIONID=<session:{number}>; Path=/")]
        me = {"user": {"id": user}}
        script.ask(user, "GET", "/api/v2/me", None, me, answer_headers=cookie)
        script.listen(user, ITEMS)
    script.ask("agent7", "GET", "/api/v2/me/bins", None, {"mine": 1})
    pull = script.ask(
        "supervisor", "POST", "/api/v2/users/7/bins/3", {"id": 1}, {"referenceId": 11}
    )
    script.event("supervisor", ITEMS, {"referenceId": 11, "to": "supervisor"})
    script.event("agent7", ITEMS, {"to": "agent7"}, cause=pull)
    return script


def come(stage: Stage, user: str | None = "agent7", **options: Any) -> Person:
    person = stage.person(user, **options)
    person.ask("GET", "/api/v2/me")
    person.listen(ITEMS)
    return person


def work(person: Person, *names: str) -> list[int]:
    """Reference ids of the operations."""
    answers = [
        person.ask("POST", "/api/v2/me", {"operationName": name})
        for name in names or ("Ready", "Pull")
    ]
    assert all(answer.status == 200 for answer in answers), answers[-1].body
    return [answer.json["referenceId"] for answer in answers]


def finish(person: Person) -> None:
    person.leave()
    end = person.ask("POST", "/api/v2/me", {"operationName": "EndContactCenterSession"})
    assert end.status == 200


def ids(person: Person) -> list[int]:
    return [event["referenceId"] for event in person.data()]


def runs(stage: Stage) -> list[tuple[tuple[str, str], ...]]:
    return [run.clients for run in stage.service.report().runs]


IDENTIFIED = pytest.mark.parametrize(
    ("user", "cookies"),
    [("agent7", True), ("agent7", False), ("stranger", False), (None, True), (None, False)],
)


@IDENTIFIED
def test_the_same_client_comes_again_and_again(user: str | None, cookies: bool) -> None:
    stage = Stage(one_session())
    seen: list[list[int]] = []
    client_ids = set()
    for _ in range(3):
        person = come(stage, user, cookies=cookies)
        live = work(person)
        assert ids(person) == live
        assert person.client is not None
        client_ids.add(person.client.client_id)
        finish(person)
        seen.append(live)
    assert len({number for live in seen for number in live}) == 6
    assert len(client_ids) == 3
    assert len(runs(stage)) == 3
    assert stage.service.report().ok, stage.service.report().text()


@IDENTIFIED
def test_two_clients_at_once_have_a_run_each(user: str | None, cookies: bool) -> None:
    stage = Stage(one_session())
    first, second = come(stage, user, cookies=cookies), come(stage, user, cookies=cookies)
    mine, theirs = work(first, "Ready"), work(second, "Ready")
    mine, theirs = mine + work(first, "Pull"), theirs + work(second, "Pull")
    assert not set(mine) & set(theirs)
    for person, live in ((first, mine), (second, theirs)):
        assert [number for number in ids(person) if number in live] == live
        # Where nothing tells the two apart, each is given the other's events as well.
        assert cookies == (ids(person) == live)
    finish(second)
    finish(first)
    assert len(runs(stage)) == 2
    assert stage.service.report().ok, stage.service.report().text()


def test_cookies_alone_tell_two_clients_of_one_user_apart_on_any_connection() -> None:
    stage = Stage(one_session())
    first, second = (come(stage, "agent7", cookies=True) for _ in range(2))
    for person in (first, second):
        person.connection = None
    live = [work(second), work(first)]
    assert [ids(second), ids(first)] == live


def test_clients_without_cookies_on_fresh_connections_each_find_their_events() -> None:
    """Nothing tells them apart: what either asks for reaches both, each finds its own ids."""
    stage = Stage(one_session())
    first, second = (come(stage, "agent7") for _ in range(2))
    for person in (first, second):
        person.connection = None
    live = [work(first, "Ready"), work(second, "Ready"), work(second, "Pull"), work(first, "Pull")]
    everything = sorted(number for numbers in live for number in numbers)
    assert len(set(everything)) == 4
    assert sorted(ids(first)) == sorted(ids(second)) == everything


def test_one_left_alone_finds_what_was_taken_for_its_twin_s() -> None:
    stage = Stage(one_session())
    first, second = (come(stage, "agent7") for _ in range(2))
    for person in (first, second):
        person.connection = None
    work(second)  # for all that anybody can tell, it was the first that asked
    finish(second)
    live = work(first)
    assert [number for number in ids(first) if number in live] == live
    finish(first)
    assert stage.service.report().ok, stage.service.report().text()


def test_a_client_that_comes_again_with_its_cookies_begins_anew_when_nothing_is_left() -> None:
    stage = Stage(one_session())
    person = come(stage, cookies=True)
    work(person)
    finish(person)
    person.ask("GET", "/api/v2/me")
    person.listen(ITEMS)
    assert len(work(person)) == 2
    finish(person)
    assert len(runs(stage)) == 2
    assert stage.service.report().ok


def test_a_page_that_is_loaded_again_goes_on_where_it_was() -> None:
    """Cookies, a disconnect, a new handshake, and work still to come: one client."""
    stage = Stage(one_session())
    person = come(stage, cookies=True)
    first = work(person, "Ready")
    assert ids(person) == first
    person.leave()
    person.listen(ITEMS)
    second = work(person, "Pull")
    assert ids(person) == second
    assert len(runs(stage)) == 1
    assert stage.service.report().undelivered == ()


def test_a_comeback_that_was_recorded_is_no_new_client() -> None:
    script = Script()
    script.listen("a", ITEMS)
    script.ask("a", "POST", "/x", {"n": 1}, {"referenceId": 5})
    script.disconnect("a")
    script.listen("a", ITEMS)
    script.event("a", ITEMS, {"n": "welcome back"})
    script.ask("a", "POST", "/x", {"n": 2}, {"referenceId": 6})
    stage = Stage(script)
    person = stage.person()
    for n in (1, 2):
        person.listen(ITEMS)
        assert person.ask("POST", "/x", {"n": n}).status == 200
        assert person.data() == ([] if n == 1 else [{"n": "welcome back"}])
        person.leave()
    assert stage.service.report().ok, stage.service.report().text()
    assert len(runs(stage)) == 1
    person.listen(ITEMS)
    assert len(runs(stage)) == 2


def test_what_was_recorded_after_the_goodbye_may_come_after_it() -> None:
    stage = Stage(one_session())
    person = come(stage)
    work(person)
    stage.settle()
    finish(person)
    assert len(runs(stage)) == 1
    assert stage.service.report().ok


@pytest.mark.parametrize("others", [1, 3 * MAX_FINISHED])
def test_what_comes_after_the_goodbye_on_a_client_s_own_connection_is_its_however_many_came_since(
    others: int,
) -> None:
    stage = Stage(one_session())

    def come_on_one_connection() -> Person:
        person = come(stage)
        assert person.client is not None
        listens: dict[str, Any] = {"channel": "/meta/subscribe", "subscription": ITEMS}
        person.ask("POST", NOTIFICATIONS, [listens | {"clientId": person.client.client_id}])
        work(person)
        stage.settle()
        return person

    first = come_on_one_connection()
    first.leave()
    for _ in range(others):
        finish(come_on_one_connection())
    end = {"operationName": "EndContactCenterSession"}
    assert first.ask("POST", "/api/v2/me", end).status == 200
    assert len(runs(stage)) == 1 + others
    assert stage.service.report().ok, stage.service.report().text()
    first.ask("GET", "/api/v2/me")
    assert len(runs(stage)) == 2 + others, "it comes again"


@pytest.mark.parametrize("order", [("supervisor", "agent7"), ("agent7", "supervisor")])
def test_people_recorded_together_replay_together(order: tuple[str, str]) -> None:
    stage = Stage(two_sessions())
    people = {user: come(stage, user) for user in order}
    for user, person in people.items():
        assert person.ask("GET", "/api/v2/me").json == {"user": {"id": user}}
    people["agent7"].ask("GET", "/api/v2/me/bins")
    live = people["supervisor"].ask("POST", "/api/v2/users/7/bins/3", {"id": 1}).json["referenceId"]
    assert people["supervisor"].data() == [{"referenceId": live, "to": "supervisor"}]
    assert people["agent7"].data() == [{"to": "agent7"}]
    assert stage.service.report().ok, stage.service.report().text()


def test_a_user_who_comes_when_the_others_have_gone_still_has_its_seat() -> None:
    stage = Stage(two_sessions())
    agent = come(stage, "agent7")
    agent.ask("GET", "/api/v2/me/bins")
    agent.leave()
    supervisor = come(stage, "supervisor")
    supervisor.ask("POST", "/api/v2/users/7/bins/3", {"id": 1})
    assert len(runs(stage)) == 1


def test_an_event_waits_for_a_client_that_has_not_come_yet() -> None:
    stage = Stage(two_sessions())
    supervisor = come(stage, "supervisor")
    supervisor.ask("POST", "/api/v2/users/7/bins/3", {"id": 1})
    stage.settle()
    (left,) = [one for one in stage.service.report().undelivered if one.session == "agent7"]
    assert left.why == "no client came for the recorded session 'agent7'"
    assert come(stage, "agent7").data() == [{"to": "agent7"}]


def test_two_pairs_at_once_never_meet() -> None:
    stage = Stage(two_sessions())
    pairs = [
        {user: come(stage, user, cookies=True) for user in ("supervisor", "agent7")}
        for _ in range(2)
    ]
    live = [
        pair["supervisor"].ask("POST", "/api/v2/users/7/bins/3", {"id": 1}).json["referenceId"]
        for pair in pairs
    ]
    assert len(set(live)) == 2
    for pair, number in zip(pairs, live, strict=True):
        assert pair["supervisor"].data() == [{"referenceId": number, "to": "supervisor"}]
        assert pair["agent7"].data() == [{"to": "agent7"}]
    assert len(runs(stage)) == 2


def test_strangers_take_the_recorded_sessions_by_what_they_do() -> None:
    stage = Stage(two_sessions())
    first, second = stage.person("x"), stage.person("y")
    assert first.ask("GET", "/api/v2/me/bins").json == {"mine": 1}
    second.ask("GET", "/api/v2/me")
    assert runs(stage) == [(("x", "agent7"), ("y", "supervisor"))]


def test_a_stranger_whose_session_was_a_guess_changes_to_the_one_that_did_what_it_does() -> None:
    stage = Stage(two_sessions())
    agent = come(stage, "x")
    assert runs(stage) == [(("x", "supervisor"),)]
    assert agent.ask("GET", "/api/v2/me/bins").status == 200
    assert runs(stage) == [(("x", "agent7"),)]
    supervisor = come(stage, "y")
    supervisor.ask("POST", "/api/v2/users/7/bins/3", {"id": 1})
    assert agent.data() == [{"to": "agent7"}]


def test_one_client_may_do_what_two_did_in_the_recording() -> None:
    stage = Stage(two_sessions())
    person = come(stage, "supervisor")
    assert person.ask("GET", "/api/v2/me/bins").json == {"mine": 1}


def test_a_user_never_has_two_seats_in_one_run() -> None:
    stage = Stage(two_sessions())
    for _ in range(2):
        come(stage, "stranger")
    assert runs(stage) == [(("stranger", "supervisor"),), (("stranger", "supervisor"),)]


def test_rest_with_a_name_and_bayeux_without_one_are_one_client() -> None:
    """Some clients send Authorization on REST calls alone, and drop cookies for IP addresses."""
    stage = Stage(one_session())
    named, nameless = stage.person("agent7"), stage.person()
    named.ask("GET", "/api/v2/me")
    nameless.listen(ITEMS)
    live = work(named)
    assert ids(nameless) == live
    assert len(runs(stage)) == 1


def test_bayeux_first_and_a_name_later_are_one_client() -> None:
    stage = Stage(one_session())
    named, nameless = stage.person("agent7"), stage.person()
    nameless.listen(ITEMS)
    named.ask("GET", "/api/v2/me")
    assert ids(nameless) == work(named)[:0]
    assert len(runs(stage)) == 1


def test_two_users_behind_one_cookie_jar_are_two() -> None:
    stage = Stage(two_sessions())
    jar: dict[str, str] = {}
    people = [stage.person(user, cookies=True) for user in ("supervisor", "agent7")]
    for person in people:
        person.cookies = jar
        person.ask("GET", "/api/v2/me")
        person.listen(ITEMS)
    assert runs(stage) == [(("supervisor", "supervisor"), ("agent7", "agent7"))]


def test_many_clients_one_after_the_other_and_at_once_all_have_their_own_ids() -> None:
    stage = Stage(one_session())
    people = [come(stage, f"user-{n % 5}", cookies=True) for n in range(20)]
    live = [work(person) for person in people]
    assert len({number for numbers in live for number in numbers}) == 40
    assert [ids(person) for person in people] == live
    for person in people:
        finish(person)
    assert stage.service.report().ok
    assert len(runs(stage)) == 20


def test_ids_depend_on_the_client_not_on_who_else_is_there() -> None:
    alone, crowded = Stage(one_session()), Stage(one_session())
    for n in range(7):
        work(come(crowded, f"user-{n}"))
    seen = []
    for stage in (alone, crowded):
        person = come(stage)
        seen.append((work(person), person.client.client_id if person.client else None))
    assert seen[0] == seen[1]
    other = come(Stage(one_session(), seed=1))
    assert work(other) != seen[0][0]
    assert other.client is not None
    assert other.client.client_id != seen[0][1]


def test_the_service_is_what_the_shell_asks_for() -> None:
    stage = Stage(one_session())
    assert isinstance(stage.service.replay, Replay)
    assert stage.service.deadline_s() is None


def test_whoever_has_a_session_by_guess_makes_room_for_the_user_it_is_named_after() -> None:
    stage = Stage(two_sessions())
    agent = come(stage, "x")
    assert runs(stage) == [(("x", "supervisor"),)]
    supervisor = come(stage, "supervisor")
    assert runs(stage) == [(("x", "agent7"), ("supervisor", "supervisor"))]
    supervisor.ask("POST", "/api/v2/users/7/bins/3", {"id": 1})
    assert agent.data() == [{"to": "agent7"}]


def test_a_session_in_use_is_not_given_up() -> None:
    stage = Stage(two_sessions())
    come(stage, "x").ask("POST", "/api/v2/users/7/bins/3", {"id": 1})
    come(stage, "supervisor")
    assert len(runs(stage)) == 2


def test_a_first_look_without_a_name_changes_nothing() -> None:
    """Workbins clients ask for the version first, without Authorization."""
    script = one_session("agent8")
    script.ask("agent8", "GET", "/api/v2/diagnostics/version", None, {"version": "8.5"})
    script.ask("agent7", "GET", "/api/v2/diagnostics/version", None, {"version": "8.5"})
    script.listen("agent7", ITEMS)
    script.ask("agent7", "POST", "/api/v2/me", {"operationName": "Pull"}, {"referenceId": 12})
    seen = []
    for others in (0, 3):
        stage = Stage(script)
        for _ in range(others):
            stage.person().ask("GET", "/api/v2/diagnostics/version")
        person = stage.person("agent7")
        nameless = stage.person()
        nameless.connection = person.connection
        nameless.ask("GET", "/api/v2/diagnostics/version")
        person.listen(ITEMS)
        seen.append(work(person, "Pull"))
        assert runs(stage) == [(("agent7", "agent7"),)]
    assert seen[0] == seen[1], "ids are those of agent7, whoever looked first"


def test_bayeux_that_was_recorded_as_a_client_of_its_own_is_the_same_client() -> None:
    """Nothing tied it to the REST calls when it was recorded, nothing does now."""
    script = Script()
    script.ask("agent7", "GET", "/api/v2/me", None, {"user": 7})
    script.listen("session-1", ITEMS)
    pull = script.ask("agent7", "POST", "/x", {"operationName": "Pull"}, {"referenceId": 5})
    script.event("session-1", ITEMS, {"referenceId": 5}, cause=pull)
    for order in ("rest first", "bayeux first"):
        stage = Stage(script)
        rest, bayeux = stage.person("agent7"), stage.person()
        if order == "bayeux first":
            bayeux.listen(ITEMS)
        rest.ask("GET", "/api/v2/me")
        if order == "rest first":
            bayeux.listen(ITEMS)
        live = rest.ask("POST", "/x", {"operationName": "Pull"}).json["referenceId"]
        assert bayeux.data() == [{"referenceId": live}], order
        assert len(runs(stage)) == 1
        assert stage.service.report().ok, stage.service.report().text()


def test_a_pool_of_connections_that_outlives_a_client_serves_the_next_one() -> None:
    stage = Stage(one_session())
    pool = [7001, 7002]
    for times in (1, 2, 3):
        person = stage.person("agent7")
        person.connection = pool[0]
        person.ask("GET", "/api/v2/me", connection=pool[1])
        person.listen(ITEMS)
        person.ask("POST", "/api/v2/me", {"operationName": "Ready"}, connection=pool[1])
        stage.settle()
        person.leave()
        assert len(runs(stage)) == times
    assert not stage.service.misses


@pytest.mark.parametrize("users", [("supervisor", "agent7"), ("x", "y")])
def test_one_of_two_may_be_gone_before_the_other_comes(users: tuple[str, str]) -> None:
    """Recorded at the same time; a busy machine starts the second when the first is done."""
    stage = Stage(two_sessions())
    for user, act in zip(users, ("POST", "GET"), strict=True):
        person = come(stage, user, cookies=True)
        target = "/api/v2/users/7/bins/3" if act == "POST" else "/api/v2/me/bins"
        assert person.ask(act, target, {"id": 1} if act == "POST" else None).status == 200
        person.events()
        person.leave()
    assert len(runs(stage)) == 1
    assert stage.service.report().ok, stage.service.report().text()


def test_another_stranger_that_does_the_same_again_has_a_run_of_its_own() -> None:
    stage = Stage(two_sessions())
    for user in ("x", "y"):
        person = come(stage, user, cookies=True)
        answer = person.ask("POST", "/api/v2/users/7/bins/3", {"id": 1})
        assert answer.status == 200, answer.body
        live = answer.json["referenceId"]
        assert person.data()[-1] == {"referenceId": live, "to": "supervisor"}
        person.leave()
    assert runs(stage) == [(("x", "supervisor"),), (("y", "supervisor"),)]
    unplayed = stage.service.report().unplayed
    assert {one.session for one in unplayed} == {"agent7"}
