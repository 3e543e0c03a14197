"""Pull: an agent or supervisor takes an interaction out of a workbin.

docs.genesys.com WorkbinPullInteractionFromWorkbin, WorkbinPullInteractionFromGW,
WorkbinSupPullIntFromWorkbin.
"""

from __future__ import annotations

from cometape.core.json_value import JsonObject

from .desk import Call, Desk, Reply, accepted, media_notice
from .media import CHAT, MEDIA, WORKITEM, Medium
from .messages import (
    interaction_resource,
    media_message,
    message_log_updated,
    pulled_workitem,
    shelved_resource,
    workbin_message,
)
from .model import AtAgent, Interaction, InWorkbin
from .notices import WORKBINS_CHANNEL, Notice, ToSubscribers
from .placing import failed
from .statuses import NOT_FOUND, Failure
from .targets import Target, find_target

PULL_OPERATIONS: dict[str, Medium | None] = {
    "PullInteraction": None,
    **{f"Pull{medium.title}": medium for medium in MEDIA},
}
"""The medium that an operation is for; None: any."""


def pull_interaction(desk: Desk, call: Call) -> Reply:
    """Take an interaction: `ItemRemoved` to subscribers, its new state to the caller."""
    target = find_target(desk, call, call.ids["workbin"])
    interaction_id = call.text("id")
    medium = PULL_OPERATIONS[call.operation]
    interaction = desk.center.interactions.get(interaction_id)
    problem = desk.backend_fails(call.operation)
    if not problem and not _lies_in(desk, target, interaction, medium):
        problem = f"interaction {interaction_id} is not in workbin {target.workbin.name}"
        if desk.switches["missing-item"] == "answer":
            raise Failure(NOT_FOUND, f"interaction {interaction_id}")
    if problem or interaction is None:
        return failed(desk, call, medium or WORKITEM, interaction_id, problem)
    desk.center.move(interaction, AtAgent(call.user.id, interaction.medium.processing))
    removed = Notice(
        channel=WORKBINS_CHANNEL,
        data=workbin_message(
            target.copy,
            "ItemRemoved",
            interaction,
            shelved_resource(interaction, public_url=desk.public_url),
        ),
        to=ToSubscribers(target.copy),
    )
    return accepted(desk, call, removed, *_media_notices(desk, call, interaction))


def _lies_in(
    desk: Desk, target: Target, interaction: Interaction | None, medium: Medium | None
) -> bool:
    return (
        interaction is not None
        and medium in (None, interaction.medium)
        and desk.center.locations[interaction.id] == InWorkbin(target.copy)
    )


def _media_notices(desk: Desk, call: Call, interaction: Interaction) -> list[Notice]:
    medium = interaction.medium
    if medium is CHAT:
        return _chat_notices(desk, call, interaction)
    if medium is WORKITEM and desk.switches["pulled-workitem"] == "documented":
        payload = pulled_workitem(interaction)
    else:
        payload = _payload(desk, interaction, ())
    data = media_message(medium, "StatusChange", payload)
    return [media_notice(interaction, call.user, data)]


def _chat_notices(desk: Desk, call: Call, interaction: Interaction) -> list[Notice]:
    """Nothing, by default: a client that waits for a chat message by `referenceId` waits on."""
    nickname = call.body.get("nickname")
    if not isinstance(nickname, str) or not nickname:
        nickname = call.user.nickname or call.user.user_name
    participant: JsonObject = {
        "id": desk.identifiers.participant(),
        "nickname": nickname,
        "type": "Agent",
        "visibility": "All",
    }
    notices: list[JsonObject] = []
    if desk.switches.on("enableNotificationOnPullChat"):
        payload = _payload(desk, interaction, ())
        notices.append(media_message(CHAT, "PropertiesUpdated", payload))
    if desk.switches.on("enableJoinOnPullChat"):
        payload = _payload(desk, interaction, (participant,))
        notices.append(media_message(CHAT, "StatusChange", payload))
        joined: JsonObject = {
            "index": 1,
            "type": "ParticipantJoined",
            "from": participant,
            "timestampSeconds": int(desk.calendar.moment(call.now_s).timestamp()),
        }
        notices.append(message_log_updated(interaction, [joined], public_url=desk.public_url))
    return [media_notice(interaction, call.user, data) for data in notices]


def _payload(
    desk: Desk, interaction: Interaction, participants: tuple[JsonObject, ...]
) -> JsonObject:
    return interaction_resource(
        interaction,
        state=interaction.medium.processing,
        capabilities=interaction.medium.capabilities,
        public_url=desk.public_url,
        participants=participants,
    )
