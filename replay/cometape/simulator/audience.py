"""Which sessions get an event, and what each one's copy of it says."""

from __future__ import annotations

from collections.abc import Iterator

from cometape.core.json_value import JsonObject

from .accounts import Accounts, HttpSession
from .contact_center import ContactCenter
from .notices import WORKBINS_CHANNEL, Notice, ToUser
from .switches import Switches


def copies(
    notice: Notice, accounts: Accounts, center: ContactCenter, switches: Switches
) -> Iterator[tuple[HttpSession, JsonObject]]:
    """Every session that gets the event, with its data; a duplicate when that fault is on."""
    wanted = switches["notifications"]
    kind = "workbin" if notice.channel == WORKBINS_CHANNEL else "media"
    if wanted not in ("all", kind):
        return
    for session, owner in _receivers(notice, accounts, center, switches):
        data = dict(notice.data)
        if owner is not None:
            data["workbinUserId"] = owner
        if _correlated(notice, session, switches):
            data["referenceId"] = notice.reference_id
        yield session, data
        if switches.on("duplicate-events"):
            yield session, data


def _receivers(
    notice: Notice, accounts: Accounts, center: ContactCenter, switches: Switches
) -> Iterator[tuple[HttpSession, str | None]]:
    if isinstance(notice.to, ToUser):
        actor = notice.actor
        for session in accounts.sessions_of(notice.to.user_id):
            if (
                switches["user-sessions"] == "actor"
                and actor is not None
                and actor.user is session.user
                and not _same_client(actor, session)
            ):
                continue
            yield session, None
        return
    copy = notice.to.copy
    for session in accounts.sessions:
        by_user = center.subscription(copy, session)
        if by_user is not None:
            owned_by_agent = copy.owner.type == "Agent"
            yield session, copy.owner.name if by_user and owned_by_agent else None


def _same_client(actor: HttpSession, session: HttpSession) -> bool:
    """Without cookies nothing tells a user's clients apart, so they count as one."""
    return session is actor or not (session.confirmed or actor.confirmed)


def _correlated(notice: Notice, session: HttpSession, switches: Switches) -> bool:
    if notice.reference_id is None or notice.actor is None or not notice.correlated:
        return False
    if notice.message_type in switches.words("no-reference-id"):
        return False
    return session.user is notice.actor.user or switches.on("reference-id-for-others")
