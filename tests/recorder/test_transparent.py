"""What a client and a server see of each other is the same with the recorder as without it.

Each conversation is held twice, directly and through the recorder, and both sides write down what
came and when. Everything must be alike but the headers named in `HOP`, and the times within
`ALIKE_S`: what one side sends is waited for by the other, so a byte that is held up is an error.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Event, TextMessage

from cometape.core.cassette import Entry, Exchange
from odd_origin import Caller, odd_origin
from recorder_thread import RecorderThread

Record = Callable[..., RecorderThread]

ALIKE_S = 0.35
"""How far apart the same moment may be in both runs: generous, the machine may be busy."""
PAUSE_S = 0.5
"""Between chunks that must be seen apart."""
HOP = (b"host",)
"""Headers of requests that name the other side: the recorder asks with the server's own."""


@dataclass
class Diary:
    """What one side saw: bytes as they came, what it noted, and when."""

    began_s: float = field(default_factory=time.monotonic)
    seen: list[tuple[float, str, bytes]] = field(default_factory=list)

    def note(self, what: str, data: bytes = b"") -> None:
        """Write down that something happened now; bytes that come together are one piece."""
        now_s = time.monotonic() - self.began_s
        if what == "came" and self.seen and self.seen[-1][1] == "came":
            at_s, _, before = self.seen[-1]
            if now_s - at_s < PAUSE_S / 2:
                self.seen[-1] = at_s, "came", before + data
                return
        self.seen.append((now_s, what, data))

    @property
    def what(self) -> list[tuple[str, bytes]]:
        """What was seen, without the times and without the headers of one hop."""
        return [(what, _without_hop(data)) for _, what, data in self.seen]


def _without_hop(data: bytes) -> bytes:
    for name in HOP:
        data = re.sub(rb"(?mi)^" + name + rb":[^\r\n]*\r\n", b"", data)
    return data


class Side:
    """One end of a connection, with a diary."""

    def __init__(self, connection: socket.socket, diary: Diary) -> None:
        self.socket = connection
        self.diary = diary
        self.came = b""
        connection.settimeout(20)

    def send(self, data: bytes) -> None:
        """Send bytes in one piece."""
        self.socket.sendall(data)

    def until(self, end: bytes) -> None:
        """Read until these bytes have come."""
        while end not in self.came:
            assert self.more(), f"closed before {end!r} came: {self.came!r}"
        self.came = self.came.partition(end)[2]

    def until_closed(self) -> None:
        """Read until the other side closes."""
        while self.more():
            pass
        self.diary.note("closed")

    def more(self) -> bool:
        """Read a piece; False at the end."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if data:
            self.diary.note("came", data)
            self.came += data
        return bool(data)


Script = Callable[[Side], None]


def get(path: str = "/a", more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n{more}\r\n".encode()


def pause() -> None:
    """The one thing that a test of timing cannot do without."""
    time.sleep(PAUSE_S)


def ask(request: bytes, end: bytes) -> Script:
    """A client that asks once and reads until the end of the answer."""

    def client(side: Side) -> None:
        side.send(request)
        side.until(end)

    return client


def answer(*pieces: bytes, close: bool = False) -> Script:
    """A server that answers in pieces, with pauses between them."""

    def server(side: Side) -> None:
        side.until(b"\r\n\r\n")
        for number, piece in enumerate(pieces):
            if number:
                pause()
            side.send(piece)
        if not close:
            side.until_closed()

    return server


# -- conversations -----------------------------------------------------------------------------

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"


def asks_twice(side: Side) -> None:
    side.send(get("/one?x=%41&y", "X-Odd-CASE: a\r\nx-odd-case: b\r\n"))
    side.until(b"first")
    side.send(b'POST /two HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"a": 1 }')
    side.until(b"second")


def answers_twice(side: Side) -> None:
    side.until(b"\r\n\r\n")
    side.send(b"HTTP/1.1 200 Fine\r\nX-b: 2\r\nX-A: 1\r\nX-b: 3\r\nContent-Length: 5\r\n\r\nfirst")
    side.until(b"1 }")
    side.send(b"HTTP/1.1 201 Created\r\nContent-Length: 6\r\n\r\nsecond")
    side.until_closed()


def asks_again_when_it_has_heard(side: Side) -> None:
    side.send(get("/events"))
    side.until(b"data: 1\n\n")
    with closing(socket.create_connection(side.socket.getpeername())) as other:
        second = Side(other, Diary())  # the server goes on only when this has been asked
        second.send(get("/go"))
        second.until(b"gone")
    side.until(b"data: 2\n\n")


def tells_when_asked(go: threading.Event) -> Script:
    def server(side: Side) -> None:
        side.until(b"\r\n\r\n")
        if b"/go " in side.diary.seen[-1][2]:
            go.set()
            side.diary.seen.clear()
            side.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngone")
            return
        side.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n"
        )
        assert go.wait(15)
        side.send(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")
        side.until_closed()

    return server


def sends_in_chunks(side: Side) -> None:
    side.send(b"PUT /up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    pause()
    side.send(b"4\r\ndefg\r\n")
    pause()
    side.send(b"0\r\n\r\n")
    side.until(b"had")


def hears_chunks(side: Side) -> None:
    side.until(b"0\r\n\r\n")
    side.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhad")
    side.until_closed()


def leaves_while_it_waits(side: Side) -> None:
    side.send(get("/hold"))
    pause()


def leaves_in_mid_answer(side: Side) -> None:
    side.send(get("/stream"))
    side.until(b"abc")
    pause()


def holds_until_it_is_left(side: Side) -> None:
    side.until(b"\r\n\r\n")
    side.until_closed()


def streams_until_it_is_left(side: Side) -> None:
    side.until(b"\r\n\r\n")
    side.send(CHUNKED + b"3\r\nabc\r\n")
    side.until_closed()


def pipelines(side: Side) -> None:
    side.send(get("/1") + get("/2"))
    side.until(b"one")
    side.until(b"two")


def answers_in_order(side: Side) -> None:
    side.until(b"\r\n\r\n")
    side.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none")
    if b"/2" not in side.came:
        side.until(b"\r\n\r\n")
    side.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo")
    side.until_closed()


def resets(side: Side) -> None:
    side.until(b"\r\n\r\n")
    Caller(side.socket).reset()


def hears_the_end(side: Side) -> None:
    side.send(get())
    side.until_closed()


def says_sorry(status: bytes, more: bytes = b"") -> Script:
    return answer(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n" + more + b"\r\nsorry")


class Frames:
    """A WebSocket on one end of a connection: what it hears goes into the diary, unmasked."""

    def __init__(self, side: Side, kind: ConnectionType) -> None:
        self._side = side
        self._frames = Connection(kind)
        self._text = ""

    def say(self, event: TextMessage | CloseConnection) -> None:
        """Send something."""
        self._side.send(self._frames.send(event))

    def hear(self, text: str) -> None:
        """Wait for this text."""
        self._until(lambda event: isinstance(event, TextMessage) and self._text == text)

    def hear_close(self) -> None:
        """Wait until the other side closes."""
        self._until(lambda event: isinstance(event, CloseConnection))

    def _until(self, is_it: Callable[[Event], bool]) -> None:
        while True:
            for event in self._frames.events():
                if isinstance(event, TextMessage):
                    self._text = event.data if not self._text else self._text + event.data
                    if event.message_finished:
                        self._side.diary.note("text", self._text.encode())
                elif isinstance(event, CloseConnection):
                    self._side.diary.note("close", f"{event.code} {event.reason}".encode())
                if is_it(event):
                    self._text = ""
                    return
            self._frames.receive_data(self._side.socket.recv(65536) or None)


UPGRADE = (
    b"GET /cometd HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ACCEPT = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
"""RFC 6455 §1.3 has both."""
CONNECT = '[{"channel": "/meta/connect","id":"2", "clientId":"abc"}]'
REPLY = '[{"channel":"/meta/connect","id":"2",  "successful":true}]'
PUSHED = '[{"channel":"/a", "data":"f\u00fcnf"}]'


def asks_over_a_websocket(side: Side) -> None:
    side.send(UPGRADE)
    side.until(b"\r\n\r\n")
    frames = Frames(side, ConnectionType.CLIENT)
    frames.say(TextMessage(CONNECT))
    frames.hear(PUSHED)
    frames.hear(REPLY)
    frames.say(CloseConnection(1000, "enough"))
    frames.hear_close()


def pushes_over_a_websocket(side: Side) -> None:
    side.until(b"\r\n\r\n")
    side.send(ACCEPT)
    frames = Frames(side, ConnectionType.SERVER)
    frames.hear(CONNECT)
    frames.say(TextMessage(PUSHED))
    pause()
    frames.say(TextMessage(REPLY))
    frames.hear_close()
    frames.say(CloseConnection(1000, "enough"))


def calls_back(texts: tuple[str, ...]) -> bytes:
    body = "".join(texts).encode()
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/javascript;charset=UTF-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


JSONP = f"/cometd?jsonp=jsonp7&message={quote(CONNECT)}"
PIECES = (CHUNKED, b"3\r\nabc\r\n", b"3\r\ndef\r\n", b"0\r\n\r\n")
CONVERSATIONS: dict[str, tuple[Script, Script, int]] = {
    # client, server, chunks in the cassette
    "requests on one connection": (asks_twice, answers_twice, 0),
    "chunks with pauses": (ask(get(), b"0\r\n\r\n"), answer(*PIECES), 2),
    "a declared length in pieces": (
        ask(get(), b"ghi"),
        answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", b"def", b"ghi"),
        3,
    ),
    "an answer that ends with its connection": (
        hears_the_end,
        answer(b"HTTP/1.1 200 OK\r\n\r\nabc", b"def", close=True),
        2,
    ),
    "a chunked request": (sends_in_chunks, hears_chunks, 0),
    "a held poll": (
        ask(get("/hold"), b"late"),
        answer(b"", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate"),
        0,
    ),
    "a script that is held": (
        ask(get(JSONP), b"*/jsonp7([]);"),
        answer(b"", calls_back(("/**", "*/jsonp7([]);"))),
        0,
    ),
    "texts over a WebSocket": (asks_over_a_websocket, pushes_over_a_websocket, 0),
    "a client that leaves a held poll": (leaves_while_it_waits, holds_until_it_is_left, 0),
    "a client that leaves in mid-answer": (leaves_in_mid_answer, streams_until_it_is_left, 0),
    "an error with a body": (ask(get(), b"sorry"), says_sorry(b"500 Oh No"), 0),
    "an odd status": (ask(get(), b"sorry"), says_sorry(b"299 Sort Of", b"Retry-After: 3\r\n"), 0),
    "a coded body": (
        ask(get(), b"\x00\x01\x02"),
        answer(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n",
            b"\x1f\x00\x01\x02",
        ),
        0,
    ),
    "an answer without a body": (
        ask(get(), b"ETag: x\r\n\r\n"),
        answer(b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"),
        0,
    ),
    "the answer to a HEAD": (
        ask(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", b"99\r\n\r\n"),
        answer(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"),
        0,
    ),
    "a server that closes without an answer": (hears_the_end, answer(close=True), 0),
    "a server that resets": (hears_the_end, resets, 0),
    "a server that dies in mid-body": (
        hears_the_end,
        answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", close=True),
        0,
    ),
    "pipelined requests": (pipelines, answers_in_order, 0),
}


def hold(url: str, client: Script, diary: Diary) -> None:
    """The client's part of a conversation."""
    parts = urlsplit(url)
    with closing(socket.create_connection((parts.hostname, parts.port or 80), 10)) as connection:
        diary.began_s = time.monotonic()
        client(Side(connection, diary))


def both_sides(script: Script, into: list[Diary]) -> Callable[[Caller], None]:
    def behave(caller: Caller) -> None:
        diary = Diary()
        into.append(diary)
        script(Side(caller.socket, diary))

    return behave


@dataclass
class Held:
    """A conversation that is over."""

    client: Diary
    servers: list[Diary]
    entries: tuple[Entry, ...] = ()

    @property
    def exchanges(self) -> list[Exchange]:
        """The plain ones of the entries."""
        return [entry for entry in self.entries if isinstance(entry, Exchange)]


def directly(client: Script, server: Script) -> Held:
    held = Held(Diary(), [])
    with odd_origin(both_sides(server, held.servers)) as url:
        hold(url, client, held.client)
    return held


def recorded(client: Script, server: Script, record: Record, **settings: Any) -> Held:
    held = Held(Diary(), [])
    with odd_origin(both_sides(server, held.servers)) as url, record(url, **settings) as recorder:
        hold(recorder.url, client, held.client)
        recorder.stop()
        held.entries = recorder.cassette.entries
    return held


def assert_alike(one: Diary, other: Diary) -> None:
    assert one.what == other.what
    for (one_s, what, _), (other_s, _, _) in zip(one.seen, other.seen, strict=True):
        assert abs(one_s - other_s) < ALIKE_S, (what, one.seen, other.seen)


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_conversation_is_the_same_with_the_recorder_and_without(
    name: str, record: Record
) -> None:
    client, server, chunks = CONVERSATIONS[name]
    without = directly(client, server)
    with_it = recorded(client, server, record)
    assert_alike(without.client, with_it.client)
    assert len(without.servers) == len(with_it.servers)
    for one, other in zip(without.servers, with_it.servers, strict=True):
        assert_alike(one, other)
    assert with_it.entries
    response = with_it.exchanges[0].response if with_it.exchanges else None
    assert len(response.chunks if response is not None else ()) == chunks


def test_an_event_reaches_the_client_before_the_server_has_written_the_next(
    record: Record,
) -> None:
    go = threading.Event()
    held = recorded(asks_again_when_it_has_heard, tells_when_asked(go), record)
    assert go.is_set()
    (stream,) = [e for e in held.exchanges if e.request.target == "/events"]
    assert stream.response is not None
    assert stream.response.body == b"data: 1\n\ndata: 2\n\n"


def test_the_cassette_tells_when_each_chunk_came(record: Record) -> None:
    client, server, _ = CONVERSATIONS["chunks with pauses"]
    (entry,) = recorded(client, server, record).exchanges
    assert entry.response is not None
    (first_s, first), (second_s, second) = entry.response.chunks
    assert (first, second) == (3, 3)
    assert PAUSE_S - 0.1 < second_s - first_s < PAUSE_S + ALIKE_S
    assert entry.took_s is not None
    assert second_s + PAUSE_S - 0.1 < entry.took_s
