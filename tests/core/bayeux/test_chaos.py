"""Clients that come, go, vanish and change transports: nothing is lost, doubled or reordered."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.bayeux.settings import Settings
from cometape.core.broker import Broker
from conversation import Conversation, Exchange, Message, Socket

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(0, 2)),
        st.tuples(st.just("own publish"), st.integers(0, 2)),
        st.tuples(st.just("poll"), st.integers(0, 2)),
        st.tuples(st.just("beat"), st.integers(0, 2)),
        st.tuples(st.just("leave"), st.integers(0, 2)),
        st.tuples(st.just("drop socket"), st.integers(0, 2)),
        st.tuples(st.just("change socket"), st.integers(0, 2)),
        st.tuples(st.just("drop old sockets"), st.integers(0, 2)),
        st.tuples(st.just("lose"), st.integers(0, 2)),
        st.tuples(st.just("wait"), st.integers(0, 40)),
        st.tuples(st.just("end"), st.integers(0, 2)),
        st.tuples(st.just("expire"), st.integers(0, 2)),
        st.tuples(st.just("kick"), st.integers(0, 2)),
    ),
    max_size=40,
)


class Wanderer:
    """A client that may do anything at any time, and notes what should reach it and what does."""

    def __init__(self, talk: Conversation, *, ack: bool) -> None:
        self.talk = talk
        self.ack = ack
        self.batch = 0
        self.socket: Socket | None = None
        self.old_sockets: list[Socket] = []
        self.pending: list[Exchange] = []
        self.expected: list[int] = []
        self.received: list[int] = []
        self.alive = True
        ext = {"ext": {"ack": True}} if ack else {}
        self.client_id = talk.post([{"channel": "/meta/handshake", **ext}]).message["clientId"]
        self.take(talk.post([self.connect()]).messages)
        self.take(talk.post([self.message("/meta/subscribe", subscription="/**")]).messages)

    def message(self, channel: str, **fields: Any) -> Message:
        return {"channel": channel, "clientId": self.client_id, **fields}

    def connect(self) -> Message:
        return self.message("/meta/connect", **({"ext": {"ack": self.batch}} if self.ack else {}))

    def take(self, messages: list[Message]) -> None:
        for message in messages:
            if "data" in message:
                self.received.append(message["data"])
            elif message["channel"] == "/meta/connect" and not message["successful"]:
                assert message["advice"]["reconnect"] == "handshake"
                assert not self.alive
            if self.ack and message["channel"] == "/meta/connect" and message["successful"]:
                batch = message["ext"]["ack"]
                assert batch > self.batch
                self.batch = batch

    def collect(self) -> None:
        """Read what has come."""
        for exchange in [exchange for exchange in self.pending if exchange.answered]:
            self.pending.remove(exchange)
            if exchange.status == 200:
                self.take(exchange.messages)
        if self.socket is not None:
            self.take(self.socket.read())

    def lose(self) -> None:
        """Connect, and never see what comes back: only the ack extension makes up for that."""
        self.collect()
        if self.ack and self.socket is None:
            lost = self.talk.post([self.connect() | {"advice": {"timeout": 0}}])
            assert lost.answered

    def send(self, message: Message) -> None:
        if self.socket is not None:
            self.take(self.socket.send([message]))
        else:
            self.pending.append(self.talk.post([message]))


def end(talk: Conversation, wanderer: Wanderer, how: str) -> None:
    service = talk.service
    assert isinstance(service, Broker)
    if how == "end":
        talk.post([wanderer.message("/meta/disconnect")])
    elif how == "expire":
        actions = service.bayeux.expire(wanderer.client_id, talk.now_s)
        talk.carry_out(service.endpoint.actions(actions))
    else:
        actions = service.bayeux.disconnect(wanderer.client_id, talk.now_s)
        talk.carry_out(service.endpoint.actions(actions))


@settings(deadline=None, max_examples=150)
@given(STEPS, st.lists(st.booleans(), min_size=3, max_size=3))
def test_whatever_clients_do_events_come_once_and_in_order(
    steps: list[tuple[str, int]], acks: list[bool]
) -> None:
    """C17, C68, C91, D06: and no exchange is answered twice, nor a closed socket written to."""
    talk = Conversation(Broker(Settings(timeout_ms=20_000, max_interval_ms=10**9, sweep_ms=0)))
    wanderers = [Wanderer(talk, ack=ack) for ack in acks]
    publisher = talk.client().begin()
    for place, (step, number) in enumerate(steps):
        wanderer = wanderers[number % 3]
        if step == "wait":
            talk.advance(number)
        elif step == "publish":
            for each in wanderers:
                each.expected += [place] if each.alive else []
            publisher.publish("/x", place)
        elif not wanderer.alive:
            continue
        elif step == "own publish":
            for each in wanderers:
                each.expected += [place] if each.alive else []
            wanderer.send(wanderer.message("/y", data=place))
        elif step == "poll":
            if wanderer.socket is not None:
                wanderer.take(wanderer.socket.read())
                wanderer.socket.close()
                wanderer.socket = None
            wanderer.send(wanderer.connect())
        elif step == "beat":
            if wanderer.socket is None:
                wanderer.socket = talk.open_socket()
            wanderer.send(wanderer.connect())
        elif step == "leave":
            for exchange in wanderer.pending:
                if exchange.held:
                    exchange.leave()
        elif step == "drop socket" and wanderer.socket is not None:
            wanderer.take(wanderer.socket.read())
            wanderer.socket.close()
            wanderer.socket = None
        elif step == "change socket" and wanderer.socket is not None:
            wanderer.take(wanderer.socket.read())
            wanderer.old_sockets.append(wanderer.socket)
            wanderer.socket = talk.open_socket()
            wanderer.send(wanderer.message("/meta/subscribe", subscription="/z"))
        elif step == "drop old sockets":
            while wanderer.old_sockets:
                wanderer.old_sockets.pop().close()
        elif step == "lose":
            wanderer.lose()
        elif step in ("end", "expire", "kick"):
            wanderer.collect()
            wanderer.alive = False
            end(talk, wanderer, step)
        for each in wanderers:
            each.collect()
    talk.advance(30)  # no hold is left whose answer would go where nobody is
    for wanderer in wanderers:
        wanderer.collect()
        assert all(socket.read() == [] for socket in wanderer.old_sockets)
        if wanderer.alive:
            wanderer.socket = None
            wanderer.send(wanderer.connect())
            wanderer.collect()
            assert wanderer.received == wanderer.expected
        else:  # it may have ended before the last ones came, but no other is missing
            assert wanderer.received == wanderer.expected[: len(wanderer.received)]
