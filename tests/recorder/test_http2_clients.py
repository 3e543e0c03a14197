"""Clients that speak HTTP/2 to the recorder, which need not be what the system speaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cometape.core.exchange import Response
from cometape.server.listener import BackgroundServer
from h2_client import H2Client
from raw_client import connected
from recorder_thread import RecorderThread
from tiny_service import JSON, TinyService

Record = Callable[..., RecorderThread]

pytestmark = pytest.mark.filterwarnings(
    "ignore:(Passing pyOpenSSL|Attempting to mutate):DeprecationWarning"
)


def speaking_h2(recorder: RecorderThread, confdir: Path) -> H2Client:
    address = urlsplit(recorder.url)
    return H2Client(
        (str(address.hostname), int(address.port or 0)),
        confdir / "mitmproxy-ca-cert.pem",
        name="127.0.0.1",
    )


def test_an_exchange_over_http2_is_recorded_as_any_other(record: Record, confdir: Path) -> None:
    """D12: HTTP/2."""
    uri = json.dumps({"uri": "http://gws.example:8090/api/v2/a"}).encode()
    service = TinyService(answers={"/uri": Response(status=200, headers=JSON, body=uri)})
    with (
        BackgroundServer(service) as origin,
        record(origin.url, proxy={"http2": True}) as recorder,
        speaking_h2(recorder, confdir) as client,
    ):
        assert client.protocol == "h2"
        authority = recorder.url.removeprefix("http://")
        body = b'{"operationName":"PullWorkitem"}'
        stream = client.ask("/api/v2/x?y=1", authority=authority, method="POST", body=body)
        status, answer = client.answer(stream)
        _, moved = client.answer(client.ask("/uri", authority=authority))
        first, second = recorder.exchanges
    seen = json.loads(answer)
    assert status == 200
    assert (seen["method"], seen["target"], seen["body"]) == (
        "POST",
        "/api/v2/x?y=1",
        body.decode(),
    )
    assert ["Host", origin.url.removeprefix("http://")] in seen["headers"]
    assert first.request.target == "/api/v2/x?y=1"
    assert first.request.body == body
    assert json.loads(moved) == {"uri": f"https://{authority}/api/v2/a"}
    assert second.response is not None
    assert second.response.body == uri


def test_a_dozen_held_polls_of_one_connection_hold_up_nothing_else(
    record: Record, confdir: Path
) -> None:
    service = TinyService()
    with (
        BackgroundServer(service) as origin,
        record(origin.url, proxy={"http2": True}) as recorder,
        speaking_h2(recorder, confdir) as client,
    ):
        held = [client.ask(f"/hold/{number}", authority="gws.example") for number in range(12)]
        while True:  # until all of them are held
            _, seen = client.answer(client.ask("/a", authority="gws.example"))
            assert b'"target": "/a"' in seen
            if len(origin.call(lambda: service.held)) == len(held):
                break
        client.answer(client.ask("/release", authority="gws.example"))
        assert [client.answer(stream)[0] for stream in held] == [200] * 12


def test_http2_is_off_unless_asked_for(record: Record, confdir: Path) -> None:
    with (
        BackgroundServer(TinyService()) as origin,
        record(origin.url) as recorder,
        speaking_h2(recorder, confdir) as client,
    ):
        assert client.protocol == "http/1.1"
        client.socket.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.socket.recv(4096).startswith(b"HTTP/1.1 200")


def test_http1_goes_on_beside_it(record: Record) -> None:
    with (
        BackgroundServer(TinyService()) as origin,
        record(origin.url, proxy={"http2": True}) as recorder,
        connected(recorder.url) as client,
    ):
        assert client.get("/a").status == 200
