"""What a test may do to a replay from outside, beside being its client.

Inject an event that was never recorded; end a session as silence or the server would; cut the
connections of a client. Everything returns the actions that the shell has to carry out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from cometape.core.bayeux import channel as channels
from cometape.core.places.json_text import MAX_DEPTH

from ..bayeux.actions import BayeuxAction
from ..errors import ConfigurationError
from ..json_value import Json, JsonObject, is_deeper_than
from ..service import Abort, Action, Service
from .live_sessions import LiveSession, known_sessions, live_sessions
from .replay_service import ReplayService


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """An event that a test made up, and who was given it."""

    sessions: tuple[LiveSession, ...]
    actions: tuple[Action, ...]


def inject(
    service: ReplayService, channel: str, data: Json, to: str | None, now_s: float
) -> Injected:
    """Give an event to every session (of the name `to`) that is subscribed to its channel.

    It goes as it is: no id in it is changed. Raises ConfigurationError for what is no channel or
    no JSON, or where nobody takes it, saying why not; nothing has changed then.
    """
    if not channels.is_valid(channel) or channels.is_meta(channel) or "*" in channel:
        raise ConfigurationError(
            f"{channel!r} is no channel an event can come on",
            hint="It is a path such as /v2/me/workitems, without wildcards and not below /meta.",
            reason="bad-channel",
        )
    message: JsonObject = {"channel": channel, "data": _as_json(data)}
    replay = service.replay
    asked = live_sessions(replay) if to is None else known_sessions(replay, to)
    takers = tuple(one for one in asked if _takes(one, channel))
    if not takers:
        why = "; ".join(
            f"{one.client} ({one.client_id}) is subscribed to"
            f" {', '.join(one.subscriptions) or 'nothing'}"
            for one in asked
        )
        raise ConfigurationError(
            f"nobody is subscribed to {channel}, so nobody would see the event",
            hint=f"{why or 'There is no living Bayeux session'}. Inject it when the client has"
            " subscribed, on a channel it listens to.",
            reason="no-subscriber",
        )
    wanted: list[BayeuxAction] = []
    for one in takers:
        wanted += replay.bayeux.deliver(one.client_id, message, now_s)
    for one in takers:
        replay.chronicle.note_outside(now_s, one.client_id, f"event injected on {channel}")
    return Injected(sessions=takers, actions=tuple(service.carry_out(wanted, now_s)))


def expire(service: ReplayService, name: str, now_s: float) -> Sequence[Action]:
    """End the sessions of a name as silence would: their clients are told `402`, and handshake."""
    wanted: list[BayeuxAction] = []
    for one in known_sessions(service.replay, name):
        wanted += service.replay.bayeux.expire(one.client_id, now_s)
    return service.carry_out(wanted, now_s)


def disconnect(service: ReplayService, name: str, now_s: float) -> Sequence[Action]:
    """End the sessions of a name from the server's side: their clients are told to stop."""
    wanted: list[BayeuxAction] = []
    for one in known_sessions(service.replay, name):
        wanted += service.replay.bayeux.disconnect(one.client_id, now_s)
    return service.carry_out(wanted, now_s)


def drop(service: ReplayService, front: Service, name: str, now_s: float) -> Sequence[Action]:
    """Cut the connections that the sessions of a name wait on: held connects and WebSockets.

    The sessions live on. `front` is the service that the shell serves (`service`, or what stands
    before it), which must hear that an exchange has ended.
    """
    actions: list[Action] = []
    for one in known_sessions(service.replay, name):
        session = service.replay.bayeux.session(one.client_id)
        assert session is not None
        if session.hold is not None and not session.hold.over_socket:
            exchange = session.hold.carrier_id
            actions += front.gone(exchange, now_s)
            actions.append(Abort(exchange))
        if session.socket is not None:
            actions.append(Abort(session.socket))
    return actions


def _as_json(data: object) -> Json:
    """What clients will read, however `data` changes later. Raises ConfigurationError for no JSON.

    It is written much later, in answer to a client that would be left without one.
    """
    try:
        found: Json = json.loads(json.dumps(data, allow_nan=False))
        if not is_deeper_than(MAX_DEPTH, found):
            return found
        why = f"it has more than {MAX_DEPTH} levels"
    except RecursionError:
        why = f"it has more than {MAX_DEPTH} levels"
    except (TypeError, ValueError) as error:
        why = str(error)
    raise ConfigurationError(
        f"what is to be injected is not JSON: {why}",
        hint="Give dicts with text for keys, lists, texts, finite numbers, True, False and None.",
        reason="bad-event",
    )


def _takes(session: LiveSession, channel: str) -> bool:
    return any(channels.matches(pattern, channel) for pattern in session.subscriptions)
