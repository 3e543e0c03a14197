"""A plain CometD server as a Service: for suites and clients that judge the protocol.

* A publish reaches the subscribers of its channel, over every connection type.
* `/service/echo` answers its sender (C35). The answer carries the id of the request and says that
  it was successful, which is how a client tells the answer to a remote call (D01); to a session
  that has subscribed to the channel it is an ordinary event, without either.
* `/service/members` keeps the members of a chat room, `{"user": …, "room": "/chat/demo"}`, and
  publishes the list of their names on `/members/demo`, as the chat of CometD's demos does.
* Channels below `/denied/` refuse subscribing and publishing.
* A handshake with `ext: {"auth": {"deny": true}}` is refused (D15).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .bayeux.application import PUBLISHED, Accepted, Carrier, Published, Reason, Refused
from .bayeux.channel import is_broadcast
from .bayeux.client_id import issued_id
from .bayeux.endpoint import BayeuxEndpoint
from .bayeux.message import event_of
from .bayeux.server import BayeuxServer
from .bayeux.settings import Settings
from .exchange import Headers, Request, Response
from .json_value import JsonObject
from .service import Action, Respond

if TYPE_CHECKING:
    from .bayeux.session import Session

ECHO = "/service/echo"
MEMBERS = "/service/members"
DENIED = "/denied/"


class Broker:
    """A CometD server: a Service, and the application of its Bayeux server.

    Ids it issues are a function of `seed` and their number, so that a run can be repeated.
    """

    def __init__(
        self, settings: Settings | None = None, *, path: str = "/cometd", seed: int | str = 0
    ) -> None:
        self.bayeux = BayeuxServer(self, settings)
        self.endpoint = BayeuxEndpoint(
            self.bayeux, path=path, new_browser_id=lambda: self._issue("browser")
        )
        self._seed = seed
        self._issued = 0
        self._members: dict[str, dict[str, str]] = {}
        """Client id by user name, by room."""

    def _issue(self, kind: str) -> str:
        self._issued += 1
        return issued_id(self._seed, kind, self._issued)

    # -- the service

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """Bayeux below the path; anything else is not found."""
        if self.endpoint.handles(request):
            return self.endpoint.request(exchange, request, now_s)
        return [_not_found(exchange, self.endpoint.path)]

    def upgrade(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """A WebSocket below the path."""
        if self.endpoint.handles(request):
            return self.endpoint.upgrade(exchange, request, now_s)
        return [_not_found(exchange, self.endpoint.path)]

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        """A frame of a WebSocket."""
        return self.endpoint.text(socket, text, now_s)

    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        """A client left."""
        return self.endpoint.gone(exchange_or_socket, now_s)

    def tick(self, now_s: float) -> Sequence[Action]:
        """Time has passed."""
        return self.endpoint.tick(now_s)

    def deadline_s(self) -> float | None:
        """When `tick` is wanted next."""
        return self.endpoint.deadline_s()

    # -- the application

    def handshake(self, message: JsonObject, carrier: Carrier, now_s: float) -> Accepted | Refused:
        """Everybody is welcome who does not ask to be refused."""
        ext = message.get("ext")
        auth = ext.get("auth") if isinstance(ext, dict) else None
        if isinstance(auth, dict) and auth.get("deny") is True:
            return Refused()
        return Accepted(client_id=self._issue("client"))

    def connected(self, session: Session, message: JsonObject, now_s: float) -> None:
        """Nothing waits for a session that has just begun."""

    def subscribe(
        self, session: Session, channel: str, message: JsonObject, now_s: float
    ) -> str | None:
        """Everything may be subscribed to but what lies below `/denied/`."""
        denied = channel.startswith(DENIED)
        return self.bayeux.settings.words.subscribe_denied if denied else None

    def unsubscribe(
        self, session: Session, channel: str, message: JsonObject, now_s: float
    ) -> str | None:
        """Subscriptions may always end."""
        return None

    def publish(self, session: Session, message: JsonObject, now_s: float) -> Published:
        """Broadcast, or serve."""
        channel = str(message["channel"])
        if channel.startswith(DENIED):
            return Published(error=self.bayeux.settings.words.publish_denied)
        if is_broadcast(channel):
            self.bayeux.broadcast(event_of(message), now_s)
        elif channel == ECHO:
            answer = event_of(message)
            if "id" in message and channel not in session.subscriptions:
                answer |= {"id": message["id"], "successful": True}
            self.bayeux.deliver(session.client_id, answer, now_s)
        elif channel == MEMBERS:
            self._join(session, message, now_s)
        return PUBLISHED

    def removed(self, session: Session, reason: Reason, now_s: float) -> None:
        """Whoever has ended is no member any more."""
        for room, members in self._members.items():
            left = [user for user, client_id in members.items() if client_id == session.client_id]
            for user in left:
                del members[user]
            if left:
                self._announce(room, now_s)

    def parted(self, session: Session, told: bool, now_s: float) -> None:
        """What it was not told is lost."""

    def _join(self, session: Session, message: JsonObject, now_s: float) -> None:
        data = message.get("data")
        if not isinstance(data, dict):
            return
        user, room = data.get("user"), data.get("room")
        if isinstance(user, str) and isinstance(room, str):
            self._members.setdefault(room, {})[user] = session.client_id
            self._announce(room, now_s)

    def _announce(self, room: str, now_s: float) -> None:
        channel = f"/members/{room.removeprefix('/chat/').lstrip('/')}"
        self.bayeux.broadcast({"channel": channel, "data": list(self._members[room])}, now_s)


def _not_found(exchange: int, path: str) -> Respond:
    text = f"Nothing is served here; Bayeux is at {path}\n"
    headers = Headers([("Content-Type", "text/plain;charset=UTF-8")])
    return Respond(exchange, Response(status=404, headers=headers, body=text.encode()))
