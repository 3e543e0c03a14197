"""HTTP through the recorder: unchanged, not held up, and on disk before the client has it all."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard

from cometape.core.body import Body
from cometape.core.exchange import Headers, Response
from cometape.server.listener import BackgroundServer
from odd_origin import Caller, odd_origin
from raw_client import RawClient, connected
from recorder_thread import RecorderThread
from tiny_service import TinyService

Record = Callable[..., RecorderThread]
CREDENTIALS = base64.b64encode(b"agent7:a-very-long-password-indeed").decode()


def answering(body: bytes, coding: str) -> Callable[[Caller], None]:
    """An upstream's behaviour: one answer with a coded body."""
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Content-Encoding: {coding}\r\n\r\n"
    )

    def behave(caller: Caller) -> None:
        caller.request()
        caller.send(head.encode() + body)
        caller.is_gone()

    return behave


def test_an_exchange_passes_unchanged_and_is_recorded(record: Record) -> None:
    body = b'{"operationName": "PullWorkitem"}'
    with BackgroundServer(TinyService()) as origin, record(origin.url) as recorder:
        with connected(recorder.url) as client:
            client.ask("/api/v2/x?y=%41", method="POST", headers="x-Odd: 1\r\n", body=body)
            answer = client.answer()
        host = origin.url.removeprefix("http://")
        seen = answer.json()
        (entry,) = recorder.exchanges
    assert answer.status == 200
    assert seen["target"] == "/api/v2/x?y=%41"
    assert seen["body"].encode() == body
    assert ["x-Odd", "1"] in seen["headers"]
    assert ["Host", host] in seen["headers"]
    assert entry.request.target == "/api/v2/x?y=%41"
    assert entry.request.body == body
    assert ("x-Odd", "1") in entry.request.headers
    assert entry.response is not None
    assert entry.response.body == answer.body
    assert entry.response.headers.first("Content-Length") is None
    assert recorder.summary.exchanges == 1
    assert recorder.summary.problems == {}


def test_secrets_reach_neither_the_file_nor_the_log(
    record: Record, capfd: pytest.CaptureFixture[str]
) -> None:
    secrets = [CREDENTIALS, "a-very-long-password-indeed", "jsession-0123456789", "csrf-987654321"]
    answer = Response(
        status=200,
        headers=Headers(
            [
                ("Content-Type", "application/json"),
                ("Set-Cookie", f"JSESSIONID={secrets[2]}; Path=/; HttpOnly"),
                ("X-CSRF-HEADER", "X-CSRF-TOKEN"),
                ("X-CSRF-TOKEN", secrets[3]),
            ]
        ),
        body=b'{"accessToken":"tok-abcdefghijkl"}',
    )
    service = TinyService(answers={"/api/v2/me": answer})
    with (
        BackgroundServer(service) as origin,
        record(origin.url) as recorder,
        connected(recorder.url) as client,
    ):
        given = client.get("/api/v2/me", headers=f"Authorization: Basic {CREDENTIALS}\r\n")
        client.get(f"/x?access_token=tok-abcdefghijkl&a={secrets[2]}")
    assert secrets[3] in given.head.decode()
    written = recorder.out.read_text() + capfd.readouterr().err + recorder.summary.render()
    for secret in [*secrets, "tok-abcdefghijkl"]:
        assert secret not in written
    assert recorder.summary.sessions == ("agent7",)
    assert recorder.summary.secrets >= 6


def test_the_entry_is_on_disk_when_the_client_has_its_answer(record: Record) -> None:
    with (
        BackgroundServer(TinyService()) as origin,
        record(origin.url) as recorder,
        connected(recorder.url) as client,
    ):
        for number in range(1, 31):
            client.get(f"/number/{number}")
            assert len(recorder.exchanges) == number


def test_a_chunk_passes_while_the_answer_goes_on_and_the_end_only_once_it_is_recorded(
    record: Record,
) -> None:
    """D12: chunked answers."""
    go_on = threading.Event()

    def behave(caller: Caller) -> None:
        caller.request()
        caller.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        go_on.wait(10)
        caller.send(b"6\r\nsecond\r\n0\r\n\r\n")
        caller.is_gone()

    with odd_origin(behave) as url, record(url) as recorder, connected(recorder.url) as client:
        client.ask("/stream")
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert client.read(len(head)) == head
        assert client.read(10) == b"5\r\nfirst\r\n"
        assert recorder.exchanges == []
        go_on.set()
        assert client.read(16) == b"6\r\nsecond\r\n0\r\n\r\n"
        (entry,) = recorder.exchanges
    assert entry.response is not None
    assert entry.response.body == b"firstsecond"


def test_bytes_of_a_declared_length_pass_as_they_come(record: Record) -> None:
    go_on = threading.Event()

    def behave(caller: Caller) -> None:
        caller.request()
        caller.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        go_on.wait(10)
        caller.send(b"def")
        caller.is_gone()

    with odd_origin(behave) as url, record(url) as recorder, connected(recorder.url) as client:
        client.ask("/slow")
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
        assert client.read(len(head) + 3) == head + b"abc"
        assert recorder.exchanges == []
        go_on.set()
        assert client.read(3) == b"def"
        assert len(recorder.exchanges) == 1


def test_an_answer_that_ends_with_its_connection_is_recorded(record: Record) -> None:
    def behave(caller: Caller) -> None:
        caller.request()
        caller.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end")

    with odd_origin(behave) as url, record(url) as recorder, connected(recorder.url) as client:
        client.ask("/old")
        assert client.rest().endswith(b"to the end")
        (entry,) = recorder.exchanges
    assert entry.response is not None
    assert entry.response.body == b"to the end"


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("br", brotli.compress),
        ("zstd", zstandard.compress),
        ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
    ],
)
def test_a_coded_body_is_readable_in_the_cassette_and_coded_for_the_client(
    record: Record, coding: str, encode: Callable[[bytes], bytes]
) -> None:
    """D12: gzip and other codings."""
    plain = json.dumps({"text": "fünf " * 100}).encode()
    coded = encode(plain)
    with odd_origin(answering(coded, coding)) as url, record(url) as recorder:
        with connected(recorder.url) as client:
            answer = client.get("/x")
        (entry,) = recorder.exchanges
    assert answer.body == coded
    assert answer.header("Content-Encoding") == coding
    assert entry.response is not None
    assert entry.response.body == plain
    assert Body.from_bytes(entry.response.body).form == "json"
    assert entry.response.headers.first("Content-Encoding") is None


def test_a_body_that_is_too_long_passes_and_is_noted(record: Record) -> None:
    with (
        BackgroundServer(TinyService()) as origin,
        record(origin.url, max_body_bytes=1000) as recorder,
    ):
        with connected(recorder.url) as client:
            assert len(client.get("/big?bytes=100000").body) == 100000
            client.ask("/post", method="POST", body=b"x" * 5000)
            assert len(client.answer().json()["body"]) == 5000
        big, post = recorder.exchanges
    assert big.error == "response body longer than 1000 bytes: not kept"
    assert big.response is not None
    assert big.response.body == b""
    assert post.error is not None
    assert "request body longer than 1000 bytes" in post.error


def test_a_bomb_of_zeros_is_not_unpacked(record: Record) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    with (
        odd_origin(answering(bomb, "gzip")) as url,
        record(url, max_body_bytes=100_000) as recorder,
        connected(recorder.url) as client,
    ):
        assert client.get("/x").body == bomb
        (entry,) = recorder.exchanges
    assert entry.error == "response body longer than 100000 bytes: not kept"


def test_a_large_request_is_passed_on_as_it_comes(record: Record) -> None:
    body = b"0123456789" * 300_000
    heard = threading.Event()

    def behave(caller: Caller) -> None:
        data = b""
        while len(data) < 1_000_000:
            data += caller.socket.recv(65536)
        heard.set()
        while len(data.partition(b"\r\n\r\n")[2]) < len(body):  # not a byte less
            data += caller.socket.recv(65536)
        caller.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        caller.is_gone()

    with odd_origin(behave) as url, record(url) as recorder, connected(recorder.url) as client:
        head = f"PUT /up HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        client.send(head.encode() + body[:2_000_000])
        assert heard.wait(10)  # before the client has sent it all
        client.send(body[2_000_000:])
        assert client.answer().status == 204
        (entry,) = recorder.exchanges
    assert entry.request.body == body
    assert entry.response is not None
    assert entry.response.status == 204


def test_the_answer_to_a_head_has_no_body(record: Record) -> None:
    with BackgroundServer(TinyService()) as origin, record(origin.url) as recorder:
        with connected(recorder.url) as client:
            client.ask("/big?bytes=500", method="HEAD")
            answer = client.answer(to_head=True)
        (entry,) = recorder.exchanges
    assert answer.header("Content-Length") == "500"
    assert entry.response is not None
    assert entry.response.body == b""


def test_a_client_that_leaves_is_told_to_the_upstream_and_recorded(record: Record) -> None:
    asked, gone = threading.Event(), threading.Event()

    def behave(caller: Caller) -> None:
        caller.request()
        asked.set()
        if caller.is_gone():
            gone.set()

    with odd_origin(behave) as url, record(url) as recorder:
        client = RawClient(recorder.url)
        client.ask("/slow")
        assert asked.wait(10)
        client.close()
        assert gone.wait(10)
        recorder.stop()
        (entry,) = recorder.exchanges
    assert (entry.response, entry.error) == (None, "client left")


def test_an_upstream_that_is_down_gives_502_and_the_recorder_goes_on(record: Record) -> None:
    with odd_origin(lambda caller: None) as url:
        pass
    with record(url) as recorder:
        with connected(recorder.url) as client:
            assert client.get("/a").status == 502
        with connected(recorder.url) as client:
            client.ask("/b", method="POST", body=b"x")
            assert client.answer().status == 502
        first, second = recorder.exchanges
    assert (first.response, second.response) == (None, None)
    assert first.error is not None
    assert first.error.startswith("upstream failed: ")


def test_an_upstream_that_closes_without_an_answer_does_so_to_the_client(record: Record) -> None:
    def behave(caller: Caller) -> None:
        caller.request()

    with odd_origin(behave) as url, record(url) as recorder, connected(recorder.url) as client:
        client.ask("/a")
        assert client.rest() == b""
        (entry,) = recorder.exchanges
    assert entry.error == "server closed the connection"


def test_an_upstream_that_dies_in_mid_body_leaves_what_it_sent(record: Record) -> None:
    def behave(caller: Caller) -> None:
        caller.request()
        caller.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")

    with odd_origin(behave) as url, record(url) as recorder, connected(recorder.url) as client:
        client.ask("/a")
        assert client.rest().endswith(b"abc")
        (entry,) = recorder.exchanges
    assert entry.error == "server closed the connection"
    assert entry.response is not None
    assert entry.response.body == b"abc"


def test_an_upstream_that_speaks_no_http_gives_502_without_its_bytes_in_the_cassette(
    record: Record, capfd: pytest.CaptureFixture[str]
) -> None:
    def behave(caller: Caller) -> None:
        caller.request()
        caller.send(b"password=hunter2-hunter2 not http\r\n\r\n")

    with odd_origin(behave) as url, record(url) as recorder, connected(recorder.url) as client:
        assert client.get("/a").status == 502
        (entry,) = recorder.exchanges
    assert entry.error == "server answered with something that is not HTTP"
    assert "hunter2" not in recorder.out.read_text() + capfd.readouterr().err


def test_an_exchange_that_is_open_at_the_end_says_so(record: Record) -> None:
    asked = threading.Event()

    def behave(caller: Caller) -> None:
        caller.request()
        asked.set()
        caller.is_gone()

    with odd_origin(behave) as url, record(url) as recorder, connected(recorder.url) as client:
        client.ask("/slow")
        assert asked.wait(10)
        recorder.stop()
        (entry,) = recorder.exchanges
    assert (entry.response, entry.error) == (None, "recording ended")


def test_a_redirect_and_a_cookie_lead_back_to_the_recorder(record: Record) -> None:
    service = TinyService()
    with BackgroundServer(service) as origin, record(origin.url) as recorder:
        location = f"{origin.url}/login?next=1"
        cookie = "JSESSIONID=abcdefghijklmnop; Domain=gws.example; Secure; SameSite=None; Path=/"
        headers = Headers([("Location", location), ("Set-Cookie", cookie)])
        service.answers["/old"] = Response(status=302, headers=headers)
        with connected(recorder.url) as client:
            client.send(b"GET /old HTTP/1.1\r\nHost: desk.example:1234\r\n\r\n")
            answer = client.answer()
        (entry,) = recorder.exchanges
    assert answer.header("Location") == "http://desk.example:1234/login?next=1"
    assert answer.header("Set-Cookie") == "JSESSIONID=abcdefghijklmnop; Path=/"
    assert entry.response is not None
    assert entry.response.headers.first("Location") == location
    assert "Domain=gws.example; Secure" in str(entry.response.headers.first("Set-Cookie"))


def test_a_regular_proxy_records_one_origin_and_lets_the_others_pass(record: Record) -> None:
    with BackgroundServer(TinyService()) as one, BackgroundServer(TinyService()) as other:
        with record(None, only=frozenset([one.url])) as recorder:
            with connected(recorder.url) as client:
                assert client.get(f"{one.url}/here").status == 200
            with connected(recorder.url) as client:
                assert client.get(f"{other.url}/there").status == 200
        (entry,) = recorder.exchanges
        assert entry.request.target == "/here"
        assert recorder.cassette.header.origin == one.url
        assert recorder.summary.skipped == {"exchanges with other origins": 1}


def test_two_origins_in_one_cassette_are_a_problem_of_the_summary(record: Record) -> None:
    with BackgroundServer(TinyService()) as one, BackgroundServer(TinyService()) as other:
        with record(None) as recorder:
            for origin in (one, other):
                with connected(recorder.url) as client:
                    assert client.get(f"{origin.url}/x").status == 200
        (problem,) = recorder.summary.problems
    assert "2 origins in one cassette" in problem
