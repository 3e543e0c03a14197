"""Bodies of every kind reach the other side and the cassette byte for byte."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard

from cometape.core.body import Body
from odd_origin import Caller, odd_origin
from raw_client import connected
from recorder_thread import RecorderThread

Record = Callable[..., RecorderThread]

FILE = random.Random(7).randbytes(300_000)
PLAIN = '{"operationName":"PullWorkitem","text":"fünf"}'.encode()


def unchunked(data: bytes) -> bytes:
    """The body of a chunked message."""
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return body
        body, data = body + data[:length], data[length + 2 :]


class Upstream:
    """Keeps what it is sent, head and body, and answers with a file."""

    def __init__(self) -> None:
        self.head = b""
        self.body = b""

    def __call__(self, caller: Caller) -> None:
        while True:
            head, _, rest = caller.request().partition(b"\r\n\r\n")
            if b"chunked" in head.lower():
                while not rest.endswith(b"0\r\n\r\n"):
                    rest += caller.socket.recv(65536)
            self.head, self.body = head, rest
            kind = b"Content-Type: application/pdf\r\nContent-Disposition: attachment"
            caller.send(b"HTTP/1.1 200 OK\r\n%s\r\nContent-Length: %d\r\n\r\n" % (kind, len(FILE)))
            caller.send(FILE)


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


def test_files_pass_both_ways(record: Record, upstream: Upstream) -> None:
    head = b"--b\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n"
    parts = head + FILE + b"\r\n--b--"
    with odd_origin(upstream) as url, record(url) as recorder:
        with connected(recorder.url) as client:
            kind = "Content-Type: multipart/form-data; boundary=b\r\n"
            client.ask("/files", method="POST", headers=kind, body=parts)
            assert client.answer().body == FILE
        (entry,) = recorder.exchanges
    assert upstream.body == parts
    assert entry.request.body == parts
    assert entry.response is not None
    assert entry.response.body == FILE
    assert Body.from_bytes(entry.response.body).form == "base64"


@pytest.mark.parametrize("chunks", [[PLAIN], [PLAIN[:1], PLAIN[1:9], PLAIN[9:]], [FILE] * 8])
def test_a_chunked_request_passes_in_chunks(
    record: Record, upstream: Upstream, chunks: list[bytes]
) -> None:
    """D12: chunked requests."""
    with odd_origin(upstream) as url, record(url) as recorder:
        with connected(recorder.url) as client:
            client.send(b"POST /up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for chunk in chunks:
                client.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            client.send(b"0\r\n\r\n")
            assert client.answer().status == 200
        (entry,) = recorder.exchanges
    whole = b"".join(chunks)
    assert b"Transfer-Encoding: chunked" in upstream.head
    assert b"Content-Length" not in upstream.head
    assert unchunked(upstream.body) == whole
    assert entry.request.body == whole
    assert entry.request.headers.first("Transfer-Encoding") is None


CODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("br", brotli.compress),
    ("zstd", zstandard.compress),
]


@pytest.mark.parametrize(("coding", "encode"), CODINGS)
def test_a_coded_request_passes_as_it_is_and_can_be_read_in_the_cassette(
    record: Record, upstream: Upstream, coding: str, encode: Callable[[bytes], bytes]
) -> None:
    coded = encode(PLAIN)
    with odd_origin(upstream) as url, record(url) as recorder:
        with connected(recorder.url) as client:
            headers = f"Content-Type: application/json\r\nContent-Encoding: {coding}\r\n"
            client.ask("/x", method="POST", headers=headers, body=coded)
            assert client.answer().status == 200
        (entry,) = recorder.exchanges
    assert upstream.body == coded
    assert entry.request.body == PLAIN
    assert entry.request.headers.first("Content-Encoding") is None
