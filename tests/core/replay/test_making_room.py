"""Whoever has a session by guess makes room for the user it is named after, and leaves no trace."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scripted import Person, Script, Stage

ITEMS = "/v2/me/workitems"
USERS = ("agent7", "supervisor")


def story() -> Script:
    """Two people who are greeted, look twice at what changes, and hear of each other's work."""
    script = Script()
    for user in USERS:
        script.event(user, ITEMS, {"before": user}, cause="spontaneous")
    for user in USERS:
        cookie = [("Set-Cookie", f"JSESSIONID=<session:{user}>; Path=/")]
        for looks in (1, 2):
            me = {"user": user, "looks": looks}
            script.ask(user, "GET", "/api/v2/me", None, me, answer_headers=cookie)
        script.listen(user, ITEMS)
        script.event(user, ITEMS, {"welcome": user}, cause="spontaneous")
    for n, user in enumerate(USERS):
        op = script.ask(user, "POST", f"/bins/{user}", {"do": n}, {"referenceId": 10 + n})
        script.event(user, ITEMS, {"referenceId": 10 + n, "done": n})
        script.event(USERS[1 - n], ITEMS, {"told": n}, cause=op)
    return script


def arrive(stage: Stage, user: str, *, listens: bool = True) -> Person:
    person = stage.person(user, cookies=True)
    person.ask("GET", "/api/v2/me")
    if listens:
        person.listen(ITEMS)
        person.events()
    return person


def runs(stage: Stage) -> list[tuple[tuple[str, str], ...]]:
    return [run.clients for run in stage.service.report().runs]


@pytest.mark.parametrize("listens", [True, False])
def test_a_user_too_many_who_comes_first_does_not_part_those_who_belong_together(
    listens: bool,
) -> None:
    stage = Stage(story())
    arrive(stage, "monitor", listens=listens)
    agent, supervisor = arrive(stage, "supervisor"), arrive(stage, "agent7")
    assert supervisor.ask("POST", "/bins/agent7", {"do": 0}).status == 200
    assert {"told": 0} in agent.data()
    assert runs(stage) == [
        (("supervisor", "supervisor"), ("agent7", "agent7")),
        (("monitor", "agent7"),),
    ]


def test_strangers_who_fill_a_run_are_not_parted() -> None:
    stage = Stage(story())
    for user in ("x", "y", "supervisor", "agent7"):
        arrive(stage, user)
    assert [len(run) for run in runs(stage)] == [2, 2]
    assert runs(stage)[1] == (("supervisor", "supervisor"), ("agent7", "agent7"))


def test_who_is_sure_of_its_session_does_not_make_room() -> None:
    stage = Stage(story())
    arrive(stage, "agent7")
    other = arrive(stage, "other")
    assert other.ask("POST", "/bins/supervisor", {"do": 1}).status == 200
    arrive(stage, "supervisor")
    assert runs(stage)[0] == (("agent7", "agent7"), ("other", "supervisor"))


def test_a_user_joins_those_of_their_own_before_those_who_guess() -> None:
    stage = Stage(story())
    for user in ("supervisor", "x", "y", "agent7"):
        arrive(stage, user)
    assert runs(stage)[0] == (("supervisor", "supervisor"), ("agent7", "agent7"))


def test_what_a_guess_was_told_is_told_again_to_whom_it_is_for() -> None:
    stage = Stage(story())
    supervisor = arrive(stage, "supervisor")
    guess = arrive(stage, "guess")
    supervisor.ask("POST", "/bins/supervisor", {"do": 1})
    assert {"told": 1} in guess.data()
    agent = arrive(stage, "agent7")
    assert agent.data() == [{"before": "agent7"}, {"told": 1}, {"welcome": "agent7"}]
    assert runs(stage)[0] == (("supervisor", "supervisor"), ("agent7", "agent7"))


def test_a_client_in_a_run_of_its_own_sees_that_run_from_its_beginning() -> None:
    stage = Stage(story())
    supervisor = arrive(stage, "supervisor")
    guess = arrive(stage, "guess")
    arrive(stage, "agent7")
    beginning = [{"before": "agent7"}, {"welcome": "agent7"}]
    assert guess.data() == 2 * beginning
    supervisor.ask("POST", "/bins/supervisor", {"do": 1})
    assert guess.data() == 2 * beginning


OTHERS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(("x", "y", "z")), st.booleans()), max_size=4
)


@given(st.permutations(USERS), OTHERS)
@settings(max_examples=60, deadline=None)
@example(USERS, [(0, "x", True), (0, "y", True), (0, "z", True)])
@example(USERS, [(0, "x", True), (1, "y", True), (1, "z", False)])
def test_guests_who_do_what_anybody_did_change_nothing_for_anybody(
    order: Sequence[str], others: list[tuple[int, str, bool]]
) -> None:
    assert seen(order, others) == seen(order, [])


def seen(order: Sequence[str], others: list[tuple[int, str, bool]]) -> list[object]:
    """All that the two people see; each of the others comes before one of their steps."""
    stage = Stage(story())
    people: dict[str, Person] = {}
    found: list[object] = []

    def others_come(at: int) -> None:
        for when, user, listens in others:
            if when == at:
                arrive(stage, user, listens=listens)

    for at, user in enumerate(order):
        others_come(at)
        people[user] = person = stage.person(user, cookies=True)
        found.append(person.ask("GET", "/api/v2/me").body)
        person.listen(ITEMS)
        found.append(person.data())
    for at, user in enumerate(order, 2):
        others_come(at)
        n = USERS.index(user)
        found.append(people[user].ask("POST", f"/bins/{user}", {"do": n}).body)
        found.append([people[one].data() for one in order])
    for user in order:
        found.append(people[user].ask("GET", "/api/v2/me").body)
        found.append(people[user].cookies)
    return found
