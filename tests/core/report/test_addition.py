"""The exchange that a miss proposes: appended to the cassette, it answers the request."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cometape.core.report.addition import MAX_CHARACTERS
from cometape.store.yaml_emitter import TERMINATOR, dump
from cometape.store.yaml_reader import load
from scripted import Script, Stage
from strategies import AWKWARD, json_values, texts, unwritable

PATH = "/api/v2/things"
JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
PLAIN = ("Content-Type", "text/plain")
HEAVY = MAX_CHARACTERS // 8
"""Bytes of a body up to which an exchange is always proposed: escapes make it longer."""


def short_tape() -> Script:
    script = Script()
    script.ask("agent7", "POST", PATH, {"id": 1}, {})
    return script


TAPE = dump(short_tape().cassette).removesuffix(TERMINATOR)


def with_addition(addition: str) -> Stage:
    return Stage(load((TAPE + addition + TERMINATOR).encode()))


def assert_answered(
    method: str, target: str, body: bytes = b"", header: tuple[str, str] | None = None
) -> None:
    headers = [header] if header else []

    def answer(stage: Stage) -> Any:
        person = stage.person("agent7")
        sent = stage.talk.send(method, target, headers=[*person.headers, *headers], body=body)
        return sent.response

    missed = answer(Stage(short_tape()))
    assert missed.status == 599
    miss = json.loads(missed.body)
    if miss["addition"]:
        assert answer(with_addition(miss["addition"])).status == 200, miss["addition"]
    else:
        assert len(body) > HEAVY
        assert any("no exchange to add is proposed" in line for line in miss["remedies"])


deep = st.integers(1, 400).map(lambda n: b'{"a":' * n + b"[1]" + b"}" * n)
json_bodies = (json_values | unwritable | st.floats()).map(
    lambda value: json.dumps(value).encode()
) | deep
pairs = st.lists(st.tuples(texts, texts), max_size=5)
long = st.builds(
    lambda text, times: text.encode() * times, st.sampled_from(AWKWARD), st.integers(1, 1500)
)


@given(json_bodies)
@example(b"null")
@example(b'{"n": 1e999}')
@example(b'{"id": "\\ud800"}')
@example(b'{"%s": 1}' % (b"k" * 1500))
@example(json.dumps({"text": "word: " * 1000}).encode())
@example(b'"a text"')
@example(b"[1, 2")
def test_any_json_is_answered(body: bytes) -> None:
    assert_answered("POST", PATH, body, JSON)


@given(pairs.map(urlencode).map(str.encode) | st.binary(max_size=60) | long)
@example(b"a=1&b=%20&a=2")
@example(b"&")
@example(b"user=a&password=hunter2secret9")
def test_any_form_is_answered(body: bytes) -> None:
    assert_answered("POST", PATH, body, FORM)


@given(texts.map(str.encode) | st.binary(max_size=60) | long, st.sampled_from([PLAIN, JSON]))
@example(b"plain: text\n---\n...\n", PLAIN)
@example(b"\xff\xfe\x00", PLAIN)
@example(b"null", PLAIN)
@example(b"word " * 800, PLAIN)
def test_any_text_is_answered(body: bytes, header: tuple[str, str]) -> None:
    assert_answered("POST", PATH, body, header)


@given(st.lists(texts, min_size=1, max_size=4), pairs)
@example(["a/b", "%", "ü"], [("x", "1&2"), ("x", "")])
def test_any_path_and_query_is_answered(segments: list[str], query: list[tuple[str, str]]) -> None:
    path = "/".join(quote(segment, safe="") for segment in segments)
    assert_answered("GET", f"/other/{path}?{urlencode(query)}")


@given(
    st.sampled_from(["/service/x", "/v2/a-b/(c)"]),
    (json_values | unwritable).filter(lambda value: "Infinity" not in json.dumps(value)),
)
@example("/service/x", None)
@example("/service/x", json.loads("[" * 150 + "]" * 150))
@example("/service/x", {"k" * 1500: "word: " * 1000})
def test_anything_published_is_answered(channel: str, data: Any) -> None:
    def is_taken(stage: Stage) -> bool:
        client = stage.person("agent7").shake_hands()
        return bool(client.publish(channel, data)["successful"])

    first = Stage(short_tape())
    assert not is_taken(first)
    assert is_taken(with_addition(first.service.misses[0].addition))


@pytest.mark.parametrize("body", [b"x" * 200_000, b'{"a": "%s"}' % (b"x" * 200_000)])
def test_of_a_very_long_request_none_is_proposed_and_why_is_told(body: bytes) -> None:
    assert_answered("POST", PATH, body, PLAIN)
