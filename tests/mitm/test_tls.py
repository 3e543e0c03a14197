"""A replay that speaks TLS itself, to clients whose URL can be chosen."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiocometd_ng.client import Client
from aiocometd_ng.constants import ConnectionType
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from mitmproxy.certs import CertStore

from cometape.store.cassette_file import save
from front_clients import ask, trusting
from running import Running, cometape, cometape_once
from scripted import Script
from tls_origin import authority_in

# How aiocometd-ng calls aiohttp to open a WebSocket.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{what}:DeprecationWarning")
    for what in ("float parameter 'receive_timeout' is deprecated",)
]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority that nobody trusts."""
    return authority_in(tmp_path_factory.mktemp("authority")).parent


@pytest.fixture
def cassette(tmp_path: Path) -> str:
    script = Script(scenario="the agent looks, and is told")
    me = {"statusCode": 0, "user": {"uri": "https://gws.example/api/v2/users/1"}}
    script.ask("agent7", "GET", "/api/v2/me", None, me)
    script.handshake("agent7")
    script.subscribe("agent7", "/v2/me/*")
    script.event("agent7", "/v2/me/workitems", {"state": "Invited"})
    path = tmp_path / "look.yaml"
    save(script.cassette, path)
    return str(path)


@pytest.fixture
def replay(cassette: str, authority: Path) -> Iterator[Running]:
    with cometape("replay", cassette, "--tls", "--confdir", str(authority)) as running:
        assert running.url().startswith("https://127.0.0.1:")
        yield running


def test_a_client_that_trusts_the_authority_is_answered_over_tls(
    replay: Running, authority: Path
) -> None:
    answer = ask(f"{replay.url()}/api/v2/me", context=trusting(authority))
    assert answer.json["user"]["uri"] == f"{replay.url()}/api/v2/users/1"


def test_one_that_does_not_is_not(replay: Running) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(f"{replay.url()}/api/v2/me", context=ssl.create_default_context())


@pytest.mark.parametrize("name", ["localhost", "gws.example", "other.example", "bücher.example"])
def test_there_is_a_certificate_for_whatever_name_a_client_asks_for(
    replay: Running, authority: Path, name: str
) -> None:
    """A name may lead to this machine by a hosts file, or inside a container."""
    port = int(replay.url().rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        trusting(authority).wrap_socket(plain, server_hostname=name) as secure,
    ):
        assert secure.version() in ("TLSv1.2", "TLSv1.3")


@pytest.mark.parametrize(
    "connection_type", [ConnectionType.LONG_POLLING, ConnectionType.WEBSOCKET], ids=str
)
def test_a_cometd_client_is_given_events_over_tls(
    replay: Running, authority: Path, connection_type: ConnectionType
) -> None:
    async def told() -> object:
        url = f"{replay.url()}/api/v2/notifications"
        async with (
            asyncio.timeout(20),
            Client(url, connection_type, ssl=trusting(authority)) as client,
        ):
            await client.subscribe("/v2/me/*")
            return (await client.receive())["data"]

    assert asyncio.run(told()) == {"state": "Invited"}


def certificate(folder: Path, authority: Path, *, encrypted: bool = False) -> Path:
    """A certificate for `localhost` with its key, in one file."""
    entry = CertStore.from_store(authority, "mitmproxy", 2048).get_cert(
        "localhost", [x509.DNSName("localhost")]
    )
    how = BestAvailableEncryption(b"secret") if encrypted else NoEncryption()
    key = entry.privatekey.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, how)
    path = folder / "own.pem"
    path.write_bytes(key + entry.cert.to_pem())
    return path


def test_a_certificate_of_ones_own(cassette: str, authority: Path, tmp_path: Path) -> None:
    own = str(certificate(tmp_path, authority))
    with cometape("replay", cassette, "--tls", "--certificate", own, "--host", "localhost") as one:
        assert ask(f"{one.url()}/api/v2/me", context=trusting(authority)).status == 200


def test_a_certificate_that_cannot_be_used_is_told_at_the_start(
    cassette: str, authority: Path, tmp_path: Path
) -> None:
    for path in (certificate(tmp_path, authority, encrypted=True), Path(cassette)):
        refused = cometape_once("replay", cassette, "--tls", "--certificate", str(path))
        assert refused.returncode == 2, refused
        assert f"{path} is no certificate with its key" in refused.stderr
        assert "unencrypted private key" in refused.stderr
