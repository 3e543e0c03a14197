"""mitmproxy's flow files: HTTP, WebSockets, and what is odd in them."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from mitmproxy import flow, http, websocket
from mitmproxy import io as flow_io
from mitmproxy.test import tflow
from wsproto.frame_protocol import Opcode

from cometape.core.cassette import Connect, Event, Exchange, Handshake, Publish
from cometape.core.errors import CassetteError
from cometape.interchange.importing import Imported, ImportSettings, assemble
from cometape.interchange.reading import read
from cometape.profiles import load_profile
from cometape.store.yaml_emitter import dump
from cometape.store.yaml_reader import load

WORKBINS = load_profile("workbins")
JSON = b"application/json"
CLIENT_ID = "3x1kq0v9bd2p7m4hz8wn6tyc"


def written(*flows: flow.Flow) -> bytes:
    file = BytesIO()
    writer = flow_io.FlowWriter(file)
    for one in flows:
        writer.add(one)
    return file.getvalue()


def imported(*flows: flow.Flow) -> Imported:
    source = read(written(*flows), "calls.flow")
    return assemble([source], WORKBINS, ImportSettings(profile_name="workbins"))


def exchange(
    method: str, target: str, at_s: float, *, body: bytes = b"", answer: bytes = b"{}"
) -> http.HTTPFlow:
    found = tflow.tflow(resp=True)
    found.request = http.Request.make(
        method,
        f"https://gws.example{target}",
        body,
        http.Headers([(b"Authorization", b"Bearer 5b0f7c2e9d1a4e6f8c3b"), (b"Content-Type", JSON)]),
    )
    found.request.timestamp_start = found.request.timestamp_end = 1_700_000_000 + at_s
    found.response = http.Response.make(200, answer, http.Headers([(b"Content-Type", JSON)]))
    found.response.timestamp_start = found.response.timestamp_end = 1_700_000_000 + at_s + 0.01
    return found


def socket(at_s: float, *texts: tuple[bool, str]) -> http.HTTPFlow:
    found = exchange("GET", "/api/v2/notifications", at_s)
    assert found.response is not None
    found.response.status_code = 101
    found.websocket = websocket.WebSocketData(
        messages=[
            websocket.WebSocketMessage(
                Opcode.TEXT, mine, text.encode(), 1_700_000_000 + at_s + 0.1 * number
            )
            for number, (mine, text) in enumerate(texts, start=1)
        ]
    )
    return found


def test_http_flows_become_exchanges_with_their_times_and_without_their_secrets() -> None:
    made = imported(
        exchange("POST", "/b", 2.0, body=b'{"a":1}', answer=b'{"b":2}'), exchange("GET", "/a", 1.0)
    )
    first, second = made.cassette.entries
    assert isinstance(first, Exchange)
    assert isinstance(second, Exchange)
    assert (first.request.target, first.at_s, first.took_s) == ("/a", 0.0, 0.01)
    assert (second.request.target, second.at_s, second.request.body) == ("/b", 1.0, b'{"a":1}')
    assert made.cassette.header.recorded_at == "2023-11-14T22:13:21Z"
    assert made.cassette.header.origin == "https://gws.example"
    assert "5b0f7c2e9d1a4e6f8c3b" not in dump(made.cassette)


def test_a_websocket_becomes_what_was_said_over_it() -> None:
    def said(mine: bool, channel: str, **fields: object) -> tuple[bool, str]:
        return mine, json.dumps([{"channel": channel, **fields}])

    made = imported(
        socket(
            1.0,
            said(True, "/meta/handshake", id="1", version="1.0"),
            said(False, "/meta/handshake", id="1", successful=True, clientId=CLIENT_ID),
            said(True, "/meta/connect", id="2", connectionType="websocket", clientId=CLIENT_ID),
            said(False, "/meta/connect", id="2", successful=True),
            said(True, "/chat", id="3", data={"x": 1}, clientId=CLIENT_ID),
            said(False, "/chat", id="3", successful=True),
            said(False, "/chat", data={"x": 1}),
        )
    )
    kinds = [type(entry) for entry in made.cassette.entries]
    assert kinds == [Handshake, Connect, Publish, Event]
    event = made.cassette.entries[-1]
    assert isinstance(event, Event)
    assert event.cause == 3
    assert CLIENT_ID not in dump(made.cassette)


def test_compressed_bodies_are_unpacked_and_failed_flows_say_why() -> None:
    coded = exchange("GET", "/coded", 1.0)
    assert coded.response is not None
    coded.response.headers["Content-Encoding"] = "br"
    coded.response.content = b'{"statusCode":0}'
    failed = exchange("GET", "/failed", 2.0)
    failed.response = None
    failed.error = flow.Error("server closed connection", 1_700_000_003)
    made = imported(coded, failed)
    one, two = made.cassette.entries
    assert isinstance(one, Exchange)
    assert one.response is not None
    assert one.response.body == b'{"statusCode":0}'
    assert isinstance(two, Exchange)
    assert (two.response, two.error) == (None, "server closed the connection")


def test_other_flows_are_left_out_and_streamed_bodies_named() -> None:
    streamed = exchange("GET", "/big", 1.0)
    assert streamed.response is not None
    streamed.response.raw_content = None
    made = imported(streamed, tflow.ttcpflow(), tflow.tdnsflow())
    assert made.skipped["flows that are not HTTP"] == 2
    (problem,) = made.problems
    assert problem == (
        "calls.flow: an answer's body is not in the file (mitmproxy streamed it) (entry 1)"
    )


def test_a_file_that_was_cut_off_is_refused_with_the_flow() -> None:
    data = written(exchange("GET", "/a", 1.0), exchange("GET", "/b", 2.0))
    with pytest.raises(
        CassetteError, match=r"calls.flow \(entry 2\): flow 2 cannot be read"
    ) as caught:
        read(data[:-40], "calls.flow")
    assert caught.value.reason == "bad-flow"
    assert caught.value.exit_code == 3


def test_any_byte_of_a_file_may_be_damaged() -> None:
    data = written(exchange("GET", "/a", 1.0))
    refused = set[str]()
    for place in range(0, len(data), 3):
        for byte in (0x00, 0xFF, data[place] ^ 0x01):
            damaged = data[:place] + bytes((byte,)) + data[place + 1 :]
            try:
                source = read(damaged, "calls.flow")
                if source.traffic:
                    made = assemble([source], WORKBINS, ImportSettings(profile_name="workbins"))
                    load(dump(made.cassette).encode())
            except CassetteError as error:
                refused.add(error.reason)
    assert "bad-flow" in refused
