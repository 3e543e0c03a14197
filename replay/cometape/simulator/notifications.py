"""CometD at `/api/v2/notifications`: what the Bayeux protocol leaves open, decided as GWS does.

Channels are named `/v2/me/…` for everybody; events go by the session, and only to those subscribed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from cometape.core.bayeux.application import (
    PUBLISHED,
    Accepted,
    Carrier,
    Published,
    Reason,
    Refused,
)
from cometape.core.bayeux.channel import is_service
from cometape.core.bayeux.endpoint import BayeuxEndpoint
from cometape.core.bayeux.server import BayeuxServer
from cometape.core.bayeux.session import Session
from cometape.core.bayeux.settings import Settings
from cometape.core.json_value import JsonObject
from cometape.core.service import Action

from .accounts import HttpSession
from .config import WorkbinsConfig
from .identifiers import Identifiers

PATH = "/api/v2/notifications"


class Notifications:
    """The Bayeux server of the simulator, and its application."""

    def __init__(
        self,
        config: WorkbinsConfig,
        identifiers: Identifiers,
        *,
        websocket: bool,
        expired: Callable[[HttpSession], None],
    ) -> None:
        """`expired` is told when silence has ended an HTTP session's last Bayeux session."""
        settings = Settings(
            timeout_ms=round(config.bayeux_timeout_s * 1000),
            max_interval_ms=round(config.bayeux_max_interval_s * 1000),
            dialect="cometd3",
            wall_offset_s=config.wall_offset_s,
            connection_types=("websocket", "long-polling", "callback-polling")
            if websocket
            else ("long-polling", "callback-polling"),
        )
        self.server = BayeuxServer(self, settings)
        self.endpoint = BayeuxEndpoint(
            self.server, path=PATH, new_browser_id=identifiers.browser_id
        )
        self._identifiers = identifiers
        self._expired = expired

    def send(
        self, channel: str, copies: Iterable[tuple[HttpSession, JsonObject]], now_s: float
    ) -> Sequence[Action]:
        """Send each login its copy of an event, where its Bayeux sessions subscribed to it."""
        actions: list[Action] = []
        subscribed = {subscriber.client_id for subscriber in self.server.subscribers(channel)}
        for session, data in copies:
            for client_id in [each for each in session.client_ids if each in subscribed]:
                message: JsonObject = {"channel": channel, "data": data}
                actions += self.endpoint.actions(self.server.deliver(client_id, message, now_s))
        return actions

    def expire(self, session: HttpSession, now_s: float) -> Sequence[Action]:
        """End the Bayeux sessions of an HTTP session: their next connect gets 402."""
        actions: list[Action] = []
        for client_id in list(session.client_ids):
            actions += self.endpoint.actions(self.server.expire(client_id, now_s))
        return actions

    # -- the application of the Bayeux server

    def handshake(self, message: JsonObject, carrier: Carrier, now_s: float) -> Accepted | Refused:
        """Only somebody who is logged in gets a Bayeux session."""
        if not isinstance(carrier.context, HttpSession):
            return Refused()
        client_id = self._identifiers.client_id()
        carrier.context.client_ids.append(client_id)
        return Accepted(client_id=client_id, context=carrier.context)

    def connected(self, session: Session, message: JsonObject, now_s: float) -> None:
        """Nothing waits for a session that has just begun."""

    def subscribe(
        self, session: Session, channel: str, message: JsonObject, now_s: float
    ) -> str | None:
        """Everything may be subscribed to: clients ask for `/**`, `/v2/me/*` or single channels."""
        return None

    def unsubscribe(
        self, session: Session, channel: str, message: JsonObject, now_s: float
    ) -> str | None:
        """Subscriptions may always end."""
        return None

    def publish(self, session: Session, message: JsonObject, now_s: float) -> Published:
        """Only the server publishes; a client's message to a service is taken and has no effect."""
        if is_service(str(message["channel"])):
            return PUBLISHED
        return Published(error=self.server.settings.words.publish_denied)

    def removed(self, session: Session, reason: Reason, now_s: float) -> None:
        """The HTTP session forgets its Bayeux session."""
        login = session.context
        if isinstance(login, HttpSession) and session.client_id in login.client_ids:
            login.client_ids.remove(session.client_id)
            if reason == "expired" and not login.client_ids:
                self._expired(login)

    def parted(self, session: Session, told: bool, now_s: float) -> None:
        """What it was not told is lost."""
