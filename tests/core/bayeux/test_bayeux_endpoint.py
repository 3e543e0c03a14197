"""The endpoint: what reaches the Bayeux server, and how its answers are written."""

from __future__ import annotations

from cometape.core.bayeux.actions import Answer, Send
from cometape.core.bayeux.application import Accepted, Carrier, Refused
from cometape.core.bayeux.endpoint import BayeuxEndpoint
from cometape.core.broker import Broker
from cometape.core.exchange import Headers, Request
from cometape.core.json_value import JsonObject
from conversation import Conversation


class Curious(Broker):
    """Remembers what handshakes come with."""

    def handshake(self, message: JsonObject, carrier: Carrier, now_s: float) -> Accepted | Refused:
        self.carriers = [*getattr(self, "carriers", []), carrier]
        return super().handshake(message, carrier, now_s)


def test_an_application_sees_the_request_that_a_handshake_came_with() -> None:
    service = Curious()
    talk = Conversation(service)
    talk.client(headers=[("Authorization", "Basic x")]).handshake()
    talk.client("websocket", headers=[("Authorization", "Basic y")]).handshake()
    talk.post([{"channel": "/meta/handshake"}], headers=[("Cookie", "BAYEUX_BROWSER=b")])
    seen = []
    for carrier in service.carriers:
        assert isinstance(carrier.context, Request)
        seen.append((carrier.connection_type, carrier.context.headers.first("Authorization")))
    assert seen == [("long-polling", "Basic x"), ("websocket", "Basic y"), ("long-polling", None)]
    assert service.carriers[2].browser == "b"


def test_a_context_of_the_services_own_is_passed_on() -> None:
    service = Curious()
    request = Request(
        method="POST", target="/cometd", body=b'[{"channel":"/meta/handshake"}]', headers=Headers()
    )
    service.endpoint.request(1, request, 0.0, context="a run")
    assert service.carriers[0].context == "a run"


def test_an_event_for_many_is_written_once_and_the_same_for_all() -> None:
    endpoint: BayeuxEndpoint = Broker().endpoint
    event: JsonObject = {"channel": "/x", "data": {"n": 1}}
    reply: JsonObject = {"channel": "/meta/connect", "successful": True}
    answer, send = endpoint.actions([Answer(1, (event, reply)), Send(2, (event,))])
    assert repr(answer).count('"n":1') == 1
    assert '[{"channel":"/x","data":{"n":1}}]' in repr(send)


def test_sockets_are_known_from_upgrade_to_end() -> None:
    service = Broker()
    talk = Conversation(service)
    socket = talk.open_socket()
    assert service.endpoint.owns(socket.number)
    socket.close()
    assert not service.endpoint.owns(socket.number)
    assert service.endpoint.text(socket.number, "[]", 0.0) == []


def test_the_cookie_may_have_another_path() -> None:
    broker = Broker()
    endpoint = BayeuxEndpoint(
        broker.bayeux, path="/api/v2/notifications", new_browser_id=lambda: "b", cookie_path="/api"
    )
    broker.endpoint = endpoint
    talk = Conversation(broker, path="/api/v2/notifications")
    cookie = talk.post([{"channel": "/meta/handshake"}]).header("Set-Cookie")
    assert cookie == "BAYEUX_BROWSER=b; Path=/api; HttpOnly"
