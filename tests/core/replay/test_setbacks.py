"""What went wrong in the recording: smoothed over, and played where that is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from cometape.core.bayeux.settings import Settings
from cometape.core.cassette import Connect, Disconnect, Handshake, Subscribe
from cometape.core.json_value import JsonObject
from cometape.core.replay.setbacks import HELD_S
from cometape.core.run.pace import Pace
from cometape.core.service import Abort
from conversation import Exchange
from scripted import JSON_HEADERS, Person, Script, Stage, dumped

ITEMS = "/v2/me/workitems"
ADVICE: JsonObject = {"reconnect": "handshake", "interval": 0}


def lost(script: Script, session: str, error: str = "402::Unknown client") -> int:
    """A connect that was refused: the server did not know the session any more."""
    return script.add(
        Connect(
            session=session,
            number=len(script.entries) + 1,
            at_s=float(len(script.entries) + 1),
            successful=False,
            error=error,
            advice=ADVICE,
        )
    )


def interrupted() -> Script:
    """An operation; one event; the session is lost; a new one; another event of the operation."""
    script = Script()
    script.listen("agent7", ITEMS)
    do = script.ask("agent7", "POST", "/x", {"operationName": "Do"}, {"referenceId": 3})
    script.event("agent7", ITEMS, {"referenceId": 3, "n": 1}, cause=do)
    lost(script, "agent7")
    script.listen("agent7", ITEMS)
    script.event("agent7", ITEMS, {"referenceId": 3, "n": 2}, cause=do)
    script.ask("agent7", "POST", "/x", {"operationName": "Then"}, {"referenceId": 4})
    return script


def do(person: Person, name: str = "Do") -> None:
    assert person.ask("POST", "/x", {"operationName": name}).status == 200


def test_a_lost_session_is_smoothed_over() -> None:
    stage = Stage(interrupted())
    person = stage.person("agent7")
    client = person.listen(ITEMS)
    do(person)
    assert [data["n"] for data in person.data()] == [1, 2]
    assert client.poll()[-1]["successful"]
    do(person, "Then")
    assert stage.service.report().ok, stage.service.report().text()


def test_a_lost_session_is_lost_again_between_the_events_when_asked() -> None:
    stage = Stage(interrupted(), as_recorded=True)
    person = stage.person("agent7")
    client = person.listen(ITEMS)
    held = client.hold()
    do(person)
    stage.talk.advance(0.5)
    assert [message["data"]["n"] for message in held.events] == [1]
    refused = client.connect()
    assert refused["error"] == "402::Unknown client"
    assert refused["advice"]["reconnect"] == "handshake"
    person.listen(ITEMS)
    assert [data["n"] for data in person.data()] == [2]
    stage.talk.advance(60)
    assert person.client is not None
    assert person.client.poll()[-1]["successful"], "once per run"
    do(person, "Then")
    assert stage.service.report().ok, stage.service.report().text()
    assert "session lost as recorded" in stage.service.journal.text()


def test_what_came_before_the_loss_is_fetched_first_and_what_came_after_it_last() -> None:
    stage = Stage(interrupted(), as_recorded=True)
    person = stage.person("agent7")
    client = person.listen(ITEMS)
    do(person)
    stage.talk.advance(10)
    assert [data["n"] for data in person.data()] == [1]
    assert client.connect()["error"] == "402::Unknown client"
    person.listen(ITEMS)
    assert [data["n"] for data in person.data()] == [2]


def test_a_session_is_not_lost_before_its_client_has_acknowledged_what_came_before() -> None:
    stage = Stage(interrupted(), as_recorded=True)
    person = stage.person("agent7")
    client = stage.talk.client(headers=person.headers)
    client.handshake(ext={"ack": True})
    client.connect(ext={"ack": 0})
    client.subscribe(ITEMS)
    do(person)
    stage.settle()
    lost = client.poll(ext={"ack": 1})  # on its way
    event, reply = client.poll(ext={"ack": 1})
    assert lost[0]["data"]["n"] == event["data"]["n"] == 1
    held = client.send(client.message("/meta/connect", ext=reply["ext"]))
    assert held.message["error"] == "402::Unknown client"
    person.listen(ITEMS)
    assert [data["n"] for data in person.data()] == [2]


def test_who_never_fetched_what_came_before_the_loss_gets_it_in_the_next_session() -> None:
    stage = Stage(interrupted(), as_recorded=True, bayeux=Settings(max_interval_ms=5000))
    person = stage.person("agent7")
    client = person.listen(ITEMS)
    do(person)
    stage.talk.advance(10)
    assert client.connect()["error"] == "402::Unknown client"
    person.listen(ITEMS)
    assert [data["n"] for data in person.data()] == [1, 2]
    do(person, "Then")
    assert stage.service.report().ok, stage.service.report().text()


def test_a_held_connect_is_told_that_the_session_is_lost() -> None:
    script = Script()
    script.listen("agent7", ITEMS)
    lost(script, "agent7")
    stage = Stage(script, as_recorded=True, pace=Pace.parse("recorded"))
    held = stage.person("agent7").listen(ITEMS).hold()
    stage.talk.advance(0.9)
    assert held.held, "it comes after the recorded time"
    stage.talk.advance(0.2)
    assert held.message["error"] == "402::Unknown client"


@pytest.mark.parametrize("connection_type", ["long-polling", "websocket"])
@pytest.mark.parametrize("as_recorded", [False, True])
def test_a_server_that_ended_the_session_ends_it_again_when_asked(
    as_recorded: bool, connection_type: str
) -> None:
    script = Script()
    script.listen("agent7", ITEMS)
    script.ask("agent7", "POST", "/x", {"operationName": "Do"}, {})
    end = {"session": "agent7", "number": 4, "at_s": 4.0}
    script.add(Disconnect(**end, by="server"))  # type: ignore[arg-type]
    stage = Stage(script, as_recorded=as_recorded)
    person = stage.person("agent7")
    client = person.listen(ITEMS, connection_type=connection_type)
    do(person)
    stage.settle()
    if connection_type == "websocket":
        assert client.socket is not None
        seen = [message["channel"] for message in client.socket.messages]
    else:
        seen = [message["channel"] for message in client.poll()]
    assert ("/meta/disconnect" in seen) is as_recorded
    assert stage.service.report().ok


def test_each_client_of_each_run_has_its_own_setbacks() -> None:
    stage = Stage(interrupted(), as_recorded=True)
    for party in "ab":
        people = [stage.person(f"{party}-{n}") for n in range(3)]
        for person in people:
            person.listen(ITEMS)
        for person in people:
            do(person)
        stage.settle()
        for person in people:
            assert [data["n"] for data in person.data()] == [1]
            assert person.client is not None
            assert person.client.connect().get("error") == "402::Unknown client"


# ------------------------------------------------------------------ requests that failed by HTTP


def polled(error: str) -> Script:
    """An operation; a poll that failed; the event of the operation."""
    script = Script()
    script.listen("agent7", ITEMS)
    number = script.ask("agent7", "POST", "/x", {"operationName": "Do"}, {"referenceId": 3})
    lost(script, "agent7", error)
    script.event("agent7", ITEMS, {"referenceId": 3, "n": 1}, cause=number)
    return script


@pytest.mark.parametrize(
    ("error", "status"), [("HTTP 502", 502), ("server closed the connection", None)]
)
@pytest.mark.parametrize("is_held", [False, True])
def test_a_poll_that_failed_fails_again_when_asked_and_the_session_lives_on(
    error: str, status: int | None, is_held: bool
) -> None:
    stage = Stage(polled(error), as_recorded=True, pace=Pace.parse("recorded"))
    person = stage.person("agent7")
    client = person.listen(ITEMS)
    poll = client.hold() if is_held else None
    do(person)
    stage.talk.advance(0.95)
    if poll is None:
        poll = client.send(client.message("/meta/connect", connectionType="long-polling"))
    assert poll.aborted if status is None else poll.status == status
    again = client.hold()
    stage.talk.advance(5)
    assert [event["data"]["n"] for event in again.events] == [1]
    assert stage.service.report().ok
    assert f"poll fails as recorded: {error}" in stage.service.journal.text()


def test_a_poll_that_failed_takes_the_websocket_of_a_client_that_has_one() -> None:
    stage = Stage(polled("HTTP 502"), as_recorded=True)
    person = stage.person("agent7")
    client = person.listen(ITEMS, connection_type="websocket")
    do(person)
    stage.settle()
    assert client.socket is not None
    assert client.socket.closed


def test_a_poll_that_failed_is_smoothed_over() -> None:
    stage = Stage(polled("HTTP 502"))
    person = stage.person("agent7")
    person.listen(ITEMS)
    do(person)
    assert [data["n"] for data in person.data()] == [1]


def test_a_session_that_was_lost_after_its_first_poll_is_lost_again() -> None:
    """A poll is nothing that a client can be seen to do: it is the handshake that this follows."""
    script = Script()
    script.listen("agent7", ITEMS)
    script.add(Connect(session="agent7", number=3, at_s=3.0))
    lost(script, "agent7")
    stage = Stage(script, as_recorded=True)
    client = stage.person("agent7").listen(ITEMS)
    stage.settle()
    assert client.connect().get("error") == "402::Unknown client"


def shaken(error: str) -> Script:
    """A handshake that failed, and one that did not."""
    script = Script()
    script.add(Handshake(session="a", number=1, at_s=1.0, successful=False, error=error))
    script.listen("a", ITEMS)
    return script


@pytest.mark.parametrize("error", ["HTTP 503", "server closed the connection"])
@pytest.mark.parametrize("as_recorded", [False, True])
def test_a_handshake_that_failed_by_accident_fails_again_only_when_asked(
    error: str, as_recorded: bool
) -> None:
    stage = Stage(shaken(error), as_recorded=as_recorded)
    client = stage.talk.client(headers=stage.person("a").headers)
    message = client.message("/meta/handshake", version="1.0")
    first = client.send(message)
    if not as_recorded:
        assert first.message["successful"]
    elif error == "HTTP 503":
        assert (first.status, first.body) == (503, "")
    else:
        assert first.aborted
    assert client.send(message).message["successful"]


def test_a_handshake_that_the_system_refused_by_http_is_refused_so() -> None:
    stage = Stage(shaken("HTTP 401"))
    client = stage.talk.client(headers=stage.person("a").headers)
    message = client.message("/meta/handshake", version="1.0")
    assert client.send(message).status == 401
    assert client.send(message).message["successful"]


@pytest.mark.parametrize("as_recorded", [False, True])
def test_a_subscription_that_failed_by_accident_does_so_only_when_asked(as_recorded: bool) -> None:
    script = Script()
    script.add(Handshake(session="a", number=1, at_s=1.0))
    failed = {"session": "a", "number": 2, "at_s": 2.0, "successful": False, "error": "HTTP 502"}
    script.add(Subscribe(channel=ITEMS, **failed))  # type: ignore[arg-type]
    script.add(Subscribe(session="a", number=3, at_s=3.0, channel=ITEMS))
    stage = Stage(script, as_recorded=as_recorded)
    client = stage.talk.client(headers=stage.person("a").headers)
    client.handshake()
    message = client.message("/meta/subscribe", subscription=ITEMS)
    first = client.send(message)
    if as_recorded:
        assert first.status == 502
        first = client.send(message)
    assert first.message["successful"]


# ------------------------------------------------------------------ exchanges without an answer


def broken(error: str) -> Script:
    """A request that broke off, and brought about an event all the same; then a second try."""
    script = Script()
    script.listen("agent7", ITEMS)
    first = script.ask("agent7", "POST", "/x", {"operationName": "Do"}, error=error)
    script.event("agent7", ITEMS, {"n": 1}, cause=first)
    script.ask("agent7", "POST", "/x", {"operationName": "Do"}, {"n": 2})
    return script


def send(person: Person, sent: Any) -> Exchange:
    return person.stage.talk.send(
        "POST", "/x", headers=[*person.headers, *JSON_HEADERS], body=dumped(sent)
    )


def test_an_exchange_that_broke_off_is_answered_by_the_try_that_succeeded() -> None:
    """With what the first try had brought about: only its answer was lost."""
    stage = Stage(broken("server closed the connection"))
    person = stage.person("agent7")
    person.listen(ITEMS)
    (waiting,) = stage.service.report().undelivered
    assert waiting.why == "it waits for exchange 5, POST /x Do, which was not asked for"
    assert person.ask("POST", "/x", {"operationName": "Do"}).json == {"n": 2}
    assert person.data() == [{"n": 1}]
    assert stage.service.report().ok, stage.service.report().text()


def test_what_a_failed_try_brought_about_comes_once_however_often_it_is_asked_for() -> None:
    stage = Stage(broken("client left"), repeats=True)
    person = stage.person("agent7")
    person.listen(ITEMS)
    for _ in range(3):
        do(person)
    assert person.data() == [{"n": 1}]


def test_what_only_a_failed_try_could_bring_about_is_not_left_over() -> None:
    """Nobody need ask for it, and who does is told that there is no answer."""
    script = Script()
    script.listen("agent7", ITEMS)
    failed = script.ask("agent7", "POST", "/x", {"operationName": "Do"}, error="client left")
    event = script.event("agent7", ITEMS, {"n": 1}, cause=failed)
    script.event("agent7", ITEMS, {"n": 2}, cause=event)
    stage = Stage(script)
    person = stage.person("agent7")
    person.listen(ITEMS)
    assert stage.service.report().ok, stage.service.report().text()
    stage = Stage(script, as_recorded=True)
    stage.person("agent7").listen(ITEMS)
    assert len(stage.service.report().undelivered) == 2


def test_an_exchange_that_broke_off_alone_is_a_miss_that_says_so() -> None:
    script = Script()
    script.ask("agent7", "POST", "/x", {"operationName": "Do"}, error="client left")
    found = Stage(script).person("agent7").ask("POST", "/x", {"operationName": "Do"})
    assert (found.status, found.json["reason"]) == (599, "not-answered")
    assert any("--as-recorded" in remedy for remedy in found.json["remedies"])


def test_a_connection_that_the_server_closed_is_closed_again_when_asked() -> None:
    stage = Stage(broken("server closed the connection"), as_recorded=True)
    person = stage.person("agent7")
    person.listen(ITEMS)
    first = send(person, {"operationName": "Do"})
    assert first.aborted
    assert person.data() == [{"n": 1}], "what the request had brought about all the same"
    assert send(person, {"operationName": "Do"}).json == {"n": 2}
    assert stage.service.report().ok, stage.service.report().text()


def test_what_the_client_did_not_wait_for_is_held_until_it_leaves() -> None:
    stage = Stage(broken("client left"), as_recorded=True)
    person = stage.person("agent7")
    person.listen(ITEMS)
    first = send(person, {"operationName": "Do"})
    stage.talk.advance(1)
    assert first.held
    assert person.data() == [{"n": 1}]
    first.leave()
    assert send(person, {"operationName": "Do"}).json == {"n": 2}
    stage.talk.advance(2 * HELD_S)
    assert not [action for action in stage.talk.log if isinstance(action, Abort)]


def test_a_client_that_waits_for_ever_is_hung_up_on_in_the_end() -> None:
    stage = Stage(broken("client left"), as_recorded=True)
    person = stage.person("agent7")
    first = send(person, {"operationName": "Do"})
    stage.talk.advance(HELD_S - 1)
    assert first.held
    stage.talk.advance(2)
    assert first.aborted


def test_what_was_to_break_off_and_was_not_asked_for_is_left_over() -> None:
    for as_recorded in (False, True):
        stage = Stage(broken("client left"), as_recorded=as_recorded)
        person = stage.person("agent7")
        person.listen(ITEMS)
        if not as_recorded:
            do(person)  # one try succeeds
        unplayed = [one for one in stage.service.report().unplayed if one.entry == 3]
        assert bool(unplayed) is as_recorded
    (one,) = unplayed
    assert one.what == "POST /x, which breaks off: client left"
    assert one.needed == "this request from 'agent7', once more than it was answered before"
    assert one.awaited_by == (4,)


def test_a_read_that_broke_off_is_left_over_where_it_was_never_answered() -> None:
    script = Script()
    script.ask("a", "GET", "/r", None, {"n": 1})
    script.ask("a", "GET", "/r", error="client left")
    script.ask("a", "GET", "/s", error="client left")
    stage = Stage(script, as_recorded=True)
    assert stage.person("a").ask("GET", "/r").json == {"n": 1}
    assert stage.leftovers == [3]


def test_a_read_that_broke_off_in_between_does_so_in_its_turn() -> None:
    script = Script()
    script.ask("a", "GET", "/r", None, {"n": 1})
    script.ask("a", "GET", "/r", error="server closed the connection")
    script.ask("a", "GET", "/r", None, {"n": 3})
    stage = Stage(script, as_recorded=True)
    person = stage.person("a")

    def look() -> Any:
        exchange = stage.talk.send("GET", "/r", headers=person.headers)
        return None if exchange.aborted else exchange.json["n"]

    assert [look() for _ in range(5)] == [1, None, 3, 3, 3]
