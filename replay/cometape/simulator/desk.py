"""What an operation works with, what it is asked and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from cometape.core.json_value import Json, JsonObject

from .accounts import HttpSession
from .config import WorkbinsConfig
from .contact_center import ContactCenter
from .dates import Calendar
from .identifiers import Identifiers
from .model import Interaction, User
from .notices import Notice, ToUser
from .reference_ids import ReferenceIds
from .statuses import MISSING_PARAMETER, OK, Failure
from .switches import Switches

Scope = Literal["me", "unscoped", "user"]


@dataclass(slots=True, kw_only=True)
class Desk:
    """The tools of every operation: state, switches, ids, dates."""

    config: WorkbinsConfig
    center: ContactCenter
    switches: Switches
    identifiers: Identifiers
    calendar: Calendar
    reference_ids: ReferenceIds

    @property
    def public_url(self) -> str:
        """Scheme, host and port of every `uri`."""
        return self.config.public_url

    def reference_id(self, call: Call) -> int:
        """The next `referenceId` for the caller."""
        return self.reference_ids.next(call.session, self.switches["reference-id-scope"])

    def consume_reference_id(self, call: Call) -> None:
        """For operations that answer without one, as `reference-id-consumed` says."""
        if self.switches.on("reference-id-consumed"):
            self.reference_id(call)

    def backend_fails(self, operation: str) -> str:
        """Why Interaction Server does not carry out an operation, or nothing."""
        if self.switches["interaction-server"] == "down":
            return "Interaction Server is out of service"
        if operation in self.switches.words("failing-operations"):
            return f"Interaction Server refused {operation}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated REST request, taken apart."""

    session: HttpSession
    scope: Scope
    """`/me/…`, `/…` or `/users/{id}/…`."""
    subject: User
    """Whose resources: the caller, or the user in the path."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """The variable segments of the path."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: JsonObject = field(default_factory=dict)
    operation: str = ""
    """`operationName`, the misprint `Unubscribe` of the documentation mended."""
    now_s: float

    @property
    def user(self) -> User:
        """Who asks."""
        return self.session.user

    def text(self, name: str) -> str:
        """A required text of the body. Raises Failure (1) when it is missing or empty."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise Failure(MISSING_PARAMETER, name)
        return value

    def mapping(self, name: str) -> JsonObject:
        """A required object of the body. Raises Failure (1) when it is missing."""
        value = self.body.get(name)
        if not isinstance(value, dict):
            raise Failure(MISSING_PARAMETER, name)
        return value

    def listed(self, name: str) -> list[str] | None:
        """A comma-separated list of the query; None when it is not there."""
        value = self.query.get(name)
        return None if value is None else [word for word in value.split(",") if word]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer of an operation, and the events that follow it."""

    body: JsonObject
    notices: tuple[Notice, ...] = ()
    ends_session: bool = False
    """EndContactCenterSession: the HTTP session ends with this answer."""


def done(**more: Json) -> Reply:
    """`{"statusCode":0, …}` without consequences."""
    return Reply(body={"statusCode": OK, **more})


def accepted(desk: Desk, call: Call, *notices: Notice) -> Reply:
    """`{"statusCode":0,"referenceId":N}`, with events that belong to it."""
    reference_id = desk.reference_id(call)
    return Reply(
        body={"statusCode": OK, "referenceId": reference_id},
        notices=tuple(
            replace(notice, actor=call.session, reference_id=reference_id) for notice in notices
        ),
    )


def media_notice(interaction: Interaction, user: User, data: JsonObject) -> Notice:
    """A message on the channel of the interaction's medium."""
    return Notice(channel=interaction.medium.channel, data=data, to=ToUser(user.id))
