"""Runs on listening sockets of their own, and the control API beside them, over real sockets."""

from __future__ import annotations

import json
import threading

import pytest

from cometape.control_client import Control, RemoteRun
from cometape.core.errors import CometapeError, ConfigurationError
from control_talk import ITEMS
from raw_agent import AGENT
from raw_agent import RawAgent as Agent
from raw_client import RawClient, connected
from run_servers import controlled, run_server


def test_a_run_has_an_address_until_it_is_deleted() -> None:
    with controlled() as control:
        run = control.run("a")
        assert run.url != control.existing().url
        with connected(run.url) as client:
            assert client.get("/bins/A", headers=AGENT).json() == {"seen": 17}
        run.delete()
        with pytest.raises(ConnectionRefusedError), connected(run.url):
            pass
        assert [one.name for one in control.runs()] == ["default"]


def test_a_port_that_is_taken_is_a_problem() -> None:
    with controlled() as control:
        taken = int(control.existing().url.rpartition(":")[2])
        with pytest.raises(CometapeError, match=f"port {taken}") as caught:
            control.run("a", port=taken)
        assert caught.value.reason == "port-in-use"
        assert [one.name for one in control.runs()] == ["default"]


def test_an_agent_is_governed_from_outside() -> None:
    with controlled() as control, control.run(pace="manual") as run:
        agent = Agent(run.url)
        agent.hold()
        assert run.held("agent7", wait_s=5)
        agent.pull()
        assert run.advance_to_next("event")["now_s"] == pytest.approx(0.9)
        assert agent.held_answer()[0]["data"]["n"] == 1
        agent.hold()
        assert run.held(wait_s=5)
        run.advance(30)
        assert agent.held_answer() == [{"id": "1", "channel": "/meta/connect", "successful": True}]
        agent.hold()
        assert run.held(wait_s=5)
        run.inject(ITEMS, {"made": "up"}, to="agent7")
        assert agent.held_answer()[0]["data"] == {"made": "up"}
        agent.look()
        assert run.verify(wait_s=5)["passed"]
        assert '"kind": "event"' in json.dumps(run.journal())
        agent.close()


def test_a_call_that_waits_is_answered_when_its_condition_comes_true() -> None:
    with controlled() as control:
        run = control.existing()
        found: list[bool] = []
        waiting = threading.Thread(target=lambda: found.append(run.held("agent7", wait_s=20)))
        waiting.start()
        agent = Agent(run.url)
        agent.hold()
        waiting.join(20)
        assert found == [True]
        agent.close()


def test_sessions_are_expired_disconnected_and_dropped() -> None:
    with controlled() as control:
        run = control.existing()
        agent = Agent(run.url)
        agent.hold()
        assert run.held(wait_s=5)
        run.drop("agent7")
        assert agent.holding.rest() == b""
        assert [one["client"] for one in run.sessions()] == ["agent7"]
        agent.holding.socket.close()
        agent.holding = RawClient(run.url)
        agent.hold()
        assert run.held(wait_s=5)
        run.expire("agent7")
        assert agent.held_answer()[-1]["error"].startswith("402")
        other = Agent(run.url)
        other.hold()
        assert run.held(wait_s=5)
        run.disconnect("agent7")
        assert other.held_answer()[0]["channel"] == "/meta/disconnect"
        run.drop()
        assert other.plain.rest() == b""
        for one in (agent, other):
            one.close()


def test_a_reset_cuts_every_client_off_and_begins_anew() -> None:
    with controlled() as control:
        run = control.existing()
        agent = Agent(run.url)
        first = agent.pull()
        agent.hold()
        assert run.held(wait_s=5)
        run.reset()
        assert agent.holding.rest() == b""
        assert agent.plain.rest() == b""
        again = Agent(run.url)
        assert again.pull() == first
        for one in (agent, again):
            one.close()


def test_ending_a_server_ends_its_runs_and_what_waits() -> None:
    with run_server() as server:
        control = Control(server.control_url)
        run = control.run("a")
        failed: list[str] = []

        def wait() -> None:
            try:
                run.held(wait_s=60)
            except CometapeError as error:
                failed.append(error.reason)

        waiting = threading.Thread(target=wait)
        waiting.start()
        Agent(run.url).close()
    waiting.join(20)
    assert failed == ["unreachable"]
    with pytest.raises(ConnectionRefusedError), connected(run.url):
        pass


def test_a_body_of_more_than_a_megabyte_is_refused() -> None:
    with controlled() as control, connected(control.url) as client:
        headers = f"Content-Length: {1 << 21}\r\nContent-Type: application/json\r\n"
        client.ask("/runs", method="POST", headers=headers)
        answer = client.answer()
        assert (answer.status, answer.json()["reason"]) == (413, "body-too-large")


def test_the_client_says_what_is_wrong() -> None:
    with pytest.raises(ConfigurationError, match="is not the address"):
        Control("localhost:1")
    with controlled() as control:
        with pytest.raises(CometapeError, match="no run 'x'") as caught:
            control.existing("x")
        assert caught.value.reason == "no-run"
        missing: RemoteRun = control.run("a")
        missing.delete()
        with pytest.raises(CometapeError, match="no run 'a'"):
            missing.report()
