"""What changes from run to run and is no id: cache busters, times, the address of the system."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from cometape.core.identity.dates import epoch_s
from cometape.core.places.inner_text import HTTP_ORIGIN

from ..cassette import Cassette, Exchange
from .coverage import Coverage
from .shapes import is_placeholder, shape_of
from .sightings import Sighting

Found = tuple[str, tuple[int, ...], list[str]]
"""Place or path, entries, evidence."""
_RANDOM = frozenset(("uuid", "hex", "epoch-s", "epoch-ms", "date", "jwt"))
_YEAR_S = 366 * 86_400


def volatile_fields(seen: Iterable[Sighting], cassette: Cassette) -> Iterator[Found]:
    """Fields in which requests differ that are equal otherwise."""
    targets = {
        entry.number: (entry.request.method, entry.request.path)
        for entry in cassette.entries
        if isinstance(entry, Exchange)
    }
    fields: defaultdict[tuple[str, str, str], list[Sighting]] = defaultdict(list)
    others: defaultdict[int, dict[str, str | int]] = defaultdict(dict)
    for one in seen:
        if one.part in ("request.query", "request.form", "request.json") and not one.steps:
            others[one.entry][one.place] = one.value
            method, path = targets[one.entry]
            fields[one.place, method, path].append(one)
    told: dict[str, Found] = {}
    for (place, _, _), sighted in fields.items():
        values = [one.value for one in sighted]
        shapes = {shape_of(value) for value in values}
        if is_placeholder(values[0]) or place in told:
            continue
        equal = len(sighted) > 1 and all(
            _without(others[one.entry], place) == _without(others[sighted[0].entry], place)
            for one in sighted
        )
        differ = len(set(values)) == len(values)
        if equal and differ and shapes <= {*_RANDOM, "number", "id"}:
            words = ", ".join(map(str, values[:3]))
            evidence = [f"differs between requests that are equal otherwise: {words}"]
        elif differ and shapes <= {"epoch-s", "epoch-ms"} and place.startswith("request.query"):
            evidence = [f"looks like a time, seconds or milliseconds since 1970: {values[0]}"]
        else:
            continue
        told[place] = (place, tuple(one.entry for one in sighted), evidence)
    yield from told.values()


def date_fields(
    seen: Sequence[Sighting], coverage: Coverage, recorded_at: str | None
) -> Iterator[Found]:
    """Fields of answers and events in which dates stand, by their names."""
    began = epoch_s(recorded_at) if recorded_at is not None else None
    found: defaultdict[str, list[Sighting]] = defaultdict(list)
    for one in seen:
        if one.part not in ("response.json", "event.data") or one.steps or coverage.is_date(one):
            continue
        shape = shape_of(one.value)
        if shape == "date" and isinstance(one.value, str):
            found[f"{one.part} **.{_key(one.name)}"].append(one)
        elif shape in ("epoch-s", "epoch-ms") and began is not None:
            moment = int(one.value) // (1000 if shape == "epoch-ms" else 1)
            if abs(moment - began) < _YEAR_S:
                found[f"{one.part} **.{_key(one.name)} as {shape}"].append(one)
    for place, sighted in _by_suffix(found).items():
        entries = tuple(dict.fromkeys(one.entry for one in sighted))
        names = list(dict.fromkeys(one.name for one in sighted))
        told = f"{', '.join(names[:4])}{', …' if len(names) > 4 else ''}"
        yield place, entries, [f"dates {len(sighted)} times, as {sighted[0].value} ({told})"]


def _by_suffix(found: dict[str, list[Sighting]]) -> dict[str, list[Sighting]]:
    """Fields whose names end alike become one: `**.*At` of `SubmittedAt`, `AssignedAt`."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for place in found:
        word = re.fullmatch(r"(\S+ \*\*\.)[A-Za-z_]+?([A-Z][a-z]+)", place)
        groups[f"{word[1]}*{word[2]}" if word is not None else place].append(place)
    joined: dict[str, list[Sighting]] = {}
    for pattern, places in groups.items():
        name = pattern if len(places) > 1 else places[0]
        joined[name] = [one for place in places for one in found[place]]
    return joined


def uri_fields(seen: Iterable[Sighting], coverage: Coverage) -> Iterator[Found]:
    """Fields of answers and events in which absolute URIs stand that lead away from a replay."""
    found: defaultdict[str, list[Sighting]] = defaultdict(list)
    for one in seen:
        if one.part not in ("response.json", "event.data") or one.steps or coverage.is_uri(one):
            continue
        if isinstance(one.value, str) and HTTP_ORIGIN.match(one.value) is not None:
            found[f"**.{_key(one.name)}"].append(one)
    for path, sighted in found.items():
        origins = {HTTP_ORIGIN.match(str(one.value)).group() for one in sighted}  # type: ignore[union-attr]
        entries = tuple(dict.fromkeys(one.entry for one in sighted))
        yield path, entries, [f"leads to {', '.join(sorted(origins)[:3])}"]


def _without(fields: dict[str, str | int], place: str) -> dict[str, str | int]:
    return {name: value for name, value in fields.items() if name != place}


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][\w-]*", name) else f'"{name}"'
