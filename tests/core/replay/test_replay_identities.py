"""Ids wherever they stand, whoever made them, and through all the requests that name them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.cassette import Event, Exchange
from cometape.core.causality.inference import infer_causes
from cometape.core.exchange import Headers
from cometape.core.profile.profile import Profile
from cometape.core.profile.profile_format import parse_profile
from cometape.profiles import load_profile
from scripted import Script, Stage, dumped

OLD = "02F0XAMPLE00009Z"
"""The id of the workitem that `Create` made in the recording."""
STAYS = "02F0XAMPLE00001A"
"""One that lay in the workbin."""
ITEMS = "/v2/me/workitems"
SHAPE = re.compile(r"\d\d[A-Z]\d[A-Z]{6}\d{5}[A-Z]")
CREATE = {"operationName": "Create", "queueUri": "http://gws.example/api/v2/queues/q"}


def profile_of(**keys: Any) -> Profile:
    return parse_profile(
        {"profile": "p", "operation": "op", **keys}, "p", base=load_profile("bayeux")
    )


def kinds(**identities: dict[str, Any]) -> Profile:
    return profile_of(identities=identities)


# ------------------------------------------------------------------ everywhere


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


# ------------------------------------------------------------------ made by clients


ECHO = kinds(
    request={
        "form": "uuid",
        "scope": "session",
        "made_by": "client",
        "issued": [
            "request.json clientRequestId",
            "request.json meta > json id",
            "request.form rid",
            "publish.data rid",
        ],
        "used": [
            "response.json echo",
            "response.json deep > json a.id",
            "event.data requestId",
            "event.data log.* > json rid",
            "request.path /requests/{}",
        ],
    }
)
MINE = "0b0e4b0e-6a35-4b9e-9d4e-3d0a9f6e2c11"


def echoing() -> Script:
    script = Script("bayeux")
    script.listen("a", "/x")
    for n in (1, 2):
        old = f"aaaaaaaa-0000-4000-8000-00000000000{n}"
        sent = {"op": "Do", "clientRequestId": old}
        answer = {"echo": old, "deep": dumped({"a": {"id": old}, "id": old}).decode(), "n": n}
        op = script.ask("a", "POST", "/do", sent, answer)
        script.event(
            "a", "/x", {"requestId": old, "log": [f'{{"rid": "{old}"}}'], "n": old}, cause=op
        )
    script.ask("a", "GET", "/requests/aaaaaaaa-0000-4000-8000-000000000002", None, {"second": 1})
    return script


def test_an_id_that_the_client_makes_up_is_ignored_in_matching_and_echoed() -> None:
    stage = Stage(echoing(), profile=ECHO)
    person = stage.person()
    person.listen("/x")
    mine = [MINE, MINE.replace("0", "1")]
    for n, live in enumerate(mine, 1):
        answer = person.ask("POST", "/do", {"clientRequestId": live, "op": "Do"}).json
        old = f"aaaaaaaa-0000-4000-8000-00000000000{n}"
        assert answer == {
            "echo": live,
            "deep": dumped({"a": {"id": live}, "id": old}).decode(),
            "n": n,
        }
        assert person.data()[-1] == {"requestId": live, "log": [f'{{"rid": "{live}"}}'], "n": old}
    assert person.ask("GET", f"/requests/{mine[1]}").json == {"second": 1}
    assert stage.service.report().ok


def test_an_event_with_such_an_id_is_caused_by_the_request_that_made_it() -> None:
    recorded = echoing().cassette
    causes = [getattr(entry, "cause", None) for entry in recorded.entries]
    nameless = tuple(
        replace(entry, cause=None) if isinstance(entry, Event) else entry
        for entry in recorded.entries
    )
    found = infer_causes(replace(recorded, entries=nameless), ECHO)
    assert [getattr(entry, "cause", None) for entry in found.entries] == causes


def test_a_request_without_the_clients_id_is_another_one() -> None:
    stage = Stage(echoing(), profile=ECHO)
    assert stage.person().ask("POST", "/do", {"op": "Do"}).status == 599


def test_an_id_that_the_client_makes_up_in_a_header_is_echoed() -> None:
    profile = kinds(
        trace={
            "form": "text",
            "made_by": "client",
            "issued": ["request.header X-Request-Id", "request.header traceparent > list -"],
            "used": ["response.header X-Request-Id", "event.data trace"],
        }
    )
    script = Script("bayeux")
    script.listen("a", "/x")
    op = script.ask("a", "GET", "/x", None, {}, answer_headers=[("X-Request-Id", "r-1")])
    sent = Headers([("X-Request-Id", "r-1"), ("traceparent", "00-abc-def-01")])
    exchange = script.entries[op - 1]
    assert isinstance(exchange, Exchange)
    script.entries[op - 1] = replace(exchange, request=replace(exchange.request, headers=sent))
    do = script.ask("a", "POST", "/do", {"op": "Do"}, {})
    exchange = script.entries[do - 1]
    assert isinstance(exchange, Exchange)
    script.entries[do - 1] = replace(exchange, request=replace(exchange.request, headers=sent))
    script.event("a", "/x", {"trace": "abc", "n": "abc"}, cause=do)
    person = Stage(script, profile=profile).person()
    person.listen("/x")
    mine = [("X-Request-Id", "mine"), ("traceparent", "00-xyz-def-01")]
    assert person.ask("GET", "/x", headers=mine).headers.first("X-Request-Id") == "mine"
    person.ask("POST", "/do", {"op": "Do"}, headers=mine)
    assert person.data() == [{"trace": "xyz", "n": "abc"}]


@pytest.mark.parametrize("made", ["a\r\nSet-Cookie: x=1", "\ud800", "x" * 1000])
def test_an_id_that_could_do_harm_is_not_echoed(made: str) -> None:
    person = Stage(echoing(), profile=ECHO).person()
    sent = json.dumps({"op": "Do", "clientRequestId": made}).encode()
    answer = person.ask("POST", "/do", sent)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.json["echo"])


def test_a_published_id_of_the_client_is_echoed_too() -> None:
    script = Script("bayeux")
    script.listen("a", "/x")
    op = script.publish("a", "/service/do", {"rid": "r-1", "what": "x"})
    script.event("a", "/x", {"requestId": "r-1"}, cause=op)
    stage = Stage(script, profile=ECHO)
    person = stage.person()
    client = person.listen("/x")
    assert client.publish("/service/do", {"what": "x", "rid": "mine"})["successful"]
    assert person.data() == [{"requestId": "mine"}]


# ------------------------------------------------------------------ created and then used


def created(reference_id: int, item: str, state: str = "Processing") -> dict[str, Any]:
    return {
        "messageType": "WorkitemStateChangeMessage",
        "notificationType": "StatusChange",
        "referenceId": reference_id,
        "workitem": {
            "id": item,
            "state": state,
            "uri": f"https://gws.example/api/v2/workitems/{item}",
            "userData": {"InteractionId": item, "Subject": item},
        },
    }


def creating() -> Script:
    script = Script()
    for user in ("agent7", "supervisor"):
        script.ask(user, "GET", "/api/v2/me", None, {"user": user})
        script.listen(user, ITEMS)
    script.ask(
        "agent7", "POST", "/api/v2/me/workitems", CREATE, {"statusCode": 0, "referenceId": 5}
    )
    script.event("agent7", ITEMS, created(5, OLD))
    sent = {"operationName": "Transfer", "userData": {"about": OLD}}
    op = script.ask("agent7", "POST", f"/api/v2/me/workitems/{OLD}", sent, {"referenceId": 6})
    script.event("supervisor", ITEMS, created(6, OLD, "Invited"), cause=op)
    sent = {"operationName": "Accept"}
    script.ask("supervisor", "POST", f"/api/v2/me/workitems/{OLD}", sent, {"referenceId": 5})
    script.event("supervisor", ITEMS, created(5, OLD, "Chatting"))
    read = {"workitems": [created(0, OLD)["workitem"], created(0, STAYS)["workitem"]]}
    script.ask("supervisor", "GET", "/api/v2/workbins/b/workitems?fields=*", None, read)
    sent = {"operationName": "PullWorkitem", "id": STAYS}
    script.ask("supervisor", "POST", "/api/v2/workbins/b", sent, {"referenceId": 7})
    return script


def desk(stage: Stage, user: str) -> Any:
    person = stage.person(user)
    person.ask("GET", "/api/v2/me")
    person.listen(ITEMS)
    return person


def test_a_created_workitem_is_another_in_every_run_and_understood_in_every_session() -> None:
    stage = Stage(creating())
    seen = set()
    for _ in range(3):
        agent, supervisor = desk(stage, "agent7"), desk(stage, "supervisor")
        assert agent.ask("POST", "/api/v2/me/workitems", CREATE).status == 200
        item = agent.data()[-1]["workitem"]["id"]
        assert SHAPE.fullmatch(item)
        seen.add(item)
        sent = {"operationName": "Transfer", "userData": {"about": OLD}}
        assert agent.ask("POST", f"/api/v2/me/workitems/{item}", sent).status == 200
        offered = supervisor.data()[-1]["workitem"]
        assert offered["id"] == offered["userData"]["InteractionId"] == item
        assert offered["uri"].endswith(f"/api/v2/workitems/{item}")
        assert offered["userData"]["Subject"] == OLD, "a text that is no declared place"
        sent = {"operationName": "Accept"}
        assert supervisor.ask("POST", f"/api/v2/me/workitems/{item}", sent).status == 200
        listed = supervisor.ask("GET", "/api/v2/workbins/b/workitems?fields=*").json["workitems"]
        assert [one["id"] for one in listed] == [item, STAYS], "what lay there stays"
        sent = {"operationName": "PullWorkitem", "id": STAYS}
        assert supervisor.ask("POST", "/api/v2/workbins/b", sent).status == 200
        agent.events()
        supervisor.events()
        agent.leave()
        supervisor.leave()
    assert len(seen) == 3
    assert OLD not in seen
    assert stage.service.report().ok, stage.service.report().text()


def test_repeats_create_other_workitems_and_each_is_worked_on_as_itself() -> None:
    stage = Stage(creating(), repeats=True)
    agent, supervisor = desk(stage, "agent7"), desk(stage, "supervisor")
    items = []
    for _ in range(3):
        reference_id = agent.ask("POST", "/api/v2/me/workitems", CREATE).json["referenceId"]
        event = agent.data()[-1]
        assert event["referenceId"] == reference_id
        items.append(event["workitem"]["id"])
    assert len(set(items)) == 3
    for item in (items[1], items[2], items[0]):
        sent = {"operationName": "Transfer", "userData": {"about": OLD}}
        agent.ask("POST", f"/api/v2/me/workitems/{item}", sent)
        assert supervisor.data()[-1]["workitem"]["id"] == item


def test_an_id_of_another_run_is_not_understood() -> None:
    stage = Stage(creating())
    first = desk(stage, "agent7")
    first.ask("POST", "/api/v2/me/workitems", CREATE)
    foreign = first.data()[-1]["workitem"]["id"]
    other = desk(stage, "agent7")
    sent = {"operationName": "Transfer", "userData": {"about": OLD}}
    assert other.ask("POST", f"/api/v2/me/workitems/{foreign}", sent).status == 599


def test_a_thing_that_an_answer_hands_out_is_created_too() -> None:
    profile = kinds(
        order={
            "form": "hex",
            "scope": "run",
            "operations": ["New*"],
            "issued": ["response.json id"],
            "used": ["request.path /orders/{}", "response.json orders.*.id", "event.data id"],
        }
    )
    script = Script("bayeux")
    script.listen("a", "/x")
    script.ask("a", "POST", "/orders", {"op": "NewOrder"}, {"id": "00ff"})
    script.ask("a", "POST", "/other", {"op": "Other"}, {"id": "00ee"})
    ship = script.ask("a", "PUT", "/orders/00ff", {"op": "Ship"}, {"id": "00ff"})
    script.event("a", "/x", {"id": "00ff"}, cause=ship)
    script.ask("a", "GET", "/orders", None, {"orders": [{"id": "00ee"}, {"id": "00ff"}]})
    stage = Stage(script, profile=profile)
    person = stage.person()
    person.listen("/x")
    live = person.ask("POST", "/orders", {"op": "NewOrder"}).json["id"]
    assert live not in ("00ff", "00ee")
    assert person.ask("POST", "/other", {"op": "Other"}).json == {"id": "00ee"}
    assert person.ask("PUT", f"/orders/{live}", {"op": "Ship"}).json == {"id": live}
    assert person.data() == [{"id": live}]
    listed = person.ask("GET", "/orders").json["orders"]
    assert [one["id"] for one in listed] == ["00ee", live]
    assert stage.service.report().ok


@pytest.mark.parametrize("form", ["integer", "shape"])
def test_an_id_of_the_run_is_unique_throughout_it_whoever_got_it(form: str) -> None:
    number = {
        "form": form,
        "scope": "run",
        "issued": ["response.json order"],
        "counter": {"start": 5000, "step": 5},
    }
    script = Script("bayeux")
    for user in ("a", "b"):
        for n in range(4):
            recorded = {"integer": 10 * ord(user) + n, "shape": f"{user}b-4711-{n}"}[form]
            script.ask(user, "POST", f"/orders/{user}/{n}", {"op": "New"}, {"order": recorded})
    stage = Stage(script, profile=kinds(order=number))
    people = {user: stage.person(user) for user in ("a", "b")}
    live = [
        people[user].ask("POST", f"/orders/{user}/{n}", {"op": "New"}).json["order"]
        for n in range(4)
        for user in ("a", "b")
    ]
    assert len(set(live)) == 8
    if form == "integer":
        assert sorted(live) == list(range(5000, 5040, 5))
    else:
        assert not set(live) & {f"{user}b-4711-{n}" for user in "ab" for n in range(4)}


# ------------------------------------------------------------------ laws


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


@pytest.mark.parametrize("seed", [0, 7])
def test_created_ids_are_the_same_bytes_in_every_replay(seed: int) -> None:
    seen = []
    for _ in range(2):
        agent = desk(Stage(creating(), seed=seed), "agent7")
        agent.ask("POST", "/api/v2/me/workitems", CREATE)
        seen.append(agent.data())
    assert seen[0] == seen[1]
