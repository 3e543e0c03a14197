"""A miss: a live request that no recording answers, and everything that explains it.

It is answered with status 599 and problem details (RFC 9457). 599 is in the range every client
takes for a server's failure (RFC 9110 §15), is assigned to nobody in IANA's registry, and is sent
by no API, gateway or framework that could be recorded; a 404, 500 or 502 might be a recording.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from operator import eq
from typing import Literal

from ..exchange import Headers, Response
from ..json_value import Json, JsonObject
from .matching import Absent, Difference, Shape, differences

STATUS = 599

Reason = Literal[
    "no-match",
    "method-differs",
    "query-differs",
    "body-differs",
    "exhausted",
    "not-answered",
]
"""Why nothing answered; the closed set of `docs/misses.md`."""

HINTS: dict[Reason, str] = {
    "no-match": "Record this request too, or add an exchange for it to the cassette by hand. If"
    " the path is one of the nearest but for an id, the client uses an id that was not recorded.",
    "method-differs": "The path is recorded, with another method. Record this request too, or"
    " check the method the client uses.",
    "query-differs": "Only the query differs. If that parameter changes from run to run, name it"
    " under `volatile` in the profile; else record this request too.",
    "body-differs": "Only the body differs. If that field changes from run to run, name it under"
    " `volatile` in the profile; else record this request too, or mend the client.",
    "exhausted": "The operation was recorded fewer times than the client asks for it. Record it"
    " as often as needed, allow repeats (--repeats), or name it under `repeatable` in the profile.",
    "not-answered": "The recording has this request, but broke off before its answer. Record it"
    " again, or write the response into the cassette by hand.",
}

_NEAREST = 3
_COMPARED = 100
"""How many recordings are compared down to the texts; those with the most equal segments."""
_LISTED = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """A recorded request that came near, and in what it differs."""

    number: int
    session: str
    request: str
    """Method, path and query."""
    differences: tuple[Difference, ...]
    times: int = 1
    """How often just this was recorded."""

    def lines(self) -> list[str]:
        """For a terminal."""
        often = f", and {self.times - 1} more times" if self.times > 1 else ""
        head = f"entry {self.number} of {self.session!r}: {self.request}{often}"
        shown = [f"    {difference}" for difference in self.differences[:_LISTED]]
        more = len(self.differences) - _LISTED
        return [head, *shown, *([f"    … and {more} more differences"] if more > 0 else [])]

    def json(self) -> JsonObject:
        """For a machine."""
        return {
            "entry": self.number,
            "session": self.session,
            "request": self.request,
            "times": self.times,
            "differences": [_difference_json(one) for one in self.differences[:_LISTED]],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Where a run was."""

    run: int
    client: str
    session: str
    done: tuple[str, ...] = ()
    """The last operations played, in their order."""
    waiting: tuple[str, ...] = ()
    """The first events not delivered yet, each with what it waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A request that nothing recorded answers."""

    reason: Reason
    request: str
    """Method, path and query, without secrets; for a publish its channel."""
    body: Json = None
    """What was sent, without secrets."""
    nearest: tuple[NearMiss, ...] = ()
    state: RunState
    at_s: float = 0.0

    @property
    def title(self) -> str:
        """One sentence that says what happened."""
        return {
            "no-match": "No such request was recorded.",
            "method-differs": "This path was recorded with another method only.",
            "query-differs": "This request was recorded with another query only.",
            "body-differs": "This request was recorded with another body only.",
            "exhausted": "This operation has been answered as often as it was recorded.",
            "not-answered": "This request was recorded without an answer.",
        }[self.reason]

    @property
    def hint(self) -> str:
        """What to do about it."""
        return HINTS[self.reason]

    def text(self) -> str:
        """For a terminal, or a failed test."""
        state = self.state
        lines = [f"miss ({self.reason}): {self.request}", f"  {self.title}"]
        if self.body is not None:
            lines.append(f"  sent: {_short(self.body)}")
        if self.nearest:
            lines.append("  nearest:")
            lines += [f"    {line}" for near in self.nearest for line in near.lines()]
        else:
            lines.append("  nothing recorded comes near")
        lines.append(f"  run {state.run}, {state.client} as {state.session!r}:")
        lines += _list("    done", state.done, "nothing yet")
        lines += _list("    waiting", state.waiting, "no event")
        lines.append(f"  what to do: {self.hint}")
        return "\n".join(lines)

    def json(self) -> JsonObject:
        """The members of the problem details."""
        return {
            "type": f"urn:cometape:miss:{self.reason}",
            "title": self.title,
            "status": STATUS,
            "detail": self.text(),
            "reason": self.reason,
            "request": self.request,
            "body": self.body,
            "nearest": [near.json() for near in self.nearest],
            "run": {
                "number": self.state.run,
                "client": self.state.client,
                "session": self.state.session,
                "done": list(self.state.done),
                "waiting": list(self.state.waiting),
            },
            "hint": self.hint,
        }

    def response(self) -> Response:
        """The answer to the client."""
        body = json.dumps(self.json(), ensure_ascii=False, indent=2) + "\n"
        return Response(
            status=STATUS,
            headers=Headers(
                [
                    ("Content-Type", "application/problem+json"),
                    ("Cache-Control", "no-store"),
                    ("Cometape-Miss", self.reason),
                ]
            ),
            body=body.encode("utf-8", "replace"),
        )


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded request as a candidate for the nearest."""

    number: int
    """Of the first, where just this was recorded more often."""
    session: str
    shape: Shape
    times: int = 1


def nearest(live: Shape, recorded: Iterable[Recorded], session: str) -> tuple[NearMiss, ...]:
    """The recordings that come nearest: by path, then method, then query, then body.

    The method comes after the path: a wrong verb on the right resource is nearer than the right
    verb on another one. Of equals the own session's go first, then the earliest.
    """
    rough = sorted(
        recorded,
        key=lambda one: (
            -_equal_segments(one.shape, live),
            one.shape.method != live.method,
            one.shape.query != live.query,
            one.session != session,
            one.number,
        ),
    )[:_COMPARED]
    ranked = []
    for candidate in rough:
        likeness = _path_likeness(candidate.shape, live)
        if likeness < 0.5:
            continue
        found = differences(candidate.shape, live)
        facets = {difference.facet for difference in found}
        rank = (
            -likeness,
            "method" in facets,
            sum(difference.facet == "query" for difference in found),
            sum(difference.facet == "body" for difference in found),
            candidate.session != session,
            candidate.number,
        )
        near = NearMiss(
            number=candidate.number,
            session=candidate.session,
            request=str(candidate.shape),
            differences=tuple(found),
            times=candidate.times,
        )
        ranked.append((rank, near))
    return tuple(near for _, near in sorted(ranked, key=lambda pair: pair[0])[:_NEAREST])


def reason_for(near: Sequence[NearMiss]) -> Reason:
    """Why nothing matched, seen from the nearest recordings."""
    for reason, allowed in (
        ("body-differs", {"body"}),
        ("query-differs", {"query", "body"}),
        ("method-differs", {"method", "query", "body"}),
    ):
        if any({one.facet for one in candidate.differences} <= allowed for candidate in near):
            return reason  # type: ignore[return-value]  # the three are members of Reason
    return "no-match"


def _equal_segments(recorded: Shape, live: Shape) -> int:
    """How many segments of the paths are equal; whole paths more than any number."""
    if recorded.segments == live.segments:
        return 1000
    equal = sum(1 for _ in filter(None, map(eq, recorded.segments, live.segments)))
    return equal - abs(len(recorded.segments) - len(live.segments))


def _path_likeness(recorded: Shape, live: Shape) -> float:
    """1 for equal paths, by segments: each differing one counts by how unlike its texts are."""
    if recorded.segments == live.segments:
        return 1.0
    mine, theirs = recorded.segments[1:], live.segments[1:]
    total = max(len(mine), len(theirs))
    if not total:
        return 0.0
    alike = 0.0
    for one, other in zip(mine, theirs, strict=False):
        if one == other:
            alike += 1
        elif len(one) < 100 and len(other) < 100:
            alike += 0.5 * SequenceMatcher(None, one, other, autojunk=False).ratio()
    return min(alike / total, 0.99)


def _difference_json(difference: Difference) -> JsonObject:
    found: JsonObject = {"facet": difference.facet, "where": difference.where}
    if not isinstance(difference.recorded, Absent):
        found["recorded"] = difference.recorded
    if not isinstance(difference.live, Absent):
        found["sent"] = difference.live
    return found


def _list(title: str, lines: Sequence[str], nothing: str) -> list[str]:
    if not lines:
        return [f"{title}: {nothing}"]
    shown = list(lines[:_LISTED])
    more = len(lines) - len(shown)
    return [
        f"{title}:",
        *(f"      {line}" for line in shown),
        *([f"      … {more} more"] if more else []),
    ]


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else text[:399] + "…"
