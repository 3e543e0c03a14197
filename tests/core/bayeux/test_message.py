"""Messages on the wire (C37, C47)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometape.core.bayeux import message as wire
from cometape.core.errors import ProtocolError

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=3)


@given(MESSAGES)
def test_what_is_rendered_is_parsed_again_in_utf_8(messages: list[dict[str, Any]]) -> None:
    text = wire.render_messages(messages)
    assert wire.parse_messages(text.encode()) == messages
    assert wire.parse_messages(text) == messages


@given(MESSAGES)
def test_a_script_calls_with_the_same_messages(messages: list[dict[str, Any]]) -> None:
    script = wire.jsonp("f", wire.render_messages(messages))
    assert script.isascii() or not {"\u2028", "\u2029"} & set(script)
    assert json.loads(script[2:-1]) == messages


@pytest.mark.parametrize(
    "data", [b"\xff", "{", "[1]", "[NaN]", "[-Infinity]", "[1e400]", "[" * 9999]
)
def test_what_is_no_message_is_a_protocol_error(data: bytes | str) -> None:
    with pytest.raises(ProtocolError) as caught:
        wire.parse_messages(data)
    assert caught.value.reason == "malformed"
    assert caught.value.hint


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert wire.parse_messages(b'\xef\xbb\xbf[{"channel":"/x"}]') == [{"channel": "/x"}]


def test_an_event_is_what_was_published_less_the_publishers_ids() -> None:
    published: dict[str, Any] = {"channel": "/x", "id": "1", "clientId": "c", "data": 1, "k": 2}
    assert wire.event_of(published) == {"channel": "/x", "data": 1, "k": 2}
    assert published["id"] == "1"
