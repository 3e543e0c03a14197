"""Setbacks that wait: their clients have not fetched the events that were recorded before them.

A session that is lost takes its queue along, to the next one: so a client that does not poll at
once would be told of the loss before it is told of what had happened earlier. While a setback
waits, so do the events recorded after it. A session that never polls ends by its own silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cometape.core.run.live_client import LiveClient
from cometape.core.run.play import Due
from cometape.core.run.player import Run

from ..bayeux.server import BayeuxServer
from .setbacks import Setback


@dataclass(slots=True, eq=False)
class WaitingSetback:
    """One that waits."""

    run: Run
    setback: Setback
    client_ids: tuple[str, ...]
    """Of the sessions that it is to happen to."""
    later: list[Due] = field(default_factory=list)
    """Events that have come due meanwhile, and were recorded after it."""

    def concerns(self, run: Run, session: str) -> bool:
        """Whether it is a setback of that recorded session."""
        return self.run is run and self.setback.session == session


class WaitingSetbacks:
    """Those of all runs, in their order."""

    def __init__(self, bayeux: BayeuxServer) -> None:
        self._bayeux = bayeux
        self._waiting: list[WaitingSetback] = []

    def put_off(self, run: Run, setback: Setback) -> bool:
        """Let a setback wait, where there is something to wait for; whether it does.

        A session that the server ends waits for none: what it has not fetched comes with the
        farewell.
        """
        client = run.actors.get(setback.session)
        if not isinstance(client, LiveClient):
            return False
        waits = setback.kind != "ended" and self._have_to_fetch(client.client_ids)
        if waits or any(one.concerns(run, setback.session) for one in self._waiting):
            self._waiting.append(WaitingSetback(run, setback, tuple(client.client_ids)))
            return True
        return False

    def pass_on(self, dues: Sequence[Due]) -> Sequence[Due]:
        """Those of some due events that were not recorded after a setback that waits."""
        if not self._waiting:
            return dues
        passed: list[Due] = []
        for due in dues:
            for one in self._waiting:
                number = one.setback.number
                if one.concerns(due.run, due.session) and number < due.follower.number:
                    one.later.append(due)
                    break
            else:
                passed.append(due)
        return passed

    def take_ready(self) -> Iterator[WaitingSetback]:
        """Those whose clients have fetched what there was, or have lost their sessions anyway."""
        for one in tuple(self._waiting):
            session = one.setback.session
            first = next(each for each in self._waiting if each.concerns(one.run, session))
            if first is one and not self._have_to_fetch(one.client_ids):
                self._waiting.remove(one)
                yield one

    def _have_to_fetch(self, client_ids: Sequence[str]) -> bool:
        sessions = (self._bayeux.session(client_id) for client_id in client_ids)
        return any(session is not None and session.unfetched for session in sessions)
