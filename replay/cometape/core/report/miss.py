"""A miss: a live request that no recording answers, and everything that explains it.

It is answered with status 599 and problem details (RFC 9457). 599 is in the range every client
takes for a server's failure (RFC 9110 §15), is assigned to nobody in IANA's registry, and is sent
by no API, gateway or framework that could be recorded; a 404, 500 or 502 might be a recording.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cometape.core.exchange import Headers, Response
from cometape.core.json_value import Json, JsonObject
from cometape.core.lone_surrogate import encodable
from cometape.core.playbook.difference import NOT_COMPARED, Absent, Difference
from cometape.core.playbook.nearest import Candidate

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

TITLES: dict[Reason, str] = {
    "no-match": "No such request was recorded.",
    "method-differs": "This path was recorded with another method only.",
    "query-differs": "This request was recorded with another query only.",
    "body-differs": "This request was recorded with another body only.",
    "exhausted": "This operation has been answered as often as it was recorded.",
    "not-answered": "This request was recorded without an answer.",
}

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
    " as often as needed, allow repeats, or name it under `repeatable` in the profile.",
    "not-answered": "The recording has this request, but broke off before its answer. Record it"
    " again, or write the response into the cassette by hand.",
}

Rule = Literal["method", "path", "query", "body", "exhausted", "session", "no-answer"]
"""What can keep a recording from being the answer; the closed set of `docs/misses.md`."""

MAX_DIFFERENCES = 21
"""That are told of a recording to a machine."""
_LISTED = 8
"""Lines of each list in the text; the rest is counted. A machine gets more."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rule that kept one recording from being the answer."""

    rule: Rule
    text: str
    """What it compared, and found: `body.id: recorded "A", sent "B"`."""

    def __str__(self) -> str:
        return self.text if self.text.startswith(self.rule) else f"{self.rule}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """A recorded request that came near, and why it was not the answer."""

    number: int
    session: str
    request: str
    """Method, path and query."""
    differences: tuple[Difference, ...]
    rejections: tuple[Rejection, ...] = ()
    diff: tuple[str, ...] = ()
    """The lines of a unified difference from what was recorded to what was sent."""
    times: int = 1
    """How often just this was recorded."""

    def lines(self) -> list[str]:
        """For a terminal: which entry, and the rules that rejected it."""
        often = f", and {self.times - 1} more times" if self.times > 1 else ""
        head = f"entry {self.number} of {self.session!r}: {self.request}{often}"
        return [head, *(f"    {line}" for line in _shown(self.rejections))]

    def diff_lines(self) -> list[str]:
        """For a terminal: the difference, unified."""
        return [f"--- entry {self.number} of {self.session!r}", "+++ sent", *self.diff]

    def json(self) -> JsonObject:
        """For a machine."""
        return {
            "entry": self.number,
            "session": self.session,
            "request": self.request,
            "times": self.times,
            "rejected_by": [
                {"rule": one.rule, "text": one.text} for one in self.rejections[:MAX_DIFFERENCES]
            ],
            "differences": [_difference_json(one) for one in self.differences],
            "diff": "\n".join(self.diff_lines()) if self.diff else "",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Where a run was."""

    run: int
    client: str
    session: str
    done: tuple[str, ...] = ()
    """The last operations played, in their order."""
    sessions: tuple[tuple[str, str | None], ...] = ()
    """Recorded sessions, each with the client that has taken it."""
    waiting: tuple[str, ...] = ()
    """Events not delivered yet, each with what it waits for; those that come next first."""

    def lines(self) -> list[str]:
        """For a terminal."""
        taken = [f"{name!r} is {who}" for name, who in self.sessions if who is not None]
        free = [repr(name) for name, who in self.sessions if who is None]
        told = ", ".join([*taken, *([f"{', '.join(free)} free"] if free else [])])
        return [
            f"run {self.run}, {self.client} as {self.session!r}:",
            *_list("  done", self.done, "nothing yet", latest=True),
            *([f"  sessions: {told}"] if told else []),
            *_list("  waiting", self.waiting, "no event"),
        ]

    def json(self) -> JsonObject:
        """For a machine."""
        return {
            "number": self.run,
            "client": self.client,
            "session": self.session,
            "done": list(self.done),
            "sessions": [{"session": name, "client": who} for name, who in self.sessions],
            "waiting": list(self.waiting),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What was compared, and what was not."""

    left_out: tuple[str, ...] = ()
    """Places that the profile calls volatile."""
    ids: tuple[str, ...] = ()
    """Kinds of ids that are turned back into recorded ones first."""

    def __str__(self) -> str:
        text = "method, path, query and body; not headers"
        text += f"; without {_some(self.left_out)}" if self.left_out else ""
        return text + (f"; ids as recorded: {_some(self.ids)}" if self.ids else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A request that nothing recorded answers."""

    reason: Reason
    request: str
    """Method, path and query, without secrets; for a publish its channel."""
    body: Json = None
    """What was sent, without secrets; of a large body an excerpt."""
    nearest: tuple[NearMiss, ...] = ()
    state: RunState
    compared: Compared = Compared()
    remedies: tuple[str, ...] = ()
    """What would make it a hit: an option, a line of the profile, an edit of the cassette."""
    addition: str = ""
    """An exchange for the cassette, in YAML, that would answer it."""
    at_s: float = 0.0

    @property
    def title(self) -> str:
        """One sentence that says what happened."""
        return TITLES[self.reason]

    @property
    def hint(self) -> str:
        """What to do about it."""
        return HINTS[self.reason]

    def text(self) -> str:
        """For a terminal, or a failed test."""
        lines = [f"miss ({self.reason}): {self.request}", f"  {self.title}"]
        differing = next((near for near in self.nearest[:1] if near.diff), None)
        if self.body is not None and differing is None:
            lines.append(f"  sent: {_short(self.body)}")
        if self.nearest:
            lines.append("  nearest:")
            lines += [f"    {line}" for near in self.nearest for line in near.lines()]
        else:
            lines.append("  nothing recorded comes near")
        if differing is not None:
            lines += [f"  {line}" for line in differing.diff_lines()]
        lines.append(f"  compared: {self.compared}")
        lines += [f"  {line}" for line in self.state.lines()]
        lines.append(f"  what to do: {self.hint}")
        lines += [f"    {remedy}" for remedy in self.remedies]
        if self.addition and self.reason == "no-match" and not self.remedies:
            lines.append("    cassette: add, with the answer that is wanted:")
            lines += [f"      {line}" for line in self.addition.splitlines()]
        return encodable("\n".join(lines))

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
            "compared": {
                "left_out": list(self.compared.left_out),
                "ids": list(self.compared.ids),
            },
            "run": self.state.json(),
            "hint": self.hint,
            "remedies": list(self.remedies),
            "addition": self.addition,
        }

    @property
    def characters(self) -> int:
        """How large it is: those of its JSON."""
        return len(json.dumps(self.json(), ensure_ascii=False))

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
            body=encodable(body).encode(),
        )


def reason_for(near: Sequence[NearMiss | Candidate]) -> Reason:
    """Why nothing matched, seen from the nearest recordings."""
    facets = [{one.facet for one in candidate.differences} for candidate in near]
    reasons: tuple[tuple[Reason, set[str]], ...] = (
        ("body-differs", {"body"}),
        ("query-differs", {"query", "body"}),
        ("method-differs", {"method", "query", "body"}),
    )
    for reason, allowed in reasons:
        if any(found and found <= allowed for found in facets):
            return reason
    return "no-match"


def _difference_json(difference: Difference) -> JsonObject:
    found: JsonObject = {"facet": difference.facet, "where": difference.where}
    if not isinstance(difference.recorded, Absent):
        found["recorded"] = difference.recorded
    if not isinstance(difference.live, Absent):
        found["sent"] = difference.live
    return found


def _some(names: Sequence[str], most: int = 4) -> str:
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _shown(rejections: Sequence[Rejection]) -> list[str]:
    shown = [f"{rejection}" for rejection in rejections[:_LISTED]]
    more = len(rejections) - len(shown)
    least = "more than " if rejections and NOT_COMPARED in rejections[-1].text else ""
    return [*shown, f"… and {least}{more} more differences"] if more else shown


def _list(title: str, lines: Sequence[str], nothing: str, *, latest: bool = False) -> list[str]:
    if not lines:
        return [f"{title}: {nothing}"]
    shown = list(lines[-_LISTED:] if latest else lines[:_LISTED])
    more = len(lines) - len(shown)
    told = [f"    ({more} {'earlier' if latest else 'more'})"] if more else []
    inner = [f"    {line}" for line in shown]
    return [f"{title}:", *((told + inner) if latest else (inner + told))]


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else text[:399] + "…"
