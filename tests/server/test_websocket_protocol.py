"""WebSockets (RFC 6455) as clients see them: handshake, messages, fragments, closing, bounds."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator

import pytest
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    RejectConnection,
    TextMessage,
)

from cometape.core.service import SendText, Upgrade
from cometape.server.limits import Limits
from cometape.server.listener import BackgroundServer
from raw_client import PATIENCE_S, WebSocketClient, connected, websocket
from tiny_service import TinyService

LIMITS = Limits(max_message_bytes=100_000, idle_timeout_s=0.4, linger_s=0.5)


@pytest.fixture
def service() -> TinyService:
    return TinyService()


@pytest.fixture
def server(service: TinyService) -> Iterator[BackgroundServer]:
    with BackgroundServer(service, limits=LIMITS) as running:
        yield running


def eventually(server: BackgroundServer, condition: Callable[[], bool]) -> None:
    """Wait until the server's thread has come to a state; fail if it never does."""
    give_up_s = time.monotonic() + PATIENCE_S
    while not server.call(condition):
        assert time.monotonic() < give_up_s, "it never came to this"
        time.sleep(0.002)


def upgrade(**changed: str | None) -> bytes:
    """The bytes of an opening handshake; `None` leaves a header out."""
    headers: dict[str, str | None] = {
        "Host": "test",
        "Connection": "keep-alive, Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec_WebSocket_Version": "13",
        **changed,
    }
    lines = [f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items() if v is not None]
    return f"GET /ws HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


def test_the_handshake_is_that_of_the_rfc_and_carries_the_headers_of_the_service(
    server: BackgroundServer,
) -> None:
    with connected(server.url) as client:
        client.send(upgrade())
        answer = client.answer()
    # Ruby's Faye takes no status line without words (RFC 6455 §4.2.2 prints these).
    assert answer.head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    # RFC 6455 §1.3 prints this key and this answer.
    assert answer.header("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert answer.header("X-Welcome") == "yes"


@pytest.mark.parametrize("compress", [False, True])
def test_text_goes_both_ways(server: BackgroundServer, compress: bool) -> None:
    with websocket(server.url, compress=compress) as client:
        assert client.text() == "hi"
        for text in ("", "héllo ✓ 𝄞", "x" * 70_000):
            client.send(text)
            assert client.text() == text


def test_compression_is_used_only_when_offered(server: BackgroundServer) -> None:
    for compress, expected in ((True, 1), (False, 0)):
        with websocket(server.url, compress=compress) as client:
            assert isinstance(client.greeting, AcceptConnection)
            assert len(client.greeting.extensions) == expected


def test_a_malformed_offer_of_compression_is_declined(server: BackgroundServer) -> None:
    with connected(server.url) as client:
        offer = "permessage-deflate; client_max_window_bits=many"
        client.send(upgrade(Sec_WebSocket_Extensions=offer))
        answer = client.answer()
    assert (answer.status, answer.header("Sec-WebSocket-Extensions")) == (101, None)


def test_a_message_may_come_in_fragments_with_pings_between_them(
    server: BackgroundServer, service: TinyService
) -> None:
    with websocket(server.url) as client:
        client.text()
        client.send_event(TextMessage(data="one ", message_finished=False))
        client.send_event(Ping(payload=b"still there?"))
        client.send_event(TextMessage(data="", message_finished=False))
        client.send_event(TextMessage(data="two", message_finished=True))
        assert client.next_event() == Pong(payload=b"still there?")
        assert client.text() == "one two"
    assert service.texts == ["one two"]


def test_a_message_may_come_byte_by_byte(server: BackgroundServer) -> None:
    with websocket(server.url) as client:
        client.text()
        for byte in client.wire.send(TextMessage(data="slöw")):
            client.raw.send(bytes([byte]))
        assert client.text() == "slöw"


def test_many_messages_may_come_at_once(server: BackgroundServer, service: TinyService) -> None:
    with websocket(server.url) as client:
        client.text()
        client.raw.send(b"".join(client.wire.send(TextMessage(data=str(n))) for n in range(500)))
        assert [client.text() for _ in range(500)] == [str(n) for n in range(500)]


def test_messages_sent_before_the_handshake_was_answered_are_not_lost(
    server: BackgroundServer, service: TinyService
) -> None:
    with connected(server.url) as raw:
        frame = b"\x81\x85\x00\x00\x00\x00early"
        raw.send(upgrade() + frame)
        eventually(server, lambda: service.texts == ["early"])


def test_the_service_may_accept_a_websocket_later(
    server: BackgroundServer, service: TinyService
) -> None:
    with connected(server.url) as raw:
        raw.send(upgrade().replace(b"/ws", b"/ws/later"))
        eventually(server, lambda: len(service.held) == 1)
        number = service.held[0][0]
        server.perform(lambda now_s: [Upgrade(number), SendText(number, "welcome")])
        assert raw.answer().status == 101
        assert raw.read(9) == b"\x81\x07welcome"


def test_one_message_may_be_sent_to_all(server: BackgroundServer) -> None:
    with websocket(server.url) as one, websocket(server.url) as two:
        assert (one.text(), two.text()) == ("hi", "hi")
        one.send("all")
        assert (one.text(), two.text()) == ("to all", "to all")


def test_a_client_that_closes_gets_its_code_back_and_the_service_is_told(
    server: BackgroundServer, service: TinyService
) -> None:
    with websocket(server.url) as client:
        client.send_event(CloseConnection(code=1000, reason="done"))
        assert client.closed().code == 1000
        assert client.raw.rest() == b""
    eventually(server, lambda: service.departed == [1])


def test_a_close_without_a_code_is_answered_alike(server: BackgroundServer) -> None:
    with websocket(server.url) as client:
        client.text()
        client.raw.send(b"\x88\x80\x00\x00\x00\x00")
        assert client.raw.rest() == b"\x88\x00"


@pytest.mark.parametrize("manner", ["close", "reset"])
def test_a_client_that_vanishes_is_reported_once(
    server: BackgroundServer, service: TinyService, manner: str
) -> None:
    client = WebSocketClient(server.url)
    client.raw.close() if manner == "close" else client.raw.reset()
    eventually(server, lambda: service.departed == [1])
    assert server.call(lambda: service.sockets) == []


def test_the_service_closes_with_its_own_code_after_what_it_sent(
    server: BackgroundServer, service: TinyService
) -> None:
    with websocket(server.url) as client:
        assert client.text() == "hi"
        client.send("close")
        assert client.text() == "bye"
        closed = client.closed()
        assert (closed.code, closed.reason) == (4000, "as you like")
        client.send_event(closed.response())
        assert client.raw.rest() == b""
    eventually(server, lambda: service.departed == [1])


def test_a_client_that_does_not_answer_a_close_is_disconnected(
    server: BackgroundServer, service: TinyService
) -> None:
    with websocket(server.url) as client:
        client.send("close")
        client.raw.rest()
    assert service.departed == [1]


def test_nothing_is_received_after_our_close(
    server: BackgroundServer, service: TinyService
) -> None:
    with websocket(server.url) as client:
        frames = [client.wire.send(TextMessage(data=each)) for each in ("close", "ignored")]
        client.raw.send(b"".join(frames))
        client.raw.rest()
    assert service.texts == ["close"]


def masked(first: int, payload: bytes) -> bytes:
    """A client's frame with a mask of zeros."""
    if len(payload) < 126:
        return bytes([first, 0x80 | len(payload)]) + bytes(4) + payload
    if len(payload) < 65536:
        return bytes([first, 0xFE]) + struct.pack(">H", len(payload)) + bytes(4) + payload
    return bytes([first, 0xFF]) + struct.pack(">Q", len(payload)) + bytes(4) + payload


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param(masked(0x82, b"\x00"), 1003, id="binary"),
        pytest.param(masked(0x81, b"\xff\xfe"), 1007, id="not UTF-8"),
        pytest.param(b"\x81\x01a", 1002, id="not masked"),
        pytest.param(masked(0xF1, b"a"), 1002, id="reserved bits"),
        pytest.param(masked(0x83, b"a"), 1002, id="reserved opcode"),
        pytest.param(masked(0x80, b"a"), 1002, id="continuation of nothing"),
        pytest.param(masked(0x09, b"a"), 1002, id="fragmented ping"),
        pytest.param(masked(0x88, b"\x00"), 1002, id="half a close code"),
        pytest.param(masked(0x88, struct.pack(">H", 1005)), 1002, id="forbidden close code"),
        pytest.param(masked(0x81, b"x" * 100_001), 1009, id="too long"),
        pytest.param(
            masked(0x01, b"x" * 60_000) + masked(0x80, b"x" * 60_000), 1009, id="fragments too long"
        ),
    ],
)
def test_a_frame_that_breaks_the_rules_closes_with_the_code_for_it(
    server: BackgroundServer, service: TinyService, frame: bytes, code: int
) -> None:
    with websocket(server.url) as client:
        client.text()
        client.raw.send(frame)
        assert client.closed().code == code
    eventually(server, lambda: service.departed == [1])
    assert service.texts == []


def test_a_compressed_message_that_grows_too_long_is_cut_off_early(service: TinyService) -> None:
    with (
        BackgroundServer(service, limits=Limits(max_message_bytes=100_000)) as server,
        websocket(server.url, compress=True) as client,
    ):
        client.text()
        client.raw.send(client.wire.send(TextMessage(data="x" * 20_000_000)))
        assert client.closed().code == 1009


def test_a_binary_message_is_refused_also_when_it_is_compressed(server: BackgroundServer) -> None:
    with websocket(server.url, compress=True) as client:
        client.text()
        client.send_event(BytesMessage(data=b"abc"))
        assert client.closed().code == 1003


@pytest.mark.parametrize(
    ("handshake", "status"),
    [
        (upgrade(Sec_WebSocket_Key=None), 400),
        (upgrade(Sec_WebSocket_Version=None), 400),
        (upgrade(Sec_WebSocket_Version="8"), 426),
        (upgrade().replace(b"GET", b"POST"), 400),
        (upgrade(Content_Length="3") + b"abc", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 400),
    ],
)
def test_a_handshake_that_is_not_in_order_is_refused_without_asking_the_service(
    server: BackgroundServer, service: TinyService, handshake: bytes, status: int
) -> None:
    with connected(server.url) as client:
        client.send(handshake)
        answer = client.answer()
    assert (answer.status, answer.json()["reason"]) == (status, "bad-upgrade")
    assert service.requests == []


def test_another_version_is_told_which_one_is_spoken(server: BackgroundServer) -> None:
    with connected(server.url) as client:
        client.send(upgrade(Sec_WebSocket_Version="8"))
        assert client.answer().header("Sec-WebSocket-Version") == "13"


def test_the_service_may_decline_with_any_response(server: BackgroundServer) -> None:
    client = WebSocketClient(server.url, "/elsewhere")
    assert isinstance(client.greeting, RejectConnection)
    assert client.greeting.status_code == 404
    client.raw.close()


def test_a_websocket_behind_an_unanswered_request_is_refused(
    server: BackgroundServer, service: TinyService
) -> None:
    with connected(server.url) as client:
        client.send(b"GET /hold HTTP/1.1\r\nHost: test\r\n\r\n" + upgrade())
        eventually(server, lambda: len(service.held) == 1)
        with connected(server.url) as other:
            other.get("/release")
        assert [client.answer().status for _ in range(2)] == [200, 400]


def test_a_service_that_fails_on_a_message_closes_that_websocket_alone(
    server: BackgroundServer, service: TinyService, capfd: pytest.CaptureFixture[str]
) -> None:
    with websocket(server.url) as other, websocket(server.url) as client:
        client.send("crash")
        assert client.closed().code == 1011
        assert other.text() == "hi"
        other.send("well")
        assert other.text() == "well"
    assert capfd.readouterr().err.count("Traceback") == 1


def test_a_service_that_fails_on_a_handshake_answers_500(
    server: BackgroundServer, capfd: pytest.CaptureFixture[str]
) -> None:
    client = WebSocketClient(server.url, "/ws/crash")
    assert isinstance(client.greeting, RejectConnection)
    assert client.greeting.status_code == 500
    client.raw.close()
    assert "Traceback" in capfd.readouterr().err


def test_a_text_that_is_not_unicode_closes_the_websocket_and_is_told_on_standard_error(
    server: BackgroundServer, service: TinyService, capfd: pytest.CaptureFixture[str]
) -> None:
    with websocket(server.url) as client:
        server.perform(lambda now_s: [SendText(1, "\ud800")])
        assert client.closed().code == 1011
    assert "Traceback" in capfd.readouterr().err


def test_a_quiet_client_is_pinged_and_stays(server: BackgroundServer) -> None:
    with websocket(server.url) as client:
        client.text()
        for _ in range(3):
            event = client.next_event()
            assert isinstance(event, Ping)
            client.send_event(event.response())
        client.send("still here")
        assert client.text() == "still here"


def test_a_client_that_answers_no_ping_is_disconnected(
    server: BackgroundServer, service: TinyService
) -> None:
    with websocket(server.url) as client:
        client.raw.rest()
    eventually(server, lambda: service.departed == [1])


def test_a_client_that_does_not_read_is_disconnected(service: TinyService) -> None:
    limits = Limits(max_buffered_bytes=1_000_000)
    with BackgroundServer(service, limits=limits) as server, connected(server.url) as client:
        client.send(upgrade())
        client.answer()
        for _ in range(100):
            server.perform(lambda now_s: [SendText(1, "x" * 200_000)])
        eventually(server, lambda: service.departed == [1])


def test_every_websocket_is_told_that_the_server_goes_away(service: TinyService) -> None:
    with BackgroundServer(service) as server:
        client = WebSocketClient(server.url)
    assert client.closed().code == 1001
    client.raw.close()
    assert service.departed == [1]
