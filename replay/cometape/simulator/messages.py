"""Builders of what goes out: resources in answers, and the data of CometD messages.

Each is named after the documentation's page; everything here is a pure function.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cometape.core.json_value import Json, JsonObject

from .media import Medium
from .model import Interaction, User, Workbin, WorkbinCopy
from .user_data import without_interaction_server_set

IN_WORKBIN = "InWorkbin"


def workbin_resource(workbin: Workbin, *, name_key: str, public_url: str, user: str) -> JsonObject:
    """A workbin (WorkbinGetWorkbins); `user` is the owner's id when asked for by user."""
    path = f"/{user}/workbins/{workbin.id}" if user else f"/workbins/{workbin.id}"
    return {
        workbin.name_key if name_key == "mixed" else name_key: workbin.name,
        "id": workbin.id,
        "displayName": workbin.display_name,
        "uri": f"{public_url}/api/v2{path}",
        "type": workbin.type,
    }


def interaction_resource(
    interaction: Interaction,
    *,
    state: str,
    capabilities: Sequence[str],
    public_url: str,
    user_data: JsonObject | None = None,
    participants: Sequence[JsonObject] = (),
) -> JsonObject:
    """An interaction with all its documented fields (WorkitemMessageType, ChatMessageType)."""
    medium = interaction.medium
    resource: JsonObject = {
        "id": interaction.id,
        "state": state,
        "capabilities": list(capabilities),
        medium.type_field: interaction.kind,
        "receivedDate": interaction.received_date,
        "uri": f"{public_url}/api/v2/{medium.collection}/{interaction.id}",
    }
    if medium.participants:
        resource["participants"] = list(participants)
    resource["userData"] = interaction.user_data if user_data is None else user_data
    return resource


def shelved_resource(interaction: Interaction, *, public_url: str) -> JsonObject:
    """An interaction inside a workbin (WorkbinGetGWContent); a chat has no `uri` and `state`."""
    resource = interaction_resource(
        interaction, state=IN_WORKBIN, capabilities=(), public_url=public_url
    )
    if not interaction.medium.documented_uri:
        del resource["uri"], resource["state"]
    return resource


def pulled_workitem(interaction: Interaction) -> JsonObject:
    """A workitem just pulled, with the four fields that WorkbinSupPullIntFromWorkbin shows."""
    return {
        "userData": interaction.user_data,
        "state": interaction.medium.processing,
        "id": interaction.id,
        "capabilities": list(interaction.medium.capabilities),
    }


def added_interaction(interaction: Interaction, *, public_url: str) -> JsonObject:
    """An interaction just added: the routing set only (WorkbinAddInteractionToWorkbin)."""
    return interaction_resource(
        interaction,
        state=IN_WORKBIN,
        capabilities=(),
        public_url=public_url,
        user_data=without_interaction_server_set(interaction.user_data),
    )


def media_message(medium: Medium, notification_type: str, payload: Json) -> JsonObject:
    """`WorkitemStateChangeMessage` and its kin."""
    return {
        "messageType": medium.message_type,
        "notificationType": notification_type,
        medium.name: payload,
    }


def media_error(
    medium: Medium, interaction_id: str, message: str, *, fields: str, public_url: str
) -> JsonObject:
    """The asynchronous failure of an operation; `fields` is the switch `error-fields`."""
    payload: JsonObject = {
        "id": interaction_id,
        "uri": f"{public_url}/api/v2/{medium.collection}/{interaction_id}",
    }
    data = media_message(medium, "Error", payload)
    if fields != "none":
        data["errorMessage"] = message
    if fields == "code":
        data["errorCode"] = 3  # "internal server error" among the documented 1..3
    return data


def message_log_updated(
    interaction: Interaction, messages: Iterable[JsonObject], *, public_url: str
) -> JsonObject:
    """A chat's transcript; it has no chat `id`, only `chatUri` (ChatMessageType)."""
    return {
        "messageType": "MessageLogUpdated",
        "notificationType": "NewMessages",
        "chatUri": f"{public_url}/api/v2/chats/{interaction.id}",
        "messages": list(messages),
    }


def subscription_message(workbin_id: str, state: str, naming: JsonObject) -> JsonObject:
    """`WorkbinSubscriptionStateChangeMessage`; `naming` says whose copy, where that is said."""
    return {
        "messageType": "WorkbinSubscriptionStateChangeMessage",
        "stateResource": state,
        "id": workbin_id,
        **naming,
    }


def workbin_message(
    copy: WorkbinCopy, action: str, interaction: Interaction, item: JsonObject
) -> JsonObject:
    """`WorkbinStateChangeMessage`: `ItemAdded` or `ItemRemoved` (WorkbinsMessageType)."""
    return {
        "messageType": "WorkbinStateChangeMessage",
        "action": action,
        "id": copy.workbin_id,
        **group_naming(copy),
        interaction.medium.state_resource: item,
    }


def group_naming(copy: WorkbinCopy) -> JsonObject:
    """`agentGroup` or `placeGroup` of a group's copy, else nothing."""
    if copy.owner.type == "AgentGroup":
        return {"agentGroup": copy.owner.name}
    if copy.owner.type == "PlaceGroup":
        return {"placeGroup": copy.owner.name}
    return {}


def user_state(state: str, identifier: str) -> JsonObject:
    """An agent state, as devices and channels show it (CallsMessageType)."""
    display = {"NotReady": "Not Ready", "LoggedOut": "Logged Out"}.get(state, state)
    return {"id": identifier, "displayName": display, "state": state}


def device_resource(user: User, state: JsonObject, *, public_url: str) -> JsonObject:
    """A telephone (CallsMessageType)."""
    return {
        "id": user.device_id,
        "deviceState": "Active" if state["state"] != "LoggedOut" else "Inactive",
        "userState": state,
        "phoneNumber": user.phone_number,
        "e164Number": user.phone_number,
        "telephonyNetwork": "Private",
        "doNotDisturb": "Off",
        "voiceEnvironmentUri": f"{public_url}/api/v2/voice-environments/"
        "370ef5e6-9e3c-4d91-9588-7f4dfe67e011",
        "capabilities": ["DoNotDisturbOn", "ForwardCallsOn", "ListenIn", "Coach", "BargeIn"],
    }


def channel_resource(name: str, state: JsonObject) -> JsonObject:
    """A multimedia channel of an agent (QueryAgentState)."""
    return {"channel": name, "userState": state, "doNotDisturb": "Off"}


def user_resource(user: User, *, public_url: str) -> JsonObject:
    """A user without subresources."""
    return {
        "id": user.id,
        "userName": user.user_name,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "roles": list(user.roles),
        "enabled": True,
        "changePasswordOnFirstLogin": False,
        "uri": f"{public_url}/api/v2/users/{user.id}",
        "path": f"/users/{user.id}",
    }
