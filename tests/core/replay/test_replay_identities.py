"""Ids wherever they stand."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from own_identities import kinds
from scripted import Script, Stage, dumped

EVERYWHERE: dict[str, Any] = {
    "form": "shape",
    "scope": "run",
    "issued": [
        "response.json id",
        "response.json map.* > key",
        "response.json text > json list.* > json id",
        "response.json href > url /x/{}/**",
        "response.json href > url ?again",
        "response.header X-Item",
        "response.header Location > url /x/{}",
        "response.cookie item",
    ],
    "used": [
        "event.data ids.*",
        "event.data map.* > key",
        "event.data text > json id",
        "event.message ext.about.id",
        "request.path /x/{}/**",
        "request.query ids > list",
        "request.json a > json b",
        "request.json keyed.* > key",
        "request.form item",
        "publish.data item",
    ],
}


def everywhere() -> Script:
    text = dumped({"list": [json.dumps({"id": "ab-12", "é": "ab-12"}), "ab-12"]}).decode()
    script = Script("bayeux")
    script.listen("a", "/x")
    script.ask(
        "a",
        "POST",
        "/new",
        {"op": "New"},
        {
            "id": "ab-12",
            "map": {"ab-12": "ab-12", "zz-9": 1},
            "text": text,
            "href": "https://gws.example/x/ab-12/notes?again=ab-12&other=ab-12",
            "name": "ab-12",
        },
        answer_headers=[
            ("X-Item", "ab-12"),
            ("X-Other", "ab-12"),
            ("Location", "/x/ab-12"),
            ("Set-Cookie", "item=ab-12; Path=/"),
        ],
    )
    data = {"ids": ["ab-12", "zz-9"], "map": {"ab-12": 1}, "text": '{"id": "ab-12"}', "n": "ab-12"}
    script.event("a", "/x", data, cause=3, extra={"ext": {"about": {"id": "ab-12"}, "n": "ab-12"}})
    script.ask("a", "GET", "/x/ab-12/notes?ids=ab-12,zz-9&n=ab-12", None, {"notes": []})
    script.ask("a", "POST", "/keyed", {"a": '{"b": "ab-12"}', "keyed": {"ab-12": 1}}, {"ok": 1})
    script.publish("a", "/service/x", {"item": "ab-12", "n": "ab-12"})
    return script


def test_an_id_is_fresh_at_every_declared_place_and_untouched_elsewhere() -> None:
    stage = Stage(everywhere(), profile=kinds(item=EVERYWHERE))
    person = stage.person()
    client = person.listen("/x")
    answer = person.ask("POST", "/new", {"op": "New"})
    live = answer.json["id"]
    other = list(answer.json["map"])[1]
    assert re.fullmatch(r"[a-z]{2}-\d\d", live)
    assert live != "ab-12"
    assert other != "zz-9"
    recorded = everywhere().cassette.entries[2].response.body.decode()  # type: ignore[attr-defined]
    expected = recorded.replace('"id":"ab-12"', f'"id":"{live}"')
    expected = expected.replace('{"ab-12":"ab-12","zz-9"', f'{{"{live}":"ab-12","{other}"')
    expected = expected.replace(r"{\\\"id\\\": \\\"ab-12", rf"{{\\\"id\\\": \\\"{live}")
    expected = expected.replace("/x/ab-12/notes?again=ab-12&", f"/x/{live}/notes?again={live}&")
    assert answer.body.decode() == expected
    headers = answer.headers
    assert (headers.first("X-Item"), headers.first("X-Other")) == (live, "ab-12")
    assert headers.first("Location") == f"/x/{live}"
    assert headers.first("Set-Cookie") == f"item={live}; Path=/"
    assert person.data() == [
        {"ids": [live, other], "map": {live: 1}, "text": f'{{"id": "{live}"}}', "n": "ab-12"}
    ]
    assert client.events[0]["ext"] == {"about": {"id": live}, "n": "ab-12"}
    read = person.ask("GET", f"/x/{live}/notes?n=ab-12&ids={live}%2C{other}")
    assert read.json == {"notes": []}
    keyed = {"a": f'{{"b": "{live}"}}', "keyed": {live: 1}}
    assert person.ask("POST", "/keyed", keyed).status == 200
    assert client.publish("/service/x", {"item": live, "n": "ab-12"})["successful"]
    assert stage.service.report().ok, stage.service.report().text()


def test_an_id_at_an_undeclared_place_is_not_turned_back() -> None:
    stage = Stage(everywhere(), profile=kinds(item=EVERYWHERE))
    person = stage.person()
    live = person.ask("POST", "/new", {"op": "New"}).json["id"]
    assert person.ask("GET", f"/x/ab-12/notes?ids=ab-12,zz-9&n={live}").status == 599
    assert person.ask("POST", "/keyed", {"a": live, "keyed": {live: 1}}).status == 599


def test_an_integer_id_stands_in_urls_and_keys_as_digits() -> None:
    profile = kinds(
        order={
            "form": "integer",
            "scope": "run",
            "issued": ["response.json order"],
            "used": ["request.path /orders/{}", "response.json totals.* > key", "event.data o"],
        }
    )
    script = Script("bayeux")
    script.listen("a", "/x")
    script.ask("a", "POST", "/orders", {"op": "New"}, {"order": 17, "totals": {"17": 17, "x": 17}})
    script.event("a", "/x", {"o": 17, "n": 17})
    script.ask("a", "GET", "/orders/17", None, {"order": 17, "n": 17})
    stage = Stage(script, profile=profile)
    person = stage.person()
    person.listen("/x")
    answer = person.ask("POST", "/orders", {"op": "New"}).json
    live = answer["order"]
    assert answer == {"order": live, "totals": {str(live): 17, "x": 17}}
    assert person.data() == [{"o": live, "n": 17}]
    assert person.ask("GET", f"/orders/{live}").json == {"order": live, "n": 17}


def test_an_answer_in_jsonp_is_rewritten_and_calls_the_clients_own_function() -> None:
    profile = kinds(
        item={"form": "shape", "scope": "run", "issued": ["response.json id"]},
        callback={
            "form": "text",
            "made_by": "client",
            "issued": ["request.query callback"],
            "used": ["response.callback"],
        },
    )
    script = Script("bayeux")
    script.ask(
        "a", "GET", "/j?callback=jQuery1_2", None, b'/**/jQuery1_2({"id":"ab-1","n":"ab-1"});'
    )
    answer = Stage(script, profile=profile).person().ask("GET", "/j?callback=jQuery9_8")
    found = re.fullmatch(rb'/\*\*/jQuery9_8\({"id":"([a-z]{2}-\d)","n":"ab-1"}\);', answer.body)
    assert found is not None, answer.body
    assert found[1] != b"ab-1"


word = st.text("abcdef0123456789", min_size=3, max_size=6)
trees = st.recursive(
    word | st.integers(0, 40) | st.none(),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "ref", "name", "n", "text"]), below, max_size=4)
    ),
    max_leaves=12,
)
LAWFUL = kinds(
    thing={
        "form": "shape",
        "scope": "run",
        "issued": ["response.json **.id"],
        "used": ["event.data **.id"],
    },
    number={
        "form": "integer",
        "scope": "session",
        "issued": ["response.json **.ref"],
        "used": ["event.data **.ref"],
    },
)


@given(st.lists(trees, min_size=1, max_size=4), st.lists(trees, max_size=3), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_equal_stays_equal_different_stays_different_and_all_else_stays(
    answers: list[Any], events: list[Any], seed: int
) -> None:
    script = Script("bayeux")
    script.listen("a", "/x")
    for n, answer in enumerate(answers):
        script.ask("a", "POST", f"/do/{n}", {"op": "Do"}, {"tree": answer})
    for event in events:
        script.event("a", "/x", {"tree": event}, cause=3)
    stage = Stage(script, profile=LAWFUL, seed=seed)
    person = stage.person()
    person.listen("/x")
    pairs: list[tuple[Any, Any]] = []
    for n, answer in enumerate(answers):
        pairs.append((answer, person.ask("POST", f"/do/{n}", {"op": "Do"}).json["tree"]))
    pairs += zip(events, [data["tree"] for data in person.data()], strict=True)
    binding: dict[tuple[str, Any], Any] = {}
    for recorded, live in pairs:
        _compare(recorded, live, "", binding)
    for kind in ("id", "ref"):
        mine = {old: new for (key, old), new in binding.items() if key == kind}
        assert len(set(mine.values())) == len(mine), "one to one"
        assert all(old != new for old, new in mine.items())


def _compare(recorded: Any, live: Any, key: str, binding: dict[tuple[str, Any], Any]) -> None:
    if isinstance(recorded, dict):
        assert list(recorded) == list(live)
        for name, child in recorded.items():
            _compare(child, live[name], name, binding)
    elif isinstance(recorded, list):
        assert len(recorded) == len(live)
        for one, other in zip(recorded, live, strict=True):
            _compare(one, other, "", binding)
    elif (key == "id" and isinstance(recorded, str)) or (key == "ref" and type(recorded) is int):
        assert binding.setdefault((key, recorded), live) == live
    else:
        assert recorded == live


ORDERS: dict[str, Any] = {
    "form": "integer",
    "scope": "run",
    "issued": ["response.json order", "event.data order"],
}


def ordering() -> Script:
    """An answer with an id of its own, and an event with another."""
    script = Script("bayeux")
    script.listen("agent7", "/orders")
    script.ask("agent7", "POST", "/orders", {"op": "Order"}, {"order": 17})
    script.event("agent7", "/orders", {"order": 99}, cause=3)
    return script


@pytest.mark.parametrize(
    "counter", [{}, {"start": 5000}, {"start": 1000, "step": 50}], ids=["range", "start", "step"]
)
@pytest.mark.parametrize("scope", ["run", "session"])
def test_however_long_a_client_loops_the_time_of_events_changes_no_id(
    counter: dict[str, int], scope: str
) -> None:
    orders = ORDERS | {"scope": scope} | ({"counter": counter} if counter else {})
    runs = []
    for polls_every in (50, 3000):
        stage = Stage(ordering(), profile=kinds(order=orders), repeats=True)
        person = stage.person("agent7")
        client = person.listen("/orders")
        answers = []
        for turn in range(2200):
            answers.append(person.ask("POST", "/orders", {"op": "Order"}).json["order"])
            if turn % polls_every == 0:
                stage.settle()
                client.poll()
        runs.append((answers, [data["order"] for data in person.data()]))
    answers, events = runs[0]
    assert (runs[1] == runs[0]) is True, "no diff of thousands"
    assert len({*answers, *events}) == 4400 if scope == "run" else len(answers) + 1
    assert answers == sorted(answers)
