"""Recorded once, over long-polling by one client; replayed to every client over everything it has.

The chat is recorded from npm's `cometd-nodejs-server`, the desk from the simulated Workbins system.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import node_runtime
import workbins_desk as desk
from node_client import (
    NODE,
    Seen,
    Step,
    carry_out,
    disconnect,
    open_session,
    publish,
    require,
    rest,
    start,
    wait,
)
from real_clients import CLIENTS, OVER, Client, Transport
from recorded import Recording, recorded_simulator, recorder, replayed
from running import running

require("cometd9", "server")

CHAT: tuple[Step, ...] = (
    rest("rooms", "GET", "/api/rooms"),
    open_session("/chat/*"),
    publish("greet", "/chat/hall", {"from": "Zoë", "text": "hello"}),
    wait("greeted", "/chat/hall", text="hello"),
    publish("ask", "/service/echo", {"question": 17}),
    wait("echoed", "/service/echo", echo__question=17),
    rest("say", "POST", "/api/say", {"room": "yard", "text": "spoken"}),
    wait("said", "/chat/yard", text="spoken"),
    rest("say more", "POST", "/api/say", {"room": "yard", "text": "more"}),
    wait("more said", "/chat/yard", text="more"),
    rest("rooms after", "GET", "/api/rooms"),
    disconnect(),
)

PROFILE = """\
profile: chat
extends: bayeux
identities:
  reference-id:
    form: integer
    scope: session
    issued: [response.json referenceId]
    used: [event.data referenceId]
"""


def log_of(seen: Seen) -> dict[str, Any]:
    """What an application sees, ids by the name of the step that issued them.

    Of two connections of a client neither is first, so answers and events are told apart.
    """
    issued = {
        answer.json["referenceId"]: f"<{step}>"
        for step, answer in seen.answers.items()
        if "referenceId" in answer.json
    }

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: issued[item] if name == "referenceId" else named(item)
                for name, item in value.items()
            }
        return value

    published = [line for line in seen.lines if line["kind"] == "published"]
    return {
        "answers": {s: (a.status, named(a.json)) for s, a in seen.answers.items()},
        "published": {line["step"]: line["message"]["successful"] for line in published},
        "events": [(event.channel, named(event.data)) for event in seen.events],
    }


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """cometd 9 in a chat, over long-polling."""
    folder = tmp_path_factory.mktemp("chat")
    (folder / "profile.yaml").write_text(PROFILE, encoding="utf-8")
    with (
        running(node_runtime.node(), str(NODE / "server" / "server.js")) as server,
        recorder(
            server.url(), folder / "chat.yaml", "--profile", str(folder / "profile.yaml")
        ) as url,
    ):
        seen = carry_out("cometd9", url, CHAT, path="/cometd")
    assert seen.finished, str(seen)
    return Recording(folder / "chat.yaml", (seen,))


@pytest.fixture(scope="module")
def chat_replay(chat: Recording) -> Iterator[str]:
    """One replay server for all clients; at its end nothing was missed, nothing left over."""
    profile = chat.cassette.with_name("profile.yaml")
    with replayed(chat.cassette, "--profile", str(profile)) as url:
        yield url


@pytest.mark.parametrize(("client", "transport"), OVER)
def test_d07_d08_whoever_replays_sees_what_was_recorded(
    chat: Recording, chat_replay: str, client: Client, transport: Transport
) -> None:
    """Other ids, other batches, another connection type: the same log for the application."""
    (recorded,) = chat.seen
    seen = carry_out(client, chat_replay, CHAT, path="/cometd", transport=transport)
    assert seen.finished, str(seen)
    assert seen.transport == transport
    assert log_of(seen) == log_of(recorded)
    assert not set(seen.client_ids) & set(recorded.client_ids)
    said, more = (seen.answer(step).json["referenceId"] for step in ("say", "say more"))
    assert said != more
    assert not {said, more} & {
        recorded.answer(step).json["referenceId"] for step in ("say", "say more")
    }
    assert seen.waited("said").at_s > seen.answer("say").sent_s


@pytest.fixture(scope="module")
def desk_recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """agent7's session, over long-polling."""
    cassette = tmp_path_factory.mktemp("desk") / "desk.yaml"
    with recorded_simulator(cassette) as url:
        seen = carry_out("cometd9", url, desk.desk(), user=desk.AGENT_7)
    assert seen.finished, str(seen)
    return Recording(cassette, (seen,))


@pytest.mark.parametrize("transport", ["long-polling", "websocket"])
def test_every_client_at_once_has_a_session_of_its_own(
    desk_recording: Recording, transport: Transport
) -> None:
    """One user many times over, told apart by the cookie of the first answer."""
    with replayed(desk_recording.cassette) as url:
        clients = {
            name: start(name, url, desk.desk(), user=desk.AGENT_7, transport=transport, limit_s=60)
            for name in CLIENTS
        }
        seen = {name: client.seen() for name, client in clients.items()}
    for one in seen.values():
        desk.assert_replayed(one, desk_recording.seen[0])
        assert one.transport == transport
    client_ids = [client_id for one in seen.values() for client_id in one.client_ids]
    assert len(set(client_ids)) == len(client_ids) >= len(CLIENTS)
