"""HTTP/1.1 as clients see it: answers in order, connections kept, clients that vanish."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable, Iterator

import pytest

from cometape.core.exchange import Headers, Response
from cometape.server.limits import Limits
from cometape.server.listener import BackgroundServer
from raw_client import PATIENCE_S, RawClient, connected
from tiny_service import TinyService, ok


@pytest.fixture
def service() -> TinyService:
    return TinyService()


@pytest.fixture
def server(service: TinyService) -> Iterator[BackgroundServer]:
    with BackgroundServer(service, limits=Limits(probe_s=0.1)) as running:
        yield running


@pytest.fixture
def client(server: BackgroundServer) -> Iterator[RawClient]:
    with connected(server.url) as raw:
        yield raw


def eventually(server: BackgroundServer, condition: Callable[[], bool]) -> None:
    """Wait until the server's thread has come to a state; fail if it never does."""
    give_up_s = time.monotonic() + PATIENCE_S
    while not server.call(condition):
        assert time.monotonic() < give_up_s, "it never came to this"
        time.sleep(0.002)


def test_a_request_reaches_the_service_as_it_was_sent(client: RawClient) -> None:
    client.send(
        b"POST /api/v2/me?x=%20&x=2 HTTP/1.1\r\nhost: a:1\r\nCoOkIe: a=1\r\ncookie: b=2  \r\n"
        b"X-Latin: \xe9\r\nContent-Length: 4\r\n\r\n\x00\xffab"
    )
    seen = client.answer().json()
    assert seen == {
        "method": "POST",
        "target": "/api/v2/me?x=%20&x=2",
        "headers": [
            ["host", "a:1"],
            ["CoOkIe", "a=1"],
            ["cookie", "b=2"],
            ["X-Latin", "é"],
            ["Content-Length", "4"],
        ],
        "body": "\x00ÿab",
    }


def test_the_answer_is_the_response_and_its_length_and_nothing_that_changes(
    client: RawClient, service: TinyService
) -> None:
    headers = Headers([("set-cookie", "a=1"), ("X-B", "é"), ("Set-Cookie", "b=2")])
    service.answers["/x"] = Response(status=201, headers=headers, body=b"made")
    client.ask("/x")
    answer = client.answer()
    assert answer.head.decode("latin-1").split("\r\n") == [
        "HTTP/1.1 201 Created",
        "set-cookie: a=1",
        "X-B: é",
        "Set-Cookie: b=2",
        "Content-Length: 4",
    ]
    assert answer.body == b"made"


def test_a_connection_is_kept_for_further_requests(client: RawClient, service: TinyService) -> None:
    for number in range(3):
        assert client.get(f"/{number}").json()["target"] == f"/{number}"
    assert len(set(service.connections)) == 1


def test_requests_of_two_connections_have_different_connection_ids(
    server: BackgroundServer, service: TinyService
) -> None:
    with connected(server.url) as one, connected(server.url) as two:
        one.get("/")
        two.get("/")
    assert len(set(service.connections)) == 2


def test_a_request_may_arrive_byte_by_byte(client: RawClient) -> None:
    for byte in b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab":
        client.send(bytes([byte]))
    assert client.answer().json()["body"] == "ab"


def test_pipelined_requests_are_answered_in_their_order_though_the_service_answers_backwards(
    client: RawClient,
) -> None:
    targets = ["/hold/1", "/hold/2", "/hold/3", "/release"]
    client.send("".join(f"GET {each} HTTP/1.1\r\nHost: a\r\n\r\n" for each in targets).encode())
    bodies = [client.answer().body for _ in targets]
    assert bodies == [b"/hold/1", b"/hold/2", b"/hold/3", b"3 released"]


def test_a_thousand_pipelined_requests_are_all_answered(client: RawClient) -> None:
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
    assert {client.answer().status for _ in range(1000)} == {200}


def test_a_client_with_too_many_unanswered_requests_is_read_no_further(
    server: BackgroundServer, service: TinyService
) -> None:
    limits = Limits(max_pipelined=2)
    with BackgroundServer(service, limits=limits) as server, connected(server.url) as client:
        for number in range(5):
            client.ask(f"/hold/{number}")
            if number < 3:
                eventually(server, lambda n=number: len(service.held) == n + 1)  # type: ignore[misc]
        with connected(server.url) as other:
            while not client.received.endswith(b"/hold/4"):
                other.get("/release")
                client.socket.settimeout(0.05)
                try:
                    client.received += client.socket.recv(4096)
                except TimeoutError:
                    continue
    order = [client.received.find(b"/hold/%d" % number) for number in range(5)]
    assert order == sorted(order)


def test_a_chunked_body_is_joined_and_its_trailers_are_dropped(client: RawClient) -> None:
    client.send(
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;name=value\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n"
    )
    seen = client.answer().json()
    assert seen["body"] == "abcde"
    assert "X-Trailer" not in dict(seen["headers"])
    assert client.get("/next").json()["target"] == "/next"


def test_a_client_that_expects_100_continue_is_told_to_go_on(client: RawClient) -> None:
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert client.answer().status == 100
    client.send(b"ok")
    assert client.answer().json()["body"] == "ok"


def test_100_continue_waits_until_earlier_requests_are_answered(
    client: RawClient, server: BackgroundServer, service: TinyService
) -> None:
    client.ask("/hold")
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    eventually(server, lambda: len(service.held) == 1)
    with connected(server.url) as other:
        other.get("/release")
    assert client.answer().body == b"/hold"
    assert client.answer().status == 100
    client.send(b"ok")
    assert client.answer().json()["body"] == "ok"


def test_any_other_expectation_fails(client: RawClient) -> None:
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 2\r\n\r\nab")
    assert client.answer().status == 417


def test_a_head_request_is_answered_with_the_length_and_no_body(client: RawClient) -> None:
    client.ask("/big?bytes=7", method="HEAD")
    answer = client.answer(to_head=True)
    assert (answer.header("Content-Length"), client.received) == ("7", b"")
    assert client.get("/").status == 200


def test_an_http_1_0_client_is_answered_and_disconnected(client: RawClient) -> None:
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    assert client.rest().startswith(b"HTTP/1.1 200 OK\r\n")


def test_an_http_1_0_client_may_ask_to_stay(client: RawClient) -> None:
    for _ in range(2):
        client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert client.answer().header("Connection") == "keep-alive"


def test_a_client_that_wants_the_connection_closed_is_answered_first(client: RawClient) -> None:
    client.ask("/hold")
    client.ask("/release", headers="Connection: close\r\n")
    client.ask("/ignored")
    data = client.rest()
    assert data.count(b"HTTP/1.1 200") == 2
    assert data.endswith(b"Connection: close\r\n\r\n1 released")


@pytest.mark.parametrize("coding", ["gzip", "X-GZIP", "deflate", "raw deflate"])
def test_a_compressed_body_is_decompressed(client: RawClient, coding: str) -> None:
    plain = b"workitem " * 1000
    raw = zlib.compressobj(wbits=-15)
    body = {
        "gzip": gzip.compress(plain),
        "X-GZIP": gzip.compress(plain),
        "deflate": zlib.compress(plain),
        "raw deflate": raw.compress(plain) + raw.flush(),
    }[coding]
    name = coding.removeprefix("raw ")
    client.ask("/", method="POST", headers=f"Content-Encoding: {name}\r\n", body=body)
    assert client.answer().json()["body"] == plain.decode()


def test_an_absolute_target_is_brought_to_origin_form_and_its_host_wins(client: RawClient) -> None:
    client.send(b"GET http://gws.example:8080/a/b?c=http://d HTTP/1.1\r\nHost: other\r\n\r\n")
    seen = client.answer().json()
    assert seen["target"] == "/a/b?c=http://d"
    assert seen["headers"] == [["Host", "gws.example:8080"]]
    client.send(b"GET http://gws.example HTTP/1.1\r\nHost: other\r\n\r\n")
    assert client.answer().json()["target"] == "/"


def test_options_of_the_whole_server_reach_the_service(client: RawClient) -> None:
    client.ask("*", method="OPTIONS")
    assert client.answer().json()["target"] == "*"


def test_an_upgrade_to_something_else_is_ignored_and_the_body_is_read(client: RawClient) -> None:
    # What Java's HttpClient sends first to any server that speaks plain HTTP.
    client.send(
        b"POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\nContent-Length: 5\r\n\r\nab"
    )
    client.send(b"cdeGET /b HTTP/1.1\r\nHost: x\r\n\r\n")
    first, second = client.answer().json(), client.answer().json()
    assert (first["method"], first["target"], first["body"]) == ("POST", "/a", "abcde")
    assert second["target"] == "/b"


def test_a_half_closing_client_is_answered_at_once(client: RawClient) -> None:
    client.ask("/")
    client.half_close()
    assert client.rest().startswith(b"HTTP/1.1 200")


def test_a_half_closing_client_is_answered_later_too(client: RawClient) -> None:
    client.ask("/later?s=0.3")
    client.half_close()
    data = client.rest()
    assert data.startswith(b"HTTP/1.1 100 Continue\r\n\r\n")  # are you still there?
    assert data.endswith(b"late")


@pytest.mark.parametrize("manner", ["close", "reset"])
def test_the_service_learns_at_once_that_the_client_of_a_held_exchange_is_gone(
    server: BackgroundServer, service: TinyService, manner: str
) -> None:
    client = RawClient(server.url)
    client.ask("/hold")
    eventually(server, lambda: len(service.held) == 1)
    exchange = service.held[0][0]
    client.close() if manner == "close" else client.reset()
    eventually(server, lambda: service.departed == [exchange])


def test_what_is_due_right_after_a_client_has_closed_finds_it_gone(
    server: BackgroundServer, service: TinyService, client: RawClient
) -> None:
    for nth in range(1, 21):
        leaver = RawClient(server.url)
        leaver.ask("/hold")
        eventually(server, lambda: len(service.held) == 1)
        leaver.close()
        assert client.get("/release").body == b"0 released"
        assert server.call(lambda: len(service.departed)) == nth


def test_a_client_that_half_closes_and_then_vanishes_is_noticed(
    server: BackgroundServer, service: TinyService
) -> None:
    client = RawClient(server.url)
    client.ask("/hold")
    eventually(server, lambda: len(service.held) == 1)
    client.half_close()
    assert client.answer().status == 100
    client.close()
    eventually(server, lambda: len(service.departed) == 1)


def test_an_answered_exchange_is_never_reported_gone(
    server: BackgroundServer, service: TinyService
) -> None:
    with connected(server.url) as client:
        client.get("/")
        client.ask("/hold")
        eventually(server, lambda: len(service.held) == 1)
    eventually(server, lambda: len(service.departed) == 1)
    assert server.call(lambda: list(service.departed)) == [2]


def test_an_answer_for_a_client_that_has_gone_is_dropped(
    server: BackgroundServer, service: TinyService
) -> None:
    client = RawClient(server.url)
    client.ask("/later?s=0.05")
    eventually(server, lambda: len(service.due) == 1)
    client.reset()
    eventually(server, lambda: service.due == [])
    with connected(server.url) as other:
        assert other.get("/").status == 200


def test_an_aborted_exchange_ends_the_connection_without_an_answer(client: RawClient) -> None:
    client.ask("/abort")
    assert client.rest() == b""


def test_an_abort_waits_for_the_answers_before_it(client: RawClient) -> None:
    client.ask("/hold")
    client.ask("/abort")
    client.ask("/release")
    data = client.rest()
    assert data.endswith(b"/hold")
    assert data.count(b"HTTP/1.1") == 1


def test_the_deadline_of_the_service_is_kept(client: RawClient, service: TinyService) -> None:
    started_s = time.monotonic()
    client.ask("/later?s=0.2")
    client.ask("/later?s=0.05")
    assert [client.answer().body for _ in range(2)] == [b"late", b"late"]
    assert time.monotonic() - started_s >= 0.2 - 0.001  # uvloop's clock counts milliseconds
    assert service.ticks >= 2


def test_a_failing_service_answers_500_and_says_why_on_standard_error_once(
    client: RawClient,
    server: BackgroundServer,
    service: TinyService,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with connected(server.url) as other:
        other.ask("/hold")
        eventually(server, lambda: len(service.held) == 1)
        client.ask("/crash")
        answer = client.answer()
        assert (answer.status, answer.json()["reason"]) == (500, "internal-error")
        assert answer.header("Content-Type") == "application/problem+json"
        client.get("/release")
        assert other.answer().body == b"/hold"  # other clients are unharmed
    errors = capfd.readouterr().err
    assert errors.count("Traceback") == 1
    assert "ZeroDivisionError: the service is broken here" in errors
    assert service.failures == ["ZeroDivisionError: the service is broken here"]


def test_a_header_that_would_split_the_answer_is_never_sent(
    client: RawClient, service: TinyService, capfd: pytest.CaptureFixture[str]
) -> None:
    client.ask("/split")
    answer = client.answer()
    assert answer.status == 500
    assert b"Set-Cookie" not in answer.head
    assert len(service.failures) == 1
    assert "line break" in capfd.readouterr().err


def test_answers_that_may_have_no_body_have_none(client: RawClient, service: TinyService) -> None:
    service.answers["/204"] = Response(status=204, body=b"ignored")
    service.answers["/304"] = Response(status=304, body=b"ignored")
    for status in (204, 304):
        answer = client.get(f"/{status}")
        assert (answer.status, answer.header("Content-Length"), answer.body) == (status, None, b"")
    assert client.get("/").status == 200


def test_framing_that_was_recorded_is_replaced_by_our_own(
    client: RawClient, service: TinyService
) -> None:
    recorded = Headers(
        [
            ("Transfer-Encoding", "chunked"),
            ("content-encoding", "gzip"),
            ("Connection", "close"),
            ("Content-Length", "99"),
            ("X-Kept", "1"),
        ]
    )
    service.answers["/x"] = Response(status=200, headers=recorded, body=b"plain")
    answer = client.get("/x")
    assert answer.head == b"HTTP/1.1 200 OK\r\nX-Kept: 1\r\nContent-Length: 5"
    assert client.get("/").status == 200


def test_the_same_response_is_the_same_bytes(client: RawClient, service: TinyService) -> None:
    service.answers["/x"] = ok("same")
    first, second = client.get("/x"), client.get("/x")
    assert (first.head, first.body) == (second.head, second.body)
