"""One run as a server serves it: a replay with a clock, and what a test may do to it from outside.

It is a Service, so that a shell can serve it on an address of its own; the pytest plugin and the
control API govern it by the same methods. Those that change something return actions for the
connections of this run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from cometape.core.playbook.playbook import Playbook
from cometape.core.replay import intervention
from cometape.core.report.journal import Journal, Report
from cometape.core.report.miss import Miss

from ..errors import ConfigurationError
from ..exchange import Request, Response
from ..json_value import Json
from ..replay.intervention import Injected
from ..replay.live_sessions import LiveSession, is_held, live_sessions
from ..replay.pending import KINDS, Pending, pending
from ..replay.replay_service import ReplayService, ReplaySettings
from ..service import Action, Service
from ..virtual_time import VirtualTime


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Where the clock of a run stands."""

    now_s: float
    """Seconds since the run began, or was reset."""
    manual: bool
    """Whether it stands still until it is advanced."""
    pending: tuple[Pending, ...]
    """What will happen, the next first; its times are those of `now_s`."""


class ServedRun:
    """A replay that can be governed and begun anew; everything it holds belongs to one thread."""

    def __init__(
        self,
        name: str,
        cassette: str,
        playbook: Playbook,
        settings: ReplaySettings,
        now_s: float = 0.0,
    ) -> None:
        """`cassette` is what people call it; `now_s` the shell's time."""
        self.name = name
        self.cassette = cassette
        self.settings = settings
        self.began_s = now_s
        """When it began, by the clock that its replay is told of."""
        self.url = ""
        """Where it is served; set by who serves it."""
        self.resets = 0
        """How often it was begun anew."""
        self.requests = 0
        """Requests that have come since it began."""
        self._miss_listeners: list[Callable[[Miss], None]] = []
        self._listeners: list[Callable[[], None]] = []
        self._begin(playbook, now_s)

    def _begin(self, playbook: Playbook, now_s: float) -> None:
        settings = self.settings
        if settings.pace.manual:
            # Bytes are to be equal in every run: it is the day of the recording, or the one that
            # dates are moved to.
            when = settings.dates.when if settings.dates is not None else None
            offset_s = when if isinstance(when, int) else _recorded_s(playbook)
            bayeux = replace(settings.bayeux, wall_offset_s=offset_s)
            settings = replace(settings, bayeux=bayeux)
        self.replay = ReplayService(playbook, settings)  # fails before anything has changed
        self.playbook = playbook
        for listener in self._miss_listeners:
            self.replay.on_miss(listener)
        self._front: Service = self.replay
        self._clock: VirtualTime | None = None
        if settings.pace.manual:
            conductor = self.replay.conductor
            if conductor is not None:
                conductor.hear(now_s)
            self._front = self._clock = VirtualTime(self.replay, impatient=conductor)
        self.began_s = 0.0 if self._clock is not None else now_s
        self.requests = 0

    def reset(self, now_s: float, playbook: Playbook | None = None) -> None:
        """Begin anew, as if nobody had come; with another playbook where one is given.

        Whoever serves it cuts its connections: what they wait for will not come. Raises
        ConfigurationError where its settings (an order, dates) do not fit that other playbook;
        nothing has changed then.
        """
        self._begin(playbook or self.playbook, now_s)
        self.resets += 1
        self._changed()

    # ---------------------------------------------------------------- who wants to know

    def on_miss(self, listener: Callable[[Miss], None]) -> None:
        """Call `listener` with every miss from now on, also after a reset."""
        self._miss_listeners.append(listener)
        self.replay.on_miss(listener)

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` whenever something may have changed; calling the result ends that.

        It is called before the actions are carried out, and must not call back into this run.
        """
        self._listeners.append(listener)
        return partial(self._listeners.remove, listener)

    def _changed(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    def failed(self, what: str) -> None:
        """A fault of ours was met while this run was served: it has not passed."""
        self.replay.replay.chronicle.failed(what)
        self._changed()

    # ---------------------------------------------------------------- what there is to see

    @property
    def journal(self) -> Journal:
        """What has happened so far."""
        return self.replay.journal

    @property
    def misses(self) -> list[Miss]:
        """The misses so far."""
        return self.replay.misses

    @property
    def misses_total(self) -> int:
        """How many there were, also those that were too many to keep."""
        return self.replay.replay.chronicle.misses_total

    def report(self, *, with_played: bool = False) -> Report:
        """What became of it so far."""
        return self.replay.report(with_played=with_played)

    def is_ok(self) -> bool:
        """Whether the report would say so; far cheaper, to be asked after every change."""
        return self.replay.is_ok()

    def is_undelivered(self) -> bool:
        """Whether the report would tell of an event that was never delivered; as cheap."""
        return self.replay.is_undelivered()

    def sessions(self, name: str | None = None) -> list[LiveSession]:
        """The living Bayeux sessions; with a name (client id, user, recorded session) only those.

        Their times are seconds since the run began.
        """
        return [
            replace(
                one,
                held_until_s=_since(self.began_s, one.held_until_s),
                expires_at_s=_since(self.began_s, one.expires_at_s),
            )
            for one in live_sessions(self.replay.replay, name)
        ]

    def is_held(self, name: str | None = None) -> bool:
        """Whether a connect of somebody of that name (of anybody without one) is being held."""
        return is_held(self.replay.replay, name)

    def moment(self, now_s: float) -> Moment:
        """Where the clock stands and what is pending, in seconds since the run began."""
        here_s = self._here(now_s)
        found = pending(self.replay.replay)
        events_s = {one.at_s for one in found}
        for at_s in self.replay.held_back_s():
            if at_s not in events_s:
                is_fault = self.replay.conductor is None or bool(self.replay.faults.ledger)
                text = "what a fault holds back" if is_fault else "what the order holds back"
                found.append(Pending(what="other", at_s=at_s, client="", text=text))
        piece_s = self._clock.next_piece_s() if self._clock is not None else None
        if piece_s is not None:
            text = "the next piece of what trickles in"
            found.append(Pending(what="other", at_s=piece_s, client="", text=text))
        found.sort(key=lambda one: one.at_s)
        return Moment(
            now_s=here_s - self.began_s,
            manual=self._clock is not None,
            pending=tuple(replace(one, at_s=one.at_s - self.began_s) for one in found),
        )

    # ---------------------------------------------------------------- the clock

    def advance(self, seconds: float) -> list[Action]:
        """Let time pass. Raises ConfigurationError where the pace is not manual."""
        actions = self._manual().advance(seconds)
        self._changed()
        return actions

    def advance_to_next(self, what: str | None = None) -> list[Action]:
        """Let time pass until the next thing happens; `event`: until the next event is due.

        Nothing happens where nothing (of that kind) is pending. Raises ConfigurationError where
        the pace is not manual, or there is no such kind.
        """
        clock = self._manual()
        if what is not None and what not in KINDS:
            raise ConfigurationError(
                f"the clock cannot be advanced to the next {what!r}",
                hint=f"It must be one of {', '.join(KINDS)}, or nothing (whatever is next).",
                reason="bad-advance",
            )
        found = [one for one in self.moment(0.0).pending if what in (None, one.what)]
        if not found:
            return []
        actions = clock.advance_to(found[0].at_s)
        self._changed()
        return actions

    def _manual(self) -> VirtualTime:
        if self._clock is None:
            raise ConfigurationError(
                f"the clock of run {self.name!r} goes by itself: its pace is {self.settings.pace}",
                hint="Only a run with the pace 'manual' has a clock that can be advanced.",
                reason="clock-not-manual",
            )
        return self._clock

    def _here(self, now_s: float) -> float:
        return now_s if self._clock is None else self._clock.now_s

    # ---------------------------------------------------------------- interventions

    def inject(self, channel: str, data: Json, to: str | None, now_s: float) -> Injected:
        """Give an event to all subscribers (of the name `to`); see `intervention.inject`."""
        injected = intervention.inject(self.replay, channel, data, to, self._here(now_s))
        self._changed()
        return injected

    def expire(self, name: str, now_s: float) -> Sequence[Action]:
        """End the sessions of a name as silence would."""
        return self._done(intervention.expire(self.replay, name, self._here(now_s)))

    def disconnect(self, name: str, now_s: float) -> Sequence[Action]:
        """End the sessions of a name from the server's side."""
        return self._done(intervention.disconnect(self.replay, name, self._here(now_s)))

    def drop(self, name: str, now_s: float) -> Sequence[Action]:
        """Cut the connections on which the sessions of a name wait; the sessions live on."""
        return self._done(intervention.drop(self.replay, self._front, name, self._here(now_s)))

    def _done(self, actions: Sequence[Action]) -> Sequence[Action]:
        self._changed()
        return actions

    # ---------------------------------------------------------------- the service

    def request(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """A request of a client."""
        self.requests += 1
        actions = self._front.request(exchange, connection, request, now_s)
        if self._listeners:
            self._changed()
        return actions

    def at_once(self, connection: int, request: Request, now_s: float) -> Response | None:
        """The answer to a request of a client, where that is all there is to do now."""
        if self._clock is not None:
            return None
        response = self.replay.at_once(connection, request, now_s)
        if response is not None:
            self.requests += 1
            if self._listeners:
                self._changed()
        return response

    def upgrade(
        self, exchange: int, connection: int, request: Request, now_s: float
    ) -> Sequence[Action]:
        """A request to become a WebSocket."""
        self.requests += 1
        actions = self._front.upgrade(exchange, connection, request, now_s)
        if self._listeners:
            self._changed()
        return actions

    def text(self, socket: int, text: str, now_s: float) -> Sequence[Action]:
        """A frame of a WebSocket."""
        actions = self._front.text(socket, text, now_s)
        if self._listeners:
            self._changed()
        return actions

    def gone(self, exchange_or_socket: int, now_s: float) -> Sequence[Action]:
        """A client left."""
        actions = self._front.gone(exchange_or_socket, now_s)
        if self._listeners:
            self._changed()
        return actions

    def tick(self, now_s: float) -> Sequence[Action]:
        """Time has passed."""
        actions = self._front.tick(now_s)
        if self._listeners:
            self._changed()
        return actions

    def deadline_s(self) -> float | None:
        """When `tick` is wanted next."""
        return self._front.deadline_s()

    def trickle(self, number: int, every_s: float, pieces: int) -> int | None:
        """Pieces of an answer are to come, by the clock of this run if it has one."""
        return None if self._clock is None else self._clock.trickle(number, every_s, pieces)

    def dried_up(self, number: int) -> None:
        """Nobody reads it any more."""
        if self._clock is not None:
            self._clock.dried_up(number)


def _since(began_s: float, at_s: float | None) -> float | None:
    return None if at_s is None else at_s - began_s


def _recorded_s(playbook: Playbook) -> float:
    """When the cassette was recorded, in seconds since 1970; 0 where it does not say."""
    recorded_at = playbook.header.recorded_at
    return datetime.fromisoformat(recorded_at).timestamp() if recorded_at else 0.0
