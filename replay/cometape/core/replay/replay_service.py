"""The replay server as a Service: live clients bound to runs of one cassette.

It has no upstream: nothing here, and nothing it imports, can open a connection. A request that no
recording answers is a miss, which explains itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from cometape.core.identity.date_shift import Dates
from cometape.core.playbook.playbook import Playbook
from cometape.core.report.chronicle import Chronicle
from cometape.core.report.journal import Journal, Report
from cometape.core.report.miss import Miss
from cometape.core.run.clients import Clients
from cometape.core.run.live_client import Arrival, LiveClient
from cometape.core.run.pace import INSTANT, Pace
from cometape.core.run.play import MAX_WAITING, Due, Play
from cometape.core.run.player import Run
from cometape.core.run.repeats import Repeats

from ..bayeux.actions import BayeuxAction
from ..bayeux.channel import META_DISCONNECT
from ..bayeux.dialect import dialect_named
from ..bayeux.endpoint import BayeuxEndpoint
from ..bayeux.server import BayeuxServer
from ..bayeux.settings import Settings
from ..cassette import Exchange
from ..cors import CorsService
from ..exchange import Request, Response
from ..explore.conductor import PATIENCE_S, Conductor
from ..explore.order import Order
from ..explore.plot import Plot
from ..faults.fault_rule import FaultRule
from ..service import Abort, Action, Respond, SendText
from .agenda import Agenda
from .answer_gate import AnswerGate
from .answers import Answers
from .delivery import Delivery
from .fault_injector import FaultInjector
from .interference import GO_ON, Interference
from .recorded_application import RecordedApplication
from .replay_faults import ReplayFaults
from .setbacks import Setbacks, client_left, divided, failure
from .waiting_setbacks import WaitingSetbacks

MAX_INTERVAL_MS = 300_000
"""How long a silent Bayeux session lives, so that a breakpoint in a debugger ends none."""
BAYEUX = Settings(max_interval_ms=MAX_INTERVAL_MS, max_queue=MAX_WAITING)
"""What a replay's Bayeux server is set to, where nothing else is asked for."""

_CLIENT_ID = re.compile(r'"clientId"\s*:\s*"([^"\\]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySettings:
    """How a cassette is replayed."""

    seed: int = 0
    """What fresh ids are derived from."""
    pace: Pace = INSTANT
    strict: bool = True
    """Whether misses and leftovers are a failure; for whoever reads the report."""
    repeats: bool | Sequence[str] = False
    """Which operations may be answered again when their recordings are used up: all, or those
    named (`Repeats.names`), beside those that the profile calls repeatable."""
    event_gap_s: float = 0.01
    """Least time between an answer and the events it causes, so that a client with two
    connections sees the answer first."""
    bayeux: Settings = BAYEUX
    """Times and limits of the Bayeux server; its dialect is the one below."""
    dates: Dates | None = None
    """When it shall seem to have been recorded; None: as the profile says."""
    dialect: str | None = None
    """Whose error strings; None: those of the recording, else the profile's."""
    order: str | None = None
    """In which order answers and events come, by its name; None: as recorded, by time."""
    order_patience_s: float = PATIENCE_S
    """How long nothing happens before what an order holds back is let go."""
    faults: tuple[FaultRule, ...] = ()
    """What goes wrong on purpose, from the beginning (`ReplayService.faults` adds more)."""
    as_recorded: bool = False
    """Whether sessions are lost and exchanges break off as in the recording (`setbacks`)."""


class ReplayService(CorsService):
    """A replay of one cassette, to browsers as well."""

    def __init__(self, playbook: Playbook, settings: ReplaySettings | None = None) -> None:
        """Replays may share a playbook. Raises ConfigurationError where `settings` do not fit."""
        self.replay = Replay(playbook, settings or ReplaySettings())
        super().__init__(self.replay)
        self._gate = AnswerGate(self.replay)
        self._injector: FaultInjector | None = None
        seed = self.settings.seed
        self.faults = ReplayFaults(playbook.profile, seed, self._interfere, self._leave_alone)
        """What goes wrong on purpose."""
        self.replay.chronicle.faults = self.faults.ledger
        self.conductor: Conductor | None = None
        """Plays the order that the settings say."""
        if self.settings.order is not None:
            self._conduct(Order.named(Plot.of(playbook), self.settings.order))
        for rule in self.settings.faults:
            self.faults.add(rule)

    @property
    def settings(self) -> ReplaySettings:
        """As given."""
        return self.replay.settings

    @property
    def journal(self) -> Journal:
        """What has happened so far."""
        return self.replay.chronicle.journal

    @property
    def misses(self) -> list[Miss]:
        """The misses so far."""
        return self.replay.chronicle.misses

    def at_once(self, connection: int, request: Request, now_s: float) -> Response | None:
        """The answer to a request that is answered by a shortcut, with nothing in its way.

        A page of another origin is answered by `request`, which adds what allows it to read.
        """
        if self.inner is not self.replay or request.headers.first("Origin") is not None:
            return None
        return self.replay.answers.again(connection, request, now_s)

    def report(self, *, with_played: bool = False) -> Report:
        """What became of the replay so far; `with_played`, what was asked for and delivered too."""
        return self.replay.chronicle.report(with_played=with_played)

    def is_ok(self) -> bool:
        """Whether the report would say so; far cheaper, to be asked after every change."""
        return self.replay.chronicle.is_ok()

    def is_undelivered(self) -> bool:
        """Whether the report would tell of an event that was never delivered; as cheap."""
        return self.replay.chronicle.is_undelivered()

    def held_back_s(self) -> list[float]:
        """When answers leave that are held, and what interferes has something to do."""
        others = [
            one.deadline_s() for one in (self.replay.interference, self.replay.setbacks) if one
        ]
        return sorted({*self._gate.leaving_s(), *(at_s for at_s in others if at_s is not None)})

    def carry_out(self, wanted: Sequence[BayeuxAction], now_s: float) -> Sequence[Action]:
        """What somebody outside made the Bayeux server want, as a client of it is served."""
        actions: Sequence[Action] = self.replay.endpoint.actions(wanted, now_s)
        if self.inner is self._gate:
            actions = self._gate.passing(actions, now_s)
        return self._allowed(actions)

    def on_miss(self, listener: Callable[[Miss], None]) -> None:
        """Call `listener` with every miss from now on, as it happens."""
        self.replay.chronicle.listeners.append(listener)

    def _conduct(self, order: Order) -> None:
        """Answers and events wait for their turn."""
        self.replay.interference = self.conductor = conductor = Conductor(
            self.replay,
            self._gate,
            order,
            gap_s=self.settings.event_gap_s,
            patience_s=self.settings.order_patience_s,
        )
        self.replay.chronicle.unrealised = lambda: conductor.unrealised
        self.inner = self._gate

    def _interfere(self) -> None:
        """From now on answers pass a gate, and events the faults."""
        if self._injector is None:
            self._injector = FaultInjector(
                self.replay, self._gate, self.faults.ledger, gap_s=self.settings.event_gap_s
            )
            if self.conductor is not None:
                self.conductor.inner = self._injector
            else:
                self.replay.interference = self._injector
        self.inner = self._gate

    def _leave_alone(self) -> None:
        """No rule is left; what is held already stays until its time."""
        if self._gate.is_idle and self.conductor is None:
            self.inner = self.replay


class Replay:
    """The Service behind `ReplayService`."""

    def __init__(self, playbook: Playbook, settings: ReplaySettings) -> None:
        self.settings = settings
        self.playbook = playbook
        self.dates = settings.dates or Dates.parse(playbook.profile.shift_dates)
        self._find_shift_s = self._shift_s  # one method object for all runs
        self._shift_s(0.0)  # fails now where it cannot be told
        self.setbacks = None
        if settings.as_recorded:
            self.setbacks = Setbacks(
                playbook, factor=settings.pace.factor, gap_s=settings.event_gap_s
            )
        self.clients = Clients(playbook, settings.seed, self._new_run)
        dialect = settings.dialect or self._dialect()
        self.repeats = Repeats.of(settings.repeats)
        self.application = application = RecordedApplication(
            playbook,
            self.clients,
            dialect_named(dialect),
            repeats=self.repeats,
            busy=self.note_busy,
            as_recorded=settings.as_recorded,
        )
        self.bayeux = BayeuxServer(application, replace(settings.bayeux, dialect=dialect))
        self.waiting_setbacks = WaitingSetbacks(self.bayeux)
        self.delivery = Delivery(playbook, self.bayeux, self._delivered)
        self.chronicle = Chronicle(
            playbook, self.clients, self.delivery.unfetched, as_recorded=settings.as_recorded
        )
        application.delivery, application.chronicle = self.delivery, self.chronicle
        self.clients.has_left = self._has_left
        self.clients.tabs.is_held = self.bayeux.held
        self.endpoint = BayeuxEndpoint(
            self.bayeux,
            path=playbook.bayeux_paths[0],
            new_browser_id=application.new_browser_id,
        )
        self._paths = frozenset(path.rstrip("/") for path in playbook.bayeux_paths)
        self._below_paths = tuple(f"{path}/" for path in self._paths)
        self._sockets: dict[int, Arrival] = {}
        self.agenda: Agenda[Run] = Agenda()
        """Runs in which events are on their way."""
        self.interference: Interference | None = None
        """Faults on purpose, where there are any."""
        self.answers = Answers(self)

    # ---------------------------------------------------------------- the service

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """A request: Bayeux on its paths, a recorded exchange, or a miss."""
        response = self.answers.again(connection, request, now_s)
        if response is not None:
            return [Respond(exchange, response)]
        arrival = Arrival.of(connection, request)
        if not self._is_bayeux(request):
            return self.answers.answer(exchange, request, arrival, now_s)
        text = request.body.decode("utf-8", "replace") or unquote(request.target)
        verdict = GO_ON
        if self.interference is not None:
            verdict = self.interference.spoken(exchange, request, text, arrival, now_s)
            if verdict.is_final:
                return verdict.actions
        actions = [*verdict.actions, *self._before(text, arrival, now_s)]
        if self.setbacks is not None:
            failing = self.setbacks.failing(self.speaker(text), text)
            if failing is not None:
                return [*actions, failure(exchange, failing)]
        answered = self.endpoint.request(exchange, request, now_s, context=arrival)
        actions += self._failed(exchange, answered)
        return actions + self.after(now_s)

    def upgrade(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """A WebSocket: Bayeux on its paths, else a miss."""
        arrival = Arrival.of(connection, request)
        if not self._is_bayeux(request):
            return self.answers.answer(exchange, request, arrival, now_s)
        self._sockets[exchange] = arrival
        return self.endpoint.upgrade(exchange, request, now_s, context=arrival)

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        """A frame of a WebSocket."""
        arrival = self._sockets.get(socket)
        if arrival is None:
            return []
        verdict = GO_ON
        if self.interference is not None:
            verdict = self.interference.spoken(socket, None, text, arrival, now_s)
            if verdict.is_final:
                return verdict.actions
        actions = [*verdict.actions, *self._before(text, arrival, now_s)]
        actions += self._failed(socket, self.endpoint.text(socket, text, now_s))
        return actions + self.after(now_s)

    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        """A client left a held connect, or a WebSocket ended."""
        self._sockets.pop(exchange_or_socket, None)
        if self.setbacks is not None:
            self.setbacks.gone(exchange_or_socket)
        return self.endpoint.gone(exchange_or_socket, now_s)

    def tick(self, now_s: float) -> Sequence[Action]:
        """Events are due, or a held connect has been held long enough."""
        actions = self._befall(now_s)
        for run in self.agenda.take_due(now_s):
            actions += self._give(run.release(now_s), now_s)
            self.note_busy(run)
        if self.interference is not None:
            actions += self.interference.tick(now_s)
        actions += self.endpoint.tick(now_s)
        return actions + self._catch_up(now_s)

    def deadline_s(self) -> float | None:
        """When `tick` is wanted next."""
        bayeux_s, event_s = self.bayeux.deadline_s(), self.agenda.next_s()
        if self.setbacks is not None:
            event_s = _earlier(event_s, self.setbacks.deadline_s())
        if self.interference is not None:
            event_s = _earlier(event_s, self.interference.deadline_s())
        return _earlier(bayeux_s, event_s)

    # ---------------------------------------------------------------- setbacks, as recorded

    def break_off(
        self, exchange: int, entry: Exchange, client: LiveClient, now_s: float
    ) -> list[Action]:
        """An exchange breaks off before its answer, as the recorded one did."""
        assert self.setbacks is not None
        client.run.happened(entry, client, now_s)
        self.note_busy(client.run)
        text = f"{self.playbook.title(entry.number)} gets no answer, as recorded: {entry.error}"
        self.chronicle.note(now_s, "note", client, text, entry.number)
        if not client_left(entry):
            return [Abort(exchange)]
        self.setbacks.hold(exchange, now_s)
        return []

    def _befall(self, now_s: float) -> list[Action]:
        """What went wrong in the recording goes wrong: between the events before and after it."""
        if self.setbacks is None:
            return []
        actions: list[Action] = [Abort(held) for held in self.setbacks.give_up(now_s)]
        for run, setback in self.setbacks.take_due(now_s):
            before, after = divided(run.release(now_s), setback)
            actions += self._give(before, now_s)
            if not self.waiting_setbacks.put_off(run, setback):
                actions += self.setbacks.befall(run, setback, self.endpoint, self.chronicle, now_s)
            actions += self._give(after, now_s)
            self.note_busy(run)
        return actions

    def _catch_up(self, now_s: float) -> list[Action]:
        """What has waited for clients to fetch events goes wrong now, if they have."""
        actions: list[Action] = []
        if self.setbacks is not None:
            for one in self.waiting_setbacks.take_ready():
                actions += self.setbacks.befall(
                    one.run, one.setback, self.endpoint, self.chronicle, now_s, one.client_ids
                )
                actions += self._give(one.later, now_s)
        return actions

    # ---------------------------------------------------------------- Bayeux

    def _is_bayeux(self, request: Request) -> bool:
        path = request.target.partition("?")[0]
        return path in self._paths or path.startswith(self._below_paths)

    def _before(self, text: str, arrival: Arrival, now_s: float) -> list[Action]:
        """Learn whose connection this is; hand over what is due before a client says goodbye.

        An event that comes a few milliseconds after its cause's answer would be lost to a client
        that disconnects at once, depending on who is faster.
        """
        self.application.arrival = arrival
        client = self.speaker(text)
        if client is None:
            return []
        self.clients.know_connection(arrival.connection, client)
        client.origin = arrival.origin or client.origin
        actions: list[Action] = []
        if META_DISCONNECT in text and self.settings.pace.factor == 0.0:
            while dues := client.run.release(now_s, only=client):  # one may cause the next
                actions += self._give(dues, now_s)
        return actions

    def _failed(self, carrier: int, actions: list[Action]) -> list[Action]:
        """The answer to Bayeux messages, or what it is where one of them failed by HTTP."""
        error = self.application.failed_by
        if error is None:
            return actions
        self.application.failed_by = None
        others = [action for action in actions if not _is_answer(action, carrier)]
        return [*others, failure(carrier, error)]

    def after(self, now_s: float) -> list[Action]:
        """New subscriptions and sessions may be what events were waiting for."""
        wanted = self.delivery.deliver_waiting(now_s)
        actions = self.endpoint.actions(wanted, now_s) if wanted else []
        actions += self._catch_up(now_s)
        if self.interference is not None:
            actions += self.interference.settled(now_s)
        return actions

    def _give(self, dues: Sequence[Due], now_s: float) -> list[Action]:
        if self.setbacks is not None:
            dues = self.waiting_setbacks.pass_on(dues)
        if self.interference is not None:
            dues = self.interference.due(dues, now_s)
        return self.give(dues, now_s)

    # ---------------------------------------------------------------- what may interfere asks

    def speaker(self, text: str) -> LiveClient | None:
        """The client whose Bayeux messages these are."""
        found = _CLIENT_ID.search(text)
        return self.clients.of_client_id(found[1]) if found is not None else None

    def give(self, dues: Sequence[Due], now_s: float) -> list[Action]:
        """Deliver events, with nothing more in their way."""
        return self.endpoint.actions(self.delivery.give(dues, now_s), now_s)

    def expire(self, client: LiveClient, now_s: float) -> list[Action]:
        """End a client's Bayeux sessions as silence does."""
        actions: list[Action] = []
        for client_id in list(client.client_ids):
            actions += self.endpoint.actions(self.bayeux.expire(client_id, now_s), now_s)
        return actions

    def went_by(self, due: Due, now_s: float) -> None:
        """An event was lost on its way; what it causes comes all the same."""
        if due.run.went_by(due, now_s):
            self.note_busy(due.run)

    def is_placed(self, due: Due) -> bool:
        """Whether an event that was given has a Bayeux session: it waits in no mailbox."""
        receiver = due.run.receiver(due)
        return isinstance(receiver, LiveClient) and due not in receiver.mailbox

    def is_out(self, due: Due) -> bool:
        """Whether an event that was given has left: it waits for no session and in no queue."""
        receiver = due.run.receiver(due)
        if not isinstance(receiver, LiveClient):
            return due not in due.run.unclaimed.get(due.session, ())
        return due not in receiver.mailbox and due not in self.delivery.unfetched()

    def _delivered(self, client: LiveClient, dues: Sequence[Due], now_s: float) -> None:
        follower, run = dues[0].follower, dues[0].run
        client.hear(dues)
        self.chronicle.note(now_s, "event", client, follower, follower.number, len(dues))
        if run.reached(dues, now_s):
            self.note_busy(run)

    # ---------------------------------------------------------------- runs

    def _new_run(self, number: int) -> Run:
        run = Run(
            self.playbook,
            number,
            pace=self.settings.pace,
            event_gap_s=self.settings.event_gap_s,
            shift_s=self._find_shift_s,
        )
        if self.setbacks is not None:
            run.on_play = self.setbacks.noted
        elif self.playbook.failed_tries.brought_about:
            run.on_play = self._made_up_for
        return run

    def _made_up_for(self, run: Run, play: Play) -> None:
        """A try succeeded: what failed ones before it brought about comes, once per run."""
        if play.nth == 1:
            brought_about = self.playbook.failed_tries.brought_about.get(play.entry.number, ())
            run.set_off(play, run.delays(brought_about))

    def _shift_s(self, now_s: float) -> int:
        wall_s = now_s + self.settings.bayeux.wall_offset_s
        return self.dates.shift_s(self.playbook.header.recorded_at, wall_s)

    def _has_left(self, client_id: str) -> bool:
        session = self.bayeux.session(client_id)
        return session is None or session.left

    def note_busy(self, run: Run) -> None:
        """Events of a run may be on their way."""
        self.agenda.note(run)

    def _dialect(self) -> str:
        """The dialect of the recorded errors, or the profile's."""
        return self.playbook.index.dialect or self.playbook.profile.dialect


def _is_answer(action: Action, carrier: int) -> bool:
    if isinstance(action, SendText):
        return action.socket == carrier
    return isinstance(action, Respond) and action.exchange == carrier


def _earlier(one_s: float | None, other_s: float | None) -> float | None:
    if one_s is None or other_s is None:
        return other_s if one_s is None else one_s
    return min(one_s, other_s)
