"""What each fault does to a client, in memory: a conversation for every kind, and some at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.faults.fault_reading import read_rules
from cometape.core.service import Manner
from pulled import BIN, BINS, ITEMS, channels_of, pull, pulling, staged, told
from scripted import Stage


def test_an_answer_is_held_back() -> None:
    stage, person = staged("delay=2s operation=PullWorkitem")
    asked = pull(stage, person)
    stage.talk.advance(1.9)
    assert asked.held
    stage.talk.advance(0.2)
    assert asked.status == 200
    assert told(stage) == [f"delay=2s operation=PullWorkitem: POST {BIN} PullWorkitem"]


def test_a_client_that_leaves_while_its_answer_is_held_back_is_forgotten() -> None:
    stage, person = staged("delay=2s operation=PullWorkitem")
    pull(stage, person).leave()
    stage.talk.advance(3)
    assert channels_of(person) == [ITEMS, BINS], "the operation happened"


def test_an_error_instead_of_the_answer_lets_nothing_happen_and_a_retry_succeed() -> None:
    stage, person = staged('status=503 operation=PullWorkitem nth=1 body="come again"')
    refused = pull(stage, person)
    assert (refused.status, refused.body) == (503, "come again")
    assert person.events() == []
    assert pull(stage, person).status == 200
    assert channels_of(person) == [ITEMS, BINS]
    assert stage.service.report().ok


def test_what_a_fault_refused_is_not_blamed_on_the_client() -> None:
    stage, person = staged("status=500 operation=PullWorkitem")
    assert pull(stage, person).status == 500
    assert person.events() == []
    report = stage.service.report()
    assert report.ok, report.text()


@pytest.mark.parametrize(
    ("when", "is_aborted", "happens"),
    [("before", True, False), ("instead", True, True), ("after", False, True)],
)
def test_a_reset_before_instead_of_or_after_the_answer(
    when: str, is_aborted: bool, happens: bool
) -> None:
    stage, person = staged(f"reset={when} operation=PullWorkitem")
    asked = pull(stage, person)
    assert asked.aborted == is_aborted
    assert channels_of(person) == ([ITEMS, BINS] if happens else [])
    if not is_aborted:
        assert asked.manner == Manner(resets=True)


def test_an_answer_is_cut_in_the_middle_and_one_trickles() -> None:
    stage, person = staged("cut=0.25 operation=PullWorkitem")
    assert pull(stage, person).manner == Manner(share=0.25, resets=True)
    stage, person = staged("drip=100ms bytes=3 operation=PullWorkitem")
    assert pull(stage, person).manner == Manner(piece_bytes=3, every_s=0.1)


def test_faults_compose_on_one_exchange() -> None:
    stage, person = staged("delay=1s nth=2", "cut", "drip bytes=1", "delay=1s nth=2")
    asked = pull(stage, person)
    stage.talk.advance(1.9)
    assert asked.held
    stage.talk.advance(0.2)
    assert asked.manner == Manner(share=0.5, resets=True, piece_bytes=1, every_s=0.05)
    stage, person = staged("status=503 operation=Pull*", "delay=1s operation=Pull*")
    asked = pull(stage, person)
    assert asked.held
    stage.talk.advance(1)
    assert asked.status == 503


def test_a_poll_is_cut_in_the_middle_when_it_brings_an_event() -> None:
    stage, person = staged("cut channel=/meta/connect nth=2")
    assert person.client is not None
    poll = person.client.hold()
    pull(stage, person)
    stage.settle()
    assert poll.manner == Manner(share=0.5, resets=True)
    assert [event["channel"] for event in poll.events] == [ITEMS, BINS], "they go down with it"
    assert stage.service.report().ok


def test_what_went_down_with_a_poll_comes_again_to_a_client_that_acknowledges() -> None:
    """The acknowledge extension: the next connect does not acknowledge what was lost (C80)."""
    stage = Stage(pulling(), faults=read_rules(["cut channel=/meta/connect nth=2"]))
    person = stage.person("agent7")
    client = stage.talk.client(headers=person.headers)
    person.client = client
    assert client.handshake(ext={"ack": True})["ext"]["ack"]
    batch = client.connect(ext={"ack": -1})["ext"]["ack"]
    for channel in (ITEMS, BINS):
        client.subscribe(channel)
    poll = client.hold(ext={"ack": batch})
    pull(stage, person)
    stage.settle()
    assert poll.manner == Manner(share=0.5, resets=True)
    lost = [event["data"] for event in poll.events]
    again = [message["data"] for message in client.poll(ext={"ack": batch}) if "data" in message]
    assert lost == again
    assert len(lost) == 2


def test_a_poll_over_a_websocket_is_cut_too() -> None:
    stage = Stage(pulling(), faults=read_rules(["cut channel=/meta/connect nth=2"]))
    person = stage.person("agent7")
    client = person.listen(ITEMS, BINS, connection_type="websocket")
    assert client.socket is not None
    assert client.socket.manner is None
    client.socket.send([client.message("/meta/connect", connectionType="websocket")])
    stage.talk.advance(31)
    assert client.socket.manner == Manner(share=0.5, resets=True)


def test_a_reply_over_a_websocket_is_held_back_or_trickles() -> None:
    rules = read_rules(["delay=1s channel=/meta/subscribe", "drip channel=/meta/subscribe nth=2"])
    stage = Stage(pulling(), faults=rules)
    client = stage.person("agent7").shake_hands("websocket")
    socket = client.socket
    assert socket is not None
    for manner in (None, Manner(piece_bytes=16, every_s=0.05)):
        assert socket.send([client.message("/meta/subscribe", subscription=ITEMS)]) == []
        stage.talk.advance(1)
        assert [message["channel"] for message in socket.read()] == ["/meta/subscribe"]
        assert socket.manner == manner


def test_a_status_needs_an_answer_of_http() -> None:
    stage = Stage(pulling(), faults=read_rules(["status=503 channel=/meta/*"]))
    stage.person("agent7").listen(ITEMS, connection_type="websocket")
    assert "nothing came that it fits" in stage.service.report().text()


def test_a_websocket_is_reset() -> None:
    stage = Stage(pulling(), faults=read_rules(["reset channel=/meta/subscribe"]))
    client = stage.person("agent7").shake_hands("websocket")
    assert client.socket is not None
    client.socket.send([client.message("/meta/subscribe", subscription=ITEMS)])
    assert client.socket.closed


def test_402_in_mid_operation_loses_the_events() -> None:
    stage, person = staged("402 operation=PullWorkitem")
    assert person.client is not None
    poll = person.client.hold()
    assert pull(stage, person).status == 200
    assert poll.message["error"].startswith("402:")
    assert poll.message["advice"]["reconnect"] == "handshake"
    person.listen(ITEMS, BINS)
    assert person.events() == []
    assert stage.service.report().ok, "what was lost on purpose is not undelivered"


def test_402_in_mid_operation_may_keep_the_events_for_the_next_session() -> None:
    stage, person = staged("402 events=kept operation=PullWorkitem")
    assert person.client is not None
    poll = person.client.hold()
    pull(stage, person)
    assert poll.message["error"].startswith("402:")
    stage.settle()
    person.listen(ITEMS, BINS)
    assert channels_of(person) == [ITEMS, BINS]


def test_402_comes_after_an_answer_that_is_held_back() -> None:
    stage, person = staged("402 operation=PullWorkitem", "delay=1s operation=PullWorkitem")
    assert person.client is not None
    poll, asked = person.client.hold(), pull(stage, person)
    stage.talk.advance(0.9)
    assert poll.held
    stage.talk.advance(0.2)
    assert asked.answered
    assert poll.answered


def test_an_expired_session_is_told_to_the_message_that_finds_it_so() -> None:
    stage, person = staged("expired channel=/meta/connect nth=2")
    assert person.client is not None
    (reply,) = person.client.poll()
    assert reply["error"].startswith("402:")
    person.listen(ITEMS, BINS)
    pull(stage, person)
    assert channels_of(person) == [ITEMS, BINS]


def test_a_refused_handshake_is_counted_for_whoever_tries_again() -> None:
    stage = Stage(pulling(), faults=read_rules(["status=503 channel=/meta/handshake nth=1"]))
    person = stage.person("agent7")
    client = stage.talk.client(headers=person.headers)
    assert client.send(client.message("/meta/handshake", version="1.0")).status == 503
    assert client.handshake()["successful"]


def test_rules_are_added_told_and_removed_while_a_replay_runs() -> None:
    stage, person = staged()
    faults = stage.service.faults
    number = faults.add({"fault": "status", "code": 503, "operation": "PullWorkitem"})
    assert pull(stage, person).status == 503
    (line,) = faults.json()
    assert line["number"] == number
    assert line["rule"] == "status=503 operation=PullWorkitem"
    assert line["fired"] == 1
    assert faults.remove(number)
    assert not faults.remove(number)
    assert pull(stage, person).status == 200
    assert faults.json() == []
    assert "fired once" in stage.service.report().text()


def test_a_fault_that_never_fired_is_told() -> None:
    stage, person = staged("lost channel=/nowhere")
    pull(stage, person)
    person.events()
    report = stage.service.report()
    assert report.verdict == "replay: everything asked for and delivered (1 fault never fired)"
    assert "lost channel=/nowhere: never fired; nothing came that it fits" in report.text()
    assert report.json()["faults"] == [
        {"number": 1, "rule": "lost channel=/nowhere", "fitted": 0, "fired": 0}
    ]


def test_nothing_stands_in_the_way_of_a_replay_without_faults() -> None:
    stage, _ = staged()
    assert stage.service.inner is stage.service.replay
    assert stage.service.replay.interference is None
    number = stage.service.faults.add("lost")
    assert stage.service.inner is not stage.service.replay
    stage.service.faults.remove(number)
    assert stage.service.inner is stage.service.replay


ANY_FAULTS = st.lists(
    st.sampled_from(
        [
            "delay=500ms probability=0.5",
            "status=503 nth=2",
            "reset probability=0.3",
            "cut channel=/meta/connect probability=0.3",
            "402 nth=2",
            "lost probability=0.3",
            "late=1s probability=0.5",
            "duplicated",
            "reordered",
            "early probability=0.5",
        ]
    ),
    unique=True,
    max_size=5,
)


@given(ANY_FAULTS, st.integers(0, 99), st.integers(0, 3))
def test_the_same_client_meets_the_same_faults_whoever_else_is_there(
    faults: list[str], seed: int, others: int
) -> None:
    def seen(crowd: int) -> list[object]:
        stage = Stage(pulling(), faults=read_rules([*faults]), seed=seed)
        found: list[object] = []
        people = [stage.person("agent7"), *(stage.person(f"other{n}") for n in range(crowd))]
        clients = []
        for person in people:
            client = stage.talk.client(headers=person.headers)
            clients.append(client)
            client.handshake()
        for turn in range(3):
            for person, client in zip(people, clients, strict=True):
                asked = [
                    client.send(client.message("/meta/connect", advice={"timeout": 0})),
                    client.send(client.message("/meta/subscribe", subscription="/v2/me/*")),
                    pull(stage, person),
                ]
                if person is people[0]:
                    stage.talk.advance(3)
                    found += [(turn, one.response, one.manner, one.aborted) for one in asked]
        return found

    assert seen(others) == seen(0)


def test_of_two_rules_that_let_an_answer_trickle_the_worse_holds() -> None:
    stage, person = staged("drip=1ms bytes=8", "drip=10ms bytes=16")
    manner = pull(stage, person).manner
    assert manner is not None
    assert (manner.every_s, manner.piece_bytes) == (0.01, 8)
