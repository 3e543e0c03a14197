"""The two sets of `userData` keys, and how Interaction Server stamps its own.

A pulled interaction carries the routing set and the full Interaction Server set, one just added to
a workbin only the routing set and what agents attached (docs.genesys.com
WorkbinPullInteractionFromWorkbin and WorkbinAddInteractionToWorkbin).
"""

from __future__ import annotations

from cometape.core.json_value import JsonObject

INTERACTION_SERVER_KEYS = frozenset(
    {
        "InteractionId",
        "SubmittedAt",
        "SubmittedBy",
        "SubmitSeq",
        "ReceivedAt",
        "AssignedAt",
        "AssignedTo",
        "DeliveredAt",
        "PlacedInQueueAt",
        "MovedToQueueAt",
        "PlaceInQueueSeq",
        "IsHeld",
        "IsLocked",
        "IsOnline",
        "Workbin",
        "WorkbinAgentId",
    }
)


def without_interaction_server_set(user_data: JsonObject) -> JsonObject:
    """The routing set and what agents attached: what an add notification shows."""
    return {key: value for key, value in user_data.items() if key not in INTERACTION_SERVER_KEYS}


def routing_set(agent: str, *, target: str = "?:2>1", strategy: str = "") -> JsonObject:
    """What the router attaches when it selects an agent; `PegAG` holds the target in its key."""
    return {
        "RTargetTypeSelected": "2",
        "RTargetObjectSelected": target,
        "RVQID": "",
        "RTargetObjSelDBID": "",
        "CBR-IT-path_DBIDs": "",
        "RTargetAgentSelected": agent,
        "CBR-Interaction_cost": "",
        "CBR-contract_DBIDs": "",
        "RTargetPlaceSelected": "",
        "CBR-actual_volume": "",
        "RTenant": "Environment",
        "RRequestedSkills": None,
        "RRequestedSkillCombination": "",
        "RVQDBID": "",
        "RStrategyDBID": "197",
        "CustomerSegment": "default",
        f"PegAG{target}": 1,
        "ServiceType": "default",
        "RTargetRuleSelected": "",
        "RTargetRequested": target,
        "RTargetAgentGroup": target,
        "RStrategyName": strategy or "RouteWorkitemToAgent",
        "ServiceObjective": 0,
    }


def submitted_set(interaction_id: str, agent: str, at: str, sequence: int) -> JsonObject:
    """What Interaction Server attaches when an interaction enters and is assigned.

    `at` is ISO 8601 UTC to the second; `sequence` counts submissions and is written as digits.
    """
    return {
        "SubmittedAt": at,
        "InteractionId": interaction_id,
        "AssignedAt": at,
        "DeliveredAt": at,
        "SubmittedBy": "es_inx_wscp",
        "SubmitSeq": str(sequence),
        "IsHeld": 0,
        "AssignedTo": agent,
        "IsLocked": 0,
        "IsOnline": 0,
        "ReceivedAt": at,
    }


def placed_set(workbin: str, agent: str, at: str, sequence: int) -> JsonObject:
    """What Interaction Server attaches when an interaction is placed in a workbin."""
    return {
        "Workbin": workbin,
        "WorkbinAgentId": agent,
        "PlacedInQueueAt": at,
        "MovedToQueueAt": at,
        "PlaceInQueueSeq": str(sequence),
    }
