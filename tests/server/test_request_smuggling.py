"""Nothing that two readers could cut into requests differently gets past the server.

Each piece of input ends with a request that an attacker hides. Either the server refuses the first
one and closes, so that nothing behind it is read, or everybody reads both. That must not depend on
how the bytes are cut into packets. The rules are those of RFC 9112; llhttp knows most of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cometape.server.limits import Limits
from cometape.server.listener import BackgroundServer
from raw_client import RawClient, connected
from tiny_service import TinyService

LIMITS = Limits(
    header_timeout_s=0.3, body_timeout_s=0.3, idle_timeout_s=0.3, linger_s=0.02, probe_s=0.05
)
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
GET = b"GET /first HTTP/1.1\r\n"
POST = b"POST /first HTTP/1.1\r\nHost: a\r\n"
CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


@pytest.fixture
def service() -> TinyService:
    return TinyService()


@pytest.fixture
def client(service: TinyService) -> Iterator[RawClient]:
    with BackgroundServer(service, limits=LIMITS) as server, connected(server.url) as raw:
        yield raw


def say(client: RawClient, said: bytes, cut: str) -> None:
    """In one packet, or one for each byte."""
    try:
        for piece in [said] if cut == "whole" else [said[at : at + 1] for at in range(len(said))]:
            client.send(piece)
    except OSError:
        pass  # refused before the end


REFUSED = {
    # RFC 3986 §3.2.2: what stands in brackets is an address
    "an open bracket": b"GET http://[::1/a HTTP/1.1\r\nHost: a\r\n\r\n",
    "no address in brackets": b"GET http://[zz]/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a bracket that was not opened": b"GET http://a]b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    # §6.1: Transfer-Encoding is `chunked`, once, or it is nothing we know
    "another coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n",
    "a vertical tab": POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n" + END,
    "chunked in two fields": POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n" + END,
    "chunked, then identity": POST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"
    + END,
    "identity, then chunked": POST
    + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n"
    + END,
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + END,
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "a parameter": POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n" + END,
    "quotes": POST + b'Transfer-Encoding: "chunked"\r\n\r\n' + END,
    "no coding": POST + b"Transfer-Encoding:\r\n\r\n",
    "an empty element": POST + b"Transfer-Encoding: ,chunked\r\n\r\n" + END,
    "a NUL": POST + b"Transfer-Encoding: chunked\0\r\n\r\n" + END,
    # §6.3: not both
    "length, then chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + END,
    "chunks, then length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + END,
    "no coding, and a length": POST + b"Transfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc",
    # §6.2: one length, of digits
    "a hexadecimal length": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "two lengths in one": POST + b"Content-Length: 3 3\r\n\r\nabc",
    "no length": POST + b"Content-Length:\r\n\r\n",
    "a negative length": POST + b"Content-Length: -3\r\n\r\nabc",
    "different lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a length after a vertical tab": POST + b"Content-Length: \x0b3\r\n\r\nabc",
    "a length with an exponent": POST + b"Content-Length: 3e0\r\n\r\nabc",
    # §7.1: sizes of chunks
    "0x": CHUNKS + b"0x3\r\nabc\r\n" + END,
    "a space after the size": CHUNKS + b"3 \r\nabc\r\n" + END,
    "a space before the size": CHUNKS + b" 3\r\nabc\r\n" + END,
    "a minus": CHUNKS + b"-3\r\nabc\r\n" + END,
    "a plus": CHUNKS + b"+3\r\nabc\r\n" + END,
    "a size of 65 bits": CHUNKS + b"10000000000000003\r\nabc\r\n" + END,
    "more than the size": CHUNKS + b"3\r\nabcX\r\n" + END,
    "no line end after a chunk": CHUNKS + b"3\r\nabc" + END,
    "no size": CHUNKS + b"\r\nabc\r\n" + END,
    "an extension of no size": CHUNKS + b";\r\nabc\r\n" + END,
    "a line feed after the size": CHUNKS + b"3\nabc\r\n" + END,
    "a line feed after a chunk": CHUNKS + b"3\r\nabc\n" + END,
    "a carriage return after the size": CHUNKS + b"3\rXabc\r\n" + END,
    "line feeds at the end": CHUNKS + b"0\n\n",
    "a line feed at the end": CHUNKS + b"0\r\n\n",
    "a line feed in an extension": CHUNKS + b"3;a=b\nX\r\nabc\r\n" + END,
    "a carriage return in an extension": CHUNKS + b"3;a\rb\r\nabc\r\n" + END,
    "a line end in quotes": CHUNKS + b'3;a="\r\n"\r\nabc\r\n' + END,
    "a length in the trailers": CHUNKS + b"0\r\nContent-Length: 34\r\n\r\n",
    "a line feed in the trailers": CHUNKS + b"0\r\nX: y\n\r\n",
    # §2.2, §5: lines and fields
    "a space before the first field": GET + b" X: a\r\nHost: a\r\n\r\n",
    "a field without a name": POST + b": x\r\n\r\n",
    "a field without a colon": POST + b"Xabc\r\n\r\n",
    "a space before the colon": POST + b"Content-Length : 3\r\n\r\nabc",
    "a control character in a name": POST + b"X\x01: a\r\n\r\n",
    "a control character in a value": POST + b"X: a\x01b\r\n\r\n",
    "a folded field": POST + b"X: a\r\n\tTransfer-Encoding: chunked\r\n\r\n" + END,
    "a folded length": POST + b"Content-Length:\r\n 3\r\n\r\nabc",
    "two carriage returns": POST + b"X: a\r\r\n\r\n",
    "a bare carriage return": POST + b"X: a\rTransfer-Encoding: chunked\r\n\r\n" + END,
    "a bare line feed": POST + b"X: a\nContent-Length: 3\r\n\r\nabc",
    "a bare line feed before the body": POST + b"X: a\r\n\n",
    # §3: the request line
    "tabs": b"GET\t/first\tHTTP/1.1\r\nHost: a\r\n\r\n",
    "a space at its end": b"GET /first HTTP/1.1 \r\nHost: a\r\n\r\n",
    "a space in the target": b"GET /first x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a version of three digits": b"GET /first HTTP/1.10\r\nHost: a\r\n\r\n",
    "no version": b"GET /first\r\n\r\n",
    "a method in lower case": b"get /first HTTP/1.1\r\nHost: a\r\n\r\n",
    "a line feed after it": b"GET /first HTTP/1.1\nHost: a\r\n\r\n",
    "a carriage return after it": b"GET /first HTTP/1.1\rHost: a\r\n\r\n",
    "a space before it": b" GET /first HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment": b"GET /first#x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tunnel": b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    # §3.2: whom it is for
    "a host with a path": GET + b"Host: a/b\r\n\r\n",
    "a host with a space": GET + b"Host: a b\r\n\r\n",
    "two hosts in one": GET + b"Host: a, b\r\n\r\n",
    "a host with a user": GET + b"Host: u@a\r\n\r\n",
    "two hosts": GET + b"Host: a\r\nHost: b\r\n\r\n",
    "an absolute target with a user": b"GET http://a@b/first HTTP/1.1\r\nHost: a\r\n\r\n",
    "an absolute target without a host": b"GET http:///first HTTP/1.1\r\nHost: a\r\n\r\n",
    "an absolute target with a backslash": b"GET http://b\\@c/ HTTP/1.1\r\nHost: a\r\n\r\n",
    # RFC 9110 §5.3: what is in two fields is a list
    "two codings of the content": POST
    + b"Content-Encoding: gzip\r\nContent-Encoding: identity\r\nContent-Length: 1\r\n\r\nx",
}


@pytest.mark.parametrize("cut", ["whole", "byte by byte"])
@pytest.mark.parametrize("said", REFUSED.values(), ids=REFUSED)
def test_what_can_be_read_in_two_ways_is_refused_and_nothing_behind_it_is_read(
    client: RawClient, service: TinyService, said: bytes, cut: str
) -> None:
    say(client, said + HIDDEN, cut)
    answers = client.rest()
    assert answers.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), answers
    assert answers.count(b"HTTP/1.1 ") == 1
    assert service.requests == []


READ = {
    "a tab before the coding": (POST + b"Transfer-Encoding:\tchunked\r\n\r\n" + END, b""),
    "a space after the coding": (POST + b"Transfer-Encoding: chunked \r\n\r\n" + END, b""),
    "capitals": (POST + b"TRANSFER-ENCODING: CHUNKED\r\n\r\n" + END, b""),
    "a field that is only similar": (
        POST + b"Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + END,
        END,
    ),
    "zeros before a size": (CHUNKS + b"00003\r\nabc\r\n000\r\n\r\n", b"abc"),
    "space around a length": (POST + b"Content-Length: \t3 \t\r\n\r\nabc", b"abc"),
    "a GET with a body": (GET + b"Host: a\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    "a body that looks like a request": (
        POST + b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
        HIDDEN,
    ),
    "empty lines before it": (b"\r\n\r\n" + GET + b"Host: a\r\n\r\n", b""),
    "an address of six": (GET + b"Host: [::1]:8080\r\n\r\n", b""),
    "no host in the field": (GET + b"Host:\r\n\r\n", b""),
}


@pytest.mark.parametrize("cut", ["whole", "byte by byte"])
@pytest.mark.parametrize(("said", "body"), READ.values(), ids=READ)
def test_what_everybody_reads_alike_is_read(
    client: RawClient, service: TinyService, said: bytes, body: bytes, cut: str
) -> None:
    say(client, said + HIDDEN, cut)
    assert [client.answer().status for _ in range(2)] == [200, 200]
    assert [(one.target, one.body) for one in service.requests] == [
        ("/first", body),
        ("/hidden", b""),
    ]


def test_the_host_of_an_absolute_target_wins(client: RawClient, service: TinyService) -> None:
    client.send(b"GET http://b:81/first HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.answer().status == 200
    assert service.requests[0].headers.all("Host") == ["b:81"]
