"""Subscribe and Unsubscribe: which workbins' changes Interaction Server reports to whom.

docs.genesys.com WorkbinSubscribeNotifications, WorkbinUnsubscribeNotifications,
WorkbinSubscribingToGWNotif, WorkbinUnsubscribingFromGWNotif.
"""

from __future__ import annotations

from random import Random

from cometape.core.json_value import Json, JsonObject

from .desk import Call, Desk, Reply, accepted
from .messages import subscription_message
from .notices import WORKBINS_CHANNEL, Notice, ToUser
from .statuses import NOT_FOUND, OK, PARTIAL_SUCCESS, Failure, status_message
from .targets import GROUP_PARAMETERS, Target, find_target, wanted_ids

STATES = {"Subscribe": "Subscribed", "Unsubscribe": "Unsubscribed"}
FAILED = "RequestFailed"


def subscribe_one(desk: Desk, call: Call) -> Reply:
    """Subscribe or unsubscribe one workbin: `referenceId`, and one message."""
    target = find_target(desk, call, call.ids["workbin"])
    return accepted(desk, call, _carry_out(desk, call, target))


def subscribe_several(desk: Desk, call: Call) -> Reply:
    """Subscribe or unsubscribe several: `referenceIds` by workbin id, and a message for each.

    The numbers follow the order of the query, the keys of the answer do not (as in the samples).
    """
    policy = desk.switches["partial-subscribe"]
    found: dict[str, Target | None] = {}
    unknown = None
    for workbin_id in wanted_ids(call):
        try:
            found[workbin_id] = find_target(desk, call, workbin_id)
        except Failure as failure:
            if policy == "refuse" or failure.code != NOT_FOUND:
                raise
            unknown = failure
            if policy == "request-failed":
                found[workbin_id] = None
    if unknown is not None and not any(found.values()):
        raise unknown
    numbers: dict[str, Json] = {}
    notices: list[Notice] = []
    for workbin_id, target in found.items():
        notice = (
            _carry_out(desk, call, target)
            if target is not None
            else _notice(desk, call, subscription_message(workbin_id, FAILED, {}))
        )
        reply = accepted(desk, call, notice)
        numbers[workbin_id] = reply.body["referenceId"]
        notices += reply.notices
    partial = unknown is not None and policy == "status-7"
    body: JsonObject = {"statusCode": PARTIAL_SUCCESS if partial else OK}
    if partial:
        body["statusMessage"] = status_message(PARTIAL_SUCCESS, str(unknown))
    body["referenceIds"] = _hash_order(numbers)
    return Reply(body=body, notices=tuple(notices))


def _carry_out(desk: Desk, call: Call, target: Target) -> Notice:
    naming = target.naming
    group = target.workbin.type in GROUP_PARAMETERS
    if desk.backend_fails(call.operation):
        failure = subscription_message(target.workbin.id, FAILED, naming)
        return _notice(desk, call, failure, group=group)
    per_user = desk.switches["subscription-scope"] == "user"
    subscriber = call.user.id if per_user else call.session.id
    if call.operation == "Subscribe":
        desk.center.subscribe(target.copy, subscriber, by_user=target.by_user)
    else:
        desk.center.unsubscribe(target.copy, subscriber)
        if not desk.switches.on("unsubscribe-place-group"):
            naming = {key: value for key, value in naming.items() if key != "placeGroup"}
    data = subscription_message(target.workbin.id, STATES[call.operation], naming)
    return _notice(desk, call, data, group=group)


def _notice(desk: Desk, call: Call, data: JsonObject, *, group: bool = False) -> Notice:
    wanted = desk.switches["reference-id-on-subscription"]
    return Notice(
        channel=WORKBINS_CHANNEL,
        data=data,
        to=ToUser(call.user.id),
        correlated=wanted == "always" or (wanted == "group" and group),
    )


def _hash_order(numbers: dict[str, Json]) -> dict[str, Json]:
    """The keys in an order that has nothing to do with the query's, but is always the same."""
    keys = sorted(numbers)
    Random("".join(keys)).shuffle(keys)
    return {key: numbers[key] for key in keys}
