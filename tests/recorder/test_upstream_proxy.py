"""A recorder that reaches the world through another proxy."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cometape.recorder.proxy import UpstreamProxy
from cometape.server.listener import BackgroundServer
from h2_client import H2Client
from other_proxy import OtherProxy, other_proxy
from raw_client import connected
from recorder_thread import RecorderThread
from tiny_service import TinyService
from tls_origin import tls_origin

Record = Callable[..., RecorderThread]
PASSWORD = "agent:hunter2-hunter2-hunter2"
BASIC = "Basic " + base64.b64encode(PASSWORD.encode()).decode()

pytestmark = pytest.mark.filterwarnings(
    "ignore:(Passing pyOpenSSL|Attempting to mutate):DeprecationWarning"
)


def via(proxy: OtherProxy, credentials: str | None = None) -> UpstreamProxy:
    parts = urlsplit(proxy.url)
    assert parts.hostname is not None
    assert parts.port is not None
    return UpstreamProxy(
        scheme="http", host=parts.hostname, port=parts.port, credentials=credentials
    )


@pytest.mark.parametrize("reverse", [False, True], ids=["proxy", "reverse"])
@pytest.mark.parametrize("credentials", [None, PASSWORD], ids=["open", "password"])
def test_http_goes_through_the_other_proxy(
    record: Record, reverse: bool, credentials: str | None
) -> None:
    wanted = BASIC if credentials else None
    with BackgroundServer(TinyService()) as origin, other_proxy(wanted) as proxy:
        settings = {"upstream_proxy": via(proxy, credentials)}
        with record(origin.url if reverse else None, proxy=settings) as recorder:
            with connected(recorder.url) as client:
                answer = client.get("/a" if reverse else f"{origin.url}/a")
            (entry,) = recorder.exchanges
        address = origin.url.removeprefix("http://")
    assert answer.json()["target"] == "/a"
    assert all(name != "Proxy-Authorization" for name, _ in answer.json()["headers"])
    first = f"CONNECT {address} HTTP/1.1" if reverse else f"GET {origin.url}/a HTTP/1.1"
    assert proxy.asked == [first]
    assert entry.request.target == "/a"
    assert BASIC not in recorder.out.read_text()


@pytest.mark.parametrize("reverse", [False, True], ids=["proxy", "reverse"])
def test_tls_goes_through_the_other_proxy(
    record: Record, context: ssl.SSLContext, authority: Path, confdir: Path, reverse: bool
) -> None:
    with tls_origin(context) as origin, other_proxy(BASIC) as proxy:
        host = origin.removeprefix("https://")
        settings = {
            "upstream_proxy": via(proxy, PASSWORD),
            "trusted_ca": authority / "mitmproxy-ca-cert.pem",
        }
        with record(origin if reverse else None, proxy=settings) as recorder:
            if reverse:
                with connected(recorder.url) as client:
                    assert client.get("/a").json() == {"asked": "GET /a HTTP/1.1"}
            else:
                address = urlsplit(recorder.url)
                with closing(
                    H2Client(
                        (str(address.hostname), int(address.port or 0)),
                        confdir / "mitmproxy-ca-cert.pem",
                        tunnel=host,
                    ).socket
                ) as secure:
                    secure.sendall(f"GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                    answer = b""
                    while not answer.endswith(b"}"):
                        answer += secure.recv(4096)
            (entry,) = recorder.exchanges
    assert proxy.asked == [f"CONNECT {host} HTTP/1.1"]
    assert entry.response is not None
    assert entry.response.status == 200


def test_two_requests_of_one_client_both_go_through_it(record: Record) -> None:
    with (
        BackgroundServer(TinyService()) as origin,
        other_proxy() as proxy,
        record(origin.url, proxy={"upstream_proxy": via(proxy)}) as recorder,
        connected(recorder.url) as client,
    ):
        assert [client.get(target).status for target in ("/a", "/b")] == [200, 200]
        assert len(recorder.exchanges) == 2
        assert {line.split(" ")[0] for line in proxy.asked} == {"CONNECT"}


def test_a_proxy_that_refuses_gives_502_and_says_why(record: Record) -> None:
    with (
        BackgroundServer(TinyService()) as origin,
        other_proxy(BASIC) as proxy,
        record(origin.url, proxy={"upstream_proxy": via(proxy)}) as recorder,
    ):
        with connected(recorder.url) as client:
            assert client.get("/a").status == 502
        (entry,) = recorder.exchanges
    assert "407" in str(entry.error)
