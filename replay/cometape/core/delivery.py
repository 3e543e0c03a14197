"""Delivery: events whose time has come, to the Bayeux sessions of the clients they are for.

What nobody can take yet waits in the mailbox of its client; what an expired session did not fetch
goes back there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .bayeux import channel as channels
from .bayeux.actions import BayeuxAction
from .bayeux.server import BayeuxServer
from .bayeux.session import Session
from .json_value import JsonObject
from .live_client import LiveClient
from .playbook import Playbook
from .player import Due

Delivered = Callable[[LiveClient, Due, float], None]
"""Is told of every event that was given to a client."""


class Delivery:
    """Mailboxes in front of a Bayeux server."""

    def __init__(self, playbook: Playbook, bayeux: BayeuxServer, delivered: Delivered) -> None:
        self._playbook = playbook
        self._bayeux = bayeux
        self._delivered = delivered
        self._waiting: dict[LiveClient, None] = {}
        """Clients that may have something in their mailbox."""
        self._in_flight: dict[str, list[tuple[JsonObject, Due]]] = {}
        """Events given to a Bayeux session that may still lie in its queue, by client id."""

    def give(self, dues: Sequence[Due], now_s: float) -> list[BayeuxAction]:
        """Events whose time has come."""
        receivers: dict[LiveClient, None] = {}
        for due in dues:
            for receiver in self._receivers(due):
                receiver.mailbox.append(due)
                receivers[receiver] = None
        return [action for receiver in receivers for action in self.deliver(receiver, now_s)]

    def deliver_waiting(self, now_s: float) -> list[BayeuxAction]:
        """Something may have changed: a session has begun, a subscription was made."""
        return [action for client in list(self._waiting) for action in self.deliver(client, now_s)]

    def deliver(self, client: LiveClient, now_s: float) -> list[BayeuxAction]:
        """What waits for a client, as far as its Bayeux sessions can take it."""
        wanted: list[BayeuxAction] = []
        left: list[Due] = []
        for due in client.mailbox:
            sessions = self._takers(client, due)
            if not sessions:
                left.append(due)
                continue
            message = self._message(client, due)
            for session in sessions:
                pending = self._in_flight.setdefault(session.client_id, [])
                if not session.queue and session.ack is None:
                    pending.clear()
                pending.append((message, due))
                wanted += self._bayeux.deliver(session.client_id, message, now_s)
            number = due.follower.event.number
            due.run.delivered[number] = due.run.delivered.get(number, 0) + 1
            self._delivered(client, due, now_s)
        client.mailbox = left
        self.expect(client)
        return wanted

    def expect(self, client: LiveClient) -> None:
        """Look at a client's mailbox again when something changes, if anything is in it."""
        if client.mailbox:
            self._waiting[client] = None
        else:
            self._waiting.pop(client, None)

    def ended(self, session: Session, client: LiveClient, *, expired: bool) -> None:
        """A Bayeux session has ended; what an expired one did not fetch waits for the next."""
        pending = self._in_flight.pop(session.client_id, [])
        if not expired:
            return
        unacknowledged = session.ack.acknowledge(-1) if session.ack is not None else []
        lost = {id(one) for one in (*session.queue, *session.resend, *unacknowledged)}
        unread = [due for message, due in pending if id(message) in lost]
        client.mailbox = unread + client.mailbox
        for due in unread:
            due.run.delivered[due.follower.event.number] -= 1
        self.expect(client)

    def unfetched(self) -> list[Due]:
        """Events given to Bayeux sessions whose clients have not fetched them."""
        found: list[Due] = []
        for client_id, pending in self._in_flight.items():
            session = self._bayeux.session(client_id)
            if session is not None:
                waiting = {id(message) for message in (*session.queue, *session.resend)}
                found += [due for message, due in pending if id(message) in waiting]
        return found

    def _receivers(self, due: Due) -> Sequence[LiveClient]:
        play = due.play
        if play is not None and play.audience and play.entry.session == due.session:
            return [one for one in play.audience if isinstance(one, LiveClient)]
        receiver = due.run.receiver(due)
        if isinstance(receiver, LiveClient):
            return [receiver]
        due.run.unclaimed.setdefault(due.session, []).append(due)
        return []

    def _takers(self, client: LiveClient, due: Due) -> list[Session]:
        """The living Bayeux sessions of a client that an event is for."""
        found = [self._bayeux.session(client_id) for client_id in client.client_ids]
        living = [session for session in found if session is not None]
        if due.follower.unsubscribed:
            return living[-1:]
        channel = due.follower.event.channel
        return [
            session
            for session in living
            if any(channels.matches(pattern, channel) for pattern in session.subscriptions)
        ]

    def _message(self, client: LiveClient, due: Due) -> JsonObject:
        event = due.follower.event
        live = due.run.event_lookup(due, client)
        data = self._playbook.event(event).fill(live.__getitem__, client.origin)
        message: JsonObject = {"channel": event.channel, "data": data, **(event.extra or {})}
        if event.message_id is not None and due.play is not None and due.play.message_id:
            message["id"] = due.play.message_id
        return message
