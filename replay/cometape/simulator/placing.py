"""Add: an agent places an interaction in a workbin.

docs.genesys.com WorkbinAddInteractionToWorkbin, WorkbinAddInteractionToGW,
WorkbinSupAddIntToWorkbin.
"""

from __future__ import annotations

from dataclasses import replace

from .desk import Call, Desk, Reply, accepted, media_notice
from .media import MEDIA, WORKITEM, Medium
from .messages import (
    added_interaction,
    media_error,
    media_message,
    shelved_resource,
    workbin_message,
)
from .model import AtAgent, Interaction, InWorkbin
from .notices import WORKBINS_CHANNEL, Notice, ToSubscribers, ToUser
from .statuses import MISSING_PARAMETER, NOT_FOUND, OUT_OF_RANGE, Failure
from .targets import Target, find_target
from .user_data import placed_set

ADD_OPERATIONS: dict[str, Medium | None] = {
    "AddInteraction": None,
    "AddInteractionToWorkbin": None,  # only in the parameter table of the page, in no sample
    **{f"Add{medium.title}": medium for medium in MEDIA},
}
"""The medium that an operation is for; None: any."""


def add_interaction(desk: Desk, call: Call) -> Reply:
    """Place an interaction: `ItemAdded` to subscribers, `InWorkbin` to the caller."""
    target = find_target(desk, call, call.ids["workbin"])
    interaction_id = _interaction_id(call)
    _check_save_lar(call)
    medium = ADD_OPERATIONS[call.operation]
    interaction = desk.center.interactions.get(interaction_id)
    problem = desk.backend_fails(call.operation)
    if not problem and not _held(desk, call, interaction, medium):
        problem = f"{call.user.user_name} does not work on interaction {interaction_id}"
        if desk.switches["missing-item"] == "answer":
            raise Failure(NOT_FOUND, f"interaction {interaction_id}")
    if problem or interaction is None:
        return failed(desk, call, medium or WORKITEM, interaction_id, problem)
    placed = _place(desk, call, target, interaction)
    return accepted(
        desk,
        call,
        Notice(
            channel=WORKBINS_CHANNEL,
            data=workbin_message(
                target.copy,
                "ItemAdded",
                placed,
                shelved_resource(placed, public_url=desk.public_url),
            ),
            to=ToSubscribers(target.copy),
        ),
        media_notice(
            placed,
            call.user,
            media_message(
                placed.medium,
                "StatusChange",
                added_interaction(placed, public_url=desk.public_url),
            ),
        ),
    )


def failed(desk: Desk, call: Call, medium: Medium, interaction_id: str, problem: str) -> Reply:
    """Answer 0 and let an `Error` event tell the truth."""
    data = media_error(
        medium,
        interaction_id,
        problem,
        fields=desk.switches["error-fields"],
        public_url=desk.public_url,
    )
    return accepted(desk, call, Notice(channel=medium.channel, data=data, to=ToUser(call.user.id)))


def _held(desk: Desk, call: Call, interaction: Interaction | None, medium: Medium | None) -> bool:
    if interaction is None or medium not in (None, interaction.medium):
        return False
    location = desk.center.locations[interaction.id]
    return (
        isinstance(location, AtAgent)
        and location.user_id == call.user.id
        and location.state != "Invited"
    )


def _place(desk: Desk, call: Call, target: Target, interaction: Interaction) -> Interaction:
    owner = target.copy.owner
    agent = call.subject.user_name if owner.type == "Agent" else ""
    stamps = placed_set(
        target.workbin.name,
        agent,
        desk.calendar.user_data(call.now_s),
        desk.identifiers.sequence(),
    )
    placed = replace(interaction, user_data={**interaction.user_data, **stamps})
    desk.center.move(placed, InWorkbin(target.copy))
    return placed


def _interaction_id(call: Call) -> str:
    """`id`, or the last segment of `uri`: the pages show one, real clients send the other."""
    for name in ("id", "uri"):
        value = call.body.get(name)
        if isinstance(value, str) and value.strip("/"):
            return value.rstrip("/").rsplit("/", 1)[-1]
    raise Failure(MISSING_PARAMETER, "id or uri")


def _check_save_lar(call: Call) -> None:
    if call.body.get("saveLAR", "false") not in ("true", "false", True, False):
        raise Failure(OUT_OF_RANGE, "saveLAR is true or false")
