"""What a replay does for one client: answers, events, state, misses, leftovers."""

from __future__ import annotations

import json

import pytest

from cometape.core.identity.identity import PLACEHOLDER
from cometape.core.run.player import Pace
from scripted import HOST, NOTIFICATIONS, Script, Stage

A = "/api/v2/users/00025aA4/workbins/3434543f"
PULL = {"operationName": "PullWorkitem", "id": "02F0XAMPLE00001A"}
ITEMS = "/v2/me/workitems"
BINS = "/v2/me/workbins"


def taken(reference_id: int, item: str = "02F0XAMPLE00001A") -> dict[str, object]:
    return {
        "messageType": "WorkitemStateChangeMessage",
        "notificationType": "StatusChange",
        "referenceId": reference_id,
        "workitem": {"id": item, "state": "Processing", "userData": {"SubmitSeq": reference_id}},
    }


def pulling() -> Script:
    """A supervisor pulls a workitem: one answer, two events."""
    script = Script()
    script.ask("supervisor", "GET", "/api/v2/me", None, {"statusCode": 0, "user": {"id": "1"}})
    script.listen("supervisor", ITEMS, BINS)
    script.ask("supervisor", "POST", A, PULL, {"statusCode": 0, "referenceId": 17})
    script.event("supervisor", ITEMS, taken(17))
    script.event("supervisor", BINS, {"referenceId": 17, "action": "ItemRemoved", "id": "3434543f"})
    return script


def test_an_operation_is_answered_and_its_events_follow_with_the_same_fresh_id() -> None:
    stage = Stage(pulling())
    person = stage.person("supervisor")
    person.ask("GET", "/api/v2/me")
    client = person.listen(ITEMS, BINS)
    held = client.hold()
    answer = person.ask("POST", A, PULL)
    reference_id = answer.json["referenceId"]
    assert held.held, "the answer comes first"
    stage.talk.advance(0.02)
    assert held.answered
    first, second = person.data()
    assert first["referenceId"] == second["referenceId"] == reference_id
    assert reference_id not in (0, 17)
    assert first["workitem"]["userData"]["SubmitSeq"] == 17, "a 17 that is no reference id"
    assert stage.service.report().ok, stage.service.report().text()


def test_an_event_never_comes_before_its_cause_however_long_the_client_waits() -> None:
    stage = Stage(pulling())
    person = stage.person("supervisor")
    person.listen(ITEMS, BINS)
    stage.talk.advance(3600)
    assert person.data() == []


@pytest.mark.parametrize("connection_type", ["long-polling", "callback-polling", "websocket"])
def test_every_connection_type_gets_the_same_events(connection_type: str) -> None:
    seen = []
    for kind in ("long-polling", connection_type):
        stage = Stage(pulling())
        person = stage.person("supervisor")
        person.listen(ITEMS, BINS, connection_type=kind)
        person.ask("POST", A, PULL)
        seen.append(person.events())
    assert len(seen[0]) == 2
    assert seen[0] == seen[1]


def test_an_event_waits_for_a_subscription_that_takes_it() -> None:
    stage = Stage(pulling())
    person = stage.person("supervisor")
    client = person.listen(BINS)
    person.ask("POST", A, PULL)
    assert [channel for channel, _ in person.events()] == [BINS]
    client.subscribe("/v2/me/*")
    assert [channel for channel, _ in person.events()] == [BINS, ITEMS]


def test_two_subscriptions_that_match_bring_an_event_once() -> None:
    stage = Stage(pulling())
    person = stage.person("supervisor")
    person.listen("/v2/me/*", "/**", ITEMS, BINS)
    person.ask("POST", A, PULL)
    assert len(person.events()) == 2


def test_each_of_several_ids_of_one_answer_goes_with_its_event() -> None:
    script = Script()
    script.listen("agent", BINS)
    script.ask(
        "agent",
        "POST",
        "/api/v2/me/workbins?workbinIds=A,B",
        {"operationName": "Subscribe"},
        {"statusCode": 0, "referenceIds": {"B": 57, "A": 56}},
    )
    for workbin, number in (("A", 56), ("B", 57)):
        script.event("agent", BINS, {"id": workbin, "referenceId": number, "count": 57})
    stage = Stage(script)
    person = stage.person()
    person.listen(BINS)
    answer = person.ask(
        "POST", "/api/v2/me/workbins?workbinIds=A%2CB", {"operationName": "Subscribe"}
    )
    live = answer.json["referenceIds"]
    assert live["B"] == live["A"] + 1, "their order is kept"
    assert list(live) == ["B", "A"]
    assert {event["id"]: event["referenceId"] for event in person.data()} == live
    assert {event["count"] for event in person.data()} == {57}


def test_answers_keep_their_bytes_but_for_ids_and_origins() -> None:
    body = (
        b'{ "statusCode" : 0,\n\t"referenceId":17 , "n":17, "x":1.50e1,"ref\\u0065renceId":17,'
        b'"uri":"https:\\/\\/gws.example\\/api\\/v2\\/me\\u003f", "text":"https://gws.example/"}'
    )
    script = Script()
    script.ask("agent", "POST", "/api/v2/me", {"operationName": "X"}, body)
    stage = Stage(script)
    answer = stage.person().ask("POST", "/api/v2/me", {"operationName": "X"})
    live = str(answer.json["referenceId"]).encode()
    expected = body.replace(b'"referenceId":17', b'"referenceId":' + live)
    expected = expected.replace(b'"ref\\u0065renceId":17', b'"ref\\u0065renceId":' + live)
    expected = expected.replace(
        b"https:\\/\\/gws.example\\/", b"http:\\/\\/" + HOST.encode() + b"\\/"
    )
    assert answer.body == expected


def test_uris_lead_to_the_address_the_client_used() -> None:
    script = Script()
    me = {"user": {"uri": "http://10.0.0.1:8090/api/v2/users/1", "path": "/users/1"}}
    headers = [
        ("Location", "https://gws.example/api/v2/me?x=1"),
        ("X-Other", "https://gws.example"),
    ]
    script.ask("agent", "GET", "/api/v2/me", None, me, answer_headers=headers)
    stage = Stage(script)
    answer = stage.person(host="replay.test:81").ask(
        "GET", "/api/v2/me", headers=[("X-Forwarded-Proto", "https")]
    )
    assert answer.json["user"] == {
        "uri": "http://replay.test:81/api/v2/users/1",
        "path": "/users/1",
    }
    assert answer.headers.first("Location") == "http://replay.test:81/api/v2/me?x=1"
    assert answer.headers.first("X-Other") == "https://gws.example"


def test_a_uri_of_the_live_server_in_a_request_matches_the_recorded_one() -> None:
    script = Script()
    script.ask(
        "agent",
        "POST",
        "/api/v2/workbins/A",
        {"operationName": "AddWorkitem", "uri": "https://gws.example/api/v2/workitems/1"},
        {"statusCode": 0, "referenceId": 14},
    )
    stage = Stage(script)
    sent = {"operationName": "AddWorkitem", "uri": f"http://{HOST}/api/v2/workitems/1"}
    assert stage.person().ask("POST", "/api/v2/workbins/A", sent).status == 200


def test_cookies_and_csrf_tokens_are_fresh_and_fit_this_server() -> None:
    script = Script()
    script.ask(
        "agent",
        "GET",
        "/api/v2/me",
        None,
        {"statusCode": 0},
        answer_headers=[
            ("Set-Cookie", "JSESSIONID=<session:1>; Path=/; Domain=gws.example; Secure; HttpOnly"),
            ("Set-Cookie", "lang=en; SameSite=None; Secure"),
            ("X-CSRF-HEADER", "X-CSRF-TOKEN"),
            ("X-CSRF-TOKEN", "<csrf-token:1>"),
        ],
    )
    first, second = (
        Stage(script, seed=seed).person("a").ask("GET", "/api/v2/me") for seed in (0, 1)
    )
    cookie = first.headers.all("Set-Cookie")[0]
    assert cookie.endswith("; Path=/; HttpOnly")
    assert first.headers.all("Set-Cookie")[1] == "lang=en"
    assert len(cookie.partition(";")[0].removeprefix("JSESSIONID=")) >= 25
    token = first.headers.first("X-CSRF-TOKEN")
    assert token is not None
    assert len(token) == 36
    assert not any(PLACEHOLDER.search(value) for _, value in first.headers)
    assert first.headers.first("X-CSRF-HEADER") == "X-CSRF-TOKEN"
    assert set(first.headers) - set(second.headers) == {
        ("Set-Cookie", cookie),
        ("X-CSRF-TOKEN", token),
    }


def test_headers_of_the_recorded_connection_are_left_out() -> None:
    script = Script()
    extra = [
        ("Content-Length", "999"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Encoding", "gzip"),
        ("Connection", "close"),
        ("Strict-Transport-Security", "max-age=1"),
        ("ETag", '"x"'),
        ("Vary", "a"),
        ("Vary", "b"),
    ]
    script.ask("a", "GET", "/x", None, {}, answer_headers=extra)
    answer = Stage(script).person().ask("GET", "/x")
    assert list(answer.headers)[1:] == extra[5:]


# ------------------------------------------------------------------ matching


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/api/v2/x?b=2&a=1", b'{"id":1,"n":{"y":[1,2],"x":null}}'),
        ("/api/v2/x?a=1&b=2", b'{ "n": {"x":null, "y":[1.0, 2]},\n "id": 1.0 }'),
        ("/api/v2/%78?a=%31&b=2", b'{"id":1,"n":{"y":[1,2],"x":null}}'),
    ],
)
def test_what_means_the_same_matches(target: str, body: bytes) -> None:
    script = Script()
    script.ask(
        "a", "POST", "/api/v2/x?a=1&b=2", {"n": {"x": None, "y": [1, 2]}, "id": 1}, {"ok": 1}
    )
    headers = [("Content-Type", "text/plain"), ("User-Agent", "another"), ("X-New", "1")]
    assert Stage(script).person().ask("POST", target, body, headers=headers).json == {"ok": 1}


@pytest.mark.parametrize(
    ("method", "target", "body", "reason"),
    [
        ("POST", "/api/v2/x", {"id": 2}, "body-differs"),
        ("POST", "/api/v2/x", {"id": True}, "body-differs"),
        ("POST", "/api/v2/x", {"id": "1"}, "body-differs"),
        ("POST", "/api/v2/x", None, "body-differs"),
        ("POST", "/api/v2/x", b"id=1", "body-differs"),
        ("POST", "/api/v2/x?a=1", {"id": 1}, "query-differs"),
        ("PUT", "/api/v2/x", {"id": 1}, "method-differs"),
        ("POST", "/api/v2/y", {"id": 1}, "no-match"),
        ("POST", "/api/v2/x/", {"id": 1}, "no-match"),
        ("GET", "/", None, "no-match"),
        ("POST", "/api/v2/broken", {"id": 1}, "not-answered"),
    ],
)
def test_what_means_another_thing_is_a_miss_that_says_why(
    method: str, target: str, body: object, reason: str
) -> None:
    script = Script()
    script.ask("a", "POST", "/api/v2/x", {"id": 1}, {"ok": 1})
    script.ask("a", "POST", "/api/v2/broken", {"id": 1}, error="client left")
    stage = Stage(script)
    answer = stage.person().ask(method, target, body)
    assert answer.status == 599
    assert answer.headers.first("Content-Type") == "application/problem+json"
    assert answer.json["reason"] == reason == answer.headers.first("Cometape-Miss")
    assert answer.json["type"].endswith(reason)
    assert stage.service.misses[0].text() == answer.json["detail"]
    assert not stage.service.report().ok


def test_a_secret_in_a_request_matches_its_placeholder() -> None:
    script = Script()
    script.ask("a", "POST", "/login", {"password": "<password:1>", "user": "u"}, {"ok": 1})
    script.ask("a", "GET", "/by/<token:4>/x?access_token=<token:5>", None, {"ok": 2})
    script.ask("a", "POST", "/say", {"text": "it is <token:4>!"}, {"ok": 3})
    person = Stage(script).person()
    assert person.ask("POST", "/login", {"user": "u", "password": "another"}).json == {"ok": 1}
    assert person.ask("GET", "/by/whatever/x?access_token=abc").json == {"ok": 2}
    assert person.ask("POST", "/say", {"text": "it is me!"}).json == {"ok": 3}
    assert person.ask("POST", "/say", {"text": "it is !"}).status == 599


def test_a_miss_does_not_tell_secrets() -> None:
    script = Script()
    script.ask("a", "POST", "/login", {"password": "<password:1>", "user": "u"}, {"ok": 1})
    stage = Stage(script)
    answer = stage.person("me").ask(
        "POST",
        "/login?token=t0psecret-t0psecret",
        {"user": "v", "password": "s3cret-s3cret-s3cret"},
    )
    assert answer.status == 599
    assert b"cret" not in answer.body
    assert b"body.user" in answer.body


def test_a_miss_names_the_nearest_the_state_and_what_waits() -> None:
    stage = Stage(pulling())
    person = stage.person("supervisor")
    person.ask("GET", "/api/v2/me")
    problem = person.ask("POST", A, PULL | {"id": "02F0XAMPLE00009Z"}).json
    assert problem["nearest"][0]["entry"] == 5
    assert problem["nearest"][0]["differences"] == [
        {"facet": "body", "where": "body.id", "recorded": PULL["id"], "sent": "02F0XAMPLE00009Z"}
    ]
    assert "waits for exchange 5, POST" in problem["run"]["waiting"][0]
    assert problem["run"]["session"] == "supervisor"
    assert "supervisor as 'supervisor'" in problem["detail"]


# ------------------------------------------------------------------ state, not sequence


def workbin_story() -> Script:
    """Two workbins, each looked at before and after each is emptied."""
    script = Script()
    script.listen("agent", "/v2/me/*")
    for when in ("before", "after A", "after B"):
        if when != "before":
            workbin = when[-1]
            item = f"item-{workbin}1"
            script.ask(
                "agent",
                "POST",
                f"/api/v2/workbins/bin-{workbin}1",
                {"operationName": "PullWorkitem", "id": item},
                {"statusCode": 0, "referenceId": ord(workbin)},
            )
            script.event("agent", ITEMS, taken(ord(workbin), item))
        for workbin in "AB":
            empty = when >= f"after {workbin}" and when != "before"
            script.ask(
                "agent",
                "GET",
                f"/api/v2/workbins/bin-{workbin}1/workitems",
                None,
                {"workitems": [] if empty else [{"id": f"item-{workbin}1"}]},
            )
    return script


def look(person, workbin: str) -> int:  # type: ignore[no-untyped-def]
    return len(person.ask("GET", f"/api/v2/workbins/bin-{workbin}1/workitems").json["workitems"])


@pytest.mark.parametrize("order", ["AB", "BA"])
@pytest.mark.parametrize("polls", [1, 3, 50])
def test_a_read_shows_the_state_after_the_operations_done_in_any_order(
    order: str, polls: int
) -> None:
    stage = Stage(workbin_story())
    person = stage.person()
    person.listen("/v2/me/*")
    full = {"A": 1, "B": 1}
    for step in (None, *order):
        if step is not None:
            pull = {"operationName": "PullWorkitem", "id": f"item-{step}1"}
            assert person.ask("POST", f"/api/v2/workbins/bin-{step}1", pull).status == 200
            stage.settle()
            full[step] = 0
        for _ in range(polls):
            for workbin in "BA":
                assert look(person, workbin) == full[workbin], (step, workbin)
    assert len(person.data()) == 2
    assert stage.service.report().ok, stage.service.report().text()


def test_reads_recorded_in_one_state_advance_and_the_last_one_sticks() -> None:
    script = Script()
    for n in (1, 2, 3):
        script.ask("a", "GET", "/status", None, {"n": n})
    person = Stage(script).person()
    assert [person.ask("GET", "/status").json["n"] for _ in range(5)] == [1, 2, 3, 3, 3]


def test_a_read_after_the_event_shows_what_it_did_at_the_first_look() -> None:
    """Recorded: still there, still there, event, gone. Whoever waits for the event sees: gone."""
    script = Script()
    script.listen("a", ITEMS)
    script.ask("a", "POST", "/bins/b1", {"operationName": "Pull"}, {"referenceId": 3})
    for _ in range(2):
        script.ask("a", "GET", "/bins/b1", None, {"there": True})
    script.event("a", ITEMS, {"referenceId": 3})
    script.ask("a", "GET", "/bins/b1", None, {"there": False})
    stage = Stage(script)
    person = stage.person()
    person.listen(ITEMS)
    person.ask("POST", "/bins/b1", {"operationName": "Pull"})
    assert person.ask("GET", "/bins/b1").json == {"there": True}
    assert len(person.data()) == 1
    assert person.ask("GET", "/bins/b1").json == {"there": False}


def test_an_operation_recorded_twice_is_answered_twice_and_then_exhausted() -> None:
    script = Script()
    script.listen("a", ITEMS)
    for n in (5, 6):
        script.ask("a", "POST", "/x", {"operationName": "Do"}, {"referenceId": n, "n": n})
        script.event("a", ITEMS, {"referenceId": n, "n": n})
    stage = Stage(script)
    person = stage.person()
    person.listen(ITEMS)
    answers = [person.ask("POST", "/x", {"operationName": "Do"}) for _ in range(3)]
    assert [answer.json.get("n") for answer in answers] == [5, 6, None]
    assert answers[2].json["reason"] == "exhausted"
    ids = [answer.json["referenceId"] for answer in answers[:2]]
    assert ids == sorted(ids)
    assert [(event["referenceId"], event["n"]) for event in person.data()] == [
        (ids[0], 5),
        (ids[1], 6),
    ]


@pytest.mark.parametrize("how", ["--repeats", "profile"])
def test_a_repeat_has_ids_and_events_of_its_own(how: str) -> None:
    script = Script()
    script.listen("a", BINS)
    body = {"operationName": "Subscribe" if how == "profile" else "Do"}
    script.ask("a", "POST", "/api/v2/me/workbins/A1", body, {"statusCode": 0, "referenceId": 5})
    script.event("a", BINS, {"referenceId": 5, "id": "A1"})
    stage = Stage(script, repeats=how == "--repeats")
    person = stage.person()
    person.listen(BINS)
    ids = []
    for _ in range(3):
        ids.append(person.ask("POST", "/api/v2/me/workbins/A1", body).json["referenceId"])
        stage.settle()
    assert len(set(ids)) == 3
    assert [event["referenceId"] for event in person.data()] == ids
    report = stage.service.report()
    assert report.ok
    assert [(one.entry, one.times) for one in report.repeats] == [(3, 3)]


# ------------------------------------------------------------------ events


def test_a_spontaneous_event_follows_the_action_before_it_once() -> None:
    script = Script()
    script.listen("a", ITEMS)
    script.event("a", ITEMS, {"n": "invite"})
    script.ask("a", "GET", "/r", None, {})
    script.ask("a", "POST", "/api/v2/me", {"operationName": "Ready"}, {"statusCode": 0})
    script.event("a", ITEMS, {"n": "call"}, cause="spontaneous")
    stage = Stage(script, repeats=True)
    person = stage.person()
    person.listen(ITEMS)
    assert person.data() == [{"n": "invite"}]
    person.ask("GET", "/r")
    assert person.data() == [{"n": "invite"}]
    for _ in range(2):
        person.ask("POST", "/api/v2/me", {"operationName": "Ready"})
    assert person.data() == [{"n": "invite"}, {"n": "call"}]


def test_events_of_one_cause_keep_their_order_whatever_their_delays() -> None:
    script = Script()
    script.listen("a", ITEMS)
    pull = script.ask("a", "POST", "/x", {"operationName": "Do"}, {"referenceId": 9})
    script.event("a", ITEMS, {"n": 1}, cause=pull, at_s=9.0)
    script.event("a", ITEMS, {"n": 2}, cause=pull, at_s=8.0)
    script.event("a", ITEMS, {"n": 3}, cause=pull, at_s=9.0)
    stage = Stage(script, pace=Pace.parse("recorded"))
    person = stage.person()
    person.listen(ITEMS)
    person.ask("POST", "/x", {"operationName": "Do"})
    stage.talk.advance(10)
    assert [event["n"] for event in person.data()] == [1, 2, 3]


@pytest.mark.parametrize(("pace", "live_s"), [("recorded", 4.9), ("x10", 0.49), ("instant", 0.01)])
def test_the_pace_says_when_events_come(pace: str, live_s: float) -> None:
    script = Script()
    script.listen("a", ITEMS)
    pull = script.ask("a", "POST", "/x", {"operationName": "Do"}, {"referenceId": 9})  # 3.0 - 3.1
    script.event("a", ITEMS, {"n": 1}, cause=pull, at_s=8.0)
    stage = Stage(script, pace=Pace.parse(pace))
    person = stage.person()
    held = person.listen(ITEMS).hold()
    person.ask("POST", "/x", {"operationName": "Do"})
    stage.talk.advance(live_s - 0.001)
    assert held.held
    stage.talk.advance(0.002)
    assert held.answered


def test_an_event_recorded_without_a_subscription_needs_none() -> None:
    script = Script()
    script.handshake("a")
    pull = script.ask("a", "POST", "/x", {"operationName": "Do"}, {})
    script.event("a", "/private/for/you", {"n": 1}, cause=pull)
    stage = Stage(script)
    person = stage.person()
    person.shake_hands()
    person.ask("POST", "/x", {"operationName": "Do"})
    assert person.events() == [("/private/for/you", {"n": 1})]


def test_a_goodbye_right_after_an_answer_still_gets_its_events() -> None:
    stage = Stage(pulling())
    person = stage.person("supervisor")
    person.ask("GET", "/api/v2/me")
    client = person.listen(ITEMS, BINS)
    held = client.hold()
    person.ask("POST", A, PULL)
    client.disconnect()
    assert held.answered
    assert len(client.events) == 2
    assert stage.service.report().ok


def test_a_client_that_lost_its_session_gets_what_it_missed_in_the_next() -> None:
    stage = Stage(pulling())
    person = stage.person("supervisor")
    first = person.listen(ITEMS, BINS)
    live = person.ask("POST", A, PULL).json["referenceId"]
    stage.settle()
    assert first.client_id is not None
    bayeux = stage.service.replay.bayeux
    stage.talk.carry_out(
        stage.service.replay.endpoint.actions(bayeux.expire(first.client_id, stage.talk.now_s))
    )
    assert first.connect()["error"] == "402::Unknown client"
    person.listen(ITEMS, BINS)
    assert [event["referenceId"] for event in person.data()] == [live, live]
    assert len(stage.service.report().runs) == 1


# ------------------------------------------------------------------ Bayeux


def test_a_publish_is_matched_and_causes_its_events() -> None:
    script = Script("bayeux")
    script.listen("a", "/chat")
    script.publish("a", "/chat", {"text": "hello", "n": 1})
    script.event("a", "/chat", {"text": "hello", "n": 1})
    stage = Stage(script)
    person = stage.person()
    client = person.listen("/chat")
    refused = client.publish("/chat", {"text": "hello", "n": 2})
    assert not refused["successful"]
    assert "body-differs" in refused["error"]
    assert "body.n: recorded 1, sent 2" in refused["error"]
    assert client.publish("/chat", {"n": 1.0, "text": "hello"})["successful"]
    assert person.data() == [{"text": "hello", "n": 1}]
    again = client.publish("/chat", {"text": "hello", "n": 1})
    assert "exhausted" in again["error"]
    assert [miss.reason for miss in stage.service.misses] == ["body-differs", "exhausted"]


def test_the_answer_to_a_remote_call_carries_the_live_message_id() -> None:
    script = Script("bayeux")
    script.handshake("a")
    script.publish("a", "/service/echo", {"q": 1}, message_id="44")
    script.event("a", "/service/echo", {"a": 1}, message_id="44")
    stage = Stage(script)
    client = stage.person().shake_hands()
    message = client.message("/service/echo", data={"q": 1})
    client.ask(message)
    stage.settle()
    client.poll()
    (event,) = client.events
    assert event["id"] == message["id"] != "44"
    assert "successful" not in event


def test_refusals_are_refused_again() -> None:
    script = Script("bayeux")
    script.handshake(
        "a",
        successful=False,
        error="403::Handshake denied",
        client_id=None,
        advice={"reconnect": "none"},
    )
    script.handshake("a")
    script.subscribe("a", "/secret", successful=False, error="403:/secret:no")
    script.subscribe("a", "/open")
    script.publish("a", "/open", 1, successful=False, error="403:/open:publish_denied")
    stage = Stage(script)
    client = stage.talk.client()
    reply = client.handshake()
    assert (reply["successful"], reply["error"]) == (False, "403::Handshake denied")
    assert reply["advice"] == {"reconnect": "none"}
    client.begin("/open", "/never/recorded")
    assert client.subscribe("/secret")["error"] == "403:/secret:no"
    assert client.publish("/open", 1)["error"] == "403:/open:publish_denied"
    assert len(stage.service.report().runs) == 1


def test_bayeux_is_served_at_the_recorded_path_and_at_the_profiles() -> None:
    script = Script(bayeux="/odd/cometd")
    script.handshake("a")
    stage = Stage(script)
    for path in ("/odd/cometd", "/odd/cometd/handshake", NOTIFICATIONS, NOTIFICATIONS + "/"):
        assert stage.talk.client(path=path).handshake()["successful"]
    assert stage.talk.client(path="/other").send({"channel": "/meta/handshake"}).status == 599


def test_the_dialect_is_the_recorded_one() -> None:
    script = Script()
    script.handshake("a")
    script.publish("a", "/x", 1, successful=False, error="402::session_unknown")
    stage = Stage(script)
    client = stage.talk.client()
    client.client_id = "lost"
    assert client.connect()["error"] == "402::session_unknown"


def test_a_recorded_client_id_in_a_body_becomes_the_live_one() -> None:
    script = Script("bayeux")
    script.handshake("a")
    script.ask("a", "GET", "/who", None, {"you": "<client-id:1>", "n": "<token:1>"})
    stage = Stage(script)
    person = stage.person()
    client = person.shake_hands()
    assert person.ask("GET", "/who").json == {"you": client.client_id, "n": "<token:1>"}


# ------------------------------------------------------------------ the end


def test_leftovers_name_what_was_not_asked_for_and_what_waits_for_it() -> None:
    stage = Stage(pulling())
    report = stage.service.report()
    assert [one.entry for one in report.unplayed] == [1, 5]
    assert [one.entry for one in report.undelivered] == [6, 7]
    person = stage.person("supervisor")
    person.ask("GET", "/api/v2/me")
    person.ask("POST", A, PULL)
    stage.settle()
    report = stage.service.report()
    assert not report.unplayed
    assert {one.why for one in report.undelivered} == {
        "supervisor has no Bayeux session: it never shook hands"
    }
    person.listen(BINS)
    stage.settle()
    report = stage.service.report()
    assert [(one.entry, one.why) for one in report.undelivered] == [
        (6, f"no subscription of supervisor takes {ITEMS}"),
        (7, "it waits for the client's next connect"),
    ]
    assert not report.ok
    assert json.loads(json.dumps(report.json()))["runs"][0]["undelivered"][0]["entry"] == 6
    assert "2 events never delivered" in report.verdict


def test_a_read_recorded_many_times_is_not_left_over_when_it_was_asked_for_once() -> None:
    script = Script()
    for n in range(5):
        script.ask("a", "GET", "/status", None, {"n": n})
    stage = Stage(script)
    stage.person().ask("GET", "/status")
    assert stage.service.report().ok


def test_the_journal_tells_what_happened_in_order() -> None:
    stage = Stage(pulling())
    person = stage.person("supervisor")
    person.ask("GET", "/api/v2/me")
    person.listen(ITEMS)
    person.ask("POST", A, PULL)
    person.ask("GET", "/nowhere")
    person.events()
    person.leave()
    kinds = [line.kind for line in stage.service.journal]
    assert kinds == [
        *("client", "answered", "handshake", "subscribe"),
        *("answered", "miss", "event", "end"),
    ]
    assert "run 1 supervisor: answered [5] POST" in stage.service.journal.text()


def test_browsers_may_ask_from_another_origin() -> None:
    stage = Stage(pulling())
    answer = stage.person().ask("GET", "/api/v2/me", headers=[("Origin", "http://page.test")])
    assert answer.headers.first("Access-Control-Allow-Origin") == "http://page.test"
    preflight = stage.person().ask(
        "OPTIONS",
        A,
        headers=[("Origin", "http://page.test"), ("Access-Control-Request-Method", "POST")],
    )
    assert preflight.status in (200, 204)
    assert not stage.service.misses


def test_an_empty_cassette_misses_everything_and_is_complete() -> None:
    stage = Stage(Script())
    assert stage.service.report().ok
    assert stage.person().ask("GET", "/x").status == 599
    assert stage.person().listen("/x").client_id


def test_a_websocket_on_an_unknown_path_is_a_miss() -> None:
    stage = Stage(pulling())
    from cometape.core.exchange import Headers, Request

    request = Request(method="GET", target="/ws", headers=Headers([("Upgrade", "websocket")]))
    (action,) = stage.service.upgrade(77, 77, request, 0.0)
    assert action.response.status == 599  # type: ignore[union-attr]
