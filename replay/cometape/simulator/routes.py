"""The table of URLs and operations, and how a request finds its row.

Every resource exists under `/me/…`, under `/…` and, for supervisors, under `/users/{id}/…`; the
documentation prints the last also without `users/` (WorkbinGetWorkbinsSubUser).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from cometape.core.exchange import Request
from cometape.core.json_value import JsonObject
from cometape.simulator import agent_sessions, placing, pulling, reads, subscribing, working

from .accounts import HttpSession
from .desk import Call, Desk, Reply, Scope
from .media import MEDIA_BY_COLLECTION
from .statuses import FORBIDDEN, MISSING_PARAMETER, NO_PERMISSION, NOT_FOUND, OUT_OF_RANGE, Failure

API = "/api/v2"

Operation = Callable[[Desk, Call], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One resource: its path below the scope, how it is read, what it can be told to do."""

    path: str
    """Segments; `{workbin}`, `{media}`, `{interaction}`, `{channel}` are variable."""
    read: Operation | None = None
    operations: Mapping[str, Operation] = field(default_factory=dict)
    scopes: tuple[Scope, ...] = ("me", "unscoped", "user")


_SUBSCRIPTIONS = ("Subscribe", "Unsubscribe")

ROUTES = (
    Route(
        path="",
        read=reads.read_user,
        operations={
            "StartContactCenterSession": agent_sessions.start_session,
            "EndContactCenterSession": agent_sessions.end_session,
            "Ready": agent_sessions.change_state,
            "NotReady": agent_sessions.change_state,
        },
        scopes=("me",),
    ),
    Route(path="", read=reads.read_user, scopes=("user",)),
    Route(path="users", read=reads.read_users, scopes=("unscoped",)),
    Route(path="devices", read=agent_sessions.read_devices, scopes=("me", "user")),
    Route(path="channels", read=agent_sessions.read_channels, scopes=("me", "user")),
    Route(
        path="channels/{channel}",
        operations={
            "Ready": agent_sessions.change_state,
            "NotReady": agent_sessions.change_state,
        },
        scopes=("me",),
    ),
    Route(
        path="workbins",
        read=reads.read_workbins,
        operations=dict.fromkeys(_SUBSCRIPTIONS, subscribing.subscribe_several),
    ),
    Route(
        path="workbins/{workbin}",
        read=reads.read_workbin,
        operations={
            **dict.fromkeys(_SUBSCRIPTIONS, subscribing.subscribe_one),
            **dict.fromkeys(placing.ADD_OPERATIONS, placing.add_interaction),
            **dict.fromkeys(pulling.PULL_OPERATIONS, pulling.pull_interaction),
        },
    ),
    Route(path="workbins/{workbin}/{media}", read=reads.read_medium),
    Route(path="settings/agent-states", read=agent_sessions.read_agent_states),
    Route(path="contacts", read=reads.read_contacts),
    Route(
        path="{media}",
        read=reads.read_interactions,
        operations={"Create": working.create},
        scopes=("me", "unscoped"),
    ),
    Route(
        path="{media}/{interaction}",
        read=reads.read_interaction,
        operations=dict.fromkeys(sorted(working.OPERATIONS), working.operate),
        scopes=("me", "unscoped"),
    ),
)

MISPRINTS = {"Unubscribe": "Unsubscribe"}
"""As WorkbinUnsubscribingFromGWNotif prints it."""


@dataclass(frozen=True, slots=True)
class _Place:
    scope: Scope
    user_id: str | None
    segments: tuple[str, ...]


def carry_out(desk: Desk, request: Request, session: HttpSession, now_s: float) -> Reply:
    """Answer an authenticated request.

    Raises Failure: 6 unknown path, 5 another user's resource without being a supervisor, 3 with
    HTTP 405 or 415 for a wrong method or content type, 1 for a body that is no JSON object or
    names no operation, 10 for an operation the resource has not.
    """
    place, route, ids = _find(desk, request)
    subject = session.user if place.user_id is None else desk.center.user(place.user_id)
    if place.user_id is not None and subject is not session.user and not session.user.supervisor:
        raise Failure(NO_PERMISSION, "only supervisors use other users' resources")
    if subject is None:
        raise Failure(NOT_FOUND, f"user {place.user_id}")
    body: JsonObject = {}
    operation = ""
    handler = route.read
    if request.method == "POST" and route.operations:
        body = _json_body(request)
        named = body.get("operationName")
        if not isinstance(named, str) or not named:
            raise Failure(MISSING_PARAMETER, "operationName")
        operation = MISPRINTS.get(named, named)
        handler = route.operations.get(operation)
        if handler is None:
            known = ", ".join(route.operations)
            raise Failure(OUT_OF_RANGE, f"operationName {named}; this resource has {known}")
    elif request.method != "GET" or handler is None:
        allowed = ", ".join(
            method for method, there in (("GET", route.read), ("POST", route.operations)) if there
        )
        raise Failure(
            FORBIDDEN,
            f"method {request.method}",
            http_status=405,
            headers=(("Allow", allowed),),
        )
    assert handler is not None
    call = Call(
        session=session,
        scope=place.scope,
        subject=subject,
        ids=ids,
        query=dict(request.query),
        body=body,
        operation=operation,
        now_s=now_s,
    )
    return handler(desk, call)


def _find(desk: Desk, request: Request) -> tuple[_Place, Route, dict[str, str]]:
    path = request.path
    if path == "/internal-api/business-attributes":
        return _Place("unscoped", None, ()), _BUSINESS_ATTRIBUTES, {}
    if path != API and not path.startswith(API + "/"):
        raise Failure(NOT_FOUND, path)
    place = _place(desk, tuple(unquote(part) for part in path[len(API) :].split("/") if part))
    for route in ROUTES:
        if place.scope in route.scopes:
            ids = _ids(route, place.segments)
            if ids is not None:
                return place, route, ids
    raise Failure(NOT_FOUND, path)


_BUSINESS_ATTRIBUTES = Route(path="", read=reads.read_business_attributes)


def _place(desk: Desk, segments: tuple[str, ...]) -> _Place:
    match segments:
        case ("me", *rest):
            return _Place("me", None, tuple(rest))
        case ("users", user_id, *rest):
            return _Place("user", user_id, tuple(rest))
        case (user_id, "workbins", *_) if desk.center.user(user_id) is not None:
            return _Place("user", user_id, segments[1:])
        case _:
            return _Place("unscoped", None, segments)


def _ids(route: Route, segments: tuple[str, ...]) -> dict[str, str] | None:
    wanted = route.path.split("/") if route.path else []
    if len(wanted) != len(segments):
        return None
    ids: dict[str, str] = {}
    for pattern, segment in zip(wanted, segments, strict=True):
        if pattern.startswith("{"):
            ids[pattern.strip("{}")] = segment
        elif pattern != segment:
            return None
    if "media" in ids and ids["media"] not in MEDIA_BY_COLLECTION:
        return None
    return ids


def _json_body(request: Request) -> JsonObject:
    content_type = request.headers.first("Content-Type")
    if content_type is not None and (
        content_type.partition(";")[0].strip().lower() != "application/json"
    ):
        raise Failure(
            FORBIDDEN, f"Content-Type {content_type}; send application/json", http_status=415
        )
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        raise Failure(MISSING_PARAMETER, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Failure(MISSING_PARAMETER, "the body is not a JSON object")
    return body
