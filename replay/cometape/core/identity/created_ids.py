"""Created ids: of the values at a place, those that an operation of the recording brought forth.

A workitem that `Create` made has another id in every run; one that lay in the workbin has not.
Both stand in the same fields, so the place alone does not tell: the recording does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from cometape.core.cassette import Event, Exchange, Publish
from cometape.core.exchange import Response
from cometape.core.json_value import Json
from cometape.core.places.inner_text import View, inside, spots
from cometape.core.places.place import Place
from cometape.core.profile.identity_places import cookie_of, values_at
from cometape.core.profile.profile import IdentityKind, Profile


class CreatedIds:
    """Gathers them from the entries of a cassette, in any order, each with a number of its own."""

    def __init__(self, profile: Profile) -> None:
        self._kinds = [kind for kind in profile.identities if kind.is_created]
        self._found: dict[str, set[str]] = {kind.name: set() for kind in self._kinds}
        self._creators: dict[int, list[IdentityKind]] = {}
        self._in_events: dict[int, dict[str, set[str]]] = {}
        """Ids in each event, which may be older than the entry of its cause."""

    def operation(self, number: int, entry: Exchange | Publish, name: str | None) -> None:
        """An operation, with the name by which the profile knows it."""
        creates = [kind for kind in self._kinds if kind.may_create(name)]
        if creates:
            self._creators[number] = creates
        for kind in creates:
            self._found[kind.name] |= created_by(kind, entry, ())

    def event(self, number: int, event: Event) -> None:
        """An event."""
        ids = {kind.name: _in_event(kind, event) for kind in self._kinds}
        if any(ids.values()):
            self._in_events[number] = ids

    def finish(self, root: Callable[[int], int]) -> dict[str, list[str]]:
        """The ids by kind; `root` gives the operation behind an event, or the event itself."""
        for number, ids in self._in_events.items():
            for kind in self._creators.get(root(number), ()):
                self._found[kind.name] |= ids[kind.name]
        return {name: sorted(values) for name, values in self._found.items()}


def created_by(
    kind: IdentityKind, operation: Exchange | Publish, events: Iterable[Event]
) -> set[str]:
    """The ids of a kind that an operation hands out, in its answer or in the events it causes."""
    found: set[str] = set()
    for event in events:
        found |= _in_event(kind, event)
    if isinstance(operation, Exchange) and operation.response is not None:
        for place in kind.issued:
            found |= _read(kind, _in_response(place, operation.response))
    return found


def _in_event(kind: IdentityKind, event: Event) -> set[str]:
    found: set[str] = set()
    for place in kind.issued:
        if place.part in ("event.data", "event.message"):
            root = event.data if place.part == "event.data" else event.extra
            values = values_at(place, root)
            found |= _read(kind, ((value, textual) for _, value, textual in values))
    return found


def _read(kind: IdentityKind, values: Iterable[tuple[Json, bool]]) -> set[str]:
    identities = (kind.read(value, textual=textual) for value, textual in values)
    return {str(identity) for identity in identities if identity is not None}


def _in_response(place: Place, response: Response) -> Iterator[tuple[Json, bool]]:
    if place.part == "response.json":
        for spot in spots(response.body.decode("utf-8", "replace"), [(None, place.steps)]):
            yield spot.value, spot.textual
        return
    texts: list[str] = []
    if place.part == "response.header":
        named = response.headers.first(place.named_by) if place.named_by else place.name
        texts = response.headers.all(named) if named else []
    elif place.part == "response.cookie":
        cookies = [cookie_of(header) for header in response.headers.all("Set-Cookie")]
        texts = [pair[1] for pair in cookies if pair is not None and pair[0] == place.name]
    for text in texts:
        for spot in inside(View.of(text), None, place.inside, ()):
            yield spot.value, True
