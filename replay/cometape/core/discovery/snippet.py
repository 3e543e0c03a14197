"""Proposals written down as a profile that extends the present one."""

from __future__ import annotations

from collections.abc import Iterable

from cometape.core.profile.profile import Profile

from ..json_value import Json, JsonObject
from .proposals import Proposal


def snippet(
    found: Iterable[Proposal], profile: Profile, name: str, *, extends: str | None = None
) -> JsonObject:
    """The profile `name` that says what the proposals say; to be written as YAML."""
    written: JsonObject = {"profile": name, "extends": extends or profile.name}
    identities: JsonObject = {}
    lists: dict[str, list[Json]] = {"volatile": [], "dates": [], "uri_fields": []}
    cookies: list[Json] = []
    for one in found:
        if one.what == "operation":
            written["operation"] = one.name
        elif one.what != "identity":
            lists[one.what].append(one.name)
        else:
            identities[one.name] = _kind(one)
            cookies += [
                place.partition(" ")[2]
                for place in one.issued
                if place.startswith("response.cookie ")
                and place.partition(" ")[2] not in profile.session_cookies
            ]
    if cookies:
        written["session_cookies"] = cookies
    for key, values in lists.items():
        if values:
            written[key] = values
    if identities:
        written["identities"] = identities
    return written


def _kind(proposal: Proposal) -> JsonObject:
    kind: JsonObject = {"form": proposal.form or "text", "scope": proposal.scope}
    if proposal.made_by == "client":
        kind["made_by"] = "client"
    if proposal.operations:
        kind["operations"] = list(proposal.operations)
    if proposal.issued:
        kind["issued"] = list(proposal.issued)
    if proposal.used:
        kind["used"] = list(proposal.used)
    return kind
