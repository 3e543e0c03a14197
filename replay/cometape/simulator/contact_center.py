"""The state behind the API: where every interaction is, who subscribed to what, who is ready.

No HTTP and no Bayeux here; the operations (`placing.py`, `pulling.py`, …) change it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from cometape.core.json_value import JsonObject

from .accounts import HttpSession
from .model import AtAgent, DataSet, Interaction, InWorkbin, Location, User, Workbin, WorkbinCopy


@dataclass(slots=True, kw_only=True)
class AgentSession:
    """A contact-centre session: from StartContactCenterSession to EndContactCenterSession."""

    channels: dict[str, str]
    """Agent state (`Ready`, `NotReady`) by channel name."""
    place: str
    idle_since_s: float
    """Since when the agent has had no invitation; what `--invite-every-s` counts from."""


@dataclass(slots=True)
class ContactCenter:
    """Everything that changes while the simulator runs, but HTTP sessions."""

    data: DataSet
    interactions: dict[str, Interaction] = field(default_factory=dict)
    locations: dict[str, Location] = field(default_factory=dict)
    agents: dict[str, AgentSession] = field(default_factory=dict)
    """Agents in session, by user id."""
    subscriptions: dict[WorkbinCopy, dict[str, bool]] = field(default_factory=dict)
    """Per copy the subscribers (user or session ids); True: subscribed by user, as supervisors."""
    revocations: dict[str, float] = field(default_factory=dict)
    """When an invitation is revoked, by interaction id."""

    @classmethod
    def opened(cls, data: DataSet) -> ContactCenter:
        """The contact centre as the data set describes it."""
        center = cls(data)
        for interaction, location in data.interactions:
            center.interactions[interaction.id] = interaction
            center.locations[interaction.id] = location
        return center

    def user(self, user_id: str) -> User | None:
        """The user with an id."""
        return next((user for user in self.data.users if user.id == user_id), None)

    def user_named(self, user_name: str) -> User | None:
        """The user with a login name."""
        return next((user for user in self.data.users if user.user_name == user_name), None)

    def workbin(self, workbin_id: str) -> Workbin | None:
        """The workbin definition with an id."""
        return next((bin_ for bin_ in self.data.workbins if bin_.id == workbin_id), None)

    def place_of(self, user: User) -> str:
        """The place a user works at: the session's, else the default one."""
        agent = self.agents.get(user.id)
        return agent.place if agent is not None else user.place

    def contents(self, copy: WorkbinCopy) -> list[Interaction]:
        """What lies in a copy of a workbin, in the order in which it was placed there."""
        here = InWorkbin(copy)
        return [
            self.interactions[interaction_id]
            for interaction_id, location in self.locations.items()
            if location == here
        ]

    def held_by(self, user_id: str) -> Iterator[tuple[Interaction, AtAgent]]:
        """What a user is invited to or works on."""
        for interaction_id, location in self.locations.items():
            if isinstance(location, AtAgent) and location.user_id == user_id:
                yield self.interactions[interaction_id], location

    def move(self, interaction: Interaction, location: Location) -> None:
        """Put an interaction (as given, so also a changed one) somewhere; newest last."""
        self.locations.pop(interaction.id, None)
        self.locations[interaction.id] = location
        self.interactions[interaction.id] = interaction
        self.revocations.pop(interaction.id, None)

    def attach(self, interaction: Interaction, user_data: JsonObject) -> Interaction:
        """Give an interaction new `userData`, where it is."""
        changed = replace(interaction, user_data=user_data)
        self.interactions[interaction.id] = changed
        return changed

    def subscribe(self, copy: WorkbinCopy, subscriber: str, *, by_user: bool) -> None:
        """Note a subscription; again is no error."""
        self.subscriptions.setdefault(copy, {})[subscriber] = by_user

    def unsubscribe(self, copy: WorkbinCopy, subscriber: str) -> None:
        """Forget a subscription; without one is no error."""
        self.subscriptions.get(copy, {}).pop(subscriber, None)

    def forget_subscriber(self, subscriber: str) -> None:
        """Forget all subscriptions of somebody who left."""
        for subscribers in self.subscriptions.values():
            subscribers.pop(subscriber, None)

    def subscription(self, copy: WorkbinCopy, session: HttpSession) -> bool | None:
        """Whether a session is subscribed by user (True) or as itself (False); None: not at all.

        It counts whether it was noted for the session or for its user.
        """
        subscribers = self.subscriptions.get(copy, {})
        for subscriber in (session.id, session.user.id):
            if subscriber in subscribers:
                return subscribers[subscriber]
        return None
