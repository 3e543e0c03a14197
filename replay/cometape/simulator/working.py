"""Operations on interactions in hand: Create, Accept, Reject, Complete, userData, Transfer, …

docs.genesys.com WorkitemCreate, WorkitemComplete, WorkitemMessageType; the capabilities of a pulled
workitem name the rest. Chats and e-mails take the same operations.
"""

from __future__ import annotations

from collections.abc import Callable

from cometape.core.json_value import JsonObject

from .desk import Call, Desk, Reply, accepted, media_notice
from .media import CHAT, MEDIA_BY_COLLECTION
from .messages import interaction_resource, media_message, message_log_updated
from .model import AtAgent, InQueue, Interaction, User
from .notices import Notice
from .placing import failed
from .statuses import INVALID_STATE, MISSING_PARAMETER, NOT_FOUND, OUT_OF_RANGE, Failure
from .user_data import routing_set, submitted_set

INVITED = "Invited"
INVITED_CAPABILITIES = ("Accept", "Reject")


def create(desk: Desk, call: Call) -> Reply:
    """A new interaction, at once in the caller's hands."""
    medium = MEDIA_BY_COLLECTION[call.ids["media"]]
    queue = call.text("queueUri").rstrip("/").rsplit("/", 1)[-1]
    if desk.backend_fails("Create"):
        return failed(desk, call, medium, "", desk.backend_fails("Create"))
    interaction = new_interaction(desk, call.ids["media"], call.user, call.now_s)
    attached: JsonObject = {"Queue": queue}
    parent = call.body.get("parentId")
    if isinstance(parent, str) and parent:
        attached["ParentId"] = parent
    extra = call.body.get("userData")
    if isinstance(extra, dict):
        attached |= extra
    desk.center.move(interaction, AtAgent(call.user.id, medium.processing))
    interaction = desk.center.attach(interaction, {**interaction.user_data, **attached})
    return accepted(desk, call, state_notice(desk, interaction, call.user, medium.processing))


def operate(desk: Desk, call: Call) -> Reply:
    """One of `OPERATIONS` on one interaction. Raises Failure: 6 not the caller's, 2 wrong state."""
    medium = MEDIA_BY_COLLECTION[call.ids["media"]]
    interaction = desk.center.interactions.get(call.ids["interaction"])
    location = desk.center.locations.get(call.ids["interaction"])
    if (
        interaction is None
        or interaction.medium is not medium
        or not isinstance(location, AtAgent)
        or location.user_id != call.user.id
    ):
        raise Failure(NOT_FOUND, f"{medium.name} {call.ids['interaction']}")
    invited = call.operation in INVITED_CAPABILITIES
    if invited != (location.state == INVITED):
        raise Failure(INVALID_STATE, f"{call.operation}: the {medium.name} is {location.state}")
    notices = _OPERATIONS[call.operation]
    problem = desk.backend_fails(call.operation)
    if problem:
        return failed(desk, call, medium, interaction.id, problem)
    return accepted(desk, call, *notices(desk, call, interaction))


def state_notice(
    desk: Desk,
    interaction: Interaction,
    user: User,
    state: str,
    *,
    notification_type: str = "StatusChange",
) -> Notice:
    """An interaction's state as one user sees it, with the capabilities of that state."""
    capabilities: tuple[str, ...] = ()
    if state == INVITED:
        capabilities = INVITED_CAPABILITIES
    elif state == interaction.medium.processing:
        capabilities = interaction.medium.capabilities
    payload = interaction_resource(
        interaction, state=state, capabilities=capabilities, public_url=desk.public_url
    )
    data = media_message(interaction.medium, notification_type, payload)
    return media_notice(interaction, user, data)


def new_interaction(desk: Desk, collection: str, user: User, now_s: float) -> Interaction:
    """An interaction that Interaction Server has just received and routed to a user."""
    interaction_id = desk.identifiers.interaction()
    at = desk.calendar.user_data(now_s)
    return Interaction(
        id=interaction_id,
        medium=MEDIA_BY_COLLECTION[collection],
        received_date=desk.calendar.resource(now_s),
        user_data={
            **submitted_set(interaction_id, user.user_name, at, desk.identifiers.sequence()),
            **routing_set(user.user_name),
        },
    )


def _accept(desk: Desk, call: Call, interaction: Interaction) -> list[Notice]:
    state = interaction.medium.processing
    desk.center.move(interaction, AtAgent(call.user.id, state))
    _rest(desk, call)
    return [state_notice(desk, interaction, call.user, state)]


def _reject(desk: Desk, call: Call, interaction: Interaction) -> list[Notice]:
    desk.center.move(interaction, InQueue("rejected"))
    _rest(desk, call)
    return [state_notice(desk, interaction, call.user, "Revoked")]


def _complete(desk: Desk, call: Call, interaction: Interaction) -> list[Notice]:
    queue = call.body.get("queueName")
    desk.center.move(interaction, InQueue(queue if isinstance(queue, str) else None))
    return [state_notice(desk, interaction, call.user, "Completed")]


def _attach_user_data(desk: Desk, call: Call, interaction: Interaction) -> list[Notice]:
    return _with_user_data(
        desk, call, interaction, {**interaction.user_data, **call.mapping("userData")}
    )


def _update_user_data(desk: Desk, call: Call, interaction: Interaction) -> list[Notice]:
    changes = call.mapping("userData")
    unknown = [key for key in changes if key not in interaction.user_data]
    if unknown:
        raise Failure(INVALID_STATE, f"userData has no {', '.join(unknown)}; use AttachUserData")
    return _with_user_data(desk, call, interaction, {**interaction.user_data, **changes})


def _delete_user_data(desk: Desk, call: Call, interaction: Interaction) -> list[Notice]:
    keys = _keys(call)
    left = {key: value for key, value in interaction.user_data.items() if key not in keys}
    return _with_user_data(desk, call, interaction, left)


def _transfer(desk: Desk, call: Call, interaction: Interaction) -> list[Notice]:
    """To another agent, who is invited, or to a queue; either way out of the caller's hands."""
    queue = call.body.get("queueName") or call.body.get("queueUri")
    if isinstance(queue, str):
        desk.center.move(interaction, InQueue(queue.rstrip("/").rsplit("/", 1)[-1]))
        return [state_notice(desk, interaction, call.user, "Completed")]
    receiver = _receiver(desk, call)
    if receiver.id == call.user.id:
        raise Failure(OUT_OF_RANGE, "an interaction is transferred to somebody else")
    desk.center.move(interaction, AtAgent(receiver.id, INVITED))
    return [
        state_notice(desk, interaction, call.user, "Completed"),
        state_notice(desk, interaction, receiver, INVITED),
    ]


def _set_in_focus(desk: Desk, call: Call, interaction: Interaction) -> list[Notice]:
    if not desk.switches.on("set-in-focus-event"):
        return []
    return [_properties_updated(desk, call, interaction)]


def _send_message(desk: Desk, call: Call, interaction: Interaction) -> list[Notice]:
    if interaction.medium is not CHAT:
        raise Failure(OUT_OF_RANGE, f"operationName SendMessage for a {interaction.medium.name}")
    message: JsonObject = {
        "index": 1,
        "type": "Text",
        "text": call.text("text"),
        "from": {"nickname": call.user.nickname or call.user.user_name, "type": "Agent"},
        "timestampSeconds": int(desk.calendar.moment(call.now_s).timestamp()),
    }
    data = message_log_updated(interaction, [message], public_url=desk.public_url)
    return [media_notice(interaction, call.user, data)]


_OPERATIONS: dict[str, Callable[[Desk, Call, Interaction], list[Notice]]] = {
    "Accept": _accept,
    "Reject": _reject,
    "Complete": _complete,
    "AttachUserData": _attach_user_data,
    "UpdateUserData": _update_user_data,
    "DeleteUserData": _delete_user_data,
    "Transfer": _transfer,
    "SetInFocus": _set_in_focus,
    "SendMessage": _send_message,
}
OPERATIONS = frozenset(_OPERATIONS)


def _with_user_data(
    desk: Desk, call: Call, interaction: Interaction, user_data: JsonObject
) -> list[Notice]:
    changed = desk.center.attach(interaction, user_data)
    return [_properties_updated(desk, call, changed)]


def _properties_updated(desk: Desk, call: Call, interaction: Interaction) -> Notice:
    return state_notice(
        desk,
        interaction,
        call.user,
        interaction.medium.processing,
        notification_type="PropertiesUpdated",
    )


def _rest(desk: Desk, call: Call) -> None:
    agent = desk.center.agents.get(call.user.id)
    if agent is not None:
        agent.idle_since_s = call.now_s


def _keys(call: Call) -> set[str]:
    """`keys: [...]`, or the keys of a `userData` object."""
    keys = call.body.get("keys")
    if isinstance(keys, list):
        return {str(key) for key in keys}
    user_data = call.body.get("userData")
    if isinstance(user_data, dict):
        return set(user_data)
    raise Failure(MISSING_PARAMETER, "keys")


def _receiver(desk: Desk, call: Call) -> User:
    """The user that `targetUri`, `userUri`, `agentId` or `userName` names."""
    for name in ("targetUri", "userUri", "agentId", "userId", "userName"):
        value = call.body.get(name)
        if isinstance(value, str) and value:
            word = value.rstrip("/").rsplit("/", 1)[-1]
            found = desk.center.user(word) or desk.center.user_named(word)
            if found is None:
                raise Failure(NOT_FOUND, f"user {word}")
            return found
    raise Failure(MISSING_PARAMETER, "targetUri, userName or queueName")
