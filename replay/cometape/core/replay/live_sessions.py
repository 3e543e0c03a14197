"""The living Bayeux sessions of a replay, as a test sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cometape.core.run.live_client import LiveClient

from ..bayeux.session import Session
from ..errors import ConfigurationError
from ..json_value import JsonObject
from .replay_service import Replay


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSession:
    """One Bayeux session at one moment."""

    client_id: str
    """The Bayeux client id that this replay issued."""
    client: str
    """Its client in a word: the user, else `client N`."""
    session: str
    """The recorded session that the client has taken."""
    round: int
    """Which playing of the cassette it takes part in, from 1; `run` in the report."""
    connection_type: str
    subscriptions: tuple[str, ...]
    """Channels and patterns, in the order of subscription."""
    held: bool
    """Whether a connect of it is being held."""
    held_until_s: float | None
    """When that is answered at the latest."""
    expires_at_s: float | None
    """When silence ends it; None while a connect is held."""
    queued: int
    """Events that wait for its next connect."""

    def is_named(self, name: str) -> bool:
        """Whether a test means this session: by client id, user or recorded session."""
        return name in (self.client_id, self.client, self.session)

    def json(self) -> JsonObject:
        """For a machine."""
        return {
            "client_id": self.client_id,
            "client": self.client,
            "session": self.session,
            "round": self.round,
            "connection_type": self.connection_type,
            "subscriptions": list(self.subscriptions),
            "held": self.held,
            "held_until_s": self.held_until_s,
            "expires_at_s": self.expires_at_s,
            "queued": self.queued,
        }


def live_sessions(replay: Replay, name: str | None = None) -> list[LiveSession]:
    """Those with that name, all without one, oldest first."""
    found = [_view(session) for session in replay.bayeux.sessions]
    return [one for one in found if name is None or one.is_named(name)]


def is_held(replay: Replay, name: str | None = None) -> bool:
    """Whether a connect of the sessions of that name (of any without one) is being held."""
    return any(one.held for one in live_sessions(replay, name))


def known_sessions(replay: Replay, name: str) -> Sequence[LiveSession]:
    """The living sessions of a name. Raises ConfigurationError where there is none, naming all."""
    found = live_sessions(replay, name)
    if not found:
        there = ", ".join(f"{one.client} ({one.client_id})" for one in live_sessions(replay))
        raise ConfigurationError(
            f"no living Bayeux session is called {name!r}",
            hint=f"There are: {there or 'none; no client has shaken hands'}. A session is called"
            " by its client id, its user or the recorded session it has taken.",
            reason="no-session",
        )
    return found


def _view(session: Session) -> LiveSession:
    client = session.context
    assert isinstance(client, LiveClient)
    hold = session.hold
    return LiveSession(
        client_id=session.client_id,
        client=client.label,
        session=client.session,
        round=client.run.number,
        connection_type=session.connection_type,
        subscriptions=tuple(session.subscriptions),
        held=hold is not None,
        held_until_s=hold.until_s if hold is not None else None,
        expires_at_s=session.expire_at_s,
        queued=len(session.queue) + len(session.resend),
    )
