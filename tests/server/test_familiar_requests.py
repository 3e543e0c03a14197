"""A request that was said before, byte for byte, is the same request: and nothing else ever is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from gzip import compress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.exchange import Request
from cometape.server.familiar import MAX_BYTES, MAX_REQUESTS, FamiliarRequests
from cometape.server.listener import BackgroundServer
from raw_client import RawClient, connected
from tiny_service import TinyService

GET = b"GET /a HTTP/1.1\r\nHost: test\r\nCookie: a=b\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nxyz"


@pytest.fixture
def service() -> TinyService:
    return TinyService()


@pytest.fixture
def client(service: TinyService) -> Iterator[RawClient]:
    with BackgroundServer(service) as server, connected(server.url) as raw:
        yield raw


def ask(client: RawClient, data: bytes) -> bytes:
    """What a piece of input is answered, where that is one answer."""
    client.send(data)
    answer = client.answer()
    return answer.head + b"\r\n\r\n" + answer.body


@pytest.mark.parametrize("said", [GET, POST])
def test_the_same_again_is_the_same_request_and_answer(
    client: RawClient, service: TinyService, said: bytes
) -> None:
    answers = {ask(client, said) for _ in range(3)}
    assert len(answers) == 1
    first, *others = service.requests
    assert others == [first, first]
    assert others[0] is first, "it was not read again"


def test_what_looks_like_a_familiar_request_within_a_body_is_a_part_of_the_body(
    client: RawClient, service: TinyService
) -> None:
    ask(client, GET)
    head = "POST /c HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\n"
    client.send(f"{head}Content-Length: {len(GET)}\r\n\r\n".encode())
    assert client.answer().status == 100, "it has read the head"
    client.send(GET)
    client.answer()
    assert [(one.target, one.body) for one in service.requests] == [("/a", b""), ("/c", GET)]


def test_what_looks_like_a_familiar_request_within_a_head_is_a_part_of_the_head(
    client: RawClient,
) -> None:
    ask(client, GET)
    client.send(b"GET /d HTTP/1.1\r\nHost: test\r\nX: ")
    assert ask(client, GET).startswith(b"HTTP/1.1 400"), "Host comes twice in what this makes"


def test_two_requests_in_one_piece_are_two_each_time(
    client: RawClient, service: TinyService
) -> None:
    for _ in range(2):
        client.send(GET + POST)
        client.answer()
        client.answer()
    assert [one.target for one in service.requests] == ["/a", "/b"] * 2


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"HEAD /a HTTP/1.1\r\nHost: test\r\n\r\n", id="no body in the answer"),
        pytest.param(
            b"GET /a HTTP/1.0\r\nHost: test\r\nConnection: keep-alive\r\n\r\n", id="HTTP/1.0"
        ),
    ],
)
def test_what_needs_more_than_the_request_to_be_answered_is_read_each_time(
    client: RawClient, service: TinyService, said: bytes
) -> None:
    heads = []
    for _ in range(2):
        client.send(said)
        heads.append(client.answer(to_head=said.startswith(b"HEAD")).head)
    assert heads[0] == heads[1]
    assert service.requests[0] is not service.requests[1]


def test_who_expects_100_continue_is_told_so_each_time(client: RawClient) -> None:
    said = b"POST /b HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"
    for _ in range(2):
        client.send(said)
        assert [client.answer().status for _ in range(2)] == [100, 200]


def test_a_familiar_request_after_a_goodbye_is_not_answered(
    client: RawClient, service: TinyService
) -> None:
    ask(client, GET)
    client.send(b"GET /last HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
    client.send(GET)
    assert client.rest().count(b"HTTP/1.1") == 1
    assert [one.target for one in service.requests] == ["/a", "/last"]


@given(st.lists(st.binary(min_size=3, max_size=3), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_a_familiar_head_with_another_body_of_its_length_is_a_request_with_that_body(
    bodies: list[bytes],
) -> None:
    service = TinyService()
    with BackgroundServer(service) as server, connected(server.url) as raw:
        for body in (b"xyz", *bodies):
            ask(raw, POST[:-3] + body)
    assert [one.body for one in service.requests] == [b"xyz", *bodies]
    first = service.requests[0]
    assert all(replace(one, body=b"xyz") == first for one in service.requests)
    assert all(one.headers is first.headers for one in service.requests), "no head was read again"


def test_a_familiar_head_with_less_or_more_after_it_is_read_as_it_is(
    client: RawClient, service: TinyService
) -> None:
    ask(client, POST)
    client.send(POST[:-1])
    client.send(b"!")
    client.answer()
    client.send(POST + GET)
    client.answer()
    client.answer()
    assert [one.body for one in service.requests] == [b"xyz", b"xy!", b"xyz", b""]


@pytest.mark.parametrize(
    ("field", "body", "others"),
    [
        (b"Transfer-Encoding: chunked", b"1\r\na\r\n0\r\n\r\n", b"1\r\nb\r\n0\r\n\r\n"),
        (
            b"Content-Encoding: gzip\r\nContent-Length: %d",
            compress(b"a", mtime=0),
            compress(b"b", mtime=0),
        ),
        (b"Content-Encoding: identity\r\nContent-Length: %d", b"a", b"b"),
    ],
    ids=["chunked", "gzip", "identity"],
)
def test_a_body_that_is_not_just_measured_is_read_each_time(
    client: RawClient, service: TinyService, field: bytes, body: bytes, others: bytes
) -> None:
    head = b"POST /b HTTP/1.1\r\nHost: t\r\n" + field.replace(b"%d", b"%d" % len(body))
    for sent in (body, others):
        ask(client, head + b"\r\n\r\n" + sent)
    one, other = service.requests
    assert (one.body, other.body) == (b"a", b"b")
    assert other.headers is not one.headers


def test_no_more_is_remembered_than_fits_and_what_is_asked_for_stays() -> None:
    familiar = FamiliarRequests()
    request = Request(method="GET", target="/")
    familiar.learn(b"often", request)
    for number in range(3 * MAX_REQUESTS):
        familiar.learn(b"%d" % number, Request(method="GET", target="/"))
        assert familiar.find(b"often") is request
    assert 0 < len(familiar) <= MAX_REQUESTS
    familiar.learn(b"x" * (MAX_BYTES + 1), request)
    assert familiar.find(b"x" * (MAX_BYTES + 1)) is None
