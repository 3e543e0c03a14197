"""What a replay will do by itself, and when, if nobody acts before.

For whoever holds the clock: events that are on their way, held connects that will time out,
silent sessions that will expire.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from cometape.core.run.live_client import LiveClient
from cometape.core.run.play import Due

from ..bayeux.session import Session
from ..json_value import JsonObject
from .replay_service import Replay

What = Literal["event", "timeout", "expiry", "other"]
"""What is pending; the closed set."""
KINDS: tuple[str, ...] = get_args(What)
"""The same, as texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """One thing that will happen."""

    what: What
    """`event`: a recorded event becomes due, or comes that was put off; `timeout`: a held connect
    is answered; `expiry`: a session that stays silent ends; `other`: a fault or whatever else has
    a time."""
    at_s: float
    client: str
    """The live client it is about, or the recorded session where none has come."""
    text: str
    entry: int | None = None
    """Number of the recorded event."""

    def json(self, now_s: float) -> JsonObject:
        """For a machine; `in_s` is how far away it is."""
        return {
            "what": self.what,
            "at_s": self.at_s,
            "in_s": max(0.0, round(self.at_s - now_s, 9)),
            "client": self.client,
            "text": self.text,
            "entry": self.entry,
        }


def pending(replay: Replay) -> list[Pending]:
    """Everything that is pending, the next first."""
    found = [*_events(replay), *_sessions(replay)]
    found.sort(key=lambda one: one.at_s)
    return found


def _events(replay: Replay) -> Iterator[Pending]:
    for run in replay.clients.runs:
        for due in run.scheduled:
            yield _event(due, due.at_s, str(due.follower))
    if replay.interference is not None:
        for at_s, due, why in replay.interference.postponed():
            yield _event(due, at_s, f"{due.follower}: {why}")


def _event(due: Due, at_s: float, text: str) -> Pending:
    receiver = due.run.receiver(due)
    name = receiver.label if isinstance(receiver, LiveClient) else due.session
    return Pending(what="event", at_s=at_s, client=name, text=text, entry=due.follower.event.number)


def _sessions(replay: Replay) -> Iterator[Pending]:
    for session in replay.bayeux.sessions:
        if session.hold is not None:
            yield Pending(
                what="timeout",
                at_s=session.hold.until_s,
                client=_label(session),
                text="its held connect is answered without an event",
            )
        elif (over_at_s := replay.bayeux.over_at_s(session)) is not None:
            yield Pending(
                what="expiry",
                at_s=over_at_s,
                client=_label(session),
                text="its session expires unless it connects before",
            )


def _label(session: Session) -> str:
    client = session.context
    return client.label if isinstance(client, LiveClient) else session.client_id
