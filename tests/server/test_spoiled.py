"""What goes wrong on purpose, as clients see it: real resets, cut answers, bytes that trickle."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence

import pytest
from wsproto.events import CloseConnection

from cometape.core.exchange import Request
from cometape.core.service import Action, Manner, Reset, Respond, SendText, Spoil
from cometape.server.listener import BackgroundServer
from raw_client import RawClient, connected, websocket
from tiny_service import TinyService, ok

TEXT = "0123456789" * 10


class SpoiltService(TinyService):
    """Answers `/spoilt` in the manner it is told, and every text of a WebSocket as well."""

    manner = Manner()
    is_reset = False

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        if request.path != "/spoilt":
            return super().request(exchange, connection, request, now_s)
        if self.is_reset:
            return [Reset(exchange)]
        return [Spoil(Respond(exchange, ok(TEXT)), self.manner)]

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        if self.is_reset:
            return [Reset(socket)]
        return [Spoil(SendText(socket, text), self.manner), SendText(socket, "next")]


@pytest.fixture
def service() -> SpoiltService:
    return SpoiltService()


@pytest.fixture
def server(service: SpoiltService) -> Iterator[BackgroundServer]:
    with BackgroundServer(service) as running:
        yield running


@pytest.fixture
def client(server: BackgroundServer) -> Iterator[RawClient]:
    with connected(server.url) as raw:
        yield raw


def until_reset(client: RawClient) -> bytes:
    """What comes before a TCP reset; an orderly end would raise EOFError."""
    received = client.received
    try:
        while data := client.socket.recv(65536):
            received += data
    except ConnectionResetError:
        return received
    raise EOFError("the server closed in an orderly way")


def test_a_reset_before_the_answer_is_a_real_one(service: SpoiltService, client: RawClient) -> None:
    service.is_reset = True
    client.ask("/spoilt")
    assert until_reset(client) == b""


def test_a_reset_after_the_answer_leaves_the_answer_whole(
    service: SpoiltService, client: RawClient
) -> None:
    service.manner = Manner(resets=True)
    client.ask("/spoilt")
    assert client.answer().body.decode() == TEXT
    assert until_reset(client) == b""


def test_an_answer_is_cut_and_the_connection_reset(
    service: SpoiltService, client: RawClient
) -> None:
    client.ask("/spoilt")
    whole = client.answer()
    size = len(whole.head) + 4 + len(whole.body)
    service.manner = Manner(share=0.5, resets=True)
    client.ask("/spoilt")
    received = until_reset(client)
    assert len(received) == (size + 1) // 2
    assert (whole.head + b"\r\n\r\n" + whole.body).startswith(received)


@pytest.mark.parametrize("share", [0.0001, 0.9999])
def test_however_it_is_cut_something_is_there_and_something_is_missing(
    service: SpoiltService, client: RawClient, share: float
) -> None:
    service.manner = Manner(share=share, resets=True)
    client.ask("/spoilt")
    received = until_reset(client)
    assert received.startswith(b"H")
    assert not received.endswith(TEXT.encode())


def test_bytes_trickle_and_the_connection_lives_on(
    service: SpoiltService, client: RawClient
) -> None:
    service.manner = Manner(piece_bytes=20, every_s=0.02)
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    began_s = time.monotonic()
    client.ask("/spoilt")
    client.ask("/after")
    assert client.answer().body.decode() == TEXT
    assert time.monotonic() - began_s >= 0.02 * (len(TEXT) // 20 - 1)
    assert client.answer().json()["target"] == "/after", "answered after it, whole"


def test_a_reset_waits_for_the_answers_before_it(service: SpoiltService, client: RawClient) -> None:
    service.is_reset = True
    both = "".join(
        f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n" for path in ("/later?s=0.05", "/spoilt")
    )
    client.send(both.encode())
    assert client.answer().status == 200
    assert until_reset(client) == b""


def test_a_client_that_leaves_while_its_answer_trickles_is_forgotten(
    service: SpoiltService, server: BackgroundServer
) -> None:
    service.manner = Manner(piece_bytes=1, every_s=0.01)
    with connected(server.url) as leaving:
        leaving.ask("/spoilt")
        leaving.read(5)
        leaving.reset()
    with connected(server.url) as other:
        assert other.get("/x").status == 200
    assert server.call(lambda: list(service.departed)) == []


def test_a_frame_of_a_websocket_is_cut(service: SpoiltService, server: BackgroundServer) -> None:
    service.manner = Manner(share=0.5, resets=True)
    with websocket(server.url) as client:
        assert client.text() == "hi"
        client.send("x" * 1000)
        with pytest.raises(ConnectionResetError):
            client.text()


def test_a_websocket_is_reset(service: SpoiltService, server: BackgroundServer) -> None:
    service.is_reset = True
    with websocket(server.url) as client:
        assert client.text() == "hi"
        client.send("x")
        with pytest.raises(ConnectionResetError):
            client.next_event()


def test_frames_wait_for_one_that_trickles(
    service: SpoiltService, server: BackgroundServer
) -> None:
    service.manner = Manner(piece_bytes=100, every_s=0.01)
    with websocket(server.url) as client:
        assert client.text() == "hi"
        client.send("x" * 1000)
        assert client.text() == "x" * 1000
        assert client.text() == "next"
        client.send_event(CloseConnection(code=1000))


def test_nothing_stands_in_an_answer_that_trickles_to_a_client_that_half_closes(
    service: SpoiltService, client: RawClient
) -> None:
    service.manner = Manner(piece_bytes=20, every_s=0.01)
    client.ask("/spoilt")
    client.half_close()
    data = client.rest()
    assert data.startswith(b"HTTP/1.1 200")
    assert data.endswith(TEXT.encode())
    assert b"100 Continue" not in data
