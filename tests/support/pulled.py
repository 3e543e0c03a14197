"""A workitem is pulled, its events come on two channels, and something goes wrong."""

from __future__ import annotations

from typing import Any

from cometape.core.faults.fault_kind import kinds_of
from cometape.core.faults.fault_reading import read_rules
from cometape.profiles import load_profile
from conversation import Exchange
from scripted import JSON_HEADERS, Person, Script, Stage, dumped

BIN = "/api/v2/workbins/34"
PULL = {"operationName": "PullWorkitem", "id": "02F0A"}
ITEMS = "/v2/me/workitems"
BINS = "/v2/me/workbins"
KINDS = kinds_of(load_profile("workbins").faults)


def taken(reference_id: int) -> dict[str, Any]:
    """The workitem is processed from now on."""
    return {
        "messageType": "WorkitemStateChangeMessage",
        "notificationType": "StatusChange",
        "referenceId": reference_id,
        "workitem": {"id": "02F0A", "state": "Processing"},
    }


def removed(reference_id: int) -> dict[str, Any]:
    """It is not in the workbin any more."""
    return {
        "messageType": "WorkbinStateChangeMessage",
        "referenceId": reference_id,
        "action": "ItemRemoved",
    }


def pulling() -> Script:
    """A pull (entry 5) with two events: 6 on the workitems' channel, 7 on the workbins'."""
    script = Script()
    script.ask("agent7", "GET", "/api/v2/me", None, {"statusCode": 0})
    script.listen("agent7", ITEMS, BINS)
    script.ask("agent7", "POST", BIN, PULL, {"statusCode": 0, "referenceId": 17})
    script.event("agent7", ITEMS, taken(17))
    script.event("agent7", BINS, removed(17))
    return script


def staged(*faults: str, script: Script | None = None, **settings: Any) -> tuple[Stage, Person]:
    """A stage with these faults, and the agent, who listens on both channels."""
    rules = read_rules(list(faults), KINDS)
    stage = Stage(script or pulling(), faults=rules, **settings)
    person = stage.person("agent7")
    person.ask("GET", "/api/v2/me")
    person.listen(ITEMS, BINS)
    return stage, person


def pull(stage: Stage, person: Person) -> Exchange:
    """The operation, whose answer may be long in coming."""
    return stage.talk.send(
        "POST",
        BIN,
        headers=[*person.headers, *JSON_HEADERS],
        body=dumped(PULL),
        connection=person.connection,
    )


def channels_of(person: Person) -> list[str]:
    """Of the events that have come, in their order."""
    return [channel for channel, _ in person.events()]


def told(stage: Stage) -> list[str]:
    """What the journal says of faults."""
    return [line.text for line in stage.service.journal.of("fault")]
