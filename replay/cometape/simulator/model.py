"""What a contact centre consists of: users, workbins and the interactions that lie in them.

All frozen. What changes while the simulator runs is in `contact_center.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from cometape.core.json_value import JsonObject

from .media import Medium

WorkbinType = Literal["Agent", "Place", "AgentGroup", "PlaceGroup"]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who can log in."""

    id: str
    user_name: str
    password: str
    first_name: str
    last_name: str
    supervisor: bool = False
    """Supervisors may use other users' workbins."""
    place: str
    """The place used when StartContactCenterSession names none."""
    device_id: str
    phone_number: str
    agent_groups: tuple[str, ...] = ()
    place_groups: tuple[str, ...] = ()
    nickname: str = ""
    """As chat customers see the agent, unless PullChat gives another `nickname`."""

    @property
    def roles(self) -> tuple[str, ...]:
        """Role names as the user resource lists them."""
        return ("ROLE_SUPERVISOR", "ROLE_AGENT") if self.supervisor else ("ROLE_AGENT",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbin:
    """A workbin definition: a configuration object, the same id for all its owners."""

    id: str
    name: str
    display_name: str
    type: WorkbinType
    name_key: Literal["workbinName", "name"] = "workbinName"
    """How the resource spells the name: the documented samples use both, even within one list."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose copy of a workbin: an agent's (by user id), a place's, a group's (by name)."""

    type: WorkbinType
    name: str


@dataclass(frozen=True, slots=True)
class WorkbinCopy:
    """One owner's copy of a workbin: the definition is one, the contents are per owner."""

    workbin_id: str
    owner: Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A customer contact."""

    id: str
    medium: Medium
    kind: str = "Inbound"
    """`workitemType`, `chatType`, …"""
    received_date: str
    """`2016-04-08 15:05:57.000+0300`."""
    user_data: JsonObject = field(default_factory=dict)
    """Everything attached: the routing set, the Interaction Server set, what agents attached."""


@dataclass(frozen=True, slots=True)
class InWorkbin:
    """The interaction lies in a workbin."""

    copy: WorkbinCopy


@dataclass(frozen=True, slots=True)
class AtAgent:
    """An agent is invited to the interaction, or works on it."""

    user_id: str
    state: str
    """`Invited`, `Processing`, `Chatting`."""


@dataclass(frozen=True, slots=True)
class InQueue:
    """The interaction waits for routing, is finished (`name` is None) or was handed on."""

    name: str | None


Location = InWorkbin | AtAgent | InQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """The contact centre as it is when the simulator starts."""

    users: tuple[User, ...]
    workbins: tuple[Workbin, ...]
    interactions: tuple[tuple[Interaction, Location], ...] = ()
    agent_groups: tuple[str, ...] = ()
    place_groups: tuple[str, ...] = ()
    contacts: tuple[JsonObject, ...] = ()
