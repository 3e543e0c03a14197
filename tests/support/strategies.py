"""Hypothesis strategies for what cassettes are made of; `cassettes()` builds whole ones.

    from strategies import cassettes, entries, json_values, requests

Text is drawn from what YAML readers are known to disagree about as well as from all of Unicode.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from cometape.core.body import JsonStyle
from cometape.core.cassette import (
    Cassette,
    Connect,
    Disconnect,
    Entry,
    Event,
    Exchange,
    Handshake,
    Header,
    Publish,
    Subscribe,
    Unsubscribe,
)
from cometape.core.exchange import Headers, Request, Response

_ONE_WORD = """
y n yes No NO on Off true True FALSE null Null NULL ~ nan NaN .nan inf .inf -.inf Infinity 0 -0
+1 007 0o17 0x1F 0X1f 0b101 0B1 017 08 1_000 1e3 1E3 1.5e3 1.e5 .5 5. 1e+16 -1e-7 0E5 12:30
1:2:3.5 190:20:30 2024-01-01 2024-01-01T00:00:00Z 02F0 02F0ASAK8EAFA00W 3434543fafwe << = - --
--- ... .. . ? : :: a: a:b ?a a? #a a# @a `a %a &a *a !a |a >a 'a "a [a] {a} a,b +.Inf <a (x) $a
/a?b=* %41 @ ` a\\b a'b
"""
AWKWARD = (
    *_ONE_WORD.split(),
    *("", " ", " a", "a ", "a b", "a  b", "a #b", "a: b", "a :b", "- a", "? a", "--- a", "... b"),
    *("\t", "a\tb", "\ta", "a\t", "\n", "a\n", "\na", "a\nb", "a\nb\n", "a\n\n", "a\n\nb\n"),
    *(" a\nb", "a\n b", "a \nb", "a\n\tb", "a\rb", "a\r\nb\r\n", "a\x85b", "a\u2028b\u2029c"),
    *("\ufeffa", "a\ufeff", "\x00", "\x07\x1b[0m", "\x7f", "\x80\x9f", "\xa0", "a\xa0b", "\xad"),
    *("\u200b", "\u202eabc", "\ufffe\uffff", "\ud7ff\ue000\ufffd", "\U0001f600", "\U0010ffff"),
    *("Müller", "名前", "\u0661\u0662", "<token:1>", "Basic <credentials:1>", "?:2>1"),
    *(
        "JSESSIONID=<session:1>",
        "PegAG?:2>1",
        "9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522",
        "https://a.b/c?d=e#f",
        "a, b",
        "yes, no",
    ),
    *("...\n---\n", "---\nexchange: 1\n", "a\n---\nb", "a\n...\nb\n", "x" * 120, "k" * 1100),
    *("long words " * 12 + "end", "line one\n" * 3, '{\n  "a": 1\n}\n', "\\", "\\n", "'\"", '"'),
)
"""Texts that some YAML reader takes for something else when they are written carelessly."""

texts = st.sampled_from(AWKWARD) | st.text(max_size=40)
_BLANK: dict[int, str] = dict.fromkeys((0, 10, 13), " ")
one_line_texts = texts.map(lambda text: text.translate(_BLANK))
"""What fits into the head of an HTTP message."""
words = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789-"), min_size=1, max_size=12)
integers = st.integers() | st.sampled_from([0, -1, 2**53 + 1, 2**70, -(2**70)])
floats = st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, 1e16, 1e-7, 5e-324, 1.5e300])
scalars = st.none() | st.booleans() | integers | floats | texts
json_values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda children: st.lists(children, max_size=6) | st.dictionaries(texts, children, max_size=6),
    max_leaves=25,
)
"""Any JSON value that YAML has a form for (no NaN: it equals nothing)."""
json_objects: st.SearchStrategy[dict[str, Any]] = st.dictionaries(texts, json_values, max_size=5)
seconds = st.none() | st.floats(0, 1e6, allow_nan=False).map(lambda value: round(value, 6))
json_styles = st.builds(
    JsonStyle, spaced=st.booleans(), ascii=st.booleans(), newline=st.booleans()
) | st.builds(JsonStyle, indent=st.sampled_from([1, 2, 3, 4, 8]), ascii=st.booleans())
json_bodies = st.builds(
    lambda style, value: style.dumps(value).encode(),
    json_styles,
    json_objects | st.lists(json_values, max_size=4),
)
bodies = st.one_of(
    st.just(b""), json_bodies, texts.map(str.encode), st.binary(max_size=40),
    st.just(b'{"a":1,"a":2}'), st.just(b'["\\ud83d"]'), st.just(b"[" * 70 + b"]" * 70),
    st.just(b"[NaN,Infinity,-Infinity]"), st.just(b'{"price":1.50}'),
)  # fmt: skip
"""Payloads in every form a cassette writes: structure, text, base64."""

header_pairs = st.tuples(words, one_line_texts) | st.sampled_from(
    [
        ("Content-Type", "application/json"),
        ("Set-Cookie", "JSESSIONID=<session:1>; Path=/; HttpOnly"),
        ("X-Latin", "caf\udce9"),  # a byte that is not UTF-8, as mitmproxy shows it
    ]
)
headers = st.lists(header_pairs, max_size=5).map(Headers)
targets = st.sampled_from(
    ["/", "/api/v2/me/workbins?fields=*", "/a?x=1&x=2#", "*", "http://[::1]/a"]
) | (one_line_texts.map("/{}".format))
requests = st.builds(
    Request,
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "odd"]),
    target=targets,
    headers=headers,
    body=bodies,
)
chunks = st.just(()) | st.lists(
    st.tuples(st.floats(0, 1e6, allow_nan=False).map(lambda s: round(s, 3)), st.integers(0, 2**40)),
    max_size=12,
).map(tuple)
responses = st.builds(
    Response, status=st.integers(200, 599), headers=headers, body=bodies, chunks=chunks
)
channels = st.sampled_from(["/v2/me/workitems", "/v2/me/*", "/service/echo", "/a/**"]) | texts.map(
    "/{}".format
)
session_names = st.sampled_from(["main", "agent", "supervisor"]) | texts

_deep: Any = "bottom"
for _ in range(120):
    _deep = [_deep]
unwritable = st.sampled_from(["\ud83d", {"\udc80": 1}, _deep, {"a": {"b": _deep}}])
"""JSON values that YAML has no form for."""
event_data = json_values | unwritable
extras = st.none() | json_objects
errors = st.none() | st.sampled_from(["402::Unknown client", "403:/a:denied"]) | texts


def _outcome() -> dict[str, st.SearchStrategy[Any]]:
    return {
        "successful": st.booleans(),
        "error": errors,
        "request_extra": extras,
        "reply_extra": extras,
    }


def entries(number: int, causes: tuple[int, ...] = ()) -> st.SearchStrategy[Entry]:
    """Any entry with that number; an event's cause is one of `causes`, or spontaneous, or open."""
    common: dict[str, st.SearchStrategy[Any]] = {
        "number": st.just(number),
        "session": session_names,
        "at_s": seconds,
    }
    cause: st.SearchStrategy[Any] = st.sampled_from([None, "spontaneous", *causes])
    ids = st.none() | texts
    exchange = {**common, "request": requests, "took_s": seconds}
    return st.one_of(
        st.builds(Exchange, **exchange, response=responses),
        st.builds(Exchange, **exchange, response=st.none() | responses, error=texts),
        st.builds(
            Event,
            **common,
            channel=channels,
            data=event_data,
            cause=cause,
            message_id=ids,
            extra=extras,
        ),
        st.builds(
            Handshake,
            **common,
            **_outcome(),
            connection_types=st.lists(texts, max_size=3).map(tuple),
            client_id=ids,
            advice=extras,
        ),
        st.builds(Connect, **common, **_outcome(), connection_type=texts, advice=extras),
        st.builds(Subscribe, **common, **_outcome(), channel=channels),
        st.builds(Unsubscribe, **common, **_outcome(), channel=channels),
        st.builds(
            Publish, **common, **_outcome(), channel=channels, data=event_data, message_id=ids
        ),
        st.builds(Disconnect, **common, **_outcome(), by=st.sampled_from(["client", "server"])),
    )


header_records = st.builds(
    Header,
    scenario=texts,
    recorded_at=st.none() | st.just("2026-03-01T09:15:00Z") | texts,
    origin=st.none() | st.just("https://gws.example"),
    profile=st.sampled_from(["bayeux", "workbins"]) | texts,
    bayeux=st.none() | st.just("/api/v2/notifications"),
)


@st.composite
def cassettes(draw: st.DrawFn, max_entries: int = 5) -> Cassette:
    """Any cassette that a recorder or a person can write."""
    gaps = draw(st.lists(st.integers(1, 3), max_size=max_entries))
    numbers = [sum(gaps[: index + 1]) for index in range(len(gaps))]
    drawn = (
        draw(entries(number, tuple(other for other in numbers if other != number)))
        for number in numbers
    )
    return Cassette(draw(header_records), tuple(drawn))


def same_json(one: object, other: object) -> bool:
    """Equality that tells 1 from 1.0 and True, 0.0 from -0.0, one order of keys from another."""
    return json.dumps(one) == json.dumps(other)
