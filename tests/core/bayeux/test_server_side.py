"""What the server does of its own accord, and what applications may do (D02, D06, D11)."""

from __future__ import annotations

from typing import Any

import pytest

from cometape.core.bayeux.application import Carrier, Delivery, Published, Refused
from cometape.core.bayeux.server import BayeuxServer
from cometape.core.bayeux.session import Session
from cometape.core.bayeux.settings import Settings
from cometape.core.broker import Broker
from cometape.core.errors import ConfigurationError
from cometape.core.json_value import JsonObject
from cometape.core.service import Respond
from conversation import Client, Conversation


def talk(**settings: object) -> Conversation:
    return Conversation(Broker(Settings(**settings)))  # type: ignore[arg-type]


def broker(conversation: Conversation) -> Broker:
    assert isinstance(conversation.service, Broker)
    return conversation.service


def disconnect(conversation: Conversation, client: Client) -> None:
    service = broker(conversation)
    actions = service.bayeux.disconnect(str(client.client_id), conversation.now_s)
    conversation.carry_out(service.endpoint.actions(actions))


FAREWELL = {"channel": "/meta/disconnect", "successful": True}


def test_d02_a_held_connect_brings_the_disconnect_and_says_stop() -> None:
    conversation = talk()
    client = conversation.client().begin("/x")
    held = client.hold()
    disconnect(conversation, client)
    message, reply = held.messages
    assert message == FAREWELL
    assert reply["successful"] is True
    assert reply["advice"] == {"reconnect": "none"}
    assert client.connect()["error"].startswith("402:")


def test_d02_without_a_held_connect_the_next_one_brings_it_after_waiting_events() -> None:
    conversation = talk()
    client = conversation.client().begin("/x")
    conversation.client().begin().publish("/x", 1)
    disconnect(conversation, client)
    assert client.publish("/x", 2)["error"].startswith("402:")
    event, message, reply = client.send(client.message("/meta/connect")).messages
    assert event["data"] == 1
    assert message == FAREWELL
    assert reply["advice"] == {"reconnect": "none"}
    assert client.connect()["error"].startswith("402:")


def test_d02_a_farewell_nobody_comes_for_is_forgotten() -> None:
    conversation = talk(max_interval_ms=1000)
    client = conversation.client().begin()
    disconnect(conversation, client)
    conversation.advance(2)
    assert broker(conversation).deadline_s() is None
    assert client.connect()["error"].startswith("402:")


def test_d02_over_a_websocket_it_is_pushed() -> None:
    conversation = talk()
    client = conversation.client("websocket").begin()
    socket = client.socket
    assert socket is not None
    disconnect(conversation, client)
    assert socket.messages[-1] == FAREWELL
    assert not socket.closed


def test_d02_over_a_websocket_the_held_connect_is_answered_after_it() -> None:
    conversation = talk()
    client = conversation.client("websocket").begin()
    socket = client.socket
    assert socket is not None
    connect = client.message("/meta/connect")
    socket.send([connect])
    disconnect(conversation, client)
    message, reply = socket.read()
    assert message == FAREWELL
    assert reply["id"] == connect["id"]
    assert reply["advice"] == {"reconnect": "none"}


def test_ending_or_feeding_an_unknown_session_does_nothing() -> None:
    server = talk().service
    assert isinstance(server, Broker)
    assert server.bayeux.disconnect("nobody", 0.0) == []
    assert server.bayeux.expire("nobody", 0.0) == []
    assert server.bayeux.deliver("nobody", {"channel": "/x", "data": 1}, 0.0) == []
    assert server.bayeux.gone(99, 0.0) == []


def test_an_event_is_delivered_without_a_subscription() -> None:
    conversation = talk()
    client = conversation.client().begin()
    held = client.hold()
    service = broker(conversation)
    message: JsonObject = {"channel": "/v2/me/workitems", "data": {"n": 1}}
    actions = service.bayeux.deliver(str(client.client_id), message, conversation.now_s)
    conversation.carry_out(service.endpoint.actions(actions))
    assert held.events == [message]


def test_d06_an_event_never_comes_before_the_reply_to_its_subscription() -> None:
    """D06: they may share an answer, and then the events stand first, as with CometD."""
    conversation = talk()
    other = conversation.client().begin()
    client = conversation.client().begin()
    held = client.hold()
    other.publish("/x", "before")
    assert held.held
    subscribed = client.send(client.message("/meta/subscribe", subscription="/x"))
    assert subscribed.answered
    other.publish("/x", "after")
    assert [event["data"] for event in held.events] == ["after"]


def test_d06_the_publisher_is_answered_before_others_get_the_event() -> None:
    conversation = talk()
    held = conversation.client().begin("/x").hold()
    other = conversation.client().begin()
    published = other.send(other.message("/x", data=1))
    order = [action.exchange for action in conversation.log if isinstance(action, Respond)]
    assert order.index(published.number) < order.index(held.number)


def cookie(conversation: Conversation) -> tuple[Client, Client]:
    one = conversation.client(keep_cookies=True).begin("/x")
    two = conversation.client(keep_cookies=True)
    two.cookies = one.cookies
    return one, two.begin("/x")


def test_d11_no_client_is_slowed_down_by_default() -> None:
    one, two = cookie(talk())
    assert one.hold().held
    assert two.hold().held


def test_too_many_connects_of_one_browser_are_sent_back_to_poll() -> None:
    conversation = talk(max_sessions_per_browser=1)
    one, two = cookie(conversation)
    held = one.hold()
    assert two.connect() == {
        "channel": "/meta/connect",
        "id": "4",
        "successful": True,
        "advice": {"multiple-clients": True, "reconnect": "retry", "interval": 2000},
    }
    held.leave()
    assert two.hold().held


def test_too_many_connects_may_also_be_refused() -> None:
    one, two = cookie(talk(max_sessions_per_browser=1, multi_session_interval_ms=0))
    one.hold()
    reply = two.connect()
    assert reply["successful"] is False
    assert reply["advice"] == {"multiple-clients": True, "reconnect": "none"}


def test_a_browsers_newer_connect_of_the_same_session_is_not_one_too_many() -> None:
    one, _ = cookie(talk(max_sessions_per_browser=1))
    one.hold()
    assert one.hold().held


def test_clients_without_a_cookie_and_sockets_are_not_counted() -> None:
    conversation = talk(max_sessions_per_browser=1)
    for _ in range(3):
        assert conversation.client().begin().hold().held
    assert conversation.client("websocket").begin()


class Scripted(Broker):
    """An application that does what a test tells it."""

    def connected(self, session: Session, message: JsonObject, now_s: float) -> None:
        self.bayeux.deliver(session.client_id, {"channel": "/hello", "data": "welcome"}, now_s)

    def publish(self, session: Session, message: JsonObject, now_s: float) -> Published:
        match message["channel"]:
            case "/kick":
                self.bayeux.disconnect(str(message["data"]), now_s)
            case "/refused":
                return Published(error="403::no", extra={"ext": {"why": "because"}})
            case "/direct":
                event: JsonObject = {"channel": "/direct", "data": "for you"}
                return Published(
                    deliveries=[Delivery(client_id=str(message["data"]), message=event)]
                )
            case "/fail":
                raise RuntimeError("a mistake of the application")
            case _:
                return super().publish(session, message, now_s)
        return Published()


def test_what_an_application_delivers_at_the_first_connect_comes_with_it() -> None:
    client = Conversation(Scripted()).client()
    client.handshake()
    event, reply = client.send(client.message("/meta/connect")).messages
    assert event["data"] == "welcome"
    assert reply["successful"] is True


def test_an_application_may_call_the_server_while_it_is_called() -> None:
    conversation = Conversation(Scripted())
    victim = conversation.client().begin()
    held = victim.hold()
    other = conversation.client().begin()
    assert other.publish("/kick", victim.client_id)["successful"] is True
    assert held.messages[-1]["advice"] == {"reconnect": "none"}


def test_an_application_may_refuse_deliver_and_add_to_a_reply() -> None:
    conversation = Conversation(Scripted())
    client = conversation.client().begin()
    reply = client.publish("/refused", 1)
    assert reply["error"] == "403::no"
    assert reply["ext"] == {"why": "because"}
    held = client.hold()
    conversation.client().begin().publish("/direct", client.client_id)
    assert [event["data"] for event in held.events] == ["for you"]


def test_a_session_may_end_itself_by_what_it_publishes() -> None:
    client = Conversation(Scripted()).client().begin()
    message, reply = client.send(client.message("/kick", data=client.client_id)).messages
    assert message == FAREWELL
    assert reply["successful"] is True
    assert client.connect()["advice"] == {"reconnect": "none"}
    assert client.connect()["advice"]["reconnect"] == "handshake"


def test_an_applications_mistake_does_not_leave_the_server_stuck() -> None:
    conversation = Conversation(Scripted())
    client = conversation.client().begin()
    with pytest.raises(RuntimeError):
        client.publish("/fail", 1)
    client.subscribe("/x")
    assert conversation.client().begin().publish("/x", 1)["successful"] is True
    assert [m["data"] for m in client.poll() if "data" in m] == [1]


def test_a_client_id_must_not_be_issued_twice() -> None:
    class Forgetful(Broker):
        def _issue(self, kind: str) -> str:
            return "always-the-same"

    conversation = Conversation(Forgetful())
    conversation.client().handshake()
    with pytest.raises(ConfigurationError, match="issued twice"):
        conversation.client().handshake()


def test_a_refusal_may_bring_its_own_error_and_advice() -> None:
    class Closed(Broker):
        def handshake(self, message: JsonObject, carrier: Carrier, now_s: float) -> Refused:
            return Refused(
                error="403::later", advice={"reconnect": "handshake"}, extra={"ext": {"k": 1}}
            )

    reply = Conversation(Closed()).client().handshake()
    assert reply["error"] == "403::later"
    assert reply["advice"] == {"reconnect": "handshake"}
    assert reply["ext"] == {"k": 1}


def test_a_shell_can_look_at_sessions_and_holds() -> None:
    conversation = talk()
    client = conversation.client().begin("/x", "/y/*")
    bayeux: BayeuxServer = broker(conversation).bayeux
    assert not bayeux.held(str(client.client_id))
    client.hold()
    assert bayeux.held(str(client.client_id))
    (session,) = bayeux.sessions
    assert session.client_id == client.client_id
    assert list(session.subscriptions) == ["/x", "/y/*"]
    assert bayeux.subscribers("/y/z") == [session]
    assert "connected" in repr(session)
    assert not bayeux.held("nobody")


def test_who_stamps_messages_is_answered_with_stamps() -> None:
    """The timestamp extension, also at the end of a hold; nobody else gets any."""
    conversation = Conversation(Broker(Settings(timeout_ms=2000, wall_offset_s=1e9)), now_s=500.0)
    client = conversation.client()
    stamp = "Sun, 09 Sep 2001 01:00:00 GMT"
    assert client.handshake(timestamp=stamp)["timestamp"] == "Sun, 09 Sep 2001 01:55:00 GMT"
    assert "timestamp" not in client.subscribe("/x")
    assert client.connect(timestamp=stamp)["timestamp"] == "Sun, 09 Sep 2001 01:55:00 GMT"
    held = client.hold(timestamp=stamp)
    conversation.advance(2)
    assert held.message["timestamp"] == "Sun, 09 Sep 2001 01:55:02 GMT"
    assert "timestamp" not in client.publish("/x", {"n": 1})


@pytest.mark.parametrize("connection_type", ["long-polling", "websocket"])
def test_the_clock_may_be_asked_for(connection_type: str) -> None:
    """The timesync extension: offset and lag of the client's clock, the hold included."""
    conversation = Conversation(Broker(Settings(timeout_ms=1000, wall_offset_s=1e9)), now_s=500.0)
    client = conversation.client(connection_type)
    sync: dict[str, Any] = {"tc": 1_000_000_000_000, "l": 0, "o": 0}
    reply = client.handshake(ext={"timesync": sync})
    server_ms = 1_000_000_500_000
    assert reply["ext"]["timesync"] == {
        "tc": sync["tc"],
        "ts": server_ms,
        "p": 0,
        "a": sync["tc"] - server_ms,
    }
    exact = {"tc": server_ms - 10, "l": 5, "o": 4}
    assert "ext" not in client.connect(ext={"timesync": exact})
    off = {"tc": server_ms - 30, "l": 5, "o": 0}
    connect = client.message("/meta/connect", ext={"timesync": off})
    if connection_type == "websocket":
        assert client.socket is not None
        client.socket.send([connect])
        conversation.advance(1)
        (reply,) = client.socket.read()
    else:
        held = client.send(connect)
        conversation.advance(1)
        reply = held.message
    assert reply["ext"]["timesync"] == {"tc": off["tc"], "ts": server_ms, "p": 1000, "a": -25}
