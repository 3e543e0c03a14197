"""The replay server as a Service: live clients bound to runs of one cassette.

It has no upstream: nothing here, and nothing it imports, can open a connection. A request that no
recording answers is a miss, which explains itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from .bayeux import channel as channels
from .bayeux.actions import BayeuxAction
from .bayeux.application import PUBLISHED, Accepted, Carrier, Published, Reason, Refused
from .bayeux.dialect import dialect_of
from .bayeux.server import BayeuxServer
from .bayeux.session import Session
from .bayeux.settings import Settings
from .bayeux_endpoint import BROWSER_COOKIE, BayeuxEndpoint
from .cassette import BayeuxEntry, Cassette, Handshake, Subscribe
from .causality import infer_causes
from .clients import Arrival, Clients, LiveClient
from .cors import CorsService
from .exchange import Request
from .identity import Identity
from .journal import Journal, Kind, Line, Report
from .json_value import Json, JsonObject
from .leftovers import run_report, waiting_lines
from .live_ids import recorded_ids
from .matching import Shape
from .miss import Miss, NearMiss, Recorded, RunState, nearest, reason_for
from .miss import Reason as MissReason
from .playbook import Matches, Playable, Playbook, RecordedSession
from .player import INSTANT, Due, Exhausted, Pace, Run
from .profile import Profile
from .scrub import Scrubber
from .service import Action, Respond

MAX_INTERVAL_MS = 300_000
"""How long a silent Bayeux session lives: minutes, so that a breakpoint in a debugger ends none."""
BAYEUX = Settings(max_interval_ms=MAX_INTERVAL_MS)
MAX_MISSES = 1000
"""Misses kept in full; more are only counted."""

_CLIENT_ID = re.compile(r'"clientId"\s*:\s*"([^"\\]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySettings:
    """How a cassette is replayed."""

    seed: int = 0
    """What fresh ids are derived from."""
    pace: Pace = INSTANT
    strict: bool = True
    """Whether misses and leftovers are a failure; for whoever reads the report."""
    repeats: bool = False
    """Whether any operation may be answered again when its recordings are used up."""
    event_gap_s: float = 0.01
    """Least time between an answer and the events it causes, so that a client with two
    connections sees the answer first."""
    bayeux: Settings = BAYEUX
    """Times and limits of the Bayeux server; its dialect is the one below."""
    dialect: str | None = None
    """Whose error strings; None: those of the recording, else the profile's."""


class ReplayService(CorsService):
    """A replay of one cassette, to browsers as well."""

    def __init__(
        self, cassette: Cassette, profile: Profile, settings: ReplaySettings | None = None
    ) -> None:
        self.replay = Replay(cassette, profile, settings or ReplaySettings())
        super().__init__(self.replay)

    @property
    def settings(self) -> ReplaySettings:
        """As given."""
        return self.replay.settings

    @property
    def journal(self) -> Journal:
        """What has happened so far."""
        return self.replay.journal

    @property
    def misses(self) -> list[Miss]:
        """The misses so far."""
        return self.replay.misses

    def report(self) -> Report:
        """What became of the replay so far."""
        return self.replay.report()

    def on_miss(self, listener: Callable[[Miss], None]) -> None:
        """Call `listener` with every miss from now on, as it happens."""
        self.replay.miss_listeners.append(listener)


class Replay:
    """The Service behind `ReplayService`, and the application of its Bayeux server."""

    def __init__(self, cassette: Cassette, profile: Profile, settings: ReplaySettings) -> None:
        self.settings = settings
        self.playbook = Playbook(infer_causes(cassette, profile), profile)
        self.clients = Clients(self.playbook, settings.seed, self._new_run)
        self.journal = Journal()
        self.misses: list[Miss] = []
        self.misses_total = 0
        self.miss_listeners: list[Callable[[Miss], None]] = []
        dialect = settings.dialect or self._dialect()
        self.bayeux = BayeuxServer(self, replace(settings.bayeux, dialect=dialect))
        self._endpoint = BayeuxEndpoint(
            self.bayeux,
            path=self.playbook.bayeux_paths[0],
            new_browser_id=self._new_browser_id,
        )
        self._paths = tuple(path.rstrip("/") for path in self.playbook.bayeux_paths)
        self._sockets: dict[int, Arrival] = {}
        self._arrival = Arrival(0, {}, None, None, None)
        """Of the request or frame that is being handled."""
        self._shaken: LiveClient | None = None
        """The client whose handshake is being answered."""
        self._in_flight: dict[str, list[tuple[JsonObject, Due]]] = {}
        """Events given to a Bayeux session that may still lie in its queue, by client id."""
        self._busy: dict[Run, None] = {}
        """Runs with events on their way."""
        self._met = 0
        """How many clients the journal has named."""

    # ---------------------------------------------------------------- the service

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """A request: Bayeux on its paths, a recorded exchange, or a miss."""
        arrival = Arrival.of(connection, request)
        if not self._is_bayeux(request):
            return self._answer(exchange, request, arrival, now_s)
        self._arrival = arrival
        text = request.body.decode("utf-8", "replace") or unquote(request.target)
        actions = self._before(text, connection, now_s)
        actions += self._endpoint.request(exchange, request, now_s, context=arrival)
        return actions + self._after(now_s)

    def upgrade(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """A WebSocket: Bayeux on its paths, else a miss."""
        arrival = Arrival.of(connection, request)
        if not self._is_bayeux(request):
            return self._answer(exchange, request, arrival, now_s)
        self._sockets[exchange] = arrival
        return self._endpoint.upgrade(exchange, request, now_s, context=arrival)

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        """A frame of a WebSocket."""
        arrival = self._sockets.get(socket)
        if arrival is None:
            return []
        self._arrival = arrival
        actions = self._before(text, arrival.connection, now_s)
        actions += self._endpoint.text(socket, text, now_s)
        return actions + self._after(now_s)

    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        """A client left a held connect, or a WebSocket ended."""
        self._sockets.pop(exchange_or_socket, None)
        return self._endpoint.gone(exchange_or_socket, now_s)

    def tick(self, now_s: float) -> Sequence[Action]:
        """Events are due, or a held connect has been held long enough."""
        actions: list[Action] = []
        for run in list(self._busy):
            actions += self._give(run, run.release(now_s), now_s)
            if run.deadline_s() is None:
                del self._busy[run]
        return actions + self._endpoint.tick(now_s)

    def deadline_s(self) -> float | None:
        """When `tick` is wanted next."""
        times = [self._endpoint.deadline_s(), *(run.deadline_s() for run in self._busy)]
        return min((time for time in times if time is not None), default=None)

    def report(self) -> Report:
        """What became of the replay so far."""
        return Report(
            cassette=self.playbook.cassette.header.scenario,
            runs=tuple(run_report(run, self._queued()) for run in self.clients.runs),
            misses=tuple(self.misses),
            misses_total=self.misses_total,
        )

    # ---------------------------------------------------------------- HTTP exchanges

    def _answer(
        self, exchange: int, request: Request, arrival: Arrival, now_s: float
    ) -> list[Action]:
        shaper = self.playbook.shaper
        shape = shaper.shape(request)
        matches = self.playbook.matches(shape)
        if not matches:
            shape, matches = self._scrubbed(request)
        found = self.clients.of_request(arrival, matches, now_s)
        client, run = found.client, found.client.run
        if not matches:
            recorded = recorded_ids(request, self.playbook.profile, client.binding)
            if recorded is not request:
                shape = shaper.shape(recorded)
                matches = self.playbook.matches(shape)
                if not matches:
                    shape, matches = self._scrubbed(recorded)
        self.clients.settle(client, matches, now_s)
        chosen = run.choose(client.session, matches, repeats=self.settings.repeats)
        if not isinstance(chosen, Playable):
            miss = self._miss(shape, client, chosen, now_s)
            return [Respond(exchange, miss.response())]
        cookies = self.playbook.response(chosen).cookies
        presented = {name for name, _ in cookies if self.clients.presents(arrival, name)}
        play, response = run.answer(
            chosen,
            client,
            client.origin,
            now_s,
            audience=found.audience,
            fresh={identity for name, identity in cookies if name not in presented},
        )
        for name, identity in cookies:
            value = play.issued[identity.kind, identity.recorded]
            self.clients.know_cookie(
                name, value, client, entry=chosen.number, renewed=name in presented
            )
        if not chosen.is_operation:
            self.clients.guessed(arrival.connection, chosen.number)
        if chosen.ends_session:
            client.finished = True
        self._note_busy(run)
        repeated = chosen.is_operation and play.nth > 1
        self._note(now_s, "repeat" if repeated else "answered", client, str(chosen), chosen.number)
        return [Respond(exchange, response)]

    def _scrubbed(self, request: Request) -> tuple[Shape, Matches]:
        """A request as the recorder would have written it: with placeholders for its secrets.

        A scrubber of its own for each: what one client's request gives away as a secret must not
        change how another's is read.
        """
        clean = Scrubber(self.playbook.profile).request(request)
        shape = self.playbook.shaper.shape(replace(clean, headers=request.headers))
        return shape, self.playbook.matches(shape) or self.playbook.wild_matches(shape)

    def _miss(
        self, shape: Shape, client: LiveClient, chosen: Exhausted | None, now_s: float
    ) -> Miss:
        playables = self.playbook.playables.values()
        recorded = [Recorded(one.number, one.session, one.shape) for one in playables]
        unanswered = [
            Recorded(entry.number, entry.session, shape)
            for entry, shape in self.playbook.unanswered
        ]
        near = nearest(shape, recorded + unanswered, client.session)
        state = RunState(
            run=client.run.number,
            client=client.label,
            session=client.session,
            done=tuple(f"{number} {self.playbook.playables[number]}" for number in client.run.done),
            waiting=waiting_lines(client.run, self._queued()),
        )
        miss = Miss(
            reason=self._reason(shape, near, chosen, unanswered),
            request=str(shape),
            body=None if shape.body_form == "none" else shape.body,
            nearest=near,
            state=state,
            at_s=now_s,
        )
        self.misses_total += 1
        if len(self.misses) < MAX_MISSES:
            self.misses.append(miss)
        self._note(now_s, "miss", client, f"{miss.reason}: {miss.request}")
        for listener in self.miss_listeners:
            listener(miss)
        return miss

    def _reason(
        self,
        shape: Shape,
        near: Sequence[NearMiss],
        chosen: Exhausted | None,
        unanswered: Iterable[Recorded],
    ) -> MissReason:
        if isinstance(chosen, Exhausted):
            return "exhausted"
        if any(one.shape.key == shape.key for one in unanswered):
            return "not-answered"
        return reason_for(near)

    # ---------------------------------------------------------------- Bayeux, around the server

    def _is_bayeux(self, request: Request) -> bool:
        path = request.target.partition("?")[0]
        return any(path == base or path.startswith(base + "/") for base in self._paths)

    def _before(self, text: str, connection: int, now_s: float) -> list[Action]:
        """Learn whose connection this is; hand over what is due before a client says goodbye.

        An event that comes a few milliseconds after its cause's answer would be lost to a client
        that disconnects at once, depending on who is faster.
        """
        found = _CLIENT_ID.search(text)
        client = self.clients.of_client_id(found[1]) if found is not None else None
        if client is None:
            return []
        self.clients.know_connection(connection, client)
        client.origin = self._arrival.origin or client.origin
        if channels.META_DISCONNECT in text and self.settings.pace.factor == 0.0:
            return self._give(client.run, client.run.release(now_s, only=client), now_s)
        return []

    def _after(self, now_s: float) -> list[Action]:
        """New subscriptions and sessions may be what events were waiting for."""
        self._shaken = None
        wanted: list[BayeuxAction] = []
        for client in self.clients.with_mail():
            wanted += self._deliver(client, now_s)
        return self._endpoint.actions(wanted, now_s)

    def _give(self, run: Run, dues: Sequence[Due], now_s: float) -> list[Action]:
        """Events whose time has come, to whom they are for."""
        receivers: dict[LiveClient, None] = {}
        for due in dues:
            for receiver in self._receivers(run, due):
                receiver.mailbox.append(due)
                receivers[receiver] = None
        wanted: list[BayeuxAction] = []
        for receiver in receivers:
            wanted += self._deliver(receiver, now_s)
        return self._endpoint.actions(wanted, now_s)

    def _receivers(self, run: Run, due: Due) -> list[LiveClient]:
        play = due.play
        if play is not None and play.audience and play.entry.session == due.session:
            return [one for one in play.audience if isinstance(one, LiveClient)]
        receiver = run.receiver(due)
        if isinstance(receiver, LiveClient):
            return [receiver]
        run.unclaimed.setdefault(due.session, []).append(due)
        return []

    def _deliver(self, client: LiveClient, now_s: float) -> list[BayeuxAction]:
        """What waits for a client, as far as its Bayeux sessions can take it."""
        wanted: list[BayeuxAction] = []
        waiting: list[Due] = []
        for due in client.mailbox:
            sessions = self._takers(client, due)
            if not sessions:
                waiting.append(due)
                continue
            message = self._message(client, due)
            for session in sessions:
                pending = self._in_flight.setdefault(session.client_id, [])
                if not session.queue and session.ack is None:
                    pending.clear()
                pending.append((message, due))
                wanted += self.bayeux.deliver(session.client_id, message, now_s)
            event = due.follower.event
            client.run.delivered[event.number] = client.run.delivered.get(event.number, 0) + 1
            self._note(now_s, "event", client, str(due.follower), event.number)
        client.mailbox = waiting
        return wanted

    def _takers(self, client: LiveClient, due: Due) -> list[Session]:
        """The living Bayeux sessions of a client that an event is for."""
        found = [self.bayeux.session(client_id) for client_id in client.client_ids]
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
        live = client.run.event_lookup(due, client)
        data = self.playbook.event(event).fill(live.__getitem__, client.origin)
        message: JsonObject = {"channel": event.channel, "data": data, **(event.extra or {})}
        if event.message_id is not None and due.play is not None and due.play.message_id:
            message["id"] = due.play.message_id
        return message

    def _queued(self) -> list[Due]:
        """Events given to Bayeux sessions whose clients have not fetched them."""
        found: list[Due] = []
        for client_id, pending in self._in_flight.items():
            session = self.bayeux.session(client_id)
            if session is not None:
                waiting = {id(message) for message in (*session.queue, *session.resend)}
                found += [due for message, due in pending if id(message) in waiting]
        return found

    def _note_busy(self, run: Run) -> None:
        if run.deadline_s() is not None:
            self._busy[run] = None

    # ---------------------------------------------------------------- Bayeux, the application

    def handshake(self, message: JsonObject, carrier: Carrier, now_s: float) -> Accepted | Refused:
        """Accept or refuse as recorded; the client takes a recorded session."""
        client = self.clients.of_handshake(self._arrival, now_s)
        self._shaken = client
        client.finished = False
        recorded = self._nth_handshake(client)
        client.handshakes += 1
        if recorded is not None and not recorded.successful:
            self._note(now_s, "handshake", client, "refused as recorded", recorded.number)
            return Refused(
                error=recorded.error, advice=recorded.advice, extra=_reply_extra(recorded)
            )
        client_id = self._new_client_id(client, recorded)
        self.clients.know_client_id(client_id, client)
        number = recorded.number if recorded is not None else None
        self._note(now_s, "handshake", client, f"accepted over {carrier.connection_type}", number)
        self._come_to_pass(recorded, client, now_s)
        return Accepted(client_id=client_id, context=client, extra=_reply_extra(recorded))

    def connected(self, session: Session, message: JsonObject, now_s: float) -> None:
        """Nothing waits for a first connect: events wait for subscriptions."""

    def subscribe(
        self, session: Session, channel: str, message: JsonObject, now_s: float
    ) -> str | None:
        """The recorded outcome; a channel that was never asked for may be subscribed to."""
        client = _client_of(session)
        recorded = self._recorded_session(client)
        attempts = recorded.subscribes.get(channel, []) if recorded is not None else []
        nth = client.subscribed[channel] = client.subscribed.get(channel, 0) + 1
        if not attempts:
            self._note(now_s, "subscribe", client, f"{channel} (not recorded)")
        else:
            attempt = attempts[min(nth, len(attempts)) - 1]
            self._note(now_s, "subscribe", client, channel, attempt.number)
            self._come_to_pass(attempt, client, now_s)
            if not attempt.successful:
                return attempt.error or self.bayeux.settings.words.subscribe_denied
        # A client that subscribes by a wildcard has done what another did channel by channel.
        for other, others in (recorded.subscribes if recorded is not None else {}).items():
            if other != channel and (
                channels.matches(channel, other) or channels.matches(other, channel)
            ):
                for covered in others:
                    self._come_to_pass(covered, client, now_s)
        return None

    def unsubscribe(
        self, session: Session, channel: str, message: JsonObject, now_s: float
    ) -> str | None:
        """Subscriptions may always end: whether CometD still knows a channel is chance (C52)."""
        return None

    def publish(self, session: Session, message: JsonObject, now_s: float) -> Published:
        """The recorded outcome, by channel and data; an unrecorded publish is refused as a miss."""
        client = _client_of(session)
        channel, data = str(message["channel"]), message.get("data")
        shape = self.playbook.shaper.publish(channel, data)
        matches = self.playbook.matches(shape)
        if not matches:
            data = Scrubber(self.playbook.profile).message({"channel": channel, "data": data})[
                "data"
            ]
            shape = self.playbook.shaper.publish(channel, data)
            matches = self.playbook.matches(shape) or self.playbook.wild_matches(shape)
        self.clients.settle(client, matches, now_s)
        chosen = client.run.choose(client.session, matches, repeats=self.settings.repeats)
        if not isinstance(chosen, Playable):
            miss = self._miss(shape, client, chosen, now_s)
            near = f" nearest: {'; '.join(miss.nearest[0].lines())}" if miss.nearest else ""
            return Published(error=f"404:{channel}:cometape {miss.reason}: {miss.title}{near}")
        entry = chosen.entry
        assert isinstance(entry, BayeuxEntry)
        message_id = message.get("id")
        client.run.happened(
            entry, client, now_s, message_id=None if message_id is None else str(message_id)
        )
        self._note_busy(client.run)
        self._note(now_s, "publish", client, str(chosen), chosen.number)
        if not entry.successful:
            return Published(error=entry.error or self.bayeux.settings.words.publish_denied)
        return PUBLISHED

    def removed(self, session: Session, reason: Reason, now_s: float) -> None:
        """A Bayeux session has ended; what did not reach an expired one waits for its client."""
        client = _client_of(session)
        client.client_ids.pop(session.client_id, None)
        pending = self._in_flight.pop(session.client_id, [])
        if reason == "disconnect":
            client.finished = not client.client_ids
            client.finishes += 1
        else:
            kept = list(session.ack.acknowledge(-1)) if session.ack is not None else []
            lost = {id(one) for one in (*session.queue, *session.resend, *kept)}
            unread = [due for message, due in pending if id(message) in lost]
            client.mailbox = unread + client.mailbox
            for due in unread:
                client.run.delivered[due.follower.event.number] -= 1
        self._note(now_s, "end", client, f"Bayeux session ended: {reason}")

    # ---------------------------------------------------------------- small things

    def _new_run(self, number: int) -> Run:
        return Run(
            self.playbook,
            number,
            pace=self.settings.pace,
            event_gap_s=self.settings.event_gap_s,
        )

    def _dialect(self) -> str:
        """The dialect of the recorded errors, or the profile's."""
        for entry in self.playbook.cassette.entries:
            if isinstance(entry, BayeuxEntry) and entry.error:
                found = dialect_of(entry.error)
                if found is not None:
                    return found.name
        return self.playbook.profile.dialect

    def _recorded_session(self, client: LiveClient) -> RecordedSession | None:
        return self.playbook.sessions.get(client.session)

    def _nth_handshake(self, client: LiveClient) -> Handshake | None:
        recorded = self._recorded_session(client)
        if recorded is None or not recorded.handshakes:
            return None
        return recorded.handshakes[min(client.handshakes, len(recorded.handshakes) - 1)]

    def _new_client_id(self, client: LiveClient, recorded: Handshake | None) -> str:
        name = recorded.client_id if recorded is not None else None
        identity = Identity("client-id", "", name or "<client-id:0>")
        while True:
            known = client.run.known(identity, client) is not None
            found = client.run.live(identity, client, renew=known)
            if self.clients.of_client_id(found) is None:
                return found

    def _new_browser_id(self) -> str:
        client = self._shaken
        assert client is not None, "a browser cookie is set by a handshake alone"
        client.browser_ids += 1
        identity = Identity("client-id", "", f"<browser:{client.number}.{client.browser_ids}>")
        value = client.binding.live(identity)
        self.clients.know_cookie(BROWSER_COOKIE, value, client)
        return value

    def _come_to_pass(
        self, entry: Handshake | Subscribe | None, client: LiveClient, now_s: float
    ) -> None:
        if entry is not None and entry.successful and entry.number not in client.run.played:
            client.run.happened(entry, client, now_s)
        self._note_busy(client.run)

    def _note(
        self, now_s: float, kind: Kind, client: LiveClient, text: str, entry: int | None = None
    ) -> None:
        if self._met < len(self.clients.clients):
            newcomers = self.clients.clients[self._met :]
            self._met = len(self.clients.clients)
            for newcomer in newcomers:
                self._note(now_s, "client", newcomer, f"takes the session {newcomer.session!r}")
        self.journal.add(
            Line(
                at_s=now_s,
                kind=kind,
                run=client.run.number,
                client=client.label,
                text=text,
                entry=entry,
            )
        )


def _client_of(session: Session) -> LiveClient:
    assert isinstance(session.context, LiveClient)
    return session.context


def _reply_extra(recorded: Handshake | None) -> JsonObject | None:
    """Custom fields of a recorded reply, less what the live protocol says for itself."""
    if recorded is None or not recorded.reply_extra:
        return None
    extra = {name: value for name, value in recorded.reply_extra.items() if name != "x-messages"}
    ext = extra.get("ext")
    if isinstance(ext, dict):
        kept: dict[str, Json] = {k: v for k, v in ext.items() if k not in ("ack", "timesync")}
        extra.pop("ext")
        if kept:
            extra["ext"] = kept
    return extra or None
