"""Runs of one server never meet: whatever their clients do, and in whichever order."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from control_talk import AGENT, ITEMS, ControlTalk
from conversation import Client

NAMES = ("a", "b", "c")
ACTS = ("come", "look", "pull", "miss", "hold", "advance", "expire", "inject", "reset", "poll")

Act = tuple[str, str]
Acts = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(ACTS)), max_size=25)


class Played:
    """Runs on which clients act, and what each of them has seen."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.talk = ControlTalk()
        self.seen: dict[str, list[Any]] = {name: [] for name in names}
        self.clients: dict[str, Client] = {}
        for name in names:
            self.talk.post("/runs", {"name": name, "pace": "manual", "repeats": True})

    def act(self, name: str, what: str) -> None:
        talk, seen = self.talk, self.seen[name]
        clients, client = talk.clients(name), self.clients.get(name)
        if what == "come":
            client = clients.client(headers=AGENT)
            seen.append(client.handshake())
            seen.append(client.connect())
            seen.append(client.subscribe(ITEMS))
            self.clients[name] = client
        elif what == "look":
            seen.append(clients.send("GET", "/bins/A", headers=AGENT).body)
        elif what == "pull":
            seen.append(talk.pull(name))
        elif what == "miss":
            seen.append(clients.send("GET", "/nowhere", headers=AGENT).body)
        elif what == "advance":
            seen.append(talk.post(f"/runs/{name}/clock/advance", {"seconds": 31}).json)
        elif what == "reset":
            talk.post(f"/runs/{name}/reset")
        elif what == "expire":
            seen.append(talk.post(f"/runs/{name}/sessions/agent7/expire").status)
        elif what == "inject":
            wish = {"channel": ITEMS, "data": 1}
            seen.append(talk.post(f"/runs/{name}/events", wish).status)
        elif client is not None and what == "hold":
            client.send(client.message("/meta/connect", connectionType="long-polling"))
        elif client is not None and what == "poll":
            seen.append(client.poll())

    def end(self, name: str) -> list[Any]:
        report = self.talk.get(f"/runs/{name}/report").json
        journal = self.talk.get(f"/runs/{name}/journal?limit=1000").json
        return [*self.seen[name], report, journal]


@settings(max_examples=60, deadline=None)
@given(Acts)
def test_a_run_is_the_same_alone_and_among_others(acts: list[Act]) -> None:
    together = Played(NAMES)
    for name, what in acts:
        together.act(name, what)
    for name in NAMES:
        alone = Played((name,))
        for other, what in acts:
            if other == name:
                alone.act(name, what)
        assert together.end(name) == alone.end(name)
