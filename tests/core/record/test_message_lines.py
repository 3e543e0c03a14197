"""What people who watch traffic see of a Bayeux message."""

from __future__ import annotations

import pytest

from cometape.core.json_value import JsonObject
from cometape.core.record.message_lines import Direction, message_lines, short_id
from cometape.core.scrub.scrubber import Scrubber
from cometape.profiles import load_profile

CLIENT_ID = "3kf9Zq0123456789abcdefgh"


def lines(*messages: JsonObject, direction: Direction | None = None) -> list[str]:
    return list(message_lines(messages, direction, Scrubber(load_profile("workbins"))))


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (
            {
                "channel": "/meta/handshake",
                "id": "1",
                "version": "1.0",
                "supportedConnectionTypes": ["websocket", "long-polling"],
            },
            "→ /meta/handshake  id 1  version 1.0  supportedConnectionTypes websocket,long-polling",
        ),
        (
            {"channel": "/meta/handshake", "id": "1", "successful": True, "clientId": CLIENT_ID},
            "← /meta/handshake  id 1  client 3kf9Z…  ok",
        ),
        (
            {"channel": "/meta/subscribe", "id": 3, "clientId": CLIENT_ID, "subscription": "/a/*"},
            "→ /meta/subscribe  id 3  client 3kf9Z…  /a/*",
        ),
        (
            {
                "channel": "/meta/subscribe",
                "successful": False,
                "error": "403::denied",
                "subscription": ["/a", "/b"],
            },
            "← /meta/subscribe  refused 403::denied  /a,/b",
        ),
        (
            {
                "channel": "/meta/connect",
                "id": "9",
                "clientId": CLIENT_ID,
                "connectionType": "long-polling",
                "advice": {"timeout": 0},
            },
            '→ /meta/connect  id 9  client 3kf9Z…  long-polling  advice {"timeout":0}',
        ),
        (
            {"channel": "/chat", "id": "7", "clientId": CLIENT_ID},
            "→ /chat  id 7  client 3kf9Z…  publish",
        ),
        ({"channel": "/chat", "id": "7", "successful": True}, "← /chat  id 7  ok"),
    ],
)
def test_a_message_is_one_line(message: JsonObject, line: str) -> None:
    assert lines(message) == [line]


def test_the_data_of_an_event_stands_below_it() -> None:
    event: JsonObject = {"channel": "/v2/me", "data": {"referenceId": 17, "name": "Zoë"}}
    assert lines(event) == [
        "← /v2/me  event",
        "    {",
        '      "referenceId": 17,',
        '      "name": "Zoë"',
        "    }",
    ]


def test_who_says_it_is_known_better_by_where_it_was_seen() -> None:
    assert lines({"channel": "/chat", "data": 1}, direction="to server")[0] == "→ /chat  publish"
    assert lines({"channel": "/chat", "data": 1}, direction="to client")[0] == "← /chat  event"


def test_no_secret_is_shown() -> None:
    shown = "\n".join(
        lines(
            {
                "channel": "/meta/handshake",
                "ext": {"authentication": {"user": "agent7", "credentials": "correct-horse"}},
            },
            {"channel": "/meta/handshake", "successful": True, "clientId": CLIENT_ID},
            {"channel": "/a", "data": {"access_token": "tok-0123456789abcdef", "x": CLIENT_ID}},
            {"channel": "/b", "data": "see tok-0123456789abcdef"},
        )
    )
    for secret in ("correct-horse", CLIENT_ID, CLIENT_ID[5:], "tok-0123456789abcdef"):
        assert secret not in shown
    assert '"access_token": "<token:1>"' in shown
    assert '"see <token:1>"' in shown  # the same secret, the same placeholder


@pytest.mark.parametrize(
    ("whole", "shown"),
    [(CLIENT_ID, "3kf9Z…"), ("abcdefgh", "ab…"), ("abc", "…"), ("<client-id:2>", "<client-id:2>")],
)
def test_a_client_id_is_shown_in_part(whole: str, shown: str) -> None:
    assert short_id(whole) == shown
