"""Listening: in a thread, as a command; addresses, ports in use, signals, the end."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from cometape.core.errors import ConfigurationError
from cometape.core.service import Respond
from cometape.server.listener import BackgroundServer, Listener
from raw_client import WebSocketClient, connected
from real_clients import unavailable
from running import running
from tiny_service import TinyService, ok

SUPPORT = Path(__file__).parents[1] / "support"
PROGRAM = f"""
import sys
sys.path.insert(0, {str(SUPPORT)!r})
from tiny_service import TinyService
from cometape.server.listener import serve
service = TinyService()
serve(service, on_listening=lambda url: print("at", url, flush=True))
print("departed", sorted(service.departed), flush=True)
"""


def test_a_background_server_serves_on_a_free_port_until_its_block_ends() -> None:
    with BackgroundServer(TinyService()) as server:
        with connected(server.url) as client:
            assert client.get("/").status == 200
        url = server.url
    with pytest.raises(ConnectionRefusedError), connected(url):
        pass


def test_a_background_server_leaves_no_thread() -> None:
    before = threading.active_count()
    server = BackgroundServer(TinyService()).start()
    server.stop()
    server.stop()
    assert threading.active_count() == before


def test_servers_side_by_side_do_not_meet() -> None:
    one, two = TinyService(), TinyService()
    with BackgroundServer(one) as first, BackgroundServer(two) as second:
        with connected(first.url) as client:
            client.get("/")
        assert first.url != second.url
    assert (len(one.requests), len(two.requests)) == (1, 0)


def test_a_call_runs_between_two_requests_and_brings_back_what_it_returns_or_raises() -> None:
    def fail() -> None:
        raise LookupError("as wanted")

    with BackgroundServer(TinyService()) as server:
        assert server.call(threading.current_thread).name == "cometape server"
        with pytest.raises(LookupError, match="as wanted"):
            server.call(fail)


def test_a_call_may_come_from_the_servers_own_thread_and_after_its_end() -> None:
    server = BackgroundServer(TinyService())
    with server:
        assert server.call(lambda: server.call(lambda: 1)) == 1
    assert server.call(lambda: 2) == 2


def test_the_actions_of_a_change_from_outside_are_carried_out() -> None:
    service = TinyService()
    with BackgroundServer(service) as server, connected(server.url) as client:
        client.ask("/hold")
        while not server.call(lambda: service.held):
            pass
        server.perform(lambda now_s: [Respond(service.held[0][0], ok("from outside"))])
        assert client.answer().body == b"from outside"


def test_a_deadline_set_from_outside_is_kept() -> None:
    service = TinyService()
    with BackgroundServer(service) as server, connected(server.url) as client:
        client.ask("/hold")
        while not server.call(lambda: service.held):
            pass

        def make_due(now_s: float) -> list[Respond]:
            service.due.append((now_s + 0.02, service.held[0][0]))
            return []

        server.perform(make_due)
        assert client.answer().body == b"late"


def test_a_port_in_use_is_named_with_what_to_do() -> None:
    with BackgroundServer(TinyService()) as server:
        port = int(server.url.rsplit(":", 1)[1])
        with pytest.raises(ConfigurationError) as caught:
            BackgroundServer(TinyService(), port=port).start()
    assert str(port) in caught.value.what
    assert "--port 0" in caught.value.hint
    assert (caught.value.reason, caught.value.exit_code) == ("port-in-use", 2)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_a_host_that_is_not_here_is_named(host: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        BackgroundServer(TinyService(), host).start()
    assert host in caught.value.what
    assert caught.value.reason == "host-unknown"


def test_localhost_is_one_address_and_one_port() -> None:
    with BackgroundServer(TinyService(), "localhost") as server, connected(server.url) as client:
        assert server.url.startswith("http://localhost:")
        assert client.get("/").status == 200


def test_an_ipv6_address_stands_in_brackets() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        unavailable("the loopback has no IPv6: `sysctl net.ipv6.conf.lo.disable_ipv6=0`")
    with BackgroundServer(TinyService(), "::1") as server, connected(server.url) as client:
        assert server.url.startswith("http://[::1]:")
        assert client.get("/").status == 200


def test_a_port_can_be_used_again_at_once() -> None:
    with BackgroundServer(TinyService()) as server, connected(server.url) as client:
        client.get("/")
        port = int(server.url.rsplit(":", 1)[1])
    with BackgroundServer(TinyService(), port=port) as server, connected(server.url) as client:
        assert client.get("/").status == 200


def test_stopping_tells_the_service_that_everybody_is_gone() -> None:
    service = TinyService()
    with BackgroundServer(service) as server, connected(server.url) as client:
        client.ask("/hold")
        while not server.call(lambda: service.held):
            pass
        server.stop()
        assert client.rest() == b""
    assert service.departed == [1]


def test_a_listener_lives_in_a_loop_of_its_user() -> None:
    async def session() -> bytes:
        listener = Listener(TinyService())
        url = await listener.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        data = await reader.read()
        writer.close()
        await listener.stop()
        await listener.stop()
        return data

    assert asyncio.run(session()).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_serving_program_cleanly_and_held_clients_with_it(
    how: signal.Signals,
) -> None:
    with running(sys.executable, "-c", PROGRAM) as program:
        url = program.url()
        with connected(url) as client:
            client.ask("/hold")
            held = WebSocketClient(url)
            assert program.stop(how) == 0
            assert client.rest() == b""
            assert held.closed().code == 1001
            held.raw.close()
        assert program.stdout == [f"listening on {url}", f"at {url}", "departed [1, 2]"]
        assert program.stderr == ""
