"""Bayeux in mitmweb and mitmproxy, asked for through mitmproxy's own content views, 11 and 12."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import pytest
from mitmproxy import contentviews, exceptions, http
from mitmproxy.addons.core import Core
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.test import tflow
from mitmproxy.websocket import WebSocketMessage
from wsproto.frame_protocol import Opcode

from cometape.core.bayeux.settings import Settings
from cometape.core.broker import Broker
from cometape.recorder.content_view import BayeuxView, BayeuxViewer
from cometape.server.listener import BackgroundServer
from cometape.store import cassette_file
from raw_client import RawClient
from running import running

CLIENT_ID = "3kf9Zq0123456789abcdefgh"
CONNECT = {
    "channel": "/meta/connect",
    "id": "4",
    "clientId": CLIENT_ID,
    "connectionType": "long-polling",
}
CONNECTED = {"channel": "/meta/connect", "id": "4", "successful": True}
TOKEN = "tok-0123456789abcdef"
EVENT = {
    "channel": "/v2/me/workitems",
    "data": {"referenceId": 17, "token": "tok-0123456789abcdef"},
}


@pytest.fixture
def master() -> Iterator[Master]:
    loop = asyncio.new_event_loop()
    master = Master(Options(), event_loop=loop)
    master.addons.add(Core())
    yield master
    loop.close()


@pytest.fixture
def viewer(master: Master) -> Iterator[BayeuxViewer]:
    viewer = BayeuxViewer()
    master.addons.add(viewer)
    yield viewer
    viewer.done()


def shown(message: Any, flow: http.HTTPFlow, view: str = "auto") -> str:
    """What mitmproxy shows of a message, whichever its version."""
    api = cast(Any, contentviews)
    if hasattr(api, "prettify_message"):
        return str(api.prettify_message(message, flow, view).text)
    _, lines, _ = api.get_message_content_view(view, message, flow)
    return "\n".join("".join(text for _, text in line) for line in lines)


def flow_of(
    request: object, answer: object = None, *, content_type: str = "application/json", **how: Any
) -> http.HTTPFlow:
    flow = tflow.tflow(resp=True)
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    flow.request = http.Request.make("POST", "http://x/cometd", body)
    flow.request.headers["Content-Type"] = content_type
    answered = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    flow.response = http.Response.make(200, answered, {"Content-Type": content_type, **how})
    return flow


@pytest.mark.usefixtures("viewer")
def test_requests_and_answers_are_shown_as_messages() -> None:
    flow = flow_of([CONNECT], [EVENT, CONNECTED])
    assert shown(flow.request, flow) == "→ /meta/connect  id 4  client 3kf9Z…  long-polling"
    assert shown(flow.response, flow).splitlines() == [
        "← /v2/me/workitems  event",
        "    {",
        '      "referenceId": 17,',
        '      "token": "<token:1>"',
        "    }",
        "← /meta/connect  id 4  ok",
    ]


@pytest.mark.usefixtures("viewer")
def test_forms_and_jsonp_and_coded_bodies_are_read() -> None:
    form = b"message=" + quote(json.dumps([CONNECT])).encode()
    flow = flow_of(form, content_type="application/x-www-form-urlencoded")
    assert shown(flow.request, flow).startswith("→ /meta/connect")
    flow = flow_of(b"", b"cb([" + json.dumps(CONNECTED).encode() + b"]);")
    assert shown(flow.response, flow) == "← /meta/connect  id 4  ok"
    flow = flow_of(b"", [CONNECTED], **{"Content-Encoding": "gzip"})
    assert flow.response is not None
    assert flow.response.raw_content[:2] == b"\x1f\x8b"  # type: ignore[index]
    assert shown(flow.response, flow) == "← /meta/connect  id 4  ok"


@pytest.mark.usefixtures("viewer")
def test_messages_over_a_websocket_are_shown() -> None:
    flow = tflow.twebsocketflow()
    asked = WebSocketMessage(Opcode.TEXT, True, json.dumps([CONNECT]).encode())
    pushed = WebSocketMessage(Opcode.TEXT, False, json.dumps([EVENT]).encode())
    assert shown(asked, flow).startswith("→ /meta/connect  id 4  client 3kf9Z…")
    assert shown(pushed, flow).startswith("← /v2/me/workitems  event\n")
    assert TOKEN not in shown(pushed, flow)


@pytest.mark.usefixtures("viewer")
@pytest.mark.parametrize(
    "body", [b'{"operationName": "Ready"}', b'[{"id": 1}, {"id": 2}]', b"<p>", b"", b"\xff[", b"[]"]
)
def test_everything_else_is_left_to_mitmproxy(body: bytes) -> None:
    flow = flow_of(body, body)
    for message in (flow.request, flow.response):
        assert "→" not in shown(message, flow)
        assert "←" not in shown(message, flow)


@pytest.mark.usefixtures("viewer")
def test_asked_for_by_name_on_something_else_it_says_so_and_breaks_nothing() -> None:
    flow = flow_of(b'{"operationName": "Ready"}')
    assert shown(flow.request, flow, "bayeux")


def test_it_goes_and_comes_with_the_script(viewer: BayeuxViewer) -> None:
    other = BayeuxViewer()
    other.load(None)  # loaded again while the first is still there
    flow = flow_of([CONNECT])
    assert shown(flow.request, flow).startswith("→")
    other.done()
    viewer.load(None)
    assert shown(flow.request, flow).startswith("→")


def test_both_versions_of_the_protocol_are_spoken() -> None:
    view, data = BayeuxView(), json.dumps([CONNECTED]).encode()
    answer = http.Response.make(200, data)
    metadata = SimpleNamespace(http_message=answer, websocket_message=None)
    line = "← /meta/connect  id 4  ok"
    assert view.prettify(data, metadata) == line  # 12
    assert view.render_priority(data, metadata) == 2
    assert view.render_priority(b"{}", metadata) < -1
    description, lines = view(data, http_message=answer, flow=None)  # 11
    assert (description, list(lines)) == ("Bayeux", [[("text", line)]])
    assert view.render_priority(data, http_message=answer, content_type=None) == 2


@pytest.mark.usefixtures("viewer")
def test_it_follows_the_profile_of_the_recorder(master: Master) -> None:
    master.options.add_option("cometape_profile", str, "workbins", "")
    master.options.update(cometape_profile="bayeux")
    with pytest.raises(exceptions.OptionsError, match="nope"):
        master.options.update(cometape_profile="nope")


def test_an_answer_that_the_recorder_streams_can_be_seen(viewer: BayeuxViewer) -> None:
    flow = flow_of([CONNECT])
    passed = []

    def pass_on(chunk: bytes) -> bytes:
        passed.append(chunk)
        return chunk

    answer = flow.response = http.Response.make(200)
    answer.raw_content = None
    answer.stream = pass_on
    viewer.responseheaders(flow)
    assert callable(answer.stream)
    body = json.dumps([CONNECTED]).encode()
    for chunk in (body[:5], body[5:], b""):
        assert answer.stream(chunk) == chunk
    viewer.response(flow)
    assert passed == [body[:5], body[5:], b""]
    assert shown(answer, flow) == "← /meta/connect  id 4  ok"


def test_a_streamed_answer_of_another_kind_is_not_kept() -> None:
    flow = flow_of(b"", b"")
    flow.request.method = "GET"
    assert flow.response is not None
    flow.response.stream = True
    BayeuxViewer().responseheaders(flow)
    assert flow.response.stream is True


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def accepting(url: str) -> RawClient:
    """A connection, as soon as one can be made."""
    give_up_s = time.monotonic() + 20
    while True:
        try:
            return RawClient(url)
        except ConnectionRefusedError:
            assert time.monotonic() < give_up_s
            time.sleep(0.02)


MITMDUMP = str(Path(sys.executable).with_name("mitmdump"))
ADDONS = Path(__file__).parents[2] / "addons"


def test_beside_the_recorder_in_mitmdump_both_directions_are_shown(
    tmp_path: Path, confdir: Path
) -> None:
    out = tmp_path / "x.yaml"
    port = free_port()
    with (
        BackgroundServer(Broker(Settings())) as origin,
        running(
            *(MITMDUMP, "-s", str(ADDONS / "record.py"), "-s", str(ADDONS / "bayeux_view.py")),
            *("--set", f"cometape_out={out}", "--set", f"confdir={confdir}"),
            *("--set", "flow_detail=3", "--mode", f"reverse:{origin.url}"),
            *("--listen-host", "127.0.0.1", "--listen-port", str(port)),
        ) as program,
    ):
        asked = {"channel": "/meta/handshake", "id": "1"}
        body = json.dumps([asked | {"supportedConnectionTypes": ["long-polling"]}]).encode()
        client = accepting(f"http://127.0.0.1:{port}")
        client.ask("/cometd", method="POST", headers="X-By: a test\r\n", body=body)
        (reply,) = client.answer().json()
        client.close()
        assert program.stop(signal.SIGINT) == 0
        said = "\n".join(program.stdout)
    assert "→ /meta/handshake  id 1  supportedConnectionTypes long-polling" in said
    assert f"← /meta/handshake  id 1  client {reply['clientId'][:5]}…  ok" in said
    assert reply["clientId"] not in said
    assert [type(entry).__name__ for entry in cassette_file.load(out).entries] == ["Handshake"]
