"""Ids that clients make up and the server echoes."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from cometape.core.cassette import Event, Exchange
from cometape.core.causality.inference import infer_causes
from cometape.core.exchange import Headers
from own_identities import kinds
from scripted import Script, Stage, dumped

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
