"""Eager clients of a replay, in memory: each asks as soon as it may, and always has a poll waiting.

They wait for no event, so they can meet every legal order of a cassette.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cometape.core.cassette import Exchange as Recorded
from conversation import Exchange
from scripted import JSON_HEADERS, Person, Script, Stage

CHANNELS = "/x/**"


@dataclass
class Eager:
    """One of them; what it has seen is a list of entry numbers, a poll's events as a tuple."""

    person: Person
    todo: list[Recorded]
    patient: bool = False
    """Whether it waits for the events of an answer before it asks again."""
    seen: list[Any] = field(default_factory=list)
    asked: tuple[int, Exchange] | None = None
    poll: Exchange | None = None
    awaited: int = 0

    @property
    def is_waiting(self) -> bool:
        """Whether it has asked for something that has not come; a poll is no such thing."""
        return self.asked is not None and self.asked[1].held

    def go_on(self, stage: Stage, events: dict[int, int]) -> bool:
        """Do the next thing; whether there was one. `events` counts those of each entry."""
        client = self.person.client
        assert client is not None
        if self.poll is None or not self.poll.held:
            if self.poll is not None:
                found = [event["data"]["event"] for event in self.poll.events]
                self.awaited -= len(found)
                self.seen += [tuple(found)] if len(found) > 1 else found
            message = client.message("/meta/connect", connectionType="long-polling")
            self.poll = client.send(message)
            return True
        if self.asked is not None:
            number, exchange = self.asked
            if exchange.held:
                return False
            assert exchange.status == 200, exchange.body
            self.seen.append(number)
            self.asked = None
            self.awaited += events.get(number, 0)
            return True
        if not self.todo or (self.patient and self.awaited > 0):
            return False
        recorded = self.todo.pop(0)
        request = recorded.request
        exchange = stage.talk.send(
            request.method,
            request.target,
            headers=[*self.person.headers, *JSON_HEADERS],
            body=request.body,
            connection=self.person.connection,
        )
        self.asked = (recorded.number, exchange)
        return True


def played(script: Script, *, patient: bool = False, **settings: Any) -> tuple[Stage, list[Eager]]:
    """A replay of a script, to an eager client for each of its sessions, until all have come.

    With the pace manual the clock is advanced to an event where nothing else is to be done.
    """
    stage = Stage(script, **settings)
    exchanges = [
        entry
        for entry in script.entries
        if isinstance(entry, Recorded) and entry.response is not None
    ]
    clients = []
    for session in dict.fromkeys(entry.session for entry in script.entries):
        person = stage.person(session)
        person.listen(CHANNELS)
        clients.append(Eager(person, [one for one in exchanges if one.session == session], patient))
    events: dict[int, int] = {}
    for follower in stage.service.replay.playbook.all_followers():
        events[follower.anchor] = events.get(follower.anchor, 0) + 1
    for _ in range(1000):
        if any([client.go_on(stage, events) for client in clients]):
            continue
        deadline_s = stage.talk.service.deadline_s()
        if deadline_s is None and stage.run is not None:
            assert not any(client.is_waiting for client in clients), "no answer waits for the clock"
            if not any(one.what == "event" for one in stage.run.moment(0.0).pending):
                return stage, clients
            stage.talk.carry_out(stage.run.advance_to_next("event"))
            continue
        if deadline_s is None or deadline_s > stage.talk.now_s + 5:  # a poll's timeout
            return stage, clients
        stage.talk.advance(deadline_s - stage.talk.now_s)
    raise AssertionError("it never came to an end")
