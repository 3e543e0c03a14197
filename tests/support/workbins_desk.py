"""A session at an agent's desk against the Workbins API, as a plan for a real client.

What it records from is `cometape simulate`; the ids are those of `docs/simulator.md`. `faithful` is
what must be true of every replay of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from node_client import Seen, Step, disconnect, of, open_session, rest, wait

IN_PROGRESS = "9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522"
"""Workbin of every agent; agent7's holds the two workitems below, agent8's the third."""
ITEM_A = "02F0XAMPLE00001A"
ITEM_B = "02F0XAMPLE00001B"
ITEM_OF_8 = "02F0XAMPLE00002A"

AGENT_7 = ("agent7", "agent7-password")
AGENT_8 = ("agent8", "agent8-password")
"""Users of the simulated system: name and password."""

WORKITEMS = "/v2/me/workitems"
WORKBINS = "/v2/me/workbins"


@dataclass(frozen=True, slots=True)
class Operation:
    """One POST and the events that it causes, each an own `wait`."""

    name: str
    request: Step
    events: tuple[Step, ...]

    @property
    def steps(self) -> list[Step]:
        """The request, then its events in whichever order they come."""
        return [self.request, *self.events]


def pull(name: str, item: str) -> Operation:
    """Take a workitem out of the agent's workbin; two events on two channels."""
    request = rest(
        name,
        "POST",
        f"/api/v2/workbins/{IN_PROGRESS}",
        {"operationName": "PullWorkitem", "id": item},
    )
    reference_id = of(name, "referenceId")
    return Operation(
        name,
        request,
        (
            wait(f"{name} taken", WORKITEMS, referenceId=reference_id, workitem__id=item),
            wait(f"{name} removed", WORKBINS, referenceId=reference_id, action="ItemRemoved"),
        ),
    )


def complete(name: str, item: str) -> Operation:
    """Be done with a workitem."""
    request = rest(name, "POST", f"/api/v2/me/workitems/{item}", {"operationName": "Complete"})
    return Operation(
        name,
        request,
        (wait(f"{name} done", WORKITEMS, referenceId=of(name, "referenceId")),),
    )


def subscribe_workbin() -> Operation:
    """Be told of what happens in the workbin; its event carries no `referenceId`."""
    request = rest(
        "subscribe", "POST", f"/api/v2/me/workbins/{IN_PROGRESS}", {"operationName": "Subscribe"}
    )
    return Operation(
        "subscribe", request, (wait("subscribed", WORKBINS, stateResource="Subscribed"),)
    )


def look(name: str) -> Step:
    """Read what lies in the workbin."""
    return rest(name, "GET", f"/api/v2/me/workbins/{IN_PROGRESS}?subresources=*")


def start_session() -> list[Step]:
    """Log in, open CometD, enter the contact centre."""
    return [
        rest("me", "GET", "/api/v2/me?subresources=*"),
        open_session("/v2/me/*"),
        rest(
            "start",
            "POST",
            "/api/v2/me",
            {"operationName": "StartContactCenterSession", "channels": ["workitem"]},
        ),
    ]


def end_session() -> list[Step]:
    """Leave CometD, then the contact centre, which ends the HTTP session too."""
    return [
        disconnect(),
        rest("end", "POST", "/api/v2/me", {"operationName": "EndContactCenterSession"}),
    ]


PULL_A = pull("pull A", ITEM_A)
PULL_B = pull("pull B", ITEM_B)
PULL_8 = pull("pull 8", ITEM_OF_8)
COMPLETE_A = complete("complete A", ITEM_A)
IN_ORDER = (PULL_A, PULL_B, COMPLETE_A)
SWAPPED = (PULL_B, PULL_A, COMPLETE_A)
OF_AGENT_8 = (PULL_8,)


def desk(operations: Iterable[Operation] = IN_ORDER) -> list[Step]:
    """The whole session: between the operations the workbin is read."""
    steps = [*start_session(), look("look at first"), *subscribe_workbin().steps]
    for operation in operations:
        steps += [*operation.steps, look(f"look after {operation.name}")]
    return steps + end_session()


def reference_ids(seen: Seen) -> dict[str, int]:
    """The `referenceId` of each answer that has one, by step."""
    return {
        step: answer.json["referenceId"]
        for step, answer in seen.answers.items()
        if isinstance(answer.json, dict) and "referenceId" in answer.json
    }


def assert_causes_before_events(seen: Seen, operations: Sequence[Operation]) -> None:
    """Each event was seen after its request was sent, and carries the answer's `referenceId`."""
    ids = reference_ids(seen)
    for operation in operations:
        answer = seen.answer(operation.name)
        for step in operation.events:
            event = seen.waited(step["name"])
            assert event.data["referenceId"] == ids[operation.name]
            assert event.at_s > answer.sent_s


def assert_replayed(seen: Seen, recorded: Seen, operations: Sequence[Operation] = IN_ORDER) -> None:
    """The client got through its plan, in its own ids, each event after its cause."""
    assert seen.finished, str(seen)
    assert {step: answer.status for step, answer in seen.answers.items()} == dict.fromkeys(
        seen.answers, 200
    )
    assert_causes_before_events(seen, operations)
    for operation in operations:
        answer = seen.answer(operation.name)
        for step in operation.events:
            # The order of two connections of one client; a loaded machine may see both at once.
            assert seen.waited(step["name"]).at_s > answer.at_s - 0.02

    live, old = set(reference_ids(seen).values()), set(reference_ids(recorded).values())
    assert len(live) == len(reference_ids(seen)), "one id for two operations"
    assert not live & old, "an id of the recording came through"
    in_events = {event.data["referenceId"] for event in seen.events if "referenceId" in event.data}
    assert in_events <= live, "an event carries an id that nothing here was answered with"
    assert not set(seen.client_ids) & set(recorded.client_ids)


def assert_apart(one: Seen, other: Seen) -> None:
    """Two clients of one replay share no identity."""
    assert not set(one.client_ids) & set(other.client_ids)
    assert one.client_ids
    assert other.client_ids
