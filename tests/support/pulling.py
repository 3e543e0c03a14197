"""A supervisor pulls a workitem: the story that most replays in tests tell."""

from __future__ import annotations

from scripted import Script

A = "/api/v2/users/00025aA4/workbins/3434543f"

PULL = {"operationName": "PullWorkitem", "id": "02F0XAMPLE00001A"}

ITEMS = "/v2/me/workitems"

BINS = "/v2/me/workbins"


def taken(reference_id: int, item: str = "02F0XAMPLE00001A") -> dict[str, object]:
    return {
        "messageType": "WorkitemStateChangeMessage",
        "notificationType": "StatusChange",
        "referenceId": reference_id,
        "workitem": {"id": item, "state": "Processing", "userData": {"SubmitSeq": reference_id}},
    }


def pulling() -> Script:
    """A supervisor pulls a workitem: one answer, two events."""
    script = Script()
    script.ask("supervisor", "GET", "/api/v2/me", None, {"statusCode": 0, "user": {"id": "1"}})
    script.listen("supervisor", ITEMS, BINS)
    script.ask("supervisor", "POST", A, PULL, {"statusCode": 0, "referenceId": 17})
    script.event("supervisor", ITEMS, taken(17))
    script.event("supervisor", BINS, {"referenceId": 17, "action": "ItemRemoved", "id": "3434543f"})
    return script
