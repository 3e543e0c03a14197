"""When an operation comes again, reads show again what they showed after its first time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pulling import BINS, ITEMS
from scripted import Person, Script, Stage

BIN = "/api/v2/me/workbins/bin-1"
ITEM = "02F0XAMPLE00001A"


def do(person: Person, name: str, target: str = BIN, **fields: object) -> None:
    """An operation, and its events."""
    answer = person.ask("POST", target, {"operationName": name, **fields})
    assert answer.status == 200, answer.body
    person.stage.settle()


def workbin() -> Script:
    """Somebody subscribes to a workbin and looks; an item is added and pulled."""
    script = Script()
    script.listen("a", "/v2/me/*")
    number = 0

    def done(name: str, channel: str, data: dict[str, Any], **fields: object) -> None:
        nonlocal number
        number += 1
        sent = {"operationName": name, **fields}
        script.ask("a", "POST", BIN, sent, {"statusCode": 0, "referenceId": number})
        script.event("a", channel, {"referenceId": number, **data})

    def look(path: str, answer: object) -> None:
        script.ask("a", "GET", f"{BIN}{path}", None, answer)

    done("Subscribe", BINS, {"id": "bin-1", "subscribed": True})
    look("", {"id": "bin-1", "subscribed": True})
    look("/workitems", {"workitems": []})
    done("AddWorkitem", ITEMS, {"workitem": {"id": ITEM}}, id=ITEM)
    look("/workitems", {"workitems": [{"id": ITEM}]})
    done("PullWorkitem", ITEMS, {"workitem": {"id": ITEM}}, id=ITEM)
    look("/workitems", {"workitems": []})
    done("Unsubscribe", BINS, {"id": "bin-1", "subscribed": False})
    look("", {"id": "bin-1", "subscribed": False})
    return script


def at_work(script: Script, **options: Any) -> Person:
    person = Stage(script, **options).person()
    person.listen("/v2/me/*")
    return person


def items(person: Person) -> int:
    return len(person.ask("GET", f"{BIN}/workitems").json["workitems"])


def is_subscribed(person: Person) -> bool:
    found = person.ask("GET", BIN).json["subscribed"]
    assert isinstance(found, bool)
    return found


@pytest.mark.parametrize("polls", [1, 3])
def test_an_item_that_is_added_and_pulled_again_and_again_comes_and_goes(polls: int) -> None:
    person = at_work(workbin(), repeats=True)
    do(person, "Subscribe")
    for _ in range(4):
        do(person, "AddWorkitem", id=ITEM)
        assert [items(person) for _ in range(polls)] == [1] * polls
        do(person, "PullWorkitem", id=ITEM)
        assert [items(person) for _ in range(polls)] == [0] * polls


def test_what_the_profile_lets_come_again_is_seen_in_reads_with_default_options() -> None:
    person = at_work(workbin())
    do(person, "Subscribe")
    do(person, "AddWorkitem", id=ITEM)
    do(person, "PullWorkitem", id=ITEM)
    for _ in range(3):
        do(person, "Subscribe")
        assert is_subscribed(person)
        do(person, "Unsubscribe")
        assert not is_subscribed(person)


def test_an_item_stays_pulled_when_somebody_subscribes_to_its_workbin_again() -> None:
    person = at_work(workbin())
    do(person, "Subscribe")
    do(person, "AddWorkitem", id=ITEM)
    do(person, "Subscribe")
    assert items(person) == 1
    do(person, "PullWorkitem", id=ITEM)
    do(person, "Unsubscribe")
    do(person, "Subscribe")
    assert items(person) == 0
    assert is_subscribed(person)


def test_an_event_of_a_repeat_that_comes_late_takes_nothing_back() -> None:
    """Asked for at once, added and pulled; both events come when the item is gone."""
    person = at_work(workbin(), repeats=True)
    for _ in range(3):
        for name in ("AddWorkitem", "PullWorkitem"):
            assert person.ask("POST", BIN, {"operationName": name, "id": ITEM}).status == 200
        person.stage.settle()
        assert items(person) == 0


def test_a_thing_created_again_is_found_in_the_state_in_which_it_was_created() -> None:
    script = Script()
    script.listen("a", "/v2/me/*")
    create = {"operationName": "Create", "queueUri": "https://gws.example/q"}
    script.ask("a", "POST", "/api/v2/me/workitems", create, {"referenceId": 1})
    script.event("a", ITEMS, {"referenceId": 1, "workitem": {"id": ITEM}})
    path = f"/api/v2/me/workitems/{ITEM}"
    script.ask("a", "GET", path, None, {"workitem": {"id": ITEM}})
    script.ask("a", "POST", path, {"operationName": "Complete"}, {"referenceId": 2})
    script.event("a", ITEMS, {"referenceId": 2, "workitem": {"id": ITEM}})
    script.ask("a", "GET", path, None, {"statusCode": 6}, status=404)
    person = at_work(script, repeats=True)
    seen = set()
    for _ in range(3):
        do(person, "Create", "/api/v2/me/workitems", queueUri="https://gws.example/q")
        item = person.data()[-1]["workitem"]["id"]
        seen.add(item)
        path = f"/api/v2/me/workitems/{item}"
        assert person.ask("GET", path).json == {"workitem": {"id": item}}
        do(person, "Complete", path)
        assert person.ask("GET", path).status == 404
    assert len(seen) == 3


def test_recordings_of_one_state_come_one_after_the_other_again() -> None:
    script = Script()
    script.ask("a", "POST", "/job", {"start": True}, {})
    for state in ("waiting", "running", "done"):
        script.ask("a", "GET", "/job", None, {"state": state})
    person = at_work(script, repeats=True)
    for _ in range(3):
        assert person.ask("POST", "/job", {"start": True}).status == 200
        found = [person.ask("GET", "/job").json["state"] for _ in range(4)]
        assert found == ["waiting", "running", "done", "done"]


def test_a_read_to_which_nothing_is_related_goes_back_as_well() -> None:
    script = Script()
    for n, what in enumerate(("/light/on", "/light/off")):
        script.ask("a", "POST", what, {}, {})
        script.ask("a", "GET", "/room", None, {"dark": n == 1})
    person = at_work(script, repeats=True)
    for _ in range(3):
        for n, what in enumerate(("/light/on", "/light/off")):
            person.ask("POST", what, {})
            assert person.ask("GET", "/room").json == {"dark": n == 1}


def test_what_is_not_known_to_be_related_still_counts_when_it_comes_after_a_repeat() -> None:
    script = Script()
    for n, what in enumerate(("/todos", "/clear", "/ping")):
        script.ask("a", "POST", what, {}, {})
        script.ask("a", "GET", "/todos", None, {"there": n == 0})
    person = at_work(script, repeats=True)
    for _ in range(3):
        for n, what in enumerate(("/todos", "/clear", "/ping", "/ping")):
            person.ask("POST", what, {})
            assert person.ask("GET", "/todos").json == {"there": n == 0}


def test_what_goes_back_is_not_outvoted_by_much_that_came_since() -> None:
    script = workbin()
    for n in range(300):
        script.ask("a", "POST", f"/elsewhere/{n}", {}, {})
    script.ask("a", "GET", f"{BIN}/workitems", None, {"workitems": []})
    person = at_work(script, repeats=True)
    for _ in range(2):
        do(person, "AddWorkitem", id=ITEM)
        assert items(person) == 1
        do(person, "PullWorkitem", id=ITEM)
        assert items(person) == 0
        for n in range(300):
            person.ask("POST", f"/elsewhere/{n}", {})


WHAT = ("bins/bin-1", "bins/bin-2", "bins/bin-1/items/item-7")
stories = st.lists(st.sampled_from(WHAT), min_size=1, max_size=8)


def story(targets: list[str], *, events: bool) -> Script:
    """An operation on each, one after the other; after each, all are looked at."""
    script = Script()
    script.listen("a", "/x")
    for step, target in enumerate(targets):
        script.ask("a", "POST", f"/{target}", {"step": step}, {"referenceId": 500 + step})
        if events:
            script.event("a", "/x", {"referenceId": 500 + step})
        for what in WHAT:
            done = [n for n in range(step + 1) if targets[n] == what]
            script.ask("a", "GET", f"/{what}", None, {"done": done})
    return script


def act(person: Person, targets: list[str], step: int) -> None:
    assert person.ask("POST", f"/{targets[step]}", {"step": step}).status == 200
    person.stage.settle()


def look(person: Person, what: str) -> Any:
    return person.ask("GET", f"/{what}").json["done"]


@given(stories, st.booleans(), st.data())
@settings(max_examples=60, deadline=None)
@example(["bins/bin-1"] * 3, True, None)
def test_every_round_over_what_was_recorded_looks_as_the_first_one(
    targets: list[str], events: bool, data: Any
) -> None:
    """Also of a client that leaves out some of it, the same in every round."""
    all_steps = range(len(targets))
    some = sorted(data.draw(st.sets(st.sampled_from(all_steps)))) if data else all_steps
    person = at_work(story(targets, events=events), repeats=True)
    rounds = []
    for _ in range(3):
        seen = []
        for step in some:
            act(person, targets, step)
            seen.append(look(person, targets[step]))
        rounds.append(seen)
    assert rounds[1] == rounds[0]
    assert rounds[2] == rounds[0]


@given(stories, st.booleans(), st.data())
@settings(max_examples=60, deadline=None)
def test_how_often_somebody_looked_meanwhile_changes_nothing(
    targets: list[str], events: bool, data: Any
) -> None:
    script = story(targets, events=events)
    looking, not_looking = at_work(script, repeats=True), at_work(script, repeats=True)
    for step in data.draw(st.lists(st.sampled_from(range(len(targets))), max_size=20)):
        for person in (looking, not_looking):
            act(person, targets, step)
        for what in data.draw(st.sets(st.sampled_from(WHAT))):
            look(looking, what)
    for what in WHAT:
        assert look(looking, what) == look(not_looking, what)
