"""`/simulator/…`: what a test may make happen that no API request could. Not part of the API.

No login is asked for: the simulator listens on the loopback address unless told otherwise.

    POST /simulator/invite    {"user":"agent7","medium":"workitem","userData":{…},"id":"…"}
    POST /simulator/switches  {"event-order":"random",…}      GET shows all settings
    POST /simulator/expire    {"user":"agent7"}               its CometD sessions get 402
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from cometape.core.errors import ConfigurationError
from cometape.core.exchange import Request
from cometape.core.json_value import JsonObject

from .desk import Desk
from .media import MEDIA_BY_NAME
from .model import User
from .notices import Notice
from .routing import invite
from .statuses import FORBIDDEN, MISSING_PARAMETER, NOT_FOUND, OK, OUT_OF_RANGE, Failure

PREFIX = "/simulator/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Controlled:
    """What a control request comes to."""

    body: JsonObject
    notices: tuple[Notice, ...] = ()
    expire_user: str | None = None
    """Id of the user whose CometD sessions expire."""


def control(desk: Desk, request: Request, now_s: float) -> Controlled:
    """Answer a control request. Raises Failure as the API does."""
    action = request.path[len(PREFIX) :]
    if action not in ("invite", "switches", "expire"):
        raise Failure(NOT_FOUND, f"{request.path}; there are invite, switches, expire")
    if action == "switches" and request.method == "GET":
        return Controlled(body={"statusCode": OK, "switches": dict(desk.switches.as_dict())})
    if request.method != "POST":
        raise Failure(FORBIDDEN, f"method {request.method}; use POST", http_status=405)
    body = _body(request)
    if action == "switches":
        return _set_switches(desk, body)
    user = _user(desk, body)
    if action == "expire":
        return Controlled(body={"statusCode": OK}, expire_user=user.id)
    medium = MEDIA_BY_NAME.get(str(body.get("medium", "workitem")))
    if medium is None:
        raise Failure(OUT_OF_RANGE, f"medium; there are {', '.join(MEDIA_BY_NAME)}")
    user_data = body.get("userData", {})
    if not isinstance(user_data, dict):
        raise Failure(OUT_OF_RANGE, "userData is an object")
    interaction, notice = invite(
        desk,
        user,
        medium,
        now_s,
        interaction_id=str(body.get("id", "")),
        user_data=user_data,
    )
    return Controlled(body={"statusCode": OK, "id": interaction.id}, notices=(notice,))


def _set_switches(desk: Desk, body: JsonObject) -> Controlled:
    try:
        for name, value in body.items():
            desk.switches.set(name, str(value))
    except ConfigurationError as error:
        raise Failure(OUT_OF_RANGE, str(error)) from None
    return Controlled(body={"statusCode": OK, "switches": dict(desk.switches.as_dict())})


def _user(desk: Desk, body: JsonObject) -> User:
    name = body.get("user")
    if not isinstance(name, str):
        raise Failure(MISSING_PARAMETER, "user")
    user = desk.center.user_named(name) or desk.center.user(name)
    if user is None:
        raise Failure(NOT_FOUND, f"user {name}")
    return user


def _body(request: Request) -> JsonObject:
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Failure(MISSING_PARAMETER, "the body is not a JSON object")
    return body
