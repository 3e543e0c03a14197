"""A notice: an event that is to be sent, before it is known which sessions get it, and how."""

from __future__ import annotations

from dataclasses import dataclass

from cometape.core.json_value import JsonObject

from .accounts import HttpSession
from .model import WorkbinCopy

WORKBINS_CHANNEL = "/v2/me/workbins"


@dataclass(frozen=True, slots=True)
class ToUser:
    """The user's sessions."""

    user_id: str


@dataclass(frozen=True, slots=True)
class ToSubscribers:
    """Whoever has subscribed to one copy of a workbin."""

    copy: WorkbinCopy


Audience = ToUser | ToSubscribers


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One event to send."""

    channel: str
    data: JsonObject
    """Without `referenceId`."""
    to: Audience
    actor: HttpSession | None = None
    """The session whose request caused it; None: spontaneous."""
    reference_id: int | None = None
    """What that request was answered with."""
    correlated: bool = True
    """Whether it carries the `referenceId` at all."""

    @property
    def message_type(self) -> str:
        """`messageType` of the data."""
        return str(self.data.get("messageType", ""))
