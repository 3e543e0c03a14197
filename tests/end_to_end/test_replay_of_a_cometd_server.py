"""Recorded from npm's `cometd-nodejs-server`, a CometD server that nobody here wrote, and replayed.

It knows nothing of Workbins: the recording is made with the generic profile, `bayeux`, and with one
that a user might write for it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import node_runtime
from node_client import (
    NODE,
    VERSIONS,
    Seen,
    Step,
    Transport,
    Version,
    carry_out,
    disconnect,
    open_session,
    publish,
    require,
    rest,
    start,
    wait,
)
from recorded import Recording, recorder, replayed
from running import running

require(*VERSIONS, "server")

PLAN: tuple[Step, ...] = (
    rest("rooms", "GET", "/api/rooms"),
    open_session("/chat/*"),
    publish("greet", "/chat/hall", {"from": "Zoë", "text": "hello"}),
    wait("greeted", "/chat/hall", text="hello"),
    publish("ask", "/service/echo", {"question": 17}),
    wait("echoed", "/service/echo", echo__question=17),
    rest("say", "POST", "/api/say", {"room": "yard", "text": "spoken"}),
    wait("said", "/chat/yard", text="spoken"),
    disconnect(),
)


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> Version:
    """Which cometd records and is replayed to."""
    chosen: Version = request.param
    return chosen


@pytest.fixture(scope="module")
def recording(version: Version, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """One client in a chat, recorded once."""
    cassette = tmp_path_factory.mktemp(version) / "chat.yaml"
    with (
        running(node_runtime.node(), str(NODE / "server" / "server.js")) as server,
        recorder(server.url(), cassette, "--profile", "bayeux") as url,
    ):
        seen = carry_out(version, url, PLAN, path="/cometd")
    assert seen.finished, str(seen)
    return Recording(cassette, (seen,))


def assert_same_conversation(seen: Seen, recorded: Seen) -> None:
    """The same answers and the same events, each after what causes it, in an own session."""
    assert seen.finished, str(seen)
    assert not set(seen.client_ids) & set(recorded.client_ids)
    for step in ("rooms", "say"):
        assert seen.answer(step).status == 200
        assert seen.answer(step).json == recorded.answer(step).json
    said = seen.waited("said")
    assert said.data == recorded.waited("said").data
    assert said.at_s > seen.answer("say").sent_s
    for step in ("greeted", "echoed"):
        assert seen.waited(step).data == recorded.waited(step).data
    assert len(seen.events) == len(recorded.events), "once each"


TRANSPORTS: tuple[Transport, ...] = ("long-polling", "websocket")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_same_client_again(
    version: Version, recording: Recording, transport: Transport
) -> None:
    with replayed(recording.cassette) as url:
        for _ in range(2):
            seen = carry_out(version, url, PLAN, path="/cometd", transport=transport)
            assert_same_conversation(seen, recording.seen[0])


def test_two_clients_at_once_with_the_other_version(version: Version, recording: Recording) -> None:
    """Who recorded does not matter; each client has its own chat.

    Not strict: nothing tells whose a read is that came before either handshake.
    """
    other: Version = "cometd9" if version == "cometd3" else "cometd3"
    with replayed(recording.cassette, "--no-strict") as url:
        clients = [start(which, url, PLAN, path="/cometd") for which in (version, other)]
        seen = [client.seen() for client in clients]
        for one in seen:
            assert_same_conversation(one, recording.seen[0])
        assert not set(seen[0].client_ids) & set(seen[1].client_ids)


def test_a_profile_of_ones_own_ties_events_to_requests(version: Version, tmp_path: Path) -> None:
    """Told which field is an id, the replay issues fresh ones, in the answer and in the event."""
    profile, cassette = tmp_path / "chat-profile.yaml", tmp_path / "chat.yaml"
    profile.write_text(PROFILE, encoding="utf-8")
    with (
        running(node_runtime.node(), str(NODE / "server" / "server.js")) as server,
        recorder(server.url(), cassette, "--profile", str(profile)) as url,
    ):
        recorded = carry_out(version, url, PLAN, path="/cometd")
    with replayed(cassette, "--profile", str(profile)) as url:
        seen = carry_out(version, url, PLAN, path="/cometd")
    assert seen.finished, str(seen)
    live = seen.answer("say").json["referenceId"]
    assert live != recorded.answer("say").json["referenceId"]
    assert seen.waited("said").data == {"referenceId": live, "text": "spoken"}
    assert seen.waited("said").at_s > seen.answer("say").sent_s


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
