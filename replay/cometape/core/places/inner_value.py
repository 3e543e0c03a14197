"""Into JSON that is at hand as a value: an event's data, what a client publishes.

The same as `inner_text` for texts: what is claimed stands as a value of its own, as a key, or
inside a string; the rest is shared with the original.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from cometape.core.json_value import Json

from .inner_text import Spot, View, in_order, inside, spliced
from .place import Place
from .typed_path import Location

T = TypeVar("T")
At = tuple[Location, bool]
"""Where a scalar stands, or (True) the key of what stands there."""


def value_spots(
    value: Json, claims: Iterable[tuple[T, Place]]
) -> Iterator[tuple[At, list[Spot[T]]]]:
    """What is claimed in a value, by the scalar or key that it is or stands in.

    Positions of a spot are those in that string; of what is no string they say nothing.
    """
    found: dict[At, list[Spot[T]]] = {}
    for tag, place in claims:
        if place.path is None:
            continue
        for location, scalar in place.path.find(value):
            held = location[-1] if place.key and location else scalar
            at = (location, place.key)
            if isinstance(held, str):
                string = View.of(held)
                spots = inside(string, tag, place.inside, location)
                typed = not place.inside and not place.key
                found.setdefault(at, []).extend(map(_typed, spots) if typed else spots)
            elif not place.inside and not isinstance(held, dict | list):
                found.setdefault(at, []).append(Spot(tag, 0, 1, held, False, (), location))
    for at, spots_of_all in found.items():
        yield at, in_order(spots_of_all)


def rewritten_value(
    value: Json, claims: Iterable[tuple[T, Place]], change: Callable[[Spot[T]], str | None]
) -> Json:
    """The value with new texts at the spots for which `change` gives one.

    What was a number stays one. The same object when nothing changes.
    """
    changes: dict[At, Json] = {}
    for at, spots in value_spots(value, claims):
        new = [(spot, text) for spot in spots if (text := change(spot)) is not None]
        if not new:
            continue
        location, is_key = at
        held = location[-1] if is_key else _at(value, location)
        if isinstance(held, str):
            changes[at] = spliced(held, [(one.start, one.end, one.write(t)) for one, t in new])
        else:
            changes[at] = int(new[0][1])
    return replaced(value, changes)


def replaced(value: Json, changes: Mapping[At, Json]) -> Json:
    """`value` with other scalars, and other keys, at some places; the rest is shared."""
    if not changes:
        return value
    if ((), False) in changes:
        return changes[(), False]
    below: dict[str | int, dict[At, Json]] = {}
    keys: dict[str | int, str] = {}
    for (location, is_key), new in changes.items():
        if is_key and len(location) == 1:
            keys[location[0]] = str(new)
        else:
            below.setdefault(location[0], {})[location[1:], is_key] = new
    if isinstance(value, dict):
        return {
            keys.get(k, k): replaced(v, below[k]) if k in below else v for k, v in value.items()
        }
    if isinstance(value, list):
        return [replaced(v, below[i]) if i in below else v for i, v in enumerate(value)]
    return value


def strings(value: Json, at: Location = ()) -> Iterator[tuple[At, str]]:
    """Every string of a value, and every key."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield ((*at, key), True), key
            yield from strings(child, (*at, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from strings(child, (*at, index))
    elif isinstance(value, str):
        yield (at, False), value


def _at(value: Json, location: Location) -> Json:
    for step in location:
        if isinstance(value, dict):
            value = value[str(step)]
        elif isinstance(value, list):
            value = value[int(step)]
    return value


def _typed(spot: Spot[T]) -> Spot[T]:
    return Spot(spot.tag, spot.start, spot.end, spot.value, False, spot.coding, spot.location)
