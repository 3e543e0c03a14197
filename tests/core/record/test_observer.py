"""What passes becomes entries that say what it meant."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from cometape.core.cassette import (
    Connect,
    Disconnect,
    Entry,
    Event,
    Exchange,
    Handshake,
    Publish,
    Subscribe,
    Unsubscribe,
)
from cometape.core.exchange import Headers, Request, Response
from cometape.core.json_value import JsonObject
from watching import HANDSHAKE, By, Watching

ME = By(user="agent7")
CONNECT: JsonObject = {
    "channel": "/meta/connect",
    "clientId": "c0ffee0123456789abcdef",
    "connectionType": "long-polling",
    "id": "2",
}
CONNECTED: JsonObject = {"channel": "/meta/connect", "successful": True, "id": "2"}
CLIENT_ID = "c0ffee0123456789abcdef"


def message(channel: str, **fields: object) -> JsonObject:
    return {"channel": channel, "clientId": CLIENT_ID, **fields}  # type: ignore[dict-item]


def kinds(entries: list[Entry]) -> list[str]:
    return [type(entry).__name__ for entry in entries]


@pytest.fixture
def watching() -> Watching:
    return Watching()


@pytest.fixture
def shaken(watching: Watching) -> Watching:
    watching.handshake(CLIENT_ID, by=ME)
    return watching


def test_a_plain_exchange_is_recorded_in_full_and_scrubbed(watching: Watching) -> None:
    (entry,) = watching.rest(
        "POST", "/api/v2/me?x=1", by=ME, json_body={"operationName": "Ready"}, answer={"ok": 1}
    )
    assert isinstance(entry, Exchange)
    assert entry.number == 1
    assert (entry.request.method, entry.request.target) == ("POST", "/api/v2/me?x=1")
    assert entry.request.headers.first("Authorization") == "Basic <credentials:1>"
    assert json.loads(entry.request.body) == {"operationName": "Ready"}
    assert entry.response is not None
    assert json.loads(entry.response.body) == {"ok": 1}
    assert (entry.at_s, entry.took_s) == (0.01, 0.01)


def test_a_secret_beside_a_lone_surrogate_is_scrubbed_and_the_exchange_recorded(
    watching: Watching,
) -> None:
    body = b'{"password":{"\\ud83d":"correct-horse-battery"},"\\ud83d":1}'
    request = Request(method="POST", target="/login", body=body)
    (entry,) = watching.end(watching.begin(request, ME), Response(status=200, body=body))
    assert isinstance(entry, Exchange)
    assert b"correct-horse" not in entry.request.body
    assert b"\\ud83d" in entry.request.body


def test_an_exchange_whose_client_left_says_so(watching: Watching) -> None:
    (entry,) = watching.rest("GET", "/api/v2/slow", by=ME, error="client left")
    assert isinstance(entry, Exchange)
    assert (entry.response, entry.error) == (None, "client left")


def test_a_preflight_is_left_out(watching: Watching) -> None:
    headers = [("Origin", "http://ui.example"), ("Access-Control-Request-Method", "POST")]
    assert watching.rest("OPTIONS", "/api/v2/me", by=ME, headers=headers) == []
    assert watching.observer.notices.skips == {"CORS preflights": 1}


def test_a_session_is_recorded_as_what_it_means(watching: Watching) -> None:
    watching.handshake(CLIENT_ID, by=ME)
    watching.bayeux([CONNECT], [{**CONNECTED, "advice": {"reconnect": "retry"}}], by=ME)
    watching.bayeux(
        [message("/meta/subscribe", subscription="/v2/me/*", id="3")],
        [{"channel": "/meta/subscribe", "subscription": "/v2/me/*", "successful": True, "id": "3"}],
        by=ME,
    )
    watching.bayeux([CONNECT], [{"channel": "/v2/me/x", "data": {"a": 1}}, CONNECTED], by=ME)
    watching.bayeux([CONNECT], [CONNECTED], by=ME)
    watching.bayeux(
        [message("/meta/unsubscribe", subscription="/v2/me/*")],
        [{"channel": "/meta/unsubscribe", "subscription": "/v2/me/*", "successful": True}],
        by=ME,
    )
    watching.bayeux(
        [message("/meta/disconnect")], [{"channel": "/meta/disconnect", "successful": True}], by=ME
    )
    handshake, connect, subscribe, event, unsubscribe, disconnect = watching.entries
    assert isinstance(handshake, Handshake)
    assert handshake.client_id == "<client-id:1>"
    assert handshake.connection_types == ("long-polling",)
    assert handshake.advice == {"reconnect": "retry", "interval": 0, "timeout": 30000}
    assert isinstance(connect, Connect)
    assert connect.advice == {"reconnect": "retry"}
    assert isinstance(subscribe, Subscribe)
    assert (subscribe.channel, subscribe.successful) == ("/v2/me/*", True)
    assert isinstance(event, Event)
    assert (event.channel, event.data, event.message_id) == ("/v2/me/x", {"a": 1}, None)
    assert isinstance(unsubscribe, Unsubscribe)
    assert isinstance(disconnect, Disconnect)
    assert disconnect.by == "client"
    assert {entry.session for entry in watching.entries} == {"agent7"}
    assert [entry.number for entry in watching.entries] == [1, 2, 3, 4, 5, 6]


def test_replies_and_events_of_one_array_keep_their_order(shaken: Watching) -> None:
    entries = shaken.bayeux(
        [
            message("/meta/subscribe", subscription="/a", id="5"),
            message("/b", data=1, id="6"),
        ],
        [
            {"channel": "/c", "data": "early"},
            {"channel": "/b", "successful": True, "id": "6"},
            {"channel": "/c", "data": "late"},
            {"channel": "/meta/subscribe", "subscription": "/a", "successful": True, "id": "5"},
        ],
        by=ME,
    )
    assert kinds(entries) == ["Event", "Publish", "Event", "Subscribe"]


def test_a_subscription_to_several_channels_is_several_entries(shaken: Watching) -> None:
    entries = shaken.bayeux(
        [message("/meta/subscribe", subscription=["/a", "/b"])],
        [{"channel": "/meta/subscribe", "subscription": ["/a", "/b"], "successful": True}],
        by=ME,
    )
    assert [entry.channel for entry in entries if isinstance(entry, Subscribe)] == ["/a", "/b"]


def test_a_refused_subscription_has_its_error(shaken: Watching) -> None:
    (entry,) = shaken.bayeux(
        [message("/meta/subscribe", subscription="/x")],
        [{"channel": "/meta/subscribe", "subscription": "/x", "successful": False, "error": "403"}],
        by=ME,
    )
    assert isinstance(entry, Subscribe)
    assert (entry.successful, entry.error) == (False, "403")


def test_a_refused_handshake_is_recorded_with_its_advice(watching: Watching) -> None:
    reply: JsonObject = {
        "channel": "/meta/handshake",
        "successful": False,
        "error": "403::Handshake denied",
        "advice": {"reconnect": "none"},
    }
    (entry,) = watching.bayeux([HANDSHAKE], [reply], by=ME)
    assert isinstance(entry, Handshake)
    assert (entry.successful, entry.error) == (False, "403::Handshake denied")
    assert entry.advice == {"reconnect": "none"}
    assert entry.client_id is None


def test_credentials_in_a_handshake_are_scrubbed_and_the_ack_negotiation_kept(
    watching: Watching,
) -> None:
    ext: JsonObject = {"ack": True, "authentication": {"password": "xyzzy"}}
    asked: JsonObject = {**HANDSHAKE, "ext": ext}
    reply: JsonObject = {
        "channel": "/meta/handshake",
        "successful": True,
        "clientId": CLIENT_ID,
        "ext": {"ack": True, "timesync": {"tc": 1, "ts": 2, "p": 0, "a": 0}},
    }
    (entry,) = watching.bayeux([asked], [reply], by=ME)
    assert isinstance(entry, Handshake)
    assert "xyzzy" not in repr(entry)
    assert entry.request_extra is not None
    assert isinstance(entry.request_extra["ext"], dict)
    assert entry.request_extra["ext"]["ack"] is True
    assert entry.reply_extra == {"ext": {"ack": True}}


def test_an_event_keeps_ext_and_custom_fields(shaken: Watching) -> None:
    pushed: JsonObject = {"channel": "/chat/x", "data": None, "ext": {"k": 1}, "foo": "bar"}
    (entry,) = shaken.bayeux([CONNECT], [pushed, CONNECTED], by=ME)[:1]
    assert isinstance(entry, Event)
    assert (entry.data, entry.extra) == (None, {"ext": {"k": 1}, "foo": "bar"})


def test_an_id_on_an_event_is_kept_only_where_it_answers_a_remote_call(shaken: Watching) -> None:
    pushed: list[JsonObject] = [
        {"channel": "/service/sum", "data": 3, "id": "9"},
        {"channel": "/chat", "data": 3, "id": "9"},  # Faye leaves the publisher's id in
    ]
    entries = shaken.bayeux([CONNECT], pushed, by=ME)
    assert [e.message_id for e in entries if isinstance(e, Event)] == ["9", None]


def test_a_publish_has_its_outcome_and_on_a_service_channel_its_id(shaken: Watching) -> None:
    (service, chat) = shaken.bayeux(
        [message("/service/sum", data=[1, 2], id="9"), message("/chat", data="hi", id="10")],
        [
            {"channel": "/service/sum", "successful": True, "id": "9"},
            {"channel": "/chat", "successful": False, "error": "403::denied", "id": "10"},
        ],
        by=ME,
    )
    assert isinstance(service, Publish)
    assert isinstance(chat, Publish)
    assert (service.data, service.message_id, service.successful) == ([1, 2], "9", True)
    assert (chat.data, chat.message_id, chat.error) == ("hi", None, "403::denied")


def test_messages_without_ids_find_their_replies_by_channel_and_order(shaken: Watching) -> None:
    entries = shaken.bayeux(
        [message("/a", data=1), message("/a", data=2)],
        [
            {"channel": "/a", "successful": False, "error": "first"},
            {"channel": "/a", "successful": True},
        ],
        by=ME,
    )
    assert [(e.data, e.error) for e in entries if isinstance(e, Publish)] == [
        (1, "first"),
        (2, None),
    ]


def test_an_id_that_changed_its_type_still_finds_its_request(shaken: Watching) -> None:
    (entry,) = shaken.bayeux(
        [message("/a", data=1, id=7)], [{"channel": "/a", "successful": True, "id": "7"}], by=ME
    )
    assert isinstance(entry, Publish)
    assert entry.successful


def test_the_first_failed_poll_of_a_row_is_recorded_and_the_new_handshake_stays_in_the_session(
    shaken: Watching,
) -> None:
    refused: JsonObject = {
        "channel": "/meta/connect",
        "successful": False,
        "error": "402::Unknown client",
        "advice": {"reconnect": "handshake", "interval": 0},
    }
    first = shaken.bayeux([CONNECT], [refused], by=ME)
    again = shaken.bayeux([CONNECT], [refused], by=ME)
    assert kinds(first) == ["Connect"]
    assert isinstance(first[0], Connect)
    assert first[0].advice == {"reconnect": "handshake", "interval": 0}
    assert again == []
    (entry,) = shaken.handshake("feedc0de0123456789abcdef", by=ME)
    assert isinstance(entry, Handshake)
    assert (entry.session, entry.client_id) == ("agent7", "<client-id:2>")


def test_a_disconnect_by_the_server_is_recorded_as_such(shaken: Watching) -> None:
    entries = shaken.bayeux(
        [CONNECT],
        [
            {"channel": "/meta/disconnect", "successful": True},
            {**CONNECTED, "advice": {"reconnect": "none"}},
        ],
        by=ME,
    )
    assert kinds(entries) == ["Disconnect", "Connect"]
    assert isinstance(entries[0], Disconnect)
    assert entries[0].by == "server"


def test_a_cancelled_poll_is_noise(shaken: Watching) -> None:
    assert shaken.bayeux([CONNECT], None, by=ME, error="client left") == []


def test_a_poll_that_a_newer_one_replaced_is_noise(shaken: Watching) -> None:
    older = shaken.poll([CONNECT], by=ME)
    newer = shaken.poll([{**CONNECT, "id": "3"}], by=By(user="agent7", connection="c2"))
    assert shaken.answer(older, None, status=500) == []
    assert kinds(shaken.answer(newer, [{**CONNECTED, "id": "3"}])) == ["Connect"]


def test_a_poll_that_failed_for_itself_is_recorded_with_its_status(shaken: Watching) -> None:
    (entry,) = shaken.bayeux([CONNECT], None, by=ME, status=503)
    assert isinstance(entry, Connect)
    assert (entry.successful, entry.error) == (False, "HTTP 503")


def test_a_publish_without_an_answer_says_why(shaken: Watching) -> None:
    (entry,) = shaken.bayeux(
        [message("/a", data=1)], None, by=ME, error="server closed the connection"
    )
    assert isinstance(entry, Publish)
    assert (entry.successful, entry.error) == (False, "server closed the connection")


def test_events_that_the_ack_extension_sends_again_are_recorded_once(shaken: Watching) -> None:
    def connect(acknowledged: int, batch: int, *data: str) -> list[object]:
        pushed: list[JsonObject] = [{"channel": "/ak", "data": item} for item in data]
        entries = shaken.bayeux(
            [{**CONNECT, "ext": {"ack": acknowledged}}],
            [*pushed, {**CONNECTED, "ext": {"ack": batch}}],
            by=ME,
        )
        return [entry.data for entry in entries if isinstance(entry, Event)]

    assert connect(0, 1) == []
    assert connect(1, 2, "m1") == ["m1"]
    assert connect(1, 3, "m1", "m2") == ["m2"]  # the answer with batch 2 was lost on the way
    assert connect(1, 4, "m1", "m2", "m3") == ["m3"]
    assert connect(4, 5, "m1") == ["m1"]  # acknowledged, so this is another one


def test_equal_events_are_all_recorded_without_the_ack_extension(shaken: Watching) -> None:
    pushed: JsonObject = {"channel": "/tick", "data": 1}
    for _ in range(3):
        shaken.bayeux([CONNECT], [pushed, CONNECTED], by=ME)
    assert kinds(shaken.entries).count("Event") == 3


def test_what_looks_like_bayeux_but_is_not_confirmed_is_a_plain_exchange(
    watching: Watching,
) -> None:
    entries = watching.rest(
        "POST", "/other", by=ME, json_body=[HANDSHAKE], answer={"statusCode": 6}, status=404
    )
    assert kinds(entries) == ["Exchange"]


def test_any_endpoint_is_recognised_by_its_handshake_and_then_by_its_path(
    watching: Watching,
) -> None:
    watching.handshake(CLIENT_ID, by=ME, path="/odd/place/handshake")
    assert watching.observer.bayeux_endpoints == {"https://gws.example": ["/odd/place"]}
    (entry,) = watching.bayeux(
        [message("/a", data=1)], [{"channel": "/a", "successful": True}], by=ME, path="/odd/place/"
    )
    assert isinstance(entry, Publish)
    elsewhere = watching.rest("POST", "/odd", by=ME, json_body=[message("/a", data=1)], answer=[])
    assert kinds(elsewhere) == ["Exchange"]


def test_form_and_jsonp_traffic_gives_the_entries_that_json_gives(watching: Watching) -> None:
    def outcome(request: Request, body: bytes) -> list[Entry]:
        watched = Watching()
        watched.handshake(CLIENT_ID, by=ME)
        asked = watched.begin(request, ME)
        return watched.end(asked, Response(status=200, body=body))

    text = json.dumps([message("/a", data={"x": "ü & ="}, id="4")])
    answer = b'[{"channel":"/a","successful":true,"id":"4"}]'
    path = "/api/v2/notifications"
    form = Headers([("Content-Type", "application/x-www-form-urlencoded")])
    posted = outcome(Request(method="POST", target=path, body=text.encode()), answer)
    assert kinds(posted) == ["Publish"]
    encoded = quote(text)
    formed = Request(method="POST", target=path, headers=form, body=f"message={encoded}".encode())
    assert outcome(formed, answer) == posted
    got = Request(method="GET", target=f"{path}?jsonp=cb_1&message={encoded}")
    assert outcome(got, b"cb_1(" + answer + b")") == posted
    assert outcome(got, b"/**/cb_1(" + answer + b");") == posted


def test_a_bare_object_is_a_message(watching: Watching) -> None:
    request = Request(
        method="POST", target="/cometd-of-somebody", body=json.dumps(HANDSHAKE).encode()
    )
    reply = (
        b'[{"channel":"/meta/handshake","successful":true,"clientId":"%s"}]' % CLIENT_ID.encode()
    )
    entries = watching.end(watching.begin(request, ME), Response(status=200, body=reply))
    assert kinds(entries) == ["Handshake"]


def test_over_a_websocket_the_same_is_recorded(watching: Watching) -> None:
    socket = watching.socket(by=ME)
    assert socket.sends({**HANDSHAKE, "id": "1"}) == []
    socket.receives(
        {"channel": "/meta/handshake", "successful": True, "clientId": CLIENT_ID, "id": "1"}
    )
    connect: JsonObject = {**CONNECT, "connectionType": "websocket"}
    socket.sends(connect, message("/meta/subscribe", subscription="/a", id="3"))
    socket.receives({"channel": "/a", "data": "pushed"})
    socket.receives(
        {"channel": "/meta/subscribe", "subscription": "/a", "successful": True, "id": "3"},
        CONNECTED,
    )
    socket.sends(message("/b", data=1, id="5"))
    socket.receives({"channel": "/b", "successful": True, "id": "5"})
    assert kinds(watching.entries) == ["Handshake", "Event", "Subscribe", "Connect", "Publish"]
    assert {entry.session for entry in watching.entries} == {"agent7"}
    (connected,) = [entry for entry in watching.entries if isinstance(entry, Connect)]
    assert connected.connection_type == "websocket"


def test_a_session_of_long_polling_goes_on_over_a_websocket(shaken: Watching) -> None:
    socket = shaken.socket(by=By(connection="c9"))
    socket.sends({**CONNECT, "connectionType": "websocket"})
    socket.receives(CONNECTED)
    socket.receives({"channel": "/a", "data": 1})
    assert [entry.session for entry in shaken.entries] == ["agent7"] * 3


def test_a_publish_whose_socket_closed_before_its_reply_says_so(watching: Watching) -> None:
    socket = watching.socket(by=ME)
    socket.sends(HANDSHAKE)
    socket.receives({"channel": "/meta/handshake", "successful": True, "clientId": CLIENT_ID})
    socket.sends(CONNECT, message("/b", data=1))
    (entry,) = socket.closes()
    assert isinstance(entry, Publish)
    assert entry.error == "socket closed"


def test_a_websocket_that_is_not_bayeux_is_a_problem_of_the_summary(watching: Watching) -> None:
    socket = watching.socket(by=ME, path="/stream")
    socket.receives_text("hello")
    socket.receives_text('{"price": 3}')
    assert socket.closes() == []
    (problem,) = watching.observer.notices.problems
    assert "2 messages over the WebSocket https://gws.example/stream" in problem


def test_a_refused_upgrade_of_a_bayeux_endpoint_is_noise(watching: Watching) -> None:
    upgrade = [("Upgrade", "websocket")]
    assert watching.rest("GET", "/api/v2/notifications", by=ME, headers=upgrade, status=404) == []
    entries = watching.rest("GET", "/elsewhere", by=ME, headers=upgrade, status=404)
    assert kinds(entries) == ["Exchange"]


def test_an_event_carries_its_cause_when_the_answer_came_first(shaken: Watching) -> None:
    (pull,) = shaken.rest(
        "POST",
        "/api/v2/workbins/w1",
        by=ME,
        json_body={"operationName": "PullWorkitem", "id": "i1"},
        answer={"statusCode": 0, "referenceId": 17},
    )
    pushed: JsonObject = {"channel": "/v2/me/workitems", "data": {"referenceId": 17}}
    (event, _) = shaken.bayeux([CONNECT], [pushed, CONNECTED], by=ME)
    assert isinstance(event, Event)
    assert event.cause == pull.number


def test_an_event_that_overtakes_its_answer_is_left_to_be_completed(shaken: Watching) -> None:
    pushed: JsonObject = {"channel": "/v2/me/workitems", "data": {"referenceId": 17}}
    (event, _) = shaken.bayeux([CONNECT], [pushed, CONNECTED], by=ME)
    assert isinstance(event, Event)
    assert event.cause is None


def test_a_session_that_began_before_the_recording_is_told_as_a_problem(
    watching: Watching,
) -> None:
    (entry,) = watching.bayeux([CONNECT], [CONNECTED], by=ME)
    assert isinstance(entry, Connect)
    assert "has no handshake" in next(iter(watching.observer.notices.problems))


def test_a_message_of_another_session_in_a_batch_leaves_the_batchs_events_alone(
    shaken: Watching,
) -> None:
    shaken.handshake("0123456789abcdef0123456789", by=By(user="agent8", connection="c2"))
    entries = shaken.bayeux(
        [
            message("/a", data=1, id="1"),
            {**message("/a", data=2, id="2"), "clientId": "0123456789abcdef0123456789"},
        ],
        [
            {"channel": "/a", "data": 1},
            {"channel": "/a", "successful": True, "id": "1"},
            {"channel": "/a", "successful": False, "error": "402::Unknown client", "id": "2"},
        ],
        by=ME,
    )
    assert isinstance(entries[0], Event)
    assert entries[0].session == "agent7"


def test_a_folded_header_is_recorded_as_one_line(watching: Watching) -> None:
    folded = [("X-Folded", "a\r\n \tb"), ("X-Null", "a\0b")]
    (entry,) = watching.rest("GET", "/x", by=ME, headers=folded)
    assert isinstance(entry, Exchange)
    assert entry.request.headers.all("X-Folded") == ["a b"]
    assert entry.request.headers.all("X-Null") == ["a b"]


def test_what_leaves_http_is_no_answer_that_could_be_replayed(watching: Watching) -> None:
    assert watching.rest("GET", "/x", by=ME, status=101) == []
    assert watching.observer.notices.skips == {"changes to another protocol": 1}
