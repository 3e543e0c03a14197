"""Invitations nobody asked for: the router offers work to agents, and takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cometape.core.json_value import JsonObject

from .contact_center import AgentSession
from .desk import Desk
from .media import Medium
from .model import AtAgent, InQueue, Interaction, User
from .notices import Notice
from .working import INVITED, new_interaction, state_notice


def invite(
    desk: Desk,
    user: User,
    medium: Medium,
    now_s: float,
    *,
    interaction_id: str = "",
    user_data: JsonObject | None = None,
) -> tuple[Interaction, Notice]:
    """Offer a new interaction to an agent: `Invited`, without `referenceId`."""
    interaction = new_interaction(desk, medium.collection, user, now_s)
    attached = {**interaction.user_data, **(user_data or {})}
    if interaction_id:
        interaction = replace(interaction, id=interaction_id)
        attached["InteractionId"] = interaction_id
    interaction = replace(interaction, user_data=attached)
    desk.center.move(interaction, AtAgent(user.id, INVITED))
    if desk.config.revoke_after_s is not None:
        desk.center.revocations[interaction.id] = now_s + desk.config.revoke_after_s
    return interaction, state_notice(desk, interaction, user, INVITED)


def due_notices(desk: Desk, medium: Medium, now_s: float) -> list[Notice]:
    """Revoke invitations that were not taken; invite agents who have waited long enough."""
    notices: list[Notice] = []
    for interaction_id, due_s in list(desk.center.revocations.items()):
        if due_s <= now_s:
            notices += _revoke(desk, interaction_id, now_s)
    for user, agent, due_s in _waiting(desk, medium):
        if due_s <= now_s:
            agent.idle_since_s = now_s
            notices.append(invite(desk, user, medium, now_s)[1])
    return notices


def deadline_s(desk: Desk, medium: Medium) -> float | None:
    """When `due_notices` is wanted next."""
    times = [*desk.center.revocations.values()]
    times += [due_s for _, _, due_s in _waiting(desk, medium)]
    return min(times, default=None)


def _waiting(desk: Desk, medium: Medium) -> Iterator[tuple[User, AgentSession, float]]:
    every_s = desk.config.invite_every_s
    if every_s is None:
        return
    for user_id, agent in list(desk.center.agents.items()):
        user = desk.center.user(user_id)
        if user is None or agent.channels.get(medium.name) != "Ready":
            continue
        if any(location.state == INVITED for _, location in desk.center.held_by(user_id)):
            continue
        yield user, agent, agent.idle_since_s + every_s


def _revoke(desk: Desk, interaction_id: str, now_s: float) -> list[Notice]:
    interaction = desk.center.interactions[interaction_id]
    location = desk.center.locations[interaction_id]
    del desk.center.revocations[interaction_id]
    if not isinstance(location, AtAgent) or location.state != INVITED:
        return []
    desk.center.move(interaction, InQueue("revoked"))
    agent = desk.center.agents.get(location.user_id)
    if agent is not None:
        agent.idle_since_s = now_s
    user = desk.center.user(location.user_id)
    return [] if user is None else [state_notice(desk, interaction, user, "Revoked")]
