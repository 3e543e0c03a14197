"""A client of a reverse proxy stays on it, and the cassette has what the system said."""

from __future__ import annotations

import gzip
import json
import threading
import zlib
from collections.abc import Callable
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard

from cometape.core.cassette import Event
from cometape.core.exchange import Headers, Response
from cometape.recorder.capture_filter import CaptureFilter
from cometape.server.listener import BackgroundServer
from odd_origin import Caller, odd_origin
from raw_client import Answer, connected, websocket
from recorder_thread import RecorderThread
from tiny_service import JSON, TinyService

Record = Callable[..., RecorderThread]

PUBLIC = "http://gws.example:8090"
WORKBIN: dict[str, Any] = {
    "statusCode": 0,
    "workbin": {"name": "Fünf http://x", "uri": f"{PUBLIC}/api/v2/a/1"},
}


def body_of(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode()


def at(recorder: RecorderThread, body: bytes) -> bytes:
    """The body with the recorder's origin for the public one."""
    return body.replace(PUBLIC.encode(), recorder.url.encode())


def answering(body: bytes, *headers: str, chunks: int = 0) -> Callable[[Caller], None]:
    """An upstream that gives every request the same answer, with a length or in chunks."""
    framing = "Transfer-Encoding: chunked" if chunks else f"Content-Length: {len(body)}"
    head = "\r\n".join(["HTTP/1.1 200 OK", framing, *headers, "", ""]).encode()

    def behave(caller: Caller) -> None:
        while True:
            caller.request()
            if not chunks:
                caller.send(head + body)
                continue
            caller.send(head)
            for start in range(0, len(body), chunks):
                chunk = body[start : start + chunks]
                caller.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            caller.send(b"0\r\n\r\n")

    return behave


def unchunked(data: bytes) -> bytes:
    """The body of a chunked answer."""
    body, rest = b"", data.partition(b"\r\n\r\n")[2]
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return body
        body, rest = body + rest[:length], rest[length + 2 :]


def asked_in_chunks(recorder: RecorderThread) -> bytes:
    with connected(recorder.url) as client:
        client.send(f"GET /x HTTP/1.1\r\nHost: {recorder.url[7:]}\r\n\r\n".encode())
        data = b""
        while not data.endswith(b"0\r\n\r\n"):
            data += client.read(1)
    return unchunked(data)


def get(recorder: RecorderThread, target: str = "/x", headers: str = "") -> Answer:
    with connected(recorder.url) as client:
        host = recorder.url.removeprefix("http://")
        client.send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode())
        return client.answer()


def test_a_uri_in_a_body_leads_to_the_recorder_and_is_recorded_as_it_was(record: Record) -> None:
    body = body_of(WORKBIN)
    headers = ("Content-Type: application/json;charset=UTF-8", 'ETag: "7"', "Content-MD5: abc")
    with odd_origin(answering(body, *headers)) as url, record(url) as recorder:
        answer = get(recorder)
        (entry,) = recorder.exchanges
        assert answer.body == at(recorder, body)
    assert answer.body != body
    assert answer.header("Content-Length") == str(len(answer.body))
    assert answer.header("ETag") == '"7"', "a conditional request must name what the system knows"
    assert answer.header("Content-MD5") is None
    assert entry.response is not None
    assert entry.response.body == body
    assert entry.response.headers.first("Content-MD5") == "abc"


def test_the_address_is_that_by_which_this_client_asked(record: Record) -> None:
    body = body_of(WORKBIN)
    with (
        odd_origin(answering(body, "Content-Type: application/json")) as url,
        record(url) as recorder,
        connected(recorder.url) as client,
    ):
        client.send(b"GET /x HTTP/1.1\r\nHost: desk.example:99\r\n\r\n")
        assert client.answer().body == body.replace(PUBLIC.encode(), b"http://desk.example:99")


CODINGS: list[tuple[str, Callable[[bytes], bytes], Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress, gzip.decompress),
    ("deflate", zlib.compress, zlib.decompress),
    ("br", brotli.compress, brotli.decompress),
    ("zstd", zstandard.compress, zstandard.decompress),
]


@pytest.mark.parametrize("chunks", [0, 7])
@pytest.mark.parametrize(("coding", "encode", "decode"), CODINGS)
def test_a_coded_body_is_coded_again(
    record: Record,
    coding: str,
    encode: Callable[[bytes], bytes],
    decode: Callable[[bytes], bytes],
    chunks: int,
) -> None:
    body = body_of([WORKBIN] * 20)
    headers = ("Content-Type: application/json", f"Content-Encoding: {coding}")
    behave = answering(encode(body), *headers, chunks=chunks)
    with odd_origin(behave) as url, record(url) as recorder:
        got = asked_in_chunks(recorder) if chunks else get(recorder).body
        assert decode(got) == at(recorder, body)
        (entry,) = recorder.exchanges
    assert entry.response is not None
    assert entry.response.body == body


@pytest.mark.parametrize("coding", ["gzip", "made-up"])
def test_a_body_in_which_nothing_changes_passes_byte_for_byte(record: Record, coding: str) -> None:
    body = gzip.compress(b'{"name":"http://gws.example:8090/a"}', 9, mtime=12345)
    headers = ("Content-Type: application/json", f"Content-Encoding: {coding}")
    with odd_origin(answering(body, *headers)) as url, record(url) as recorder:
        assert get(recorder).body == body


def test_a_coding_that_is_none_harms_nobody(record: Record) -> None:
    headers = ("Content-Type: application/json", "Content-Encoding: utf-8")
    body = body_of(WORKBIN)
    with odd_origin(answering(body, *headers)) as url, record(url) as recorder:
        assert get(recorder).body == at(recorder, body)


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/html", "application/octet-stream", "text/event-stream"]
)
def test_what_is_no_json_is_not_looked_at(record: Record, kind: str) -> None:
    body = body_of(WORKBIN)
    with odd_origin(answering(body, f"Content-Type: {kind}")) as url, record(url) as recorder:
        assert get(recorder).body == body


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_uri_across_the_borders_of_chunks_is_found(record: Record, size: int) -> None:
    body = body_of([{"id": 1}, WORKBIN, WORKBIN])
    behave = answering(body, "Content-Type: application/json", chunks=size)
    with odd_origin(behave) as url, record(url) as recorder:
        assert asked_in_chunks(recorder) == at(recorder, body)
        (entry,) = recorder.exchanges
    assert entry.response is not None
    assert entry.response.body == body


def test_json_without_an_absolute_uri_is_passed_on_as_it_comes(record: Record) -> None:
    go_on = threading.Event()

    def behave(caller: Caller) -> None:
        caller.request()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        caller.send(head + b'Transfer-Encoding: chunked\r\n\r\n8\r\n["first"\r\n')
        go_on.wait(10)
        caller.send(b'a\r\n,"second"]\r\n0\r\n\r\n')
        caller.is_gone()

    with odd_origin(behave) as url, record(url) as recorder, connected(recorder.url) as client:
        client.ask("/stream")
        got = b""
        while not got.endswith(b'8\r\n["first"\r\n'):
            got += client.read(1)
        assert recorder.exchanges == []
        go_on.set()
        assert client.read(20) == b'a\r\n,"second"]\r\n0\r\n\r\n'


def test_json_too_long_to_be_held_passes_as_it_is(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cometape.recorder.reverse_view.MAX_HELD_BYTES", 50)
    body = body_of(WORKBIN)
    for chunks in (0, 10):
        behave = answering(body, "Content-Type: application/json", chunks=chunks)
        with odd_origin(behave) as url, record(url, overwrite=True) as recorder:
            got = asked_in_chunks(recorder) if chunks else get(recorder).body
        assert got == body


def test_a_uri_that_the_client_sends_back_leads_to_the_system(record: Record) -> None:
    service = TinyService()
    service.answers["/api/v2/a"] = Response(status=200, headers=JSON, body=body_of(WORKBIN))
    with BackgroundServer(service) as origin, record(origin.url) as recorder:
        own = recorder.url
        uri = get(recorder, "/api/v2/a").json()["workbin"]["uri"]
        assert uri == f"{own}/api/v2/a/1"
        sent = json.dumps({"operationName": "AddEmail", "uri": uri, "text": own}).encode()
        with connected(own) as client:
            client.send(
                f"POST /b HTTP/1.1\r\nHost: {own[7:]}\r\nOrigin: {own}\r\nReferer: {own}/page\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n".encode()
                + sent
            )
            seen = client.answer().json()
        entry = recorder.exchanges[-1]
    expected = {"operationName": "AddEmail", "uri": f"{PUBLIC}/api/v2/a/1", "text": own}
    assert json.loads(seen["body"]) == expected
    assert ["Origin", origin.url] in seen["headers"]
    assert ["Referer", f"{origin.url}/page"] in seen["headers"]
    assert json.loads(entry.request.body) == expected
    assert entry.request.headers.first("Origin") == origin.url


def test_a_redirect_to_an_address_that_the_system_has_used_stays_on_the_recorder(
    record: Record,
) -> None:
    service = TinyService()
    service.answers["/a"] = Response(status=200, headers=JSON, body=body_of(WORKBIN))
    for path, status, where in (
        ("/moved", 302, f"{PUBLIC}/b"),
        ("/login", 302, "https://sso.example/login"),
        ("/made", 201, "https://elsewhere.example/new"),
    ):
        service.answers[path] = Response(status=status, headers=Headers([("Location", where)]))
    with BackgroundServer(service) as origin, record(origin.url) as recorder:
        own = recorder.url
        assert get(recorder, "/moved").header("Location") == f"{PUBLIC}/b", "not known yet"
        get(recorder, "/a")
        assert get(recorder, "/moved").header("Location") == f"{own}/b"
        assert get(recorder, "/login").header("Location") == "https://sso.example/login"
        assert get(recorder, "/made").header("Location") == f"{own}/new"
        recorded = [entry.response for entry in recorder.exchanges]
    assert recorded[-1] is not None
    assert recorded[-1].headers.first("Location") == "https://elsewhere.example/new"


def test_a_public_address_can_be_told_beforehand(record: Record) -> None:
    service = TinyService()
    headers = Headers([("Location", f"{PUBLIC}/b")])
    service.answers["/moved"] = Response(status=302, headers=headers)
    with (
        BackgroundServer(service) as origin,
        record(origin.url, proxy={"public": (PUBLIC,)}) as recorder,
    ):
        assert get(recorder, "/moved").header("Location") == f"{recorder.url}/b"


def test_a_page_of_the_recorder_may_read_what_a_page_of_the_system_may(record: Record) -> None:
    def behave(caller: Caller) -> None:
        while True:
            head = caller.request().decode()
            origin = next(line[8:] for line in head.split("\r\n") if line.startswith("Origin: "))
            caller.send(
                f"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: {origin}\r\n"
                "Access-Control-Allow-Credentials: true\r\nContent-Length: 0\r\n\r\n".encode()
            )

    with odd_origin(behave) as url, record(url) as recorder:
        own = get(recorder, headers=f"Origin: {recorder.url}\r\n")
        other = get(recorder, headers="Origin: http://desk.example\r\n")
        first, second = recorder.exchanges
        assert own.header("Access-Control-Allow-Origin") == recorder.url
    assert other.header("Access-Control-Allow-Origin") == "http://desk.example"
    assert first.response is not None
    assert first.response.headers.first("Access-Control-Allow-Origin") == url
    assert second.request.headers.first("Origin") == "http://desk.example"


MESSAGES: list[dict[str, Any]] = [
    {"channel": "/v2/me/workitems", "data": {"referenceId": 1, "workitem": WORKBIN["workbin"]}},
    {"channel": "/meta/connect", "id": "3", "successful": True},
]


def test_callback_polling_leads_to_the_recorder(record: Record) -> None:
    call = b"/**/jsonp1(" + body_of(MESSAGES) + b");"
    kind = "Content-Type: text/javascript;charset=UTF-8"
    with odd_origin(answering(call, kind)) as url, record(url) as recorder:
        assert get(recorder, "/api/v2/notifications?jsonp=jsonp1").body == at(recorder, call)
        assert get(recorder, "/script.js").body == call


def test_an_event_over_a_websocket_leads_to_the_recorder(record: Record) -> None:
    handshake = {"channel": "/meta/handshake", "successful": True, "clientId": "c-1234567890abcdef"}
    with BackgroundServer(TinyService()) as origin, record(origin.url) as recorder:
        with websocket(recorder.url) as client:
            assert client.text() == "hi"
            for messages in ([handshake], MESSAGES):
                text = json.dumps(messages)  # the service echoes what it is sent
                client.send(text)
                assert client.text() == text.replace(PUBLIC, "http://test")
        events = [entry for entry in recorder.cassette.entries if isinstance(entry, Event)]
    assert [event.data for event in events] == [MESSAGES[0]["data"]]


def test_what_is_not_recorded_is_shown_alike_and_not_held_up(record: Record) -> None:
    body = body_of(WORKBIN)
    go_on = threading.Event()

    def behave(caller: Caller) -> None:
        if b"/stream" not in caller.request():
            answering(body, "Content-Type: application/json")(caller)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        caller.send(head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        go_on.wait(10)
        caller.send(b"0\r\n\r\n")
        caller.is_gone()

    nothing = CaptureFilter(exclude=["~all"])
    with odd_origin(behave) as url, record(url, capture_filter=nothing) as recorder:
        with connected(recorder.url) as client:
            client.ask("/stream")
            got = b""
            while not got.endswith(b"5\r\nfirst\r\n"):
                got += client.read(1)
            go_on.set()
            assert client.read(5) == b"0\r\n\r\n"
        assert recorder.exchanges == []
    assert recorder.summary.skipped == {"exchanges filtered out": 1}


def test_a_profile_without_uris_changes_no_body(record: Record) -> None:
    body = body_of(WORKBIN)
    behave = answering(body, "Content-Type: application/json")
    with odd_origin(behave) as url, record(url, profile="bayeux") as recorder:
        assert get(recorder).body == body


def test_a_regular_proxy_changes_nothing(record: Record) -> None:
    body = body_of(WORKBIN)
    headers = ("Content-Type: application/json", f"Location: {PUBLIC}", "Set-Cookie: a=b; Secure")
    with odd_origin(answering(body, *headers)) as url, record(None) as recorder:
        answer = get(recorder, f"{url}/x")
    assert answer.body == body
    assert answer.header("Location") == PUBLIC
    assert answer.header("Set-Cookie") == "a=b; Secure"
