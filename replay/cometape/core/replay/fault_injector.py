"""Faults as they befall a replay: what each kind does to an answer, a session or an event."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Protocol

from cometape.core.playbook.playbook import Playbook
from cometape.core.playbook.recordings import Playable
from cometape.core.report.chronicle import Chronicle
from cometape.core.run.live_client import Arrival, LiveClient
from cometape.core.run.play import Due, Exhausted, Play

from ..exchange import Headers, Request, Response
from ..faults.fault_ledger import FaultLedger
from ..faults.fault_rule import FaultRule, Occasion
from ..service import Action, Manner, Reset, Respond
from .answer_gate import AnswerGate, Plan
from .interference import GO_ON, Postponed, Verdict
from .postponement import Postponement

_CHANNEL = re.compile(r'"channel"\s*:\s*"(/[^"\\]+)"')
_EMPTY = Headers([("Content-Type", "text/plain;charset=UTF-8")])


class Faulty(Protocol):
    """What faults ask of the replay they befall."""

    playbook: Playbook
    chronicle: Chronicle

    def speaker(self, text: str) -> LiveClient | None:
        """The client whose Bayeux messages these are."""
        ...

    def give(self, dues: Sequence[Due], now_s: float) -> list[Action]:
        """Deliver events, with nothing more in their way."""
        ...

    def expire(self, client: LiveClient, now_s: float) -> list[Action]:
        """End a client's Bayeux sessions as silence does."""
        ...

    def went_by(self, due: Due, now_s: float) -> None:
        """An event was lost on its way; what it causes comes all the same."""
        ...

    def is_out(self, due: Due) -> bool:
        """Whether an event that was given is on its way to its client, or with it."""
        ...


class FaultInjector:
    """An `Interference` by the rules of a ledger."""

    def __init__(
        self, replay: Faulty, gate: AnswerGate, ledger: FaultLedger, *, gap_s: float
    ) -> None:
        """`gap_s`: how long after an early event its cause is answered."""
        self._replay = replay
        self._gate = gate
        self._ledger = ledger
        self._gap_s = gap_s
        self._severing: FaultRule | None = None
        """A `402` that the request at hand has met."""
        self._severed: dict[Play, None] = {}
        """Plays whose events are lost with the session."""
        self._postponement = Postponement()

    # ---------------------------------------------------------------- answers

    def asked(
        self,
        exchange: int,
        request: Request,
        client: LiveClient,
        chosen: Playable | Exhausted | None,
        now_s: float,
    ) -> Verdict:
        """A request for a recorded exchange came, or for none."""
        self._severing = None
        playable = chosen if isinstance(chosen, Playable) else None
        profile = self._replay.playbook.profile
        occasion = Occasion(
            scope="answer",
            who=client,
            session=client.session,
            method=request.method,
            path=request.target.partition("?")[0],
            operation=playable.name if playable else profile.operation_name(request),
            entry=playable.number if playable else None,
        )
        verdict, plan = self._befall(exchange, occasion, client, now_s)
        if verdict.is_final and playable is not None:
            client.run.spare(playable.number)
        if self._severing is not None and plan is not None:
            plan.then.append(lambda then_s: self._replay.expire(client, then_s))
        return verdict

    def spoken(
        self, carrier: int, request: Request | None, text: str, arrival: Arrival, now_s: float
    ) -> Verdict:
        """Bayeux messages came; those of a handshake are not anybody's yet."""
        self._severing = None
        client = self._replay.speaker(text)
        occasion = Occasion(
            scope="answer",
            who=client if client is not None else ("handshake", arrival.user),
            session=client.session if client is not None else arrival.user,
            method=request.method if request is not None else None,
            path=request.target.partition("?")[0] if request is not None else None,
            channels=tuple(_CHANNEL.findall(text)),
            is_bayeux=True,
            over_socket=request is None,
        )
        verdict, plan = self._befall(carrier, occasion, client, now_s)
        if self._severing is not None and plan is not None and client is not None:
            plan.then.append(lambda then_s: self._replay.expire(client, then_s))
        return verdict

    def answered(
        self, exchange: int, play: Play, client: LiveClient, actions: list[Action], now_s: float
    ) -> list[Action]:
        """An exchange was played: its events may overtake its answer, or be lost."""
        if self._severing is not None:
            if self._severing.value("events") == "lost":
                self._severed[play] = None
            self._severing = None
        early: list[Due] = []
        within_s = 0.0
        for due in client.run.scheduled:
            if due.play is not play:
                continue
            for rule in self._ledger.firing(self._occasion_of(due, overtaking=True)):
                self._note(rule, now_s, client, due)
                within_s = max(within_s, rule.number("within"))
                early.append(due)
        if not early:
            return actions
        plan = self._gate.plan_of(exchange)
        plan.patience_s = within_s
        plan.until = _after_all_are_out(self._replay, early, self._gap_s)
        plan.gave_up = lambda then_s: self._tell(
            then_s, client, "the answer could not wait: no poll took the early event in time"
        )
        dues = self.due(client.run.hurry(early), now_s)
        return [*self._replay.give(dues, now_s), *actions]

    def _befall(
        self, carrier: int, occasion: Occasion, client: LiveClient | None, now_s: float
    ) -> tuple[Verdict, Plan | None]:
        """What the rules that fire make of an answer, all of them together."""
        rules = self._ledger.firing(occasion)
        if not rules:
            return GO_ON, None
        if occasion.over_socket:
            plan = self._gate.plan(carrier)
            plan.channels = occasion.channels
        else:
            plan = self._gate.plan_of(carrier)
        actions: list[Action] = []
        refusal: Response | None = None
        is_reset = False
        share, resets, every_s = 1.0, False, 0.0
        piece_bytes: int | None = None
        for rule in rules:
            self._note(rule, now_s, client, occasion)
            declared = rule.kind.declared
            if declared is not None:
                refusal = refusal or declared.answer
                if declared.ends_session and client is not None:
                    actions += self._replay.expire(client, now_s)
                continue
            match rule.kind.name:
                case "delay":
                    plan.delay_s += rule.number("by")
                case "status":
                    refusal = refusal or _error(rule)
                case "reset":
                    is_reset = is_reset or rule.value("when") == "before"
                    plan.is_lost = plan.is_lost or rule.value("when") == "instead"
                    resets = resets or rule.value("when") == "after"
                case "cut":
                    share, resets = min(share, rule.number("share")), True
                case "drip":
                    size = int(rule.number("bytes"))
                    piece_bytes = size if piece_bytes is None else min(piece_bytes, size)
                    every_s = max(every_s, rule.number("every"))
                case "402":
                    if self._severing is None or rule.value("events") == "lost":
                        self._severing = rule
                case "expired":
                    if client is not None:
                        actions += self._replay.expire(client, now_s)
        plan.manner = Manner(share=share, resets=resets, piece_bytes=piece_bytes, every_s=every_s)
        if is_reset:
            return Verdict([*actions, Reset(carrier)], True), plan
        if refusal is not None:
            return Verdict([*actions, Respond(carrier, refusal)], True), plan
        return Verdict(actions), plan

    # ---------------------------------------------------------------- events

    def due(self, dues: Sequence[Due], now_s: float) -> list[Due]:
        """What is left of events that have become due, in the order in which they go out."""
        found: list[Due] = []
        for due in dues:
            passing = self._passed(due, now_s)
            found += passing
            found += self._postponement.overtaken(passing, now_s)
        return found

    def settled(self, now_s: float) -> list[Action]:
        """Nothing here waits for a request."""
        return []

    def tick(self, now_s: float) -> list[Action]:
        """Events that were late have come."""
        found = self._postponement.take_due(now_s)
        return self._replay.give(found, now_s) if found else []

    def deadline_s(self) -> float | None:
        """When the next late event comes."""
        return self._postponement.next_s()

    def postponed(self) -> list[Postponed]:
        """Events that are late, copies that are to come, events that wait to be overtaken."""
        return self._postponement.listed()

    def _passed(self, due: Due, now_s: float) -> list[Due]:
        """One event after the faults that befall it."""
        number = due.follower.number
        if due.play is not None and due.play in self._severed:
            self._lose(due, now_s)
            self._tell(now_s, _receiver(due), f"{due.follower}: lost with the session", number, due)
            return []
        late_s, copies, after_s, wait_s = 0.0, 1, 0.0, 0.0
        is_lost = False
        kept = {"reordered"} if self._postponement.is_overtaking(due) else ()
        for rule in self._ledger.firing(self._occasion_of(due), spared=kept):
            self._note(rule, now_s, _receiver(due), due)
            if rule.kind.declared is not None:
                change = rule.kind.declared.change(due.follower.event.data)
                if change is not None and change.patch is None:
                    is_lost = True
                elif change is not None and change.patch is not None:
                    due.patches += (json.loads(change.patch),)
                continue
            match rule.kind.name:
                case "lost":
                    is_lost = True
                case "late":
                    late_s += rule.number("by")
                case "duplicated":
                    copies += int(rule.number("copies")) - 1
                    after_s = max(after_s, rule.number("after"))
                case "reordered":
                    wait_s = max(wait_s, rule.number("within"))
                case "changed":
                    due.patches += (json.loads(str(rule.value("patch"))),)
        if is_lost:
            self._lose(due, now_s)
            return []
        return self._postponement.put_off(
            due, now_s, late_s=late_s, wait_s=wait_s, copies=copies, after_s=after_s
        )

    def _lose(self, due: Due, now_s: float) -> None:
        due.run.spare(due.follower.number)
        self._replay.went_by(due, now_s)

    def _occasion_of(self, due: Due, *, overtaking: bool = False) -> Occasion:
        follower = due.follower
        receiver = _receiver(due)
        cause = self._replay.playbook.playable(follower.anchor) if follower.caused else None
        method, path = _asked_for(cause)
        return Occasion(
            scope="overtaking" if overtaking else "event",
            who=receiver if receiver is not None else (due.run.number, due.session),
            session=due.session,
            method=method,
            path=path,
            operation=cause.name if cause is not None else None,
            channels=(follower.channel,),
            entry=follower.number,
        )

    # ---------------------------------------------------------------- what is told

    def _note(
        self, rule: FaultRule, now_s: float, client: LiveClient | None, befallen: Occasion | Due
    ) -> None:
        if isinstance(befallen, Due):
            entry: int | None = befallen.follower.number
            what = str(befallen.follower)
            self._tell(now_s, client, f"{rule}: {what}", entry, befallen)
            return
        place = " ".join(befallen.channels) or befallen.path or ""
        words = [befallen.method or "", place, befallen.operation or ""]
        what = " ".join(word for word in words if word)
        self._tell(now_s, client, f"{rule}: {what}", befallen.entry)

    def _tell(
        self,
        now_s: float,
        client: LiveClient | None,
        text: str,
        entry: int | None = None,
        due: Due | None = None,
    ) -> None:
        run = due.run.number if due is not None else 0
        self._replay.chronicle.fault(now_s, client, text, entry, run=run)


def _after_all_are_out(
    replay: Faulty, dues: Sequence[Due], gap_s: float
) -> Callable[[float], float | None]:
    """Says, when asked with the time, from when on events that were given are seen; None: not."""
    seen_s: float | None = None

    def until(now_s: float) -> float | None:
        nonlocal seen_s
        if seen_s is None and all(map(replay.is_out, dues)):
            seen_s = now_s + gap_s
        return seen_s

    return until


def _receiver(due: Due) -> LiveClient | None:
    receiver = due.run.receiver(due)
    return receiver if isinstance(receiver, LiveClient) else None


def _asked_for(cause: Playable | None) -> tuple[str | None, str | None]:
    """Method and path of the exchange that caused an event."""
    if cause is None:
        return None, None
    return cause.shape.method, cause.shape.path


def _error(rule: FaultRule) -> Response:
    body = str(rule.value("body")).encode()
    return Response(
        status=int(rule.number("code")), headers=_EMPTY if body else Headers(), body=body
    )
