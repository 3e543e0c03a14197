"""Delivery: events whose time has come, to the Bayeux sessions of the clients they are for.

What nobody can take yet waits in the mailbox of its client; what an expired session did not fetch
goes back there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence

from cometape.core.bayeux import channel as channels
from cometape.core.identity.template import Form
from cometape.core.memo import Memo
from cometape.core.playbook.playbook import Playbook
from cometape.core.run.live_client import LiveClient
from cometape.core.run.play import Actor, Due

from ..bayeux.actions import BayeuxAction
from ..bayeux.message import Outgoing, WrittenMessage, render_message
from ..bayeux.server import BayeuxServer
from ..bayeux.session import Session
from ..faults.profile_fault import merged
from ..json_value import Json, JsonObject

FETCHED_KEPT = 16
"""So many events that a session has fetched are remembered as if they were in flight, besides as
many as really are: it costs less to forget some now and then than each in its turn."""

FORMS_KEPT = 256
"""So many events are kept ready to be filled in."""

Delivered = Callable[[LiveClient, Sequence[Due], float], None]
"""Is told of every event that was given to a client, and lets come what follows it. Several are
one event that comes several times."""


class Delivery:
    """Mailboxes in front of a Bayeux server."""

    def __init__(self, playbook: Playbook, bayeux: BayeuxServer, delivered: Delivered) -> None:
        self._playbook = playbook
        self._bayeux = bayeux
        self._ids_in_channels = playbook.live_ids.in_channels
        self._delivered = delivered
        self._changed: dict[LiveClient, None] = {}
        """Clients whose mailbox is worth another look."""
        self._in_flight: dict[str, list[tuple[Outgoing, Due]]] = {}
        """Events given to a Bayeux session that may still lie in its queue, by client id."""
        self._leaving: dict[LiveClient, list[Session]] = {}
        """Those that the server has ended, as long as their clients may come to be told."""
        self._forms = Memo(self._form, FORMS_KEPT)
        """Of events, by place, origin and shift of dates; nothing else is in them that changes."""

    def give(self, dues: Sequence[Due], now_s: float) -> list[BayeuxAction]:
        """Events whose time has come."""
        letters: dict[LiveClient, list[Due]] = {}
        for due in dues:
            for receiver in self._receivers(due):
                mine = letters.get(receiver)
                if mine is None:
                    letters[receiver] = [due]
                else:
                    mine.append(due)

        def hand_over() -> None:
            for receiver, mine in letters.items():
                left = self._hand_over(receiver, mine, now_s)
                receiver.post(left)  # after what an ended session may have put there

        return self._bayeux.together(hand_over, now_s) if letters else []

    def belong(self, client: LiveClient) -> None:
        """A client has been given Bayeux sessions that seemed another one's."""
        for client_id in client.client_ids:
            session = self._bayeux.session(client_id)
            if session is not None:
                session.context = client
        self.changed(client)

    def changed(self, client: LiveClient) -> None:
        """A client has a new session or subscription, or more in its mailbox."""
        if client.mailbox:
            self._changed[client] = None

    def deliver_waiting(self, now_s: float) -> list[BayeuxAction]:
        """What the changed clients have waited for."""
        changed, self._changed = self._changed, {}

        def hand_over() -> None:
            for client in changed:
                left = self._hand_over(client, client.take_mailbox(), now_s)
                client.post(left)

        return self._bayeux.together(hand_over, now_s) if changed else []

    def _hand_over(self, client: LiveClient, dues: Sequence[Due], now_s: float) -> list[Due]:
        """Give a client what its Bayeux sessions can take; what they cannot is left over."""
        found = [self._bayeux.session(client_id) for client_id in client.client_ids]
        living = [session for session in found if session is not None]
        if not living:
            return list(dues)
        for session in living:
            pending = self._in_flight.setdefault(session.client_id, [])
            if len(pending) > FETCHED_KEPT + 2 * session.unfetched:
                del pending[: len(pending) - session.unfetched]
        left: list[Due] = []
        for alike in _alike(dues, alone=self._ids_in_channels):
            sessions = _takers(living, alike[0], self._channel(client, alike[0]))
            if not sessions:
                left += alike
                continue
            messages = self._messages(client, alike)
            for session in sessions:
                client_id = session.client_id
                self._in_flight.setdefault(client_id, []).extend(zip(messages, alike, strict=True))
                self._bayeux.deliver_all(client_id, messages, now_s)
            self._delivered(client, alike, now_s)
        return left

    def end_left(self, client: LiveClient, now_s: float) -> None:
        """A client shakes hands anew: those of its sessions whose connections it has closed end.

        What they, and those that the server has ended, did not fetch is for the new one.
        """
        for client_id in list(client.client_ids):
            session = self._bayeux.session(client_id)
            if session is not None and session.left:
                self._bayeux.expire(client_id, now_s)
        for session in tuple(self._leaving.get(client, ())):
            self.parted(session, client, told=False)
            self._bayeux.keep_back(session.client_id)

    def leaves(self, session: Session, client: LiveClient) -> None:
        """The server has ended a Bayeux session; what waits for it goes with its farewell."""
        self._leaving.setdefault(client, []).append(session)

    def parted(self, session: Session, client: LiveClient, *, told: bool) -> None:
        """Its client has had the farewell, or (if not `told`) what waited waits for the next."""
        leaving = self._leaving.get(client, [])
        if session in leaving:
            leaving.remove(session)
            if not leaving:
                del self._leaving[client]
            self.ended(session, client, expired=not told)

    def ended(self, session: Session, client: LiveClient, *, expired: bool) -> None:
        """A Bayeux session has ended; what an expired one did not fetch waits for the next."""
        pending = self._in_flight.pop(session.client_id, [])
        if not expired:
            return
        unacknowledged = session.ack.acknowledge(-1) if session.ack is not None else []
        lost = {id(one) for one in (*session.queue, *session.resend, *unacknowledged)}
        unread = [due for message, due in pending if id(message) in lost]
        waiting = client.take_mailbox()
        client.post(unread)
        client.post(waiting)
        for due in unread:
            due.run.came_back(due)
        self.changed(client)

    def unfetched(self) -> list[Due]:
        """Events given to Bayeux sessions whose clients have not fetched them."""
        found: list[Due] = []
        leaving = {one.client_id: one for each in self._leaving.values() for one in each}
        for client_id, pending in self._in_flight.items():
            session = self._bayeux.session(client_id) or leaving.get(client_id)
            if session is not None:
                waiting = {id(message) for message in (*session.queue, *session.resend)}
                found += [due for message, due in pending if id(message) in waiting]
        return found

    def _receivers(self, due: Due) -> Sequence[LiveClient]:
        play = due.play
        if play is not None and play.entry.session == due.follower.session:
            receiver: Actor | None = play.actor
            if play.audience:
                return [one for one in play.audience if isinstance(one, LiveClient)]
        else:
            receiver = due.run.receiver(due)
        if isinstance(receiver, LiveClient):
            return [receiver]
        due.run.wait(due)
        return []

    def _channel(self, client: LiveClient, due: Due) -> str:
        """The name of an event's channel, as this client knows it."""
        if not self._ids_in_channels:
            return due.follower.channel
        template = self._playbook.event(due.follower).channel
        if template is None:  # none in this one
            return due.follower.channel
        return template.fill(due.run.event_lookup(due, client).__getitem__, client.origin)

    def _messages(self, client: LiveClient, alike: Sequence[Due]) -> list[Outgoing]:
        """What is sent for one event that comes several times."""
        first = alike[0]
        fill = self._forms((first.follower.place, client.origin, first.run.shift_s)).fill
        messages: list[Outgoing] = []
        for due in alike:
            play = due.play
            if play is not None and play.message_id is None and not due.patches:
                try:
                    messages.append(WrittenMessage(fill(play.issued)))
                    continue
                except KeyError:
                    pass  # it has ids that its cause's answer has not issued
            messages.append(self._message(client, due))
        return messages

    def _message(self, client: LiveClient, due: Due) -> Outgoing:
        follower, play = due.follower, due.play
        live = due.run.event_lookup(due, client)
        message_id = play.message_id if play is not None else None
        if message_id and follower.event.message_id is None:
            message_id = None
        shift_s = due.run.shift_s
        template = self._playbook.event(follower, dated=shift_s != 0)
        message = template.fill(live.__getitem__, client.origin, message_id or None, shift_s)
        return _patched(message, due.patches) if due.patches else message

    def _form(self, key: tuple[int, str, int]) -> Form:
        place, origin, shift_s = key
        return self._playbook.event_at(place, dated=shift_s != 0).message.form(origin, shift_s)


def _patched(message: Outgoing, patches: Sequence[Json]) -> JsonObject:
    """A message whose data says something else."""
    written: JsonObject = json.loads(render_message(message))
    for patch in patches:
        written["data"] = merged(written.get("data"), patch)
    return written


def _alike(dues: Iterable[Due], *, alone: bool) -> Iterator[list[Due]]:
    """Events in their order; those that are the same one, of the same run, together.

    `alone`: each by itself, for the names of their channels differ.
    """
    every = list(dues)
    begin, follower, run = 0, None, None
    for at, due in enumerate(every):
        if due.follower is not follower or due.run is not run or alone:
            if at:
                yield every[begin:at]
            begin, follower, run = at, due.follower, due.run
    if every:
        yield every[begin:]


def _takers(living: Sequence[Session], due: Due, channel: str) -> Sequence[Session]:
    """Those of a client's living Bayeux sessions that an event on a channel is for."""
    if due.follower.unsubscribed:
        return living[-1:]
    return [
        session
        for session in living
        if any(channels.matches(pattern, channel) for pattern in session.subscriptions)
    ]
