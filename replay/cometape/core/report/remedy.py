"""What would make a miss a hit: the line of the profile, the option, the edit of the cassette."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cometape.core.json_value import Json, json_beginning
from cometape.core.playbook.difference import Absent, Difference
from cometape.core.playbook.matching import PUBLISH, Shape
from cometape.core.playbook.nearest import Candidate

_MOST = 3
"""Differing fields for which a remedy each is told; with more it is another request."""
_LONGEST_PLACE = 200
"""Characters; a longer one is nothing that a profile names, but what a client made up as a key."""

LiveId = tuple[str, str]
"""The kind of a live id, and the recorded value behind it."""


def remedies(
    candidates: Sequence[Candidate], live_ids: dict[str, LiveId], *, operation: str | None = None
) -> list[str]:
    """For a request that differs from its nearest recordings, most of all from the first.

    `live_ids` are values of the request that this replay has issued.
    """
    for candidate in candidates:
        differ = candidate.differences
        facets = {one.facet for one in differ}
        if not differ or len(differ) > _MOST or differ[-1].is_rest or "method" in facets:
            continue
        if "path" in facets and len(facets) > 1:
            continue
        return [line for one in differ for line in _of(one, candidate, live_ids)]
    return []


def live_id_of(difference: Difference, live_ids: dict[str, LiveId]) -> LiveId | None:
    """What is known of a value that was sent in place of another one."""
    live = difference.live
    return None if isinstance(live, Absent | dict | list) else live_ids.get(str(live))


def repeating(shape: Shape, name: str | None) -> list[str]:
    """For an operation that has been answered as often as it was recorded."""
    option = name or f"{shape.method} {shape.path}"
    quoted = option if name and option.isalnum() else f"'{option}'"
    found = [f"option: --repeat {quoted} (or --repeats for all)"]
    if name is not None:
        found.append(f"profile: repeatable: [{name}]")
    return [*found, "cassette: record the operation as often as the test asks for it"]


def answering(number: int, *, error: str | None) -> list[str]:
    """For a request that was recorded without an answer."""
    written = f" in place of `error: {error}`" if error else ""
    return [
        f"cassette: in exchange {number} write `response: {{status: 200, json: {{…}}}}`{written}",
        "option: --as-recorded, if the client is to see the same failure",
    ]


def place_of(difference: Difference, candidate: Candidate) -> str | None:
    """The place in a request, as a profile names it: `request.json id`; None where none fits."""
    where = difference.where
    if difference.facet == "query":
        return f"request.query {where.removeprefix('query ')}"
    if difference.facet == "path" and where.startswith("path segment "):
        at = int(where.removeprefix("path segment "))
        parts = list(candidate.shape.segments)
        parts[at] = "{}"
        return f"request.path {'/'.join(parts)}"
    if difference.facet == "body" and where.startswith("body."):
        if candidate.shape.method == PUBLISH:
            return f"publish.data {where.removeprefix('body.')}"
        part = {"json": "request.json", "form": "request.form"}.get(candidate.shape.body_form)
        return f"{part} {where.removeprefix('body.')}" if part is not None else None
    return None


def _of(difference: Difference, candidate: Candidate, live_ids: dict[str, LiveId]) -> Iterator[str]:
    if len(difference.where) > _LONGEST_PLACE:
        return
    place = place_of(difference, candidate)
    known = live_id_of(difference, live_ids)
    number = candidate.head.number
    if place is not None and known is not None:
        yield f"profile: under `identities`, `{known[0]}`: used: [{_quoted(place)}]"
    elif place is not None:
        yield f"profile, if it changes from run to run: volatile: [{_quoted(place)}]"
    if isinstance(difference.live, Absent):
        yield f"client: send {_in_line(difference.recorded, 80)} as {difference.where}"
    elif difference.facet != "method":
        what = _in_line(difference.live, 80)
        yield f"cassette, if the client is right: in entry {number}, {difference.where}: {what}"


def _quoted(place: str) -> str:
    return f'"{place}"' if any(char in place for char in "{}*,[]#") else place


def _in_line(value: Json | Absent, width: int) -> str:
    text, is_whole = json_beginning(None if isinstance(value, Absent) else value, width)
    return text if is_whole else text[:-1] + "…"
