"""A service that fails, or asks for what cannot be, harms nobody but the client concerned."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from cometape.core.service import Abort, Action, CloseSocket, Respond, SendText, Upgrade
from cometape.server.listener import BackgroundServer
from raw_client import PATIENCE_S, RawClient, connected, websocket
from tiny_service import TinyService, ok


class FailsInTick(TinyService):
    """Its deadline has always passed, and its tick fails."""

    is_failing = False

    def tick(self, now_s: float) -> Sequence[Action]:
        self.ticks += 1
        raise ZeroDivisionError("the tick is broken")

    def deadline_s(self) -> float | None:
        return 0.0 if self.is_failing else None


class FailsInGone(TinyService):
    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        super().gone(exchange_or_socket, now_s)
        raise ZeroDivisionError("the goodbye is broken")


class AlwaysDue(TinyService):
    """A deadline that stays in the past, whatever tick does."""

    def deadline_s(self) -> float | None:
        return 0.0


@pytest.fixture
def service() -> TinyService:
    return TinyService()


@pytest.fixture
def server(service: TinyService) -> Iterator[BackgroundServer]:
    with BackgroundServer(service) as running:
        yield running


def eventually(server: BackgroundServer, condition: Callable[[], bool]) -> None:
    """Wait until the server's thread has come to a state; fail if it never does."""
    give_up_s = time.monotonic() + PATIENCE_S
    while not server.call(condition):
        assert time.monotonic() < give_up_s, "it never came to this"
        time.sleep(0.002)


def test_a_tick_that_fails_is_told_and_tried_again_only_after_a_while(
    capfd: pytest.CaptureFixture[str],
) -> None:
    service = FailsInTick()
    with BackgroundServer(service) as server, connected(server.url) as client:
        service.is_failing = True
        started_s = time.monotonic()
        client.get("/")
        eventually(server, lambda: service.ticks == 1)
        for _ in range(100):
            assert client.get("/").status == 200
        ticks = server.call(lambda: service.ticks)
        assert ticks <= 1 + (time.monotonic() - started_s) / 0.9
    assert capfd.readouterr().err.count("the tick is broken") >= 1


def test_a_goodbye_that_fails_is_told_and_others_are_served(
    capfd: pytest.CaptureFixture[str],
) -> None:
    service = FailsInGone()
    with BackgroundServer(service) as server, connected(server.url) as other:
        client = RawClient(server.url)
        client.ask("/hold")
        eventually(server, lambda: len(service.held) == 1)
        client.reset()
        eventually(server, lambda: service.departed == [1])
        assert other.get("/").status == 200
    assert "the goodbye is broken" in capfd.readouterr().err


def test_a_deadline_that_stays_in_the_past_does_not_stop_the_service() -> None:
    with BackgroundServer(AlwaysDue()) as server, connected(server.url) as client:
        for _ in range(100):
            assert client.get("/").status == 200


def test_actions_for_what_does_not_exist_are_ignored(
    server: BackgroundServer, capfd: pytest.CaptureFixture[str]
) -> None:
    server.perform(
        lambda now_s: [
            Respond(99, ok("nobody asked")),
            Abort(99),
            Upgrade(99),
            SendText(99, "nobody is there"),
            CloseSocket(99, 1000),
        ]
    )
    with connected(server.url) as client:
        assert client.get("/").status == 200
    assert capfd.readouterr().err == ""


def test_an_exchange_is_answered_once(server: BackgroundServer, service: TinyService) -> None:
    with connected(server.url) as client:
        client.ask("/hold")
        eventually(server, lambda: len(service.held) == 1)
        server.perform(lambda now_s: [Respond(1, ok("first")), Respond(1, ok("second"))])
        assert client.answer().body == b"first"
        assert client.get("/next").json()["target"] == "/next"


def test_a_websocket_can_be_aborted(server: BackgroundServer, service: TinyService) -> None:
    with websocket(server.url) as client:
        server.perform(lambda now_s: [Abort(1)])
        assert client.closed().code == 1006
    eventually(server, lambda: service.departed == [1])


def test_an_exchange_of_plain_http_cannot_become_a_websocket(
    server: BackgroundServer, service: TinyService, capfd: pytest.CaptureFixture[str]
) -> None:
    with connected(server.url) as client:
        client.ask("/hold")
        eventually(server, lambda: len(service.held) == 1)
        server.perform(lambda now_s: [Upgrade(1)])
        assert client.answer().status == 500
    assert "Traceback" in capfd.readouterr().err


def test_a_client_that_leaves_before_its_websocket_is_accepted_is_gone_once(
    server: BackgroundServer, service: TinyService
) -> None:
    client = RawClient(server.url)
    client.send(
        b"GET /ws/later HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    eventually(server, lambda: len(service.held) == 1)
    client.close()
    eventually(server, lambda: service.departed == [1])
    server.perform(lambda now_s: [Upgrade(1), SendText(1, "too late")])
