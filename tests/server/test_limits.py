"""What odd, slow, greedy and hostile clients get: a short problem and a closed connection."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cometape.server.incoming import IncomingRequest
from cometape.server.limits import Limits
from cometape.server.listener import BackgroundServer
from cometape.server.problem import Refusal
from cometape.server.uploads import Uploads
from raw_client import RawClient, connected
from tiny_service import TinyService

SMALL = Limits(
    max_target_bytes=100,
    max_header_bytes=1000,
    max_body_bytes=2000,
    header_timeout_s=0.2,
    body_timeout_s=0.2,
    idle_timeout_s=0.4,
    write_timeout_s=0.4,
    linger_s=0.2,
)


@pytest.fixture
def service() -> TinyService:
    return TinyService()


@pytest.fixture
def server(service: TinyService) -> Iterator[BackgroundServer]:
    with BackgroundServer(service, limits=SMALL) as running:
        yield running


@pytest.fixture
def client(server: BackgroundServer) -> Iterator[RawClient]:
    with connected(server.url) as raw:
        yield raw


HOST = b"Host: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(
            POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            id="length-and-chunks",
        ),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            id="chunks-and-length",
        ),
        pytest.param(POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", id="two-lengths"),
        pytest.param(POST + b"Content-Length: 3, 3\r\n\r\nabc", id="list-of-lengths"),
        pytest.param(POST + b"Content-Length: +3\r\n\r\nabc", id="signed-length"),
        pytest.param(POST + b"Content-Length: 99999999999999999999\r\n\r\n", id="huge-length"),
        pytest.param(
            POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", id="chunked-not-last"
        ),
        pytest.param(
            POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", id="space-before-colon"
        ),
        pytest.param(
            b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="chunks-in-1.0"
        ),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", id="bad-chunk-size"),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", id="bare-LF-in-chunk"
        ),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", id="bare-CR"),
        pytest.param(b"GET / HTTP/1.1\nHost: a\n\n", id="bare-LF"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", id="obs-fold"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", id="NUL"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no-host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", id="two-hosts"),
        pytest.param(b"GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n", id="ftp-target"),
        pytest.param(b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", id="unescaped-target"),
        pytest.param(b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", id="unknown-version"),
        pytest.param(b"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", id="unknown-method"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
        pytest.param(b"hello\r\n\r\n", id="not-http"),
        pytest.param(
            POST + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", id="not-gzip"
        ),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(
    client: RawClient, service: TinyService, request_bytes: bytes
) -> None:
    client.send(request_bytes)
    answer = client.answer()
    assert (answer.status, answer.header("Connection")) == (400, "close")
    assert answer.header("Content-Type") == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["title"], problem["reason"]) == (
        400,
        "Bad Request",
        "bad-request",
    )
    assert problem["detail"]
    assert client.rest() == b""
    assert service.requests == []


@pytest.mark.parametrize(
    ("request_bytes", "status", "reason"),
    [
        (b"GET /" + b"x" * 100 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "target-too-long"),
        (
            b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 1000 + b"\r\n\r\n",
            431,
            "headers-too-large",
        ),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 500 + b"\r\n", 431, "headers-too-large"),
        (POST + b"Content-Length: 2001\r\n\r\n", 413, "body-too-large"),
        (POST + b"Expect: 100-continue\r\nContent-Length: 2001\r\n\r\n", 413, "body-too-large"),
        (
            POST
            + b"Transfer-Encoding: chunked\r\n\r\n"
            + b"3e8\r\n"
            + b"x" * 1000
            + b"\r\n3e9\r\n"
            + b"x" * 1001,
            413,
            "body-too-large",
        ),
        (POST + b"Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx", 415, "content-coding"),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "transfer-coding"),
        (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505, "http-version"),
        (b"CONNECT gws.example:443 HTTP/1.1\r\n" + HOST + b"\r\n", 501, "not-a-proxy"),
    ],
)
def test_what_is_too_much_or_not_spoken_here_is_refused_by_name(
    client: RawClient, service: TinyService, request_bytes: bytes, status: int, reason: str
) -> None:
    client.send(request_bytes)
    answer = client.answer()
    assert (answer.status, answer.json()["reason"]) == (status, reason)
    assert client.rest() == b""
    assert service.requests == []


def test_a_body_that_grows_too_large_when_decompressed_is_refused(client: RawClient) -> None:
    bomb = gzip.compress(b"\0" * 1_000_000)
    client.ask("/", method="POST", headers="Content-Encoding: gzip\r\n", body=bomb)
    assert client.answer().status == 413


@pytest.mark.parametrize(
    ("start", "more", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"x" * 100, 431),
        (b"GET /", b"x" * 10, 414),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 100, 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Trailer: ", b"x" * 100, 400),
    ],
    ids=["header", "target", "chunk extension", "trailer"],
)
def test_a_piece_that_never_ends_is_cut_off(
    client: RawClient, start: bytes, more: bytes, status: int
) -> None:
    client.send(start)
    client.send_until_refused(more)
    assert client.answer().status == status


def test_a_large_body_is_refused_so_that_the_client_can_read_why_while_it_still_sends(
    client: RawClient,
) -> None:
    client.send(POST + b"Content-Length: 100000\r\n\r\n")
    for _ in range(100):
        client.send(b"x" * 1000)
    assert client.answer().status == 413


def test_a_refusal_waits_for_the_answers_before_it(client: RawClient) -> None:
    client.ask("/hold")
    client.ask("/release")
    client.send(b"nonsense\r\n\r\n")
    assert [client.answer().status for _ in range(3)] == [200, 200, 400]


@pytest.mark.parametrize("sent", [b"GET / HT", POST + b"Content-Length: 5\r\n\r\nab"])
def test_half_a_request_is_answered_408_when_the_rest_does_not_come(
    client: RawClient, sent: bytes
) -> None:
    client.send(sent)
    answer = client.answer()
    assert (answer.status, answer.json()["reason"]) == (408, "too-slow")
    assert client.rest() == b""


@pytest.mark.parametrize("sent", [b"GET / HT", POST + b"Content-Length: 5\r\n\r\nab"])
def test_half_a_request_and_then_no_more_is_a_bad_request(client: RawClient, sent: bytes) -> None:
    client.send(sent)
    client.half_close()
    assert client.answer().status == 400


def test_a_request_that_trickles_is_not_allowed_more_time(client: RawClient) -> None:
    started_s = time.monotonic()
    client.send(b"GET / HTTP/1.1\r\nX: ")
    client.send_until_refused(b"x", 0.01)
    assert time.monotonic() - started_s < 5
    assert client.answer().status == 408


@pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\r\n"])
def test_an_idle_connection_is_closed_without_a_word(client: RawClient, first: bytes) -> None:
    client.send(first)
    assert client.rest().count(b"HTTP/1.1") == first.count(b"HTTP/1.1")


def test_a_held_exchange_is_not_idle(client: RawClient) -> None:
    client.ask("/later?s=0.8")
    assert client.answer().body == b"late"


def test_a_client_that_does_not_read_is_disconnected_and_harms_nobody(
    server: BackgroundServer, service: TinyService
) -> None:
    with connected(server.url) as greedy:
        for _ in range(100):
            greedy.ask("/big?bytes=1000000")
        with connected(server.url) as other:
            assert other.get("/").status == 200
        greedy.send_until_refused(b"\r\n", 0.01)
    assert len(service.requests) < 100


def test_a_client_that_reads_slowly_keeps_its_held_exchange(service: TinyService) -> None:
    with (
        BackgroundServer(service, limits=Limits(write_timeout_s=1)) as server,
        connected(server.url) as slow,
        connected(server.url) as other,
    ):
        slow.ask("/big?bytes=5000000")  # more than the kernel takes: our writing is paused
        slow.ask("/hold")
        assert len(slow.answer().body) == 5_000_000
        while not server.call(lambda: service.held):
            time.sleep(0.002)
        time.sleep(1.6)
        other.get("/release")
        assert slow.answer().body == b"/hold"


def test_a_second_request_that_is_too_slow_leaves_the_first_its_time(client: RawClient) -> None:
    client.ask("/later?s=0.8")
    client.send(b"GET / HT")
    assert [client.answer().status for _ in range(2)] == [200, 408]


def test_one_answer_may_be_larger_than_any_bound(service: TinyService) -> None:
    with (
        BackgroundServer(service, limits=Limits(max_buffered_bytes=1000)) as server,
        connected(server.url) as client,
    ):
        assert len(client.get("/big?bytes=20000000").body) == 20_000_000


def test_too_many_connections_are_told_so_and_accepted_again_later(service: TinyService) -> None:
    with BackgroundServer(service, limits=Limits(max_connections=2, linger_s=0.1)) as server:
        clients = [RawClient(server.url) for _ in range(2)]
        for client in clients:
            assert client.get("/").status == 200
        with connected(server.url) as third:
            assert third.answer().json()["reason"] == "too-many-connections"
            assert third.rest() == b""
        for client in clients:
            client.close()
        give_up_s = time.monotonic() + 5
        while True:
            with connected(server.url) as again:
                again.ask("/")
                if again.answer().status == 200:
                    break
            assert time.monotonic() < give_up_s


def test_a_thousand_held_exchanges_are_answered_and_none_is_lost(service: TinyService) -> None:
    count = 1000
    with BackgroundServer(service) as server:
        clients = []
        try:
            for number in range(count):
                client = RawClient(server.url)
                client.ask(f"/hold/{number}")
                clients.append(client)
            give_up_s = time.monotonic() + 20
            while server.call(lambda: len(service.held)) < count:
                assert time.monotonic() < give_up_s
                time.sleep(0.01)
            with connected(server.url) as other:
                assert other.get("/release").body == b"1000 released"
            bodies = [client.answer().body for client in clients]
        finally:
            for client in clients:
                client.close()
    assert bodies == [b"/hold/%d" % number for number in range(count)]


def test_clients_that_leave_in_the_middle_of_everything_leave_nothing_behind(
    service: TinyService,
) -> None:
    with BackgroundServer(service) as server:

        def leave(length: int) -> None:
            data = (
                b"POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbodyGET /hold HTTP/1.1"
            )
            client = RawClient(server.url)
            client.send(data[:length])
            client.reset() if length % 2 else client.close()

        threads = [threading.Thread(target=leave, args=(length,)) for length in range(1, 70)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        give_up_s = time.monotonic() + 5
        while server.call(lambda: len(service.departed) < max(1, len(service.requests))):
            assert time.monotonic() < give_up_s
            time.sleep(0.005)
    assert service.held == []
    assert len(service.departed) == len(set(service.departed)) == len(service.requests)


def test_the_loopback_address_is_the_default_so_that_nobody_else_can_ask(
    server: BackgroundServer,
) -> None:
    assert server.url.startswith("http://127.0.0.1:")


def test_unfinished_bodies_have_a_bound_together_and_leave_room_when_they_end() -> None:
    uploads = Uploads(replace(SMALL, max_upload_bytes=5000))
    first, second, third = (IncomingRequest(SMALL, uploads) for _ in range(3))
    first.add_body(b"x" * 1999)
    second.add_body(b"x" * 1999)
    with pytest.raises(Refusal) as refused:
        third.add_body(b"x" * 1999)
    assert refused.value.response.status == 503
    del first, third, refused  # whose traceback keeps the third one
    assert uploads.size == 1999
    del second
    assert uploads.size == 0


def test_who_sends_more_than_there_is_room_for_is_told_and_others_are_served() -> None:
    limits = replace(SMALL, max_upload_bytes=1000)
    head = POST + b"Content-Length: 2000\r\n\r\n"
    with BackgroundServer(TinyService(), limits=limits) as server:
        with connected(server.url) as greedy:
            greedy.send(head + b"x" * 1500)
            assert greedy.answer().json()["reason"] == "too-many-uploads"
        with connected(server.url) as modest:
            modest.send(POST + b"Content-Length: 900\r\n\r\n" + b"x" * 900)
            assert modest.answer().status == 200
