"""Profiles of a test's own, and the workitems of which it tells."""

from __future__ import annotations

from typing import Any

from cometape.core.profile.profile import Profile
from cometape.core.profile.profile_format import parse_profile
from cometape.profiles import load_profile

OLD = "02F0XAMPLE00009Z"
"""The id of the workitem that `Create` made in the recording."""
STAYS = "02F0XAMPLE00001A"
"""One that lay in the workbin."""
ITEMS = "/v2/me/workitems"
CREATE = {"operationName": "Create", "queueUri": "http://gws.example/api/v2/queues/q"}


def profile_of(**keys: Any) -> Profile:
    """A profile with these keys, over `bayeux`."""
    return parse_profile(
        {"profile": "p", "operation": "op", **keys}, "p", base=load_profile("bayeux")
    )


def kinds(**identities: dict[str, Any]) -> Profile:
    """One with these kinds of ids."""
    return profile_of(identities=identities)
