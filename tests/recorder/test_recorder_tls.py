"""Recording a system that speaks TLS, and clients that do."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from odd_origin import Caller, odd_origin
from raw_client import connected
from recorder_thread import RecorderThread
from tls_origin import tls_origin

Record = Callable[..., RecorderThread]

# How mitmproxy 11 calls pyOpenSSL.
pytestmark = pytest.mark.filterwarnings(
    "ignore:(Passing pyOpenSSL|Attempting to mutate):DeprecationWarning"
)


@pytest.fixture
def secure_origin(context: ssl.SSLContext) -> Iterator[str]:
    with tls_origin(context) as url:
        yield url


def test_a_certificate_that_nobody_signed_gives_502_and_says_why(
    record: Record, secure_origin: str
) -> None:
    with record(secure_origin) as recorder:
        with connected(recorder.url) as client:
            assert client.get("/a").status == 502
        (entry,) = recorder.exchanges
    assert entry.response is None
    assert "ertificate verify failed" in str(entry.error)
    (problem,) = recorder.summary.problems
    assert "ertificate verify failed" in problem


@pytest.mark.parametrize("how", ["insecure", "trusted_ca"])
def test_it_is_recorded_when_the_user_says_so(
    record: Record, secure_origin: str, authority: Path, how: str
) -> None:
    ways: dict[str, dict[str, object]] = {
        "insecure": {"insecure": True},
        "trusted_ca": {"trusted_ca": authority / "mitmproxy-ca-cert.pem"},
    }
    with record(secure_origin, proxy=ways[how]) as recorder:
        with connected(recorder.url) as client:
            assert client.get("/a").json() == {"asked": "GET /a HTTP/1.1"}
        (entry,) = recorder.exchanges
        assert recorder.cassette.header.origin == secure_origin
    assert entry.response is not None
    assert entry.request.headers.first("Host") == secure_origin.removeprefix("https://")


def test_an_upstream_that_does_not_speak_tls_gives_502(record: Record) -> None:
    def behave(caller: Caller) -> None:
        caller.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        caller.is_gone()

    with odd_origin(behave) as url, record(url.replace("http:", "https:")) as recorder:
        with connected(recorder.url) as client:
            assert client.get("/a").status == 502
        (entry,) = recorder.exchanges
    assert str(entry.error).startswith("upstream failed: ")


def test_an_upstream_that_hangs_in_its_handshake_holds_up_nobody_else(record: Record) -> None:
    first = threading.Event()

    def behave(caller: Caller) -> None:
        if not first.is_set():
            first.set()
            while not caller.is_gone():
                pass  # its greeting, in one piece or several

    with odd_origin(behave) as url, record(url.replace("http:", "https:")) as recorder:
        with connected(recorder.url) as waiting:
            waiting.ask("/hangs")
            assert first.wait(10)
            with connected(recorder.url) as client:
                assert client.get("/a").status == 502
        (entry,) = recorder.exchanges
    assert (entry.request.target, entry.response) == ("/a", None)


def test_a_regular_proxy_records_what_a_client_asks_over_tls(
    record: Record, secure_origin: str, authority: Path, confdir: Path
) -> None:
    trust = {"trusted_ca": authority / "mitmproxy-ca-cert.pem"}
    host = secure_origin.removeprefix("https://")
    with record(None, proxy=trust) as recorder:
        address = recorder.url.removeprefix("http://").split(":")
        with closing(socket.create_connection((address[0], int(address[1])), 10)) as plain:
            plain.sendall(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert b" 200 " in plain.recv(4096)
            mine = ssl.create_default_context(cafile=str(confdir / "mitmproxy-ca-cert.pem"))
            with mine.wrap_socket(plain, server_hostname="localhost") as secure:
                secure.sendall(f"GET /a?b HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                answer = b""
                while not answer.endswith(b"}"):
                    answer += secure.recv(4096)
        assert b"200 OK" in answer
        (entry,) = recorder.exchanges
    assert entry.request.target == "/a?b"
    assert recorder.cassette.header.origin == secure_origin
