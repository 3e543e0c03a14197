"""StartContactCenterSession, EndContactCenterSession, Ready and NotReady.

docs.genesys.com StartContactCenterSession, EndContactCenterSession, AgentStateNotReady. None of
these is answered with a `referenceId`.
"""

from __future__ import annotations

from cometape.core.json_value import Json, JsonObject

from .contact_center import AgentSession
from .desk import Call, Desk, Reply, done
from .messages import channel_resource, device_resource, user_state
from .model import User
from .notices import Notice, ToUser
from .statuses import (
    INTERNAL_ERROR,
    INVALID_STATE,
    MISSING_PARAMETER,
    NOT_FOUND,
    OK,
    OUT_OF_RANGE,
    PARTIAL_SUCCESS,
    STATUS_MESSAGES,
    Failure,
    status_message,
)

VOICE = "voice"
CHANNELS = (
    VOICE,
    "chat",
    "email",
    "workitem",
    "facebook",
    "twitter",
    "tweet",
    "openmedia",
    "im-session",
)
"""Channels that StartContactCenterSession takes: voice and any multimedia channel."""


def start_session(desk: Desk, call: Call) -> Reply:
    """Log the agent in on channels: 0, or 7 with each channel's outcome when some fail."""
    wanted = call.body.get("channels")
    if not isinstance(wanted, list):
        raise Failure(MISSING_PARAMETER, "channels")
    names = [str(name) for name in wanted]
    for name in names:
        if name not in CHANNELS:
            raise Failure(OUT_OF_RANGE, f"channel {name}")
    desk.consume_reference_id(call)
    problem = desk.backend_fails(call.operation)
    broken = [name for name in names if problem and name != VOICE]
    if broken and len(broken) == len(names):
        raise Failure(INTERNAL_ERROR, problem)  # all failed: one channel's code and message
    place = call.body.get("place")
    desk.center.agents[call.user.id] = AgentSession(
        channels={name: "NotReady" for name in names if name not in broken},
        place=place if isinstance(place, str) and place else call.user.place,
        idle_since_s=call.now_s,
    )
    notices: tuple[Notice, ...] = ()
    if desk.switches.on("start-session-events"):
        notices = _state_notices(desk, call.user, list(desk.center.agents[call.user.id].channels))
    if not broken:
        return Reply(body={"statusCode": OK}, notices=notices)
    outcomes: list[Json] = []
    for name in names:
        outcome: JsonObject = {"channel": name, "statusCode": OK}
        if name in broken:
            outcome["statusCode"] = INTERNAL_ERROR
            outcome["statusMessage"] = status_message(INTERNAL_ERROR, problem)
        outcomes.append(outcome)
    return Reply(
        body={
            "statusCode": PARTIAL_SUCCESS,
            "statusMessage": STATUS_MESSAGES[PARTIAL_SUCCESS],
            "channels": outcomes,
        },
        notices=notices,
    )


def end_session(desk: Desk, call: Call) -> Reply:
    """Log out everywhere; the HTTP session ends with this answer."""
    desk.consume_reference_id(call)
    desk.center.agents.pop(call.user.id, None)
    return Reply(body={"statusCode": OK}, ends_session=True)


def change_state(desk: Desk, call: Call) -> Reply:
    """Ready or NotReady, on all channels or on the one in the path; told without `referenceId`."""
    agent = desk.center.agents.get(call.user.id)
    if agent is None:
        raise Failure(INVALID_STATE, f"{call.operation}: no contact-centre session is started")
    one = call.ids.get("channel")
    if one is not None and one not in agent.channels:
        raise Failure(NOT_FOUND, f"channel {one}")
    desk.consume_reference_id(call)
    names = list(agent.channels) if one is None else [one]
    for name in names:
        agent.channels[name] = call.operation
    agent.idle_since_s = call.now_s
    return Reply(body={"statusCode": OK}, notices=_state_notices(desk, call.user, names))


def read_devices(desk: Desk, call: Call) -> Reply:
    """`GET /me/devices`."""
    return done(devices=[device(desk, call.subject)])


def read_channels(desk: Desk, call: Call) -> Reply:
    """`GET /me/channels`."""
    return done(channels=channels(desk, call.subject))


def device(desk: Desk, user: User) -> JsonObject:
    """The user's telephone as it is now."""
    return device_resource(user, _state(desk, user, VOICE), public_url=desk.public_url)


def channels(desk: Desk, user: User) -> list[Json]:
    """The user's multimedia channels as they are now."""
    agent = desk.center.agents.get(user.id)
    names = [] if agent is None else [name for name in agent.channels if name != VOICE]
    return [channel_resource(name, _state(desk, user, name)) for name in names]


def _state(desk: Desk, user: User, channel: str) -> JsonObject:
    agent = desk.center.agents.get(user.id)
    state = "LoggedOut" if agent is None else agent.channels.get(channel, "LoggedOut")
    return user_state(state, AGENT_STATES[state])


AGENT_STATES = {
    "Ready": "9430250E-0A1B-421F-B372-F29E69366DED",
    "NotReady": "900D55CC-2BB0-431F-8BF9-D3525B383BE6",
    "LoggedOut": "0F7F5003-EF26-4D13-A6EF-D0C7EC819BEB",
}
"""Ids of the agent states: UUIDs in upper case, the same in every installation."""


def read_agent_states(desk: Desk, call: Call) -> Reply:
    """`GET /settings/agent-states`: the states an agent may choose."""
    settings: list[Json] = [
        {**user_state(state, identifier), "operationName": state}
        for state, identifier in AGENT_STATES.items()
        if state != "LoggedOut"
    ]
    return done(settings=settings)


def _state_notices(desk: Desk, user: User, names: list[str]) -> tuple[Notice, ...]:
    notices: list[Notice] = []
    if VOICE in names:
        data: JsonObject = {
            "messageType": "DeviceStateChangeMessage",
            "devices": [device(desk, user)],
        }
        notices.append(Notice(channel="/v2/me/devices", data=data, to=ToUser(user.id)))
    media = [channel_resource(name, _state(desk, user, name)) for name in names if name != VOICE]
    if media:
        data = {"messageType": "ChannelStateChangeMessageV2", "channels": list(media)}
        notices.append(Notice(channel="/v2/me/channels", data=data, to=ToUser(user.id)))
    return tuple(notices)
