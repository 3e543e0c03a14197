"""What is recorded can be chosen; what is not still passes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from cometape.core.errors import ConfigurationError
from cometape.core.exchange import Headers, Response
from cometape.recorder.capture_filter import CaptureFilter
from cometape.server.listener import BackgroundServer
from raw_client import connected, websocket
from recorder_thread import RecorderThread
from tiny_service import TinyService

Record = Callable[..., RecorderThread]


@pytest.fixture
def origin() -> Iterator[str]:
    picture = Headers([("Content-Type", "image/png")])
    answers = {
        "/picture": Response(status=200, headers=picture, body=b"\x89PNG"),
        "/none": Response(status=404, body=b"nothing here"),
    }
    with BackgroundServer(TinyService(answers=answers)) as server:
        yield server.url


def ask(recorder: RecorderThread) -> None:
    """Four exchanges that differ in all that a filter can look at."""
    with connected(recorder.url) as client:
        assert client.get("/api/v2/me").status == 200
        assert client.get("/picture").body == b"\x89PNG"
        assert client.get("/none").status == 404
        client.ask("/api/v2/post", method="POST", body=b'{"operationName":"PullWorkitem"}')
        assert client.answer().status == 200


@pytest.mark.parametrize(
    ("include", "exclude", "recorded"),
    [
        ([], [], ["/api/v2/me", "/picture", "/none", "/api/v2/post"]),
        (["~u /api/"], [], ["/api/v2/me", "/api/v2/post"]),
        (["~m POST", "~u /none"], [], ["/none", "/api/v2/post"]),
        ([], ["~m GET & !~u me"], ["/api/v2/me", "/api/v2/post"]),
        (["~u /api/"], ["~m POST"], ["/api/v2/me"]),
        ([], ["~t image"], ["/api/v2/me", "/none", "/api/v2/post"]),
        (["~c 404"], [], ["/none"]),
        (["~bq PullWorkitem"], [], ["/api/v2/post"]),
        (["~bs 'nothing here'"], [], ["/none"]),
        (["/picture"], [], ["/picture"]),
    ],
)
def test_what_the_filters_choose_is_recorded(
    record: Record, origin: str, include: list[str], exclude: list[str], recorded: list[str]
) -> None:
    with record(origin, capture_filter=CaptureFilter(include, exclude)) as recorder:
        ask(recorder)
        assert [entry.request.target for entry in recorder.exchanges] == recorded
    left_out = 4 - len(recorded)
    expected = {"exchanges filtered out": left_out} if left_out else {}
    assert recorder.summary.skipped == expected


@pytest.mark.parametrize("expression", ["~u /ws", "~websocket"])
def test_a_websocket_that_is_not_chosen_passes(
    record: Record, origin: str, expression: str
) -> None:
    text = json.dumps([{"channel": "/meta/handshake", "successful": True, "clientId": "abc"}])
    with record(origin, capture_filter=CaptureFilter(exclude=[expression])) as recorder:
        with websocket(recorder.url) as client:
            assert client.text() == "hi"
            client.send(text)
            assert client.text() == text
        assert recorder.cassette.entries == ()


@pytest.mark.parametrize(
    ("expressions", "early"),
    [
        ([], True),
        (["~u /api & ~m GET | !~d x"], True),
        (["~hq Accept", "~all"], True),
        (["~u /api & ~c 200"], False),
        (["!~t image"], False),
        (["~bq x"], False),
    ],
)
def test_what_the_heads_of_requests_decide_is_decided_when_they_come(
    expressions: list[str], early: bool
) -> None:
    assert CaptureFilter(expressions).is_early is early


@pytest.mark.parametrize("expression", ["~x foo (", "", "~u", "(~m GET"])
def test_a_bad_expression_is_told(expression: str) -> None:
    with pytest.raises(ConfigurationError, match="no filter expression") as caught:
        CaptureFilter(exclude=[expression])
    assert caught.value.reason == "bad-filter"
    assert "~u /api/v2/" in caught.value.hint
