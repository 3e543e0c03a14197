"""The Bayeux server judged by clients that nobody here wrote: npm's cometd and aiocometd-ng."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiocometd_ng.client import Client
from aiocometd_ng.constants import ConnectionType

import node_runtime
from real_clients import COMETDS, Cometd, Transport, require
from served_broker import Served, served_broker

# How aiocometd-ng calls aiohttp to open a WebSocket.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{what} is deprecated:DeprecationWarning")
    for what in ("float parameter 'receive_timeout'", "ssl=None")
]

JUDGE = Path(__file__).parents[1] / "node" / "judge.cjs"
TYPES = (ConnectionType.LONG_POLLING, ConnectionType.WEBSOCKET)


@pytest.fixture
def served() -> Iterator[Served]:
    with served_broker() as broker:
        yield broker


@pytest.mark.parametrize("version", COMETDS)
@pytest.mark.parametrize(
    ("transport", "extensions"),
    [
        ("long-polling", ""),
        ("websocket", ""),
        ("callback-polling", ""),
        ("long-polling", "extensions"),
        ("websocket", "extensions"),
    ],
)
def test_d01_d02_d03_npm_cometd_is_content(
    served: Served, version: Cometd, transport: Transport, extensions: str
) -> None:
    """D01 remote call, D02 disconnect by the server, D03 expiry and a new handshake."""
    require(version)
    command = [node_runtime.node(), str(JUDGE), version, served.url, transport, extensions]
    said = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as judge:
        assert judge.stdout is not None
        for line in judge.stdout:
            said.append(line)
            what, _, client_id = line.strip().partition(" ")
            if what in ("expire", "disconnect"):
                served.do(what, client_id)
    assert said[-1] == "ok\n", "".join(said)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("connection_type", TYPES, ids=lambda one: str(one.value))
def test_aiocometd_chats(served: Served, connection_type: ConnectionType, host: str) -> None:
    """C49: by the name of the host it keeps cookies, by its address it drops them."""
    url = f"http://{host}:{served.port}/cometd"

    async def chat() -> None:
        async with (
            asyncio.timeout(20),
            Client(url, connection_type) as one,
            Client(url, connection_type) as two,
        ):
            for client, user, members in [(one, "user1", ["user1"]), (two, "user2", None)]:
                await client.subscribe("/chat/demo")
                await client.subscribe("/members/demo")
                joined = {"user": user, "chat": f"{user} has joined"}
                await client.publish("/chat/demo", joined)
                await client.publish("/service/members", {"user": user, "room": "/chat/demo"})
                both = members or ["user1", "user2"]
                for reader in [one] if client is one else [one, two]:
                    assert await reader.receive() == {"channel": "/chat/demo", "data": joined}
                    assert await reader.receive() == {"channel": "/members/demo", "data": both}

    asyncio.run(chat())


@pytest.mark.parametrize("connection_type", TYPES, ids=lambda one: str(one.value))
def test_d03_aiocometd_recovers_when_its_session_is_lost(
    served: Served, connection_type: ConnectionType
) -> None:
    """D03: it handshakes again, connects and subscribes in one request, and goes on."""
    url = f"http://localhost:{served.port}/cometd"

    async def chat() -> None:
        async with asyncio.timeout(20), Client(url, connection_type) as client:
            await client.subscribe("/chat/demo")
            (lost,) = served.sessions()
            served.do("expire", lost)
            while list(served.sessions().values()) != [["/chat/demo"]]:
                await asyncio.sleep(0.01)
            await client.publish("/chat/demo", {"text": "again"})
            assert (await client.receive())["data"] == {"text": "again"}

    asyncio.run(chat())
