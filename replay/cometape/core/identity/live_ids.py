"""Live ids in what a client sends: those of this replay turned back, those of its own noted.

A request is matched as it was recorded, so ids that this replay has issued become recorded ones
again (and dates that it has shifted come back) at the places where the profile says they are used.
What a client has made up itself is paired with what the recorded client made up there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from cometape.core.exchange import Request
from cometape.core.json_value import Json
from cometape.core.places.inner_text import Claim, Spot, View, inside, spliced, spots
from cometape.core.places.inner_value import rewritten_value, value_spots
from cometape.core.places.place import Place
from cometape.core.places.request_text import RequestClaims
from cometape.core.places.typed_path import Location
from cometape.core.profile.profile import DateForm, IdentityKind, Profile

from .dates import shifted
from .identity import Identity

Pairs = dict[tuple[str, str], str]
"""Live ids by kind and recorded value."""
Recorded = Callable[[str, str], Identity | None]
"""The identity behind a live id of a kind."""
MAX_MADE = 256
"""Characters of an id that a client makes up; for a longer one a fresh id is answered."""
Tag = IdentityKind | DateForm


class LiveIds:
    """Reads what clients send, in the way one profile asks for."""

    def __init__(self, profile: Profile) -> None:
        back: list[tuple[Tag, Place]] = []
        for kind in profile.identities:
            for place in dict.fromkeys((*kind.used, *kind.issued)):
                if kind.made_by == "server" or place not in kind.issued:
                    back.append((kind, place))
        for one in profile.dates:
            back.append((one.form, one.place))
        self._back = RequestClaims.of(back)
        self._back_in_data: list[tuple[Tag, Place]] = [
            (tag, place) for tag, place in back if place.part == "publish.data"
        ]
        self._back_in_channels: list[Claim[Tag]] = [
            (tag, place.steps) for tag, place in back if place.part == "channel"
        ]
        made = [
            (kind, place)
            for kind in profile.identities
            if kind.made_by == "client"
            for place in kind.issued
        ]
        self._made = RequestClaims.of(made)
        self._made_in_data = [(kind, place) for kind, place in made if place.part == "publish.data"]
        self._made_in_headers = [
            (kind, place)
            for kind, place in made
            if place.part in ("request.header", "request.cookie")
        ]
        self.makes = bool(made)
        """Whether clients make ids of their own at all."""

    def request(
        self, request: Request, recorded: Recorded, shift_s: int = 0
    ) -> tuple[Request, Pairs]:
        """The request as it was recorded, and the live ids in it.

        The same object when there is none. Headers and cookies are left: they are not matched.
        """
        used: Pairs = {}
        return self._back.rewrite(request, lambda spot: _back(spot, recorded, shift_s, used)), used

    def publish(self, data: Json, recorded: Recorded, shift_s: int = 0) -> tuple[Json, Pairs]:
        """The same for the data of a publish."""
        used: Pairs = {}
        if not self._back_in_data:
            return data, used

        def change(spot: Spot[Tag]) -> str | None:
            return _back(spot, recorded, shift_s, used)

        return rewritten_value(data, self._back_in_data, change), used

    @property
    def in_channels(self) -> bool:
        """Whether names of channels can have ids in them."""
        return bool(self._back_in_channels)

    def channel(self, name: str, recorded: Recorded) -> tuple[str, Pairs]:
        """The same for the name of a channel."""
        used: Pairs = {}
        if not self._back_in_channels:
            return name, used
        changes = [
            (spot.start, spot.end, spot.write(known))
            for spot in spots(name, self._back_in_channels)
            if (known := _back(spot, recorded, 0, used)) is not None
        ]
        return (spliced(name, changes) if changes else name), used

    def made_in_request(
        self, recorded: Request, live: Request
    ) -> list[tuple[IdentityKind, str, str]]:
        """Kind, recorded and live value of each id that the client made up in a request."""
        found = _paired(self._made.find(recorded), self._made.find(live)) if self._made else []
        for one in self._made_in_headers:
            found += _paired(_in_headers(*one, recorded), _in_headers(*one, live))
        return found

    def made_in_publish(self, recorded: Json, live: Json) -> list[tuple[IdentityKind, str, str]]:
        """The same for the data of a publish."""
        if not self._made_in_data:
            return []
        return _paired(
            [one for _, found in value_spots(recorded, self._made_in_data) for one in found],
            [one for _, found in value_spots(live, self._made_in_data) for one in found],
        )


def _back(spot: Spot[Tag], recorded: Recorded, shift_s: int, used: Pairs) -> str | None:
    if isinstance(spot.tag, str):
        if not shift_s or isinstance(spot.value, bool) or not isinstance(spot.value, str | int):
            return None
        return shifted(str(spot.value), -shift_s, spot.tag)
    live = spot.tag.read(spot.value, textual=spot.textual)
    identity = recorded(spot.tag.name, str(live)) if live is not None else None
    if identity is None:
        return None
    used[identity.kind, identity.recorded] = str(live)
    return identity.recorded


def _is_sound(made: str) -> bool:
    """Whether an id that a client made up can be echoed anywhere: in a header, a line feed could
    not."""
    return len(made) <= MAX_MADE and made.isprintable()


def _in_headers(kind: IdentityKind, place: Place, request: Request) -> Iterator[Spot[IdentityKind]]:
    name = place.name or ""
    if place.part == "request.cookie":
        texts = [value for key, value in request.cookies().items() if key == name]
    else:
        texts = request.headers.all(name)
    for index, text in enumerate(texts):
        yield from inside(View.of(text), kind, place.inside, (index,))


def _paired(
    recorded: Iterable[Spot[IdentityKind]], live: Iterable[Spot[IdentityKind]]
) -> list[tuple[IdentityKind, str, str]]:
    there: dict[tuple[str, Location], Json] = {
        (spot.tag.name, spot.location): spot.tag.read(spot.value, textual=spot.textual)
        for spot in live
    }
    found: list[tuple[IdentityKind, str, str]] = []
    for spot in recorded:
        mine = spot.tag.read(spot.value, textual=spot.textual)
        theirs = there.get((spot.tag.name, spot.location))
        if mine is not None and theirs is not None and _is_sound(str(theirs)):
            found.append((spot.tag, str(mine), str(theirs)))
    return found
