"""The law of order: however messages are batched, a session's events come once and in order."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.broker import Broker
from conversation import Client, Conversation

CHANNELS = ("/a", "/a/b", "/c", "/service/echo")
TYPES = ("long-polling", "websocket", "callback-polling", "ack")
PLAN = st.lists(st.tuples(st.integers(0, 1), st.sampled_from(CHANNELS)), min_size=1, max_size=12)
"""Who publishes where; the data is the place in the plan."""


def subscriber(talk: Conversation, kind: str) -> Client:
    client = talk.client("long-polling" if kind == "ack" else kind)
    client.handshake(**({"ext": {"ack": True}} if kind == "ack" else {}))
    client.connect(**({"ext": {"ack": 0}} if kind == "ack" else {}))
    client.subscribe(["/a/**", "/a", "/c", "/service/echo"])
    return client


def events_of(
    kinds: tuple[str, str], plan: list[tuple[int, str]], cuts: list[bool], holds: list[int]
) -> list[list[Any]]:
    """Every client's events: `cuts` says where a batch ends, `holds` who connects before it."""
    talk = Conversation(Broker())
    clients = [subscriber(talk, kind) for kind in kinds]
    acks = [1, 1]

    def connect(number: int) -> None:
        client = clients[number]
        ext = {"ext": {"ack": acks[number]}} if kinds[number] == "ack" else {}
        message = client.message("/meta/connect", **ext)
        if client.connection_type == "websocket":
            assert client.socket is not None
            client.socket.send([message])
        else:
            client.send(message)

    batch: list[tuple[int, dict[str, Any]]] = []
    for place, (who, channel) in enumerate(plan):
        client = clients[who]
        batch.append((who, client.message(channel, data=place)))
        last = place + 1 == len(plan)
        if last or cuts[place] or plan[place + 1][0] != who:
            for number in holds[place : place + 1]:
                if kinds[number] != "ack":
                    connect(number)
            client.ask(*(message for _, message in batch))
            batch = []
    for number, client in enumerate(clients):
        if client.connection_type != "websocket":
            client.poll(**({"ext": {"ack": 1}} if kinds[number] == "ack" else {}))
    return [[event["data"] for event in client.events] for client in clients]


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(st.sampled_from(TYPES), st.sampled_from(TYPES)),
    PLAN,
    st.lists(st.booleans(), min_size=12, max_size=12),
    st.lists(st.integers(0, 1), min_size=12, max_size=12),
)
def test_d06_any_batching_gives_each_session_the_same_events_in_the_same_order(
    kinds: tuple[str, str], plan: list[tuple[int, str]], cuts: list[bool], holds: list[int]
) -> None:
    """D06, D07: once each, whatever the connection types and whoever happens to be held."""
    expected = [
        [
            place
            for place, (publisher, channel) in enumerate(plan)
            if channel != "/service/echo" or publisher == who
        ]
        for who in range(2)
    ]
    assert events_of(kinds, plan, cuts, holds) == expected
