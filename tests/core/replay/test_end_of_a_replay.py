"""What is told in the end, and the edges of a replay."""

from __future__ import annotations

import json

from pulling import BINS, ITEMS, PULL, A, pulling
from scripted import Script, Stage


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
