"""What a replay answers: fresh ids, bytes as recorded, origins and cookies of this server."""

from __future__ import annotations

import pytest

from cometape.core.identity.identity import PLACEHOLDER
from pulling import BINS, ITEMS, PULL, A, pulling
from scripted import HOST, Script, Stage


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
