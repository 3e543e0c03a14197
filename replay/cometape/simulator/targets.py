"""Which workbin, and whose copy of it, a request means."""

from __future__ import annotations

from dataclasses import dataclass

from cometape.core.json_value import JsonObject

from .desk import Call, Desk
from .messages import group_naming
from .model import Owner, Workbin, WorkbinCopy
from .statuses import (
    INVALID_STATE,
    MISSING_PARAMETER,
    NO_PERMISSION,
    NOT_FOUND,
    OUT_OF_RANGE,
    Failure,
)

GROUP_PARAMETERS = {"AgentGroup": "agentGroup", "PlaceGroup": "placeGroup"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One copy of a workbin, as a request addressed it."""

    workbin: Workbin
    copy: WorkbinCopy
    by_user: bool
    """Addressed as another user's workbin, as supervisors do."""

    @property
    def naming(self) -> JsonObject:
        """What a subscription message adds to the id: `agentGroup`, `workbinUserId`, …"""
        if self.by_user and self.copy.owner.type == "Agent":
            return {"workbinUserId": self.copy.owner.name}
        return group_naming(self.copy)


def find_workbin(desk: Desk, call: Call, workbin_id: str) -> Workbin:
    """The definition with an id. Raises Failure (6)."""
    workbin = desk.center.workbin(workbin_id)
    if workbin is None or (call.scope == "user" and workbin.type in GROUP_PARAMETERS):
        raise Failure(NOT_FOUND, f"workbin {workbin_id}")
    return workbin


def find_target(desk: Desk, call: Call, workbin_id: str) -> Target:
    """The copy a request means: the caller's, another user's, or the group's in the query.

    Raises Failure: 6 unknown workbin or group, 1 no group named for a group workbin, 5 the
    caller is not in the group, 2 a group named for a workbin that has none.
    """
    workbin = find_workbin(desk, call, workbin_id)
    owner = _owner(desk, call, workbin)
    return Target(
        workbin=workbin,
        copy=WorkbinCopy(workbin.id, owner),
        by_user=call.scope == "user",
    )


def wanted_ids(call: Call) -> list[str]:
    """The ids of `workbinIds`. Raises Failure: 1 when missing, 10 when empty."""
    ids = call.listed("workbinIds")
    if ids is None:
        raise Failure(MISSING_PARAMETER, "workbinIds")
    if not ids:
        raise Failure(OUT_OF_RANGE, "workbinIds is empty")
    return list(dict.fromkeys(ids))


def _owner(desk: Desk, call: Call, workbin: Workbin) -> Owner:
    needed = GROUP_PARAMETERS.get(workbin.type)
    for parameter in GROUP_PARAMETERS.values():
        if parameter != needed and parameter in call.query:
            raise Failure(INVALID_STATE, f"{parameter}: the workbin's type is {workbin.type}")
    if workbin.type == "Agent":
        return Owner("Agent", call.subject.id)
    if workbin.type == "Place":
        return Owner("Place", desk.center.place_of(call.subject))
    assert needed is not None
    group = call.query.get(needed)
    if not group:
        raise Failure(MISSING_PARAMETER, needed)
    agent_group = workbin.type == "AgentGroup"
    data = desk.center.data
    if group not in (data.agent_groups if agent_group else data.place_groups):
        raise Failure(NOT_FOUND, f"{needed} {group}")
    if group not in (call.user.agent_groups if agent_group else call.user.place_groups):
        raise Failure(NO_PERMISSION, f"{call.user.user_name} is not in {needed} {group}")
    return Owner(workbin.type, group)
