"""Created ids: of the values at a place, those that an operation of the recording brought forth.

A workitem that `Create` made has another id in every run; one that lay in the workbin has not.
Both stand in the same fields, so the place alone does not tell: the recording does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..cassette import Event, Exchange, Publish
from ..exchange import Response
from ..identity_places import cookie_of, values_at
from ..inner_text import View, inside, spots
from ..json_value import Json
from ..place import Place
from ..profile import IdentityKind


def created_by(
    kind: IdentityKind, operation: Exchange | Publish, events: Iterable[Event]
) -> set[str]:
    """The ids of a kind that an operation hands out, in its answer or in the events it causes."""
    found: set[str] = set()
    for place in kind.issued:
        values: list[tuple[Json, bool]] = []
        if place.part in ("event.data", "event.message"):
            for event in events:
                root = event.data if place.part == "event.data" else event.extra
                values += [(value, textual) for _, value, textual in values_at(place, root)]
        elif isinstance(operation, Exchange) and operation.response is not None:
            values += _in_response(place, operation.response)
        for value, textual in values:
            identity = kind.read(value, textual=textual)
            if identity is not None:
                found.add(str(identity))
    return found


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
