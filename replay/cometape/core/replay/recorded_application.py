"""The Bayeux application of a replay: handshakes, subscriptions and publishes end as recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import TypeVar

from cometape.core.bayeux import channel as channels
from cometape.core.identity.identity import Identity
from cometape.core.identity.live_ids import Pairs
from cometape.core.playbook.matching import Shape
from cometape.core.playbook.playbook import Playbook
from cometape.core.playbook.recordings import Matches, Playable
from cometape.core.profile.profile import IdentityKind
from cometape.core.report.chronicle import Chronicle
from cometape.core.run.clients import CLIENT_ID, Clients
from cometape.core.run.live_client import Arrival, LiveClient
from cometape.core.run.player import Run
from cometape.core.run.repeats import Repeats
from cometape.core.shared_text import shared

from ..bayeux.application import PUBLISHED, Accepted, Carrier, Published, Reason, Refused
from ..bayeux.dialect import Dialect
from ..bayeux.endpoint import BROWSER_COOKIE
from ..bayeux.session import Session
from ..cassette import BayeuxEntry, Handshake, Publish, Subscribe
from ..json_value import Json, JsonObject
from ..scrub.scrubber import Scrubber
from .delivery import Delivery
from .setbacks import is_accident, is_by_bayeux

Attempt = TypeVar("Attempt", bound=BayeuxEntry)

MAX_SUBSCRIBED = 1000
"""Subscriptions remembered of a client, beyond its Bayeux session: those it asked for first."""


class RecordedApplication:
    """Decides what the protocol leaves open, as it was decided in the recording."""

    delivery: Delivery
    """Made after the Bayeux server that this is the application of."""
    chronicle: Chronicle

    def __init__(
        self,
        playbook: Playbook,
        clients: Clients,
        words: Dialect,
        *,
        repeats: Repeats,
        busy: Callable[[Run], None],
        as_recorded: bool = False,
    ) -> None:
        """`busy` is told of runs in which events may be on their way.

        `as_recorded`: accidents happen again, see `setbacks`.
        """
        self.failed_by: str | None = None
        """Set when messages were answered by HTTP in the recording, or not at all: why. Whoever
        carries out what follows takes it away."""
        self._as_recorded = as_recorded
        self.arrival = Arrival(0, {}, None, None, None)
        """Of the request or frame that is being handled."""
        self._playbook = playbook
        self._clients = clients
        self._words = words
        self._repeats = repeats
        self._busy = busy
        self._shaken: LiveClient | None = None
        """The client that shook hands last."""

    def handshake(self, message: JsonObject, carrier: Carrier, now_s: float) -> Accepted | Refused:
        """Accept or refuse as recorded; the client takes a recorded session."""
        client = self._shaken = self._clients.of_handshake(self.arrival, now_s)
        self._take_up_seats(now_s)
        self.delivery.end_left(client, now_s)
        recorded = self._nth_handshake(client)
        client.handshakes += 1
        number = recorded.number if recorded is not None else None
        extra = self._reply_extra(recorded, client)
        if recorded is not None and not recorded.successful:
            self.chronicle.note(now_s, "handshake", client, "refused as recorded", number)
            self._note_failure(recorded)
            return Refused(error=recorded.error, advice=recorded.advice, extra=extra)
        client_id = self._new_client_id(client, recorded)
        self._clients.know_client_id(client_id, client)
        self.delivery.changed(client)
        text = shared(f"accepted over {carrier.connection_type}")
        self.chronicle.note(now_s, "handshake", client, text, number)
        self._come_to_pass(recorded, client, now_s)
        return Accepted(client_id=client_id, context=client, extra=extra)

    def connected(self, session: Session, message: JsonObject, now_s: float) -> None:
        """Nothing waits for a first connect: events wait for subscriptions."""

    def subscribe(
        self, session: Session, channel: str, message: JsonObject, now_s: float
    ) -> str | None:
        """The recorded outcome; a channel that was never asked for may be subscribed to."""
        client = _client_of(session)
        channel, _ = self._playbook.live_ids.channel(channel, partial(behind, client))
        self._tell_tabs(session, channel, now_s)
        client = _client_of(session)
        self.delivery.changed(client)
        recorded = self._playbook.sessions.get(client.bayeux_session)
        subscribes = recorded.subscribes if recorded is not None else {}
        attempts = self._smoothed(subscribes.get(channel, []))
        nth = client.subscribed.count(channel) + 1
        if nth <= max(1, len(attempts)) and len(client.subscribed) < MAX_SUBSCRIBED:
            client.subscribed += (channel,)
        if attempts:
            attempt = attempts[min(nth, len(attempts)) - 1]
            self.chronicle.note(now_s, "subscribe", client, channel, attempt.number)
            self._come_to_pass(attempt, client, now_s)
            if not attempt.successful:
                self._note_failure(attempt)
                return attempt.error or self._words.subscribe_denied
        else:
            self.chronicle.note(now_s, "subscribe", client, f"{channel} (not recorded)")
        self._cover(client, channel, now_s)
        return None

    def unsubscribe(
        self, session: Session, channel: str, message: JsonObject, now_s: float
    ) -> str | None:
        """Subscriptions may always end: whether CometD still knows a channel is chance (C52)."""
        return None

    def publish(self, session: Session, message: JsonObject, now_s: float) -> Published:
        """The recorded outcome, by channel and data; an unrecorded publish is refused as a miss."""
        client = _client_of(session)
        data = message.get("data")
        channel, used = self._playbook.live_ids.channel(
            str(message["channel"]), partial(behind, client)
        )
        shape, matches = self._matches(channel, data)
        if not matches or matches.are_wild:
            recorded, named = self._playbook.live_ids.publish(
                data, partial(behind, client), client.run.shift_s
            )
            if recorded is not data:
                again = self._matches(channel, recorded)
                if again[1] or not matches:
                    shape, matches = again
                    used |= named
        self.settle(client, matches, now_s)
        chosen = client.run.choose(client.session, matches, repeats=self._repeats)
        if not isinstance(chosen, Playable):
            miss = self.chronicle.miss(shape, client, chosen, now_s)
            near = f" nearest: {'; '.join(miss.nearest[0].lines())}" if miss.nearest else ""
            return Published(error=f"404:{channel}:cometape {miss.reason}: {miss.title}{near}")
        entry = chosen.entry
        assert isinstance(entry, Publish)
        if self._playbook.live_ids.makes:
            made = self._playbook.live_ids.made_in_publish(entry.data, data)
            used |= note_made(client, chosen.session, made)
        message_id = message.get("id")
        client.run.happened(
            entry,
            client,
            now_s,
            message_id=None if message_id is None else str(message_id),
            used=used,
        )
        self._busy(client.run)
        self.chronicle.note(now_s, "publish", client, chosen, chosen.number)
        if not entry.successful:
            self._note_failure(entry)
            return Published(error=entry.error or self._words.publish_denied)
        return PUBLISHED

    def removed(self, session: Session, reason: Reason, now_s: float) -> None:
        """A Bayeux session has ended; what did not reach an expired one waits for its client."""
        client = _client_of(session)
        self._clients.lose_client_id(session.client_id, client)
        if reason == "disconnect":
            client.finishes += 1
            if not client.client_ids:
                self._clients.finish(client)
        if reason == "server":
            self.delivery.leaves(session, client)
        else:
            self.delivery.ended(session, client, expired=reason == "expired")
        self.chronicle.note(now_s, "end", client, f"Bayeux session ended: {reason}")

    def parted(self, session: Session, told: bool, now_s: float) -> None:
        """What an ended session was not told in time waits for its client."""
        self.delivery.parted(session, _client_of(session), told=told)

    def new_browser_id(self) -> str:
        """A value for the `BAYEUX_BROWSER` cookie of the client that has just shaken hands."""
        client = self._shaken
        assert client is not None, "a browser cookie is set by a handshake alone"
        value = client.binding.renew(_identity("<browser:1>"))
        self._clients.know_cookie(BROWSER_COOKIE, value, client)
        return value

    def settle(self, client: LiveClient, matches: Matches, now_s: float) -> None:
        """A client does something: it may show that it is another recorded client than guessed.

        Its handshake and subscriptions are then those of that one.
        """
        self._clients.settle(client, matches)
        self._take_up_seats(now_s)

    def _take_up_seats(self, now_s: float) -> None:
        """What clients with another seat did in Bayeux is done in the name of that one."""
        for client in self._clients.seats.take_up(now_s):
            self._busy(client.run)
            self._take_up_bayeux(client, now_s)

    def _tell_tabs(self, session: Session, channel: str, now_s: float) -> None:
        """A subscription shows which of several tabs this is, before they have shown it."""
        asked = (*session.subscriptions, channel)
        client_id = session.client_id
        for client in self._clients.of_subscription(client_id, asked, self.arrival, now_s):
            self.delivery.belong(client)
            self._take_up_bayeux(client, now_s)

    def _take_up_bayeux(self, client: LiveClient, now_s: float) -> None:
        if client.client_ids:
            self._come_to_pass(self._nth_handshake(client), client, now_s)
            for channel in dict.fromkeys(client.subscribed):
                self._cover(client, channel, now_s)
            self.delivery.changed(client)

    def _cover(self, client: LiveClient, channel: str, now_s: float) -> None:
        """A subscription does for all recorded ones that it takes the place of.

        A client that subscribes by a wildcard has done what another did channel by channel.
        """
        recorded = self._playbook.sessions.get(client.bayeux_session)
        for other, attempts in (recorded.subscribes if recorded is not None else {}).items():
            if channels.matches(channel, other) or channels.matches(other, channel):
                for attempt in attempts if other != channel else attempts[:1]:
                    self._come_to_pass(attempt, client, now_s)

    def _matches(self, channel: str, data: Json) -> tuple[Shape, Matches]:
        """The shape of a publish, and its recordings."""
        playbook = self._playbook
        shape = playbook.shaper.publish(channel, data)
        matches = playbook.matches(shape)
        if not matches:
            clean = Scrubber(playbook.profile).message({"channel": channel, "data": data})
            shape = playbook.shaper.publish(channel, clean["data"])
            matches = playbook.matches(shape) or playbook.wild_matches(shape)
        return shape, matches

    def _reply_extra(self, recorded: Handshake | None, client: LiveClient) -> JsonObject | None:
        """Custom fields of a recorded reply, less what the live protocol says for itself."""
        if recorded is None or not recorded.reply_extra:
            return None
        run = client.run
        template = self._playbook.reply(recorded, dated=run.shift_s != 0)
        text = template.fill(lambda one: run.live(one, client), client.origin, run.shift_s)
        extra: JsonObject = json.loads(text)
        extra.pop("x-messages", None)
        ext = extra.get("ext")
        if isinstance(ext, dict):
            kept: dict[str, Json] = {k: v for k, v in ext.items() if k not in ("ack", "timesync")}
            extra.pop("ext")
            if kept:
                extra["ext"] = kept
        return extra or None

    def _nth_handshake(self, client: LiveClient) -> Handshake | None:
        recorded = self._playbook.sessions.get(client.bayeux_session)
        handshakes = self._smoothed(recorded.handshakes) if recorded is not None else ()
        return handshakes[min(client.handshakes, len(handshakes) - 1)] if handshakes else None

    def _smoothed(self, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        """Less those that failed for no reason of the client's, unless these are to happen."""
        if self._as_recorded or all(one.successful for one in attempts):
            return attempts
        return [one for one in attempts if not is_accident(one)]

    def _note_failure(self, entry: BayeuxEntry) -> None:
        if not is_by_bayeux(entry.error):
            self.failed_by = entry.error

    def _new_client_id(self, client: LiveClient, recorded: Handshake | None) -> str:
        name = recorded.client_id if recorded is not None else None
        identity = _identity(name or "<client-id:0>")
        while True:
            known = client.run.known(identity, client) is not None
            found = client.run.live(identity, client, renew=known)
            if self._clients.of_client_id(found) is None:
                return found

    def _come_to_pass(
        self, entry: Handshake | Subscribe | None, client: LiveClient, now_s: float
    ) -> None:
        """A recorded handshake or subscription has happened; what follows it is on its way."""
        if entry is not None and entry.successful and entry.number not in client.run.played:
            client.run.happened(entry, client, now_s)
        self._busy(client.run)


@lru_cache(maxsize=256)
def _identity(recorded: str) -> Identity:
    """Of a client id, the same object for the thousands of clients that have it."""
    return Identity(CLIENT_ID.name, "", recorded)


def behind(client: LiveClient, kind: str, live: str) -> Identity | None:
    """The identity behind a live id that a client names."""
    return client.run.behind(kind, live, client)


def note_made(
    client: LiveClient, session: str, made: Iterable[tuple[IdentityKind, str, str]]
) -> Pairs:
    """Remember ids that a client has made up, of the recorded `session`; by recorded value."""
    found: Pairs = {}
    for kind, recorded, live in made:
        alone = session if kind.scope == "session" else ""
        client.run.made(Identity(kind.name, alone, recorded), live, client)
        found[kind.name, recorded] = live
    return found


def _client_of(session: Session) -> LiveClient:
    assert isinstance(session.context, LiveClient)
    return session.context
