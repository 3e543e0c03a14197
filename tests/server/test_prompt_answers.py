"""What a service knows at once leaves by a shorter way, and nobody can tell."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from cometape.core.exchange import Headers, Request, Response
from cometape.core.service import Prompt
from cometape.server.listener import BackgroundServer
from raw_client import PATIENCE_S, RawClient, connected
from tiny_service import TinyService, ok

PROMPT = b"GET /prompt HTTP/1.1\r\nHost: test\r\n\r\n"
HOLD = b"GET /hold HTTP/1.1\r\nHost: test\r\n\r\n"


class PromptService(TinyService):
    """Knows the answers of `/prompt…` at once; `/prompt` also lets a held exchange be answered."""

    prompted = 0

    def at_once(self, connection: int, request: Request, now_s: float) -> Response | None:
        if not request.target.startswith("/prompt"):
            return None
        self.prompted += 1
        if request.target == "/prompt/crash":
            raise ZeroDivisionError("the service is broken here")
        if request.target == "/prompt/split":
            return Response(status=200, headers=Headers([("X-Evil", "a\r\nSet-Cookie: b=c")]))
        self.due += [(now_s + 0.02, exchange) for exchange, _ in self.held]
        self.held = []
        return ok("prompt")


@pytest.fixture
def service() -> PromptService:
    service = PromptService(answers={"/prompt": ok("prompt")})
    assert isinstance(service, Prompt)
    return service


@pytest.fixture
def server(service: PromptService) -> Iterator[BackgroundServer]:
    with BackgroundServer(service) as server:
        yield server


@pytest.fixture
def client(server: BackgroundServer) -> Iterator[RawClient]:
    with connected(server.url) as raw:
        yield raw


def test_an_answer_known_at_once_has_the_bytes_of_any_other(
    client: RawClient, service: PromptService
) -> None:
    answers = []
    for _ in range(3):
        client.send(PROMPT)
        answers.append(client.answer())
    assert answers[0] == answers[1] == answers[2]
    assert (len(service.requests), service.prompted) == (1, 2), "the first was parsed"


def hold(client: RawClient, server: BackgroundServer, service: PromptService) -> None:
    """Send a request that is held, and wait until it is."""
    client.send(HOLD)
    latest_s = time.monotonic() + PATIENCE_S
    while not server.call(lambda: bool(service.held)):
        assert time.monotonic() < latest_s


def test_it_waits_for_the_answers_to_earlier_requests(
    client: RawClient, server: BackgroundServer, service: PromptService
) -> None:
    client.send(PROMPT)
    client.answer()
    hold(client, server, service)
    client.send(PROMPT)
    with connected(server.url) as other:
        other.ask("/release")
        assert other.answer().body == b"1 released"
    assert [client.answer().body for _ in range(2)] == [b"/hold", b"prompt"]


def test_what_becomes_due_by_it_comes_in_time(
    client: RawClient, server: BackgroundServer, service: PromptService
) -> None:
    hold(client, server, service)
    with connected(server.url) as other:
        for _ in range(2):
            other.send(PROMPT)
            assert other.answer().body == b"prompt"
        assert service.prompted == 1
        assert client.answer().body == b"late"


@pytest.mark.parametrize("what", ["crash", "split"])
def test_a_service_that_fails_at_it_is_told_of_as_ever(
    client: RawClient, what: str, capfd: pytest.CaptureFixture[str]
) -> None:
    said = f"GET /prompt/{what} HTTP/1.1\r\nHost: test\r\n\r\n".encode()
    client.send(said)
    client.answer()
    client.send(said)
    answer = client.answer()
    assert (answer.status, answer.json()["reason"]) == (500, "internal-error")
    assert capfd.readouterr().err.count("Traceback") == 1
    client.send(PROMPT)
    assert client.answer().body == b"prompt"
