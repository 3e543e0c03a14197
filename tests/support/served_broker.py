"""A broker on a socket in this process, and what a control hook would do to its sessions."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace

from cometape.core.bayeux.actions import BayeuxAction
from cometape.core.bayeux.settings import Settings
from cometape.core.broker import Broker
from cometape.core.cors import CorsService
from cometape.core.service import Action
from cometape.server.listener import BackgroundServer


class Served:
    """A broker on a free port of 127.0.0.1."""

    def __init__(self, broker: Broker, server: BackgroundServer) -> None:
        self.broker = broker
        self.server = server
        self.url = server.url
        self.port = server.url.rpartition(":")[2]

    def do(self, what: str, client_id: str) -> None:
        """Expire a session, or disconnect it."""

        def change(now_s: float) -> list[Action]:
            bayeux = self.broker.bayeux
            end = bayeux.expire if what == "expire" else bayeux.disconnect
            actions: list[BayeuxAction] = end(client_id, now_s)
            return self.broker.endpoint.actions(actions)

        self.server.perform(change)

    def sessions(self) -> dict[str, list[str]]:
        """The subscriptions of every living session."""
        bayeux = self.broker.bayeux
        return self.server.call(
            lambda: {session.client_id: list(session.subscriptions) for session in bayeux.sessions}
        )

    def held(self, client_id: str) -> bool:
        """Whether a connect of that session is being held."""
        return self.server.call(lambda: self.broker.bayeux.held(client_id))


@contextlib.contextmanager
def served_broker(settings: Settings | None = None) -> Iterator[Served]:
    """A broker that is served while the block lasts, and knows the date."""
    offset_s = time.time() - time.monotonic()
    broker = Broker(replace(settings or Settings(), wall_offset_s=offset_s))
    with BackgroundServer(CorsService(broker)) as server:
        yield Served(broker, server)
