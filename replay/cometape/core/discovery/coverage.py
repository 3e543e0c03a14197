"""Coverage: which of the values seen the profile speaks of already."""

from __future__ import annotations

from cometape.core.places.place import InForm, InJson, InList, InPath, InQuery, Place
from cometape.core.profile.profile import Profile

from .sightings import Sighting

_VERBS = {InJson: "json", InPath: "url", InQuery: "url", InForm: "form", InList: "list"}


class Coverage:
    """The places of a profile, to be asked about sightings."""

    def __init__(self, profile: Profile) -> None:
        identities = [place for kind in profile.identities for place in (*kind.issued, *kind.used)]
        self.identities = _by_part(identities)
        self.volatile = _by_part(profile.volatile)
        self.dates = _by_part([one.place for one in profile.dates])
        self._uris = profile.uri_fields

    def is_identity(self, seen: Sighting) -> bool:
        """Whether the profile says that identities stand there."""
        return _is_at(seen, self.identities)

    def is_volatile(self, seen: Sighting) -> bool:
        """Whether it is ignored in matching."""
        return _is_at(seen, self.volatile)

    def is_date(self, seen: Sighting) -> bool:
        """Whether the profile says that a date stands there."""
        return _is_at(seen, self.dates)

    def is_uri(self, seen: Sighting) -> bool:
        """Whether the profile says that an absolute URI stands there."""
        if seen.part not in ("response.json", "event.data"):
            return seen.name == "Location"
        return any(path.leads_to(seen.location) for path in self._uris)


def _by_part(places: list[Place] | tuple[Place, ...]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for place in places:
        found.setdefault(place.part, []).append(place)
    return found


def _is_at(seen: Sighting, places: dict[str, list[Place]]) -> bool:
    return any(_leads_to(place, seen) for place in places.get(seen.part, ()))


def _leads_to(place: Place, seen: Sighting) -> bool:
    verbs = tuple(_VERBS.get(type(step), "") for step in place.inside)
    steps = seen.steps
    if place.key:
        if steps[:1] != ("key",):
            return False
        steps = steps[1:]
    if verbs != steps and not (verbs and verbs[-1] == "list" and verbs[:-1] == steps):
        return False
    if place.path is not None:
        return place.path.leads_to(seen.location)
    if seen.part in ("request.path", "channel"):
        template = place.name or ""
        path = seen.place.partition(" ")[2].replace("{}", "*")
        return any(index == seen.location[0] for index, _, _ in InPath(template).find(path))
    if place.named_by is not None:
        return False
    name = place.name or ""
    return name.lower() == seen.name.lower() if "header" in seen.part else name == seen.name
