"""In what a live request is not a recorded one, down to the fields of its body.

What answers a request hangs on `matches` alone. What is told of a request that nothing answers is
found with `Patience`, for a client may send a body of any size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal

from cometape.core.identity.identity import PLACEHOLDER
from cometape.core.json_value import Json, JsonObject, json_beginning

from .matching import Shape

Facet = Literal["method", "path", "query", "body"]
"""What a request is compared by."""


class Absent:
    """Stands for a value that is not there, where None is JSON's null."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent()
_MOST_PAIRS = 1000
"""Of a form that is compared by name."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which a live request is not the recorded one."""

    facet: Facet
    where: str
    """`body.id`, `query fields`, `path segment 5`; empty for the method."""
    recorded: Json | Absent
    live: Json | Absent

    @property
    def is_rest(self) -> bool:
        """Whether it stands for all that was not compared."""
        return isinstance(self.recorded, Absent) and isinstance(self.live, Absent)

    def __str__(self) -> str:
        place = self.where or self.facet
        if self.is_rest:
            return f"{place}: {NOT_COMPARED}"
        if isinstance(self.recorded, Absent):
            return f"{place}: sent {_shown(self.live)}, the recording has none"
        if isinstance(self.live, Absent):
            return f"{place}: recorded {_shown(self.recorded)}, not sent"
        return f"{place}: recorded {_shown(self.recorded)}, sent {_shown(self.live)}"


NOT_COMPARED = "so large that the rest of it was not compared"
_REST = Difference("body", "body", ABSENT, ABSENT)


class Patience:
    """How many values of two bodies are still compared, where no answer hangs on it.

    A body may have a million members, and the recordings that come near it as many.
    """

    __slots__ = ("left",)

    def __init__(self, values: int) -> None:
        self.left = values


MAX_DIFFERENCES = 50
"""So many are found of a request that is another one; the rest is not compared."""


def matches(recorded: Shape, live: Shape) -> bool:
    """Whether `live` is what was recorded. Placeholders of `recorded` fit any text."""
    return next(_differences(recorded, live, None), None) is None


def differences(
    recorded: Shape, live: Shape, patience: Patience | None = None
) -> tuple[Difference, ...]:
    """How `live` is not `recorded`; empty when it matches. Placeholders of `recorded` fit any.

    The last one `is_rest` where there are more than `MAX_DIFFERENCES`, or patience ended.
    """
    found = tuple(islice(_differences(recorded, live, patience), MAX_DIFFERENCES + 1))
    return found if len(found) <= MAX_DIFFERENCES else (*found[:-1], _REST)


def head_differences(recorded: Shape, live: Shape) -> Iterator[Difference]:
    """How `live` is not `recorded`, but for the body."""
    if recorded.method != live.method:
        yield Difference("method", "", recorded.method, live.method)
    if len(recorded.segments) != len(live.segments):
        yield Difference("path", "", recorded.path, live.path)
    else:
        for index, (mine, theirs) in enumerate(zip(recorded.segments, live.segments, strict=True)):
            if not _fits(mine, theirs):
                yield Difference("path", f"path segment {index}", mine, theirs)
    yield from _query_differences(recorded.query, live.query)


def value_differences(
    recorded: Json | Absent, live: Json | Absent, where: str, patience: Patience | None = None
) -> Iterator[Difference]:
    """How two JSON values differ, down to the fields; numbers by value, objects without order."""
    if patience is not None:
        patience.left -= 1
        if patience.left < 0:
            yield _REST
            return
    if isinstance(recorded, dict) and isinstance(live, dict):
        for key in chain(recorded, (key for key in live if key not in recorded)):
            mine, theirs = recorded.get(key, ABSENT), live.get(key, ABSENT)
            yield from value_differences(mine, theirs, f"{where}.{key}", patience)
            if patience is not None and patience.left < 0:
                return
    elif isinstance(recorded, list) and isinstance(live, list):
        for index in range(max(len(recorded), len(live))):
            mine = recorded[index] if index < len(recorded) else ABSENT
            theirs = live[index] if index < len(live) else ABSENT
            yield from value_differences(mine, theirs, f"{where}.{index}", patience)
            if patience is not None and patience.left < 0:
                return
    elif isinstance(recorded, str) and isinstance(live, str):
        if not _fits(recorded, live):
            yield Difference("body", where, recorded, live)
    elif type(recorded) is not type(live) or recorded != live:
        yield Difference("body", where, recorded, live)


def _differences(recorded: Shape, live: Shape, patience: Patience | None) -> Iterator[Difference]:
    yield from head_differences(recorded, live)
    yield from _body_differences(recorded, live, patience)


def _query_differences(
    recorded: Sequence[tuple[str, str]], live: Sequence[tuple[str, str]]
) -> list[Difference]:
    left = list(live)
    missing: list[tuple[str, str]] = []
    for name, value in recorded:
        pair = next((p for p in left if _fits(name, p[0]) and _fits(value, p[1])), None)
        if pair is None:
            missing.append((name, value))
        else:
            left.remove(pair)
    found: list[Difference] = []
    for name, value in missing:
        other = next((p for p in left if p[0] == name), None)
        if other is not None:
            left.remove(other)
        found.append(
            Difference("query", f"query {name}", value, ABSENT if other is None else other[1])
        )
    return found + [Difference("query", f"query {name}", ABSENT, value) for name, value in left]


def _body_differences(
    recorded: Shape, live: Shape, patience: Patience | None
) -> Iterator[Difference]:
    mine, theirs = recorded.body, live.body
    if recorded.body_form == live.body_form == "form":
        by_name = _by_name(mine), _by_name(theirs)
        if by_name[0] is not None and by_name[1] is not None:
            mine, theirs = by_name
    if recorded.body_form == live.body_form:
        yield from value_differences(mine, theirs, "body", patience)
    else:
        yield Difference(
            "body",
            "body",
            ABSENT if recorded.body_form == "none" else recorded.body,
            ABSENT if live.body_form == "none" else live.body,
        )


def _by_name(body: Json) -> JsonObject | None:
    """The pairs of a form, where it has each name once, and is no larger than forms are."""
    if not isinstance(body, list) or len(body) > _MOST_PAIRS:
        return None
    found: JsonObject = {str(pair[0]): pair[1] for pair in body if isinstance(pair, list)}
    return found if len(found) == len(body) else None


def _fits(recorded: str, live: Json) -> bool:
    """Whether a live text is the recorded one, whose placeholders fit any text."""
    if recorded == live:
        return True
    if "<" not in recorded or not isinstance(live, str):
        return False
    first, *others = PLACEHOLDER.split(recorded)[::3]
    if not others or not live.startswith(first):
        return False
    # Each part where it comes first, a character at least after the one before it: no other place
    # leaves more to those that follow. An expression would try them all, for minutes.
    *middle, last = others
    end = len(first)
    for part in middle:
        start = live.find(part, end + 1)
        if start < 0:
            return False
        end = start + len(part)
    return live.endswith(last) and len(live) - len(last) > end


def _shown(value: Json | Absent) -> str:
    if isinstance(value, Absent):
        return "nothing"
    text, is_whole = json_beginning(value, 120)
    return text if is_whole else text[:117] + "…"
