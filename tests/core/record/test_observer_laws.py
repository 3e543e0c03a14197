"""Whatever passes, an observer neither stumbles nor tells a secret nor loses count."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cometape.core.cassette import Cassette, Header
from cometape.core.exchange import Headers, Request, Response
from cometape.core.record.capture import CapturedExchange, SocketText
from cometape.store.yaml_emitter import dump
from cometape.store.yaml_reader import load
from watching import BAYEUX, By, Watching

SECRET = "s3cret-0123456789abcdef"

TEXTS = st.text() | st.just("a lone surrogate: \ud83d")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner),
    max_leaves=6,
)
STATUSES = st.sampled_from([200, 402, 500])
TARGETS = ["/", "/a?message=[]&jsonp=x", BAYEUX, "/x?message=%5B%7B%7D%5D&jsonp=c"]
FORM = b"message=%5B%7B%22channel%22%3A%22%2Fmeta%2Fx%22%7D%5D"
CHANNELS = st.sampled_from(
    [
        "/meta/handshake",
        "/meta/connect",
        "/meta/subscribe",
        "/meta/unsubscribe",
        "/meta/disconnect",
        "/meta/unknown",
        "/service/echo",
        "/v2/me/workitems",
        "not a channel",
    ]
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "channel": CHANNELS | VALUES,
        "clientId": st.sampled_from([SECRET, "b" * 20]) | VALUES,
        "id": st.sampled_from(["1", "2", 3]) | VALUES,
        "successful": st.booleans() | VALUES,
        "subscription": st.sampled_from(["/a", ["/a", "/b"]]) | VALUES,
        "data": VALUES,
        "ext": st.fixed_dictionaries({"ack": st.booleans() | st.integers() | VALUES}) | VALUES,
        "advice": VALUES,
        "error": VALUES,
        "supportedConnectionTypes": VALUES,
        "custom": VALUES,
    },
)
BATCHES = st.lists(MESSAGES, max_size=4) | VALUES
HANDSHAKE = [{"channel": "/meta/handshake", "version": "1.0", "id": "1"}]
SHAKEN = [{"channel": "/meta/handshake", "successful": True, "clientId": SECRET, "id": "1"}]
ME = By(user="agent7")


def assert_sound(watching: Watching) -> None:
    """Numbers ascend, the cassette can be written and read again, and the secret is not in it."""
    numbers = [entry.number for entry in watching.entries]
    assert numbers == list(range(1, len(numbers) + 1))
    cassette = Cassette(Header(), tuple(watching.entries))
    text = dump(cassette)
    assert SECRET not in text
    assert load(text.encode()) == cassette


@settings(max_examples=150, deadline=None)
@given(exchanges=st.lists(st.tuples(BATCHES, BATCHES, STATUSES), max_size=4))
def test_any_posts_to_a_bayeux_endpoint(exchanges: list[tuple[Any, Any, int]]) -> None:
    watching = Watching()
    watching.bayeux(HANDSHAKE, SHAKEN, by=ME)  # type: ignore[arg-type]
    for asked, answered, status in exchanges:
        watching.end(
            watching.begin(
                Request(method="POST", target=BAYEUX, body=json.dumps(asked).encode()), ME
            ),
            Response(status=status, body=json.dumps(answered).encode()),
        )
    assert_sound(watching)


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.tuples(st.booleans(), BATCHES), max_size=6))
def test_any_texts_over_a_websocket(texts: list[tuple[bool, Any]]) -> None:
    watching = Watching()
    socket = watching.socket(by=ME)
    told: list[tuple[bool, Any]] = [(True, HANDSHAKE), (False, SHAKEN), *texts]
    for from_client, batch in told:
        socket._text("client" if from_client else "server", json.dumps(batch))
    socket.closes()
    assert_sound(watching)


@settings(max_examples=100, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "OPTIONS", "PUT"]),
    target=st.sampled_from(TARGETS),
    body=st.binary(max_size=60) | st.just(FORM),
    answer=st.binary(max_size=60),
    cookie=st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=20),
    error=st.none() | st.just("client left") | st.text(max_size=10),
)
def test_any_exchange(
    method: str, target: str, body: bytes, answer: bytes, cookie: str, error: str | None
) -> None:
    watching = Watching()
    headers = Headers([("Cookie", cookie), ("Authorization", cookie)])
    asked = watching.begin(Request(method=method, target=target, headers=headers, body=body), ME)
    issued = Headers([("Set-Cookie", cookie)])
    response = Response(status=200, headers=issued, body=answer)
    watching.end(asked, response if error is None else None, error)
    assert_sound(watching)


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=40), sender=st.sampled_from(["client", "server"]))
def test_any_text(text: str, sender: Any) -> None:
    watching = Watching()
    asked = watching.begin(Request(method="GET", target="/ws"), ME)
    opened = CapturedExchange(asked=asked, response=Response(status=101), ended_s=watching.now_s)
    watching.observer.socket_opened(opened)
    captured = SocketText(sender=sender, text=text, at_s=watching.now_s)
    watching._keep(watching.observer.socket_text(asked.key, captured))
    watching._keep(watching.observer.finish(watching.now_s))
    assert_sound(watching)
