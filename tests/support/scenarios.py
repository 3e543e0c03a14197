"""Cassettes as a recorder writes them: numbered from 1, in states that Bayeux allows, true times.

    from scenarios import scenarios

`strategies.cassettes` draws what a file may hold; these are what traffic can have been.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

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

TYPES = ("long-polling", "callback-polling", "websocket")
REFUSALS = (None, "402::Unknown client", "403:/a:denied", "Not today")
FAILURES = ("HTTP 502", "HTTP 200", "client left", "no reply", "server closed the connection")
CHANNELS = ("/v2/me/workitems", "/v2/me/*", "/chat/7", "/service/echo")
GAPS_US = (1, 2, 7, 300, 499, 501, 999, 1000, 1001, 40_000, 30_000_000)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.sampled_from(["", "a", "Köln", "☃ <b>"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)
offers = st.none() | st.just({"ext": {"ack": True}}) | st.just({"ext": {"t": "<credentials:1>"}})
extras = st.none() | st.just({"ext": {"note": 1}}) | st.just({"custom": ["x"]})
bodies = st.sampled_from(
    [
        b"",
        b'{"statusCode":0,"referenceId":17}',
        b'{"a": 1}\n',
        "Grüß Gott".encode(),
        "Grüß Gott".encode("latin-1"),
        b"\x00\xff\xfe",
        b"level=info&text=a+b",
        b"[]",
    ]
)
headers = st.lists(
    st.sampled_from(
        [
            ("Content-Type", "application/json;charset=UTF-8"),
            ("content-type", "text/plain; charset=ISO-8859-1"),
            ("Set-Cookie", "a=<cookie:1>; Path=/"),
            ("Set-Cookie", "b=<cookie:2>"),
            ("Cookie", "JSESSIONID=<session:1>"),
            ("Authorization", "Basic <credentials:1>"),
            ("Content-Encoding", "gzip"),
            ("X-Umlaut", "Köln"),
            (":odd", "kept"),
        ]
    ),
    max_size=4,
).map(Headers)
targets = st.sampled_from(
    ["/", "/api/v2/me?fields=*", "/a?x=1&x=2&y", "/a?token=<token:1>", "*", "/a b#c", "/%C3%BC?%20"]
)


@dataclass(slots=True)
class _Session:
    name: str
    type: str = "long-polling"
    began: bool = True
    connected: bool = False
    failing: list[Any] = field(default_factory=list)


@st.composite
def scenarios(draw: st.DrawFn, *, timed: bool | None = None) -> Cassette:
    """A recording of up to two clients."""
    is_timed = draw(st.booleans()) if timed is None else timed
    sessions = [_Session("agent7"), _Session("session-1")][: draw(st.integers(1, 2))]
    entries: list[Entry] = []
    now_us = 0
    for number in range(1, draw(st.integers(1, 10)) + 1):
        now_us += draw(st.sampled_from(GAPS_US))
        now_us += now_us % 1000 == 500  # rounding either way would be right
        session = draw(st.sampled_from(sessions))
        at_s = round(now_us / 1e6, 3) if is_timed else None
        common = {"number": number, "session": session.name, "at_s": at_s}
        kind = draw(st.sampled_from(_allowed(session)))
        if kind == "exchange":
            entries.append(_exchange(draw, common, now_us, is_timed))
        else:
            entries.append(draw(_bayeux(kind, session, number, common)))
            _note(session, entries[-1])
    header = Header(
        scenario=draw(st.sampled_from(["", "an agent pulls a workitem"])),
        recorded_at="2026-03-01T09:15:00Z" if is_timed else None,
        origin=draw(st.sampled_from(["https://gws.example:8090", "http://gws.example"])),
        profile="workbins",
        bayeux=draw(st.none() | st.just("/faye")),
    )
    if not any(isinstance(entry, Exchange) for entry in entries):
        header = Header(profile="workbins", recorded_at=header.recorded_at, bayeux="/faye")
    return Cassette(header, tuple(entries))


def _allowed(session: _Session) -> list[str]:
    if not session.began:
        return ["exchange", "handshake"]
    kinds = ["exchange", "handshake", "refused handshake", "subscribe", "unsubscribe", "publish"]
    kinds += ["event", "event", "event", "failed connect", "disconnect", "pushed disconnect"]
    return kinds if session.connected else [*kinds, "connect", "connect"]


def _exchange(draw: st.DrawFn, common: dict[str, Any], ended_us: int, is_timed: bool) -> Exchange:
    took_us = min(draw(st.sampled_from(GAPS_US)), ended_us)
    took_us -= took_us % 1000 == 500
    began_us = ended_us - took_us
    if began_us % 1000 == 500:
        began_us, took_us = began_us + 1, took_us - 1
    error = draw(st.sampled_from([None, None, None, "client left", "server closed the connection"]))
    responses = st.builds(
        Response, status=st.sampled_from([200, 204, 404, 599]), headers=headers, body=bodies
    )
    common["at_s"] = round(began_us / 1e6, 3) if is_timed else None
    return Exchange(
        **common,
        took_s=round(took_us / 1e6, 3) if is_timed else None,
        request=Request(
            method=draw(st.sampled_from(["GET", "POST", "odd"])),
            target=draw(targets),
            headers=draw(headers),
            body=draw(bodies),
        ),
        response=draw(responses if error is None else st.none() | responses),
        error=error,
    )


def _bayeux(
    kind: str, session: _Session, number: int, common: dict[str, Any]
) -> st.SearchStrategy[Entry]:
    if kind == "event":
        channel = st.sampled_from(CHANNELS)
        return st.one_of(
            st.builds(Event, **_just(common), channel=channel, data=values, extra=extras),
            st.builds(
                Event,
                **_just(common),
                channel=st.just("/service/echo"),
                data=values,
                message_id=st.just("D01"),
            ),
        )
    if kind == "pushed disconnect":
        return st.just(Disconnect(**common, by="server"))
    common = {**common, "request_extra": None}
    well = {**_just(common), "request_extra": extras, "reply_extra": extras}
    if kind == "handshake":
        return st.builds(
            Handshake,
            **{**well, "request_extra": offers},
            client_id=st.just(f"<client-id:{number}>"),
            connection_types=st.sampled_from([(), TYPES, ("long-polling",)]),
            advice=st.none() | st.just({"reconnect": "retry", "interval": 0}),
        )
    if kind == "connect":
        return st.builds(Connect, **well, connection_type=st.sampled_from(TYPES))
    ends = (*REFUSALS, *FAILURES, *(["socket closed"] if session.type == "websocket" else []))
    ill = {
        **_just(common),
        "request_extra": extras,
        "successful": st.just(False),
        "error": st.sampled_from(ends),
    }
    if kind == "refused handshake":
        ill["request_extra"] = offers
        return st.builds(Handshake, **ill, connection_types=st.just(TYPES))
    if kind == "failed connect":
        # Over a WebSocket a connect has no HTTP exchange of its own that could fail.
        possible = REFUSALS if session.type == "websocket" else ends
        errors = [one for one in possible if session.connected or [one] != session.failing]
        ill["error"] = st.sampled_from(errors)
        return st.builds(Connect, **ill, connection_type=st.just(session.type))
    if kind == "disconnect":
        return st.builds(Disconnect, **well)
    channels = st.sampled_from(CHANNELS)
    if kind in ("subscribe", "unsubscribe"):
        entry = Subscribe if kind == "subscribe" else Unsubscribe
        return st.one_of(
            st.builds(entry, **well, channel=channels), st.builds(entry, **ill, channel=channels)
        )
    plain = st.sampled_from(CHANNELS[:3])
    service = st.just("/service/echo")
    ids = st.none() | st.just("7")
    return st.one_of(
        st.builds(Publish, **well, channel=plain, data=values),
        st.builds(Publish, **ill, channel=plain, data=values),
        st.builds(Publish, **well, channel=service, data=values, message_id=ids),
        st.builds(Publish, **ill, channel=service, data=values, message_id=ids),
    )


def _just(fields: dict[str, Any]) -> dict[str, st.SearchStrategy[Any]]:
    return {name: st.just(value) for name, value in fields.items()}


def _note(session: _Session, entry: Entry) -> None:
    if isinstance(entry, Handshake) and entry.successful:
        session.began, session.connected, session.failing = True, False, []
        session.type = "long-polling"
    elif isinstance(entry, Connect):
        if entry.successful:
            session.connected, session.type, session.failing = True, entry.connection_type, []
        else:
            session.failing = [entry.error]
    elif isinstance(entry, Disconnect) and entry.successful:
        session.began = False
