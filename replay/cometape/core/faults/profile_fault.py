"""Faults that a profile declares: how this API refuses, and how its events tell of failure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from cometape.core.places.typed_path import TypedPath

from ..exchange import Headers, Response
from ..json_value import Json, JsonObject

Condition = tuple[TypedPath, tuple[Json, ...]]
"""A field of an event's data, and the values one of which it must have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventChange:
    """What becomes of one sort of event."""

    when: tuple[Condition, ...] = ()
    """What its data must say; nothing: any event is meant."""
    patch: str | None = None
    """A JSON merge patch (RFC 7396), as text; None: the event is not sent at all."""

    def fits(self, data: Json) -> bool:
        """Whether an event with that data is meant."""
        return all(
            any(value in values for _, value in path.find(data)) for path, values in self.when
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileFault:
    """One of them: an answer instead of the recorded one, or events that say something else."""

    name: str
    about: str
    answer: Response | None = None
    methods: tuple[str, ...] = ()
    """Methods of the requests that can be answered so; empty: all."""
    ends_session: bool = False
    """Whether the client's Bayeux session ends as well."""
    events: tuple[EventChange, ...] = ()
    """The first that fits an event decides; one that none fits stays as it is."""

    def change(self, data: Json) -> EventChange | None:
        """What becomes of an event with that data."""
        return next((change for change in self.events if change.fits(data)), None)


def merged(target: Json, patch: Json) -> Json:
    """`target` with a JSON merge patch applied (RFC 7396 §2); neither is changed."""
    if not isinstance(patch, dict):
        return patch
    found: JsonObject = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def declared_answer(
    status: int, headers: Sequence[tuple[str, str]], *, text: str | None, json_body: Json
) -> Response:
    """The answer that a profile describes: with a JSON body, a text, or nothing."""
    if json_body is not None:
        body = json.dumps(json_body, ensure_ascii=False, separators=(",", ":")).encode()
    else:
        body = (text or "").encode()
    pairs = [*headers]
    if body and not any(name.lower() == "content-type" for name, _ in headers):
        form = "text/plain" if json_body is None else "application/json"
        pairs.append(("Content-Type", f"{form};charset=UTF-8"))
    return Response(status=status, headers=Headers(pairs), body=body)
