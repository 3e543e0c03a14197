"""A proxy in front of a replay: the recorded host by its own name, and nobody else."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from http.client import IncompleteRead
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from mitmproxy.connection import Server
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from wsproto.events import AcceptConnection

from cometape.mitm.replay_proxy import ToReplay
from cometape.store.cassette_file import save
from front_clients import ask, trusting
from raw_client import RawClient, WebSocketClient, connected
from running import Running, cometape, cometape_once
from scripted import Script
from tls_origin import authority_in

CHANNEL = "/v2/me/workitems"
PATH = "/api/v2/notifications"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority that nobody trusts."""
    return authority_in(tmp_path_factory.mktemp("authority")).parent


@pytest.fixture
def cassette(tmp_path: Path) -> str:
    """A read whose URIs, cookie and redirect name `gws.example`, and an operation with an event."""
    script = Script(scenario="the agent pulls a workitem")
    script.ask(
        "agent7",
        "GET",
        "/api/v2/me",
        None,
        {"statusCode": 0, "user": {"uri": "https://gws.example/api/v2/users/1"}},
        answer_headers=[
            ("Set-Cookie", "JSESSIONID=<session:1>; Domain=gws.example; Secure; SameSite=None"),
        ],
    )
    script.handshake("agent7")
    script.subscribe("agent7", "/v2/me/*")
    script.ask("agent7", "POST", "/api/v2/me", {"operationName": "Pull"}, {"referenceId": 17})
    script.event("agent7", CHANNEL, {"referenceId": 17})
    path = tmp_path / "pull.yaml"
    save(script.cassette, path)
    return str(path)


@pytest.fixture
def proxy(cassette: str, authority: Path) -> Iterator[Running]:
    options = ("--proxy", "--no-strict", "--confdir", str(authority))
    with cometape("replay", cassette, *options) as running:
        running.url()
        yield running


def test_a_client_of_the_real_name_is_answered_in_that_name(
    proxy: Running, authority: Path
) -> None:
    answer = ask("https://gws.example/api/v2/me", proxy=proxy.url(), context=trusting(authority))
    assert answer.status == 200, answer
    assert answer.json["user"]["uri"] == "https://gws.example/api/v2/users/1"
    (cookie,) = answer.all("Set-Cookie")
    assert cookie.endswith("; Domain=gws.example; Secure; SameSite=None")


def test_a_client_without_tls_gets_uris_and_cookies_without(proxy: Running) -> None:
    answer = ask("http://gws.example:8090/api/v2/me", proxy=proxy.url())
    assert answer.json["user"]["uri"] == "http://gws.example:8090/api/v2/users/1"
    (cookie,) = answer.all("Set-Cookie")
    assert cookie.endswith("; Domain=gws.example")


def test_what_a_client_says_of_itself_is_not_taken_for_the_proxys_word(proxy: Running) -> None:
    headers = {"Forwarded": "proto=https", "Proxy-Authorization": "Basic eDp5"}
    answer = ask("http://gws.example/api/v2/me", proxy=proxy.url(), headers=headers)
    assert answer.json["user"]["uri"] == "http://gws.example/api/v2/users/1"


def test_every_other_host_is_refused_and_told(proxy: Running, authority: Path) -> None:
    plain = ask("http://elsewhere.example/api/v2/me", proxy=proxy.url())
    assert plain.status == 599
    assert plain.json["reason"] == "host-not-recorded"
    assert "is not in the cassette, which is of gws.example" in plain.json["detail"]
    with pytest.raises(OSError, match="599"):  # http.client's word for a refused tunnel
        ask("https://bank.example/", proxy=proxy.url(), context=trusting(authority))
    assert proxy.stop() == 0
    assert "refused: elsewhere.example is no recorded host" in proxy.stderr
    told = "refused, for they were not recorded: bank.example (1), elsewhere.example (1)"
    assert told in proxy.stdout


def test_a_tunnel_to_a_recorded_host_leads_nowhere_else(proxy: Running, authority: Path) -> None:
    """Whatever `Host`, or absolute target, a client writes into a tunnel."""
    context = trusting(authority)
    answer = ask(
        "https://gws.example/api/v2/me",
        proxy=proxy.url(),
        context=context,
        headers={"Host": "bank.example"},
    )
    assert answer.status == 200  # of the cassette: there is nothing else it could be of
    assert answer.json["user"]["uri"].endswith("/api/v2/users/1")


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("fault", ["reset=before", "reset=instead", "cut=0.9"])
def test_a_connection_that_a_fault_breaks_is_broken_for_the_client(
    cassette: str, authority: Path, fault: str, scheme: str
) -> None:
    """No answer of the proxy's own comes instead; the next request is answered."""
    options = ("--proxy", "--no-strict", "--confdir", str(authority), "--no-control")
    with cometape("replay", cassette, *options, "--fault", f"{fault} nth=1") as replay:
        url = f"{scheme}://gws.example/api/v2/me"
        with pytest.raises((ConnectionResetError, IncompleteRead)):
            ask(url, proxy=replay.url(), context=trusting(authority))
        again = ask(url, proxy=replay.url(), context=trusting(authority))
        assert (again.status, again.json["statusCode"]) == (200, 0)


def test_the_host_of_an_absolute_target_counts_and_not_another_in_the_host_field(
    proxy: Running,
) -> None:
    """RFC 9112, 3.2.2: a proxy ignores the field `Host` of a request with an absolute target."""
    headers = {"Host": "bank.example"}
    answer = ask("http://gws.example:8090/api/v2/me", proxy=proxy.url(), headers=headers)
    assert answer.json["user"]["uri"] == "http://gws.example:8090/api/v2/users/1"


def test_no_connection_is_opened_but_to_the_replay_server() -> None:
    """mitmproxy asks before each connection; whatever asks, only one address is let through."""
    addon = ToReplay("http://127.0.0.1:4711", {"gws.example"}, lambda host: None)

    def asked(address: tuple[str, int]) -> str | None:
        data = SimpleNamespace(server=Server(address=address))
        addon.server_connect(cast(ServerConnectionHookData, data))
        error: str | None = data.server.error
        return error

    assert asked(("127.0.0.1", 4711)) is None
    for other in (("127.0.0.1", 4712), ("gws.example", 443), ("localhost", 4711)):
        assert "a replay opens no connection to" in str(asked(other))


def test_a_listening_machine_hears_nothing_of_a_refused_host(proxy: Running) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.5)
        url = f"http://127.0.0.1:{other.getsockname()[1]}/api/v2/me"
        assert ask(url, proxy=proxy.url()).status == 599
        with pytest.raises(TimeoutError):
            other.accept()


def test_events_follow_by_long_polling_through_a_tunnel(proxy: Running, authority: Path) -> None:
    context = trusting(authority)
    jar: dict[str, str] = {"Content-Type": "application/json"}

    def say(message: dict[str, Any]) -> list[dict[str, Any]]:
        answer = ask(
            f"https://gws.example{PATH}",
            proxy=proxy.url(),
            context=context,
            method="POST",
            body=json.dumps([message]).encode(),
            headers=jar,
        )
        assert answer.status == 200, answer
        return cast(list[dict[str, Any]], answer.json)

    me = ask("https://gws.example/api/v2/me", proxy=proxy.url(), context=context)
    jar["Cookie"] = me.all("Set-Cookie")[0].partition(";")[0]
    types = ["long-polling"]
    (hello,) = say(
        {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": types}
    )
    common = {"clientId": hello["clientId"]}
    connect = {"channel": "/meta/connect", "connectionType": "long-polling", **common}
    say(connect)
    say({"channel": "/meta/subscribe", "subscription": "/v2/me/*", **common})
    seen: list[list[dict[str, Any]]] = []
    poll = threading.Thread(target=lambda: seen.append(say(connect)))
    poll.start()
    pulled = ask(
        "https://gws.example/api/v2/me",
        proxy=proxy.url(),
        context=context,
        method="POST",
        body=b'{"operationName":"Pull"}',
        headers=jar,
    )
    poll.join(10)
    ((event, _),) = seen
    assert event["data"]["referenceId"] == pulled.json["referenceId"] != 17


def test_a_websocket_through_a_tunnel(proxy: Running, authority: Path) -> None:
    """Chromium, Java and Node open WebSockets through proxies so."""
    with tunnel(proxy.url(), "gws.example", trusting(authority)) as client:
        websocket = WebSocketClient("https://gws.example", PATH, raw=client)
        assert isinstance(websocket.greeting, AcceptConnection)
        hello = {"channel": "/meta/handshake", "supportedConnectionTypes": ["websocket"]}
        websocket.send(json.dumps([{**hello, "id": "1", "version": "1.0"}]))
        (reply,) = json.loads(websocket.text())
        assert reply["successful"] is True


@contextlib.contextmanager
def tunnel(proxy: str, host: str, context: ssl.SSLContext) -> Iterator[RawClient]:
    """A client whose bytes go through a tunnel, and TLS, to a host."""
    with connected(proxy) as client:
        client.send(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        assert client.answer(to_head=True).status == 200
        client.socket = context.wrap_socket(client.socket, server_hostname=host)
        yield client


def test_without_a_recorded_host_somebody_must_name_one(tmp_path: Path, authority: Path) -> None:
    path = tmp_path / "nowhere.yaml"
    script = Script(origin=None)
    script.ask("a", "GET", "/x", None, {"x": 1})
    save(script.cassette, path)
    options = ("--proxy", "--confdir", str(authority))
    refused = cometape_once("replay", str(path), *options)
    assert refused.returncode == 2
    assert "--origin https://gws.example" in refused.stderr
    with cometape("replay", str(path), *options, "--origin", "http://gws.example") as running:
        assert ask("http://GWS.example/x", proxy=running.url()).json == {"x": 1}


@pytest.mark.parametrize(
    "options",
    [("--proxy", "--tls"), ("--origin", "http://gws.example"), ("--certificate", "/dev/null")],
    ids=" ".join,
)
def test_options_that_do_not_go_together(cassette: str, options: tuple[str, ...]) -> None:
    assert cometape_once("replay", cassette, *options).returncode == 2
