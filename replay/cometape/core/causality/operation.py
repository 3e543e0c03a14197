"""An operation: an exchange, a publish or an event seen as the possible cause of events.

It is compared with an event by what both speak of: a workbin named in the path, an item named in
the body. A URI counts as its last segment, since the same item is `…/workitems/X` here, `X` there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import unquote

from cometape.core.places.typed_path import TypedPath
from cometape.core.profile.profile import Profile

from ..body import json_of
from ..cassette import Event, Exchange, Publish
from ..exchange import Request
from ..json_value import Json

Term = str | int | float
"""A value that can be compared: what an id is."""

_MAX_LEAVES = 512
_MAX_TERM = 256
"""Characters; what is longer is no id."""


@dataclass(frozen=True, slots=True)
class RequestPart:
    """A part of a cause as `CauseRule.same` names it: `path:last`, `json:id`, `event:id`, …"""

    text: str
    form: str
    rest: str
    path: TypedPath | None

    @classmethod
    def parse(cls, text: str) -> RequestPart:
        """The part that `text` names; a profile's parts are checked when it is read."""
        form, _, rest = text.partition(":")
        in_json = form in ("json", "answer", "event")
        return cls(text, form, rest, TypedPath.parse(rest) if in_json else None)


@dataclass(slots=True, eq=False)
class Operation:
    """What is remembered of an entry that can be a cause."""

    number: int
    session: str
    began_s: float | None = None
    ended_s: float | None = None
    name: str | None = None
    """What the profile says the operation is called: `PullWorkitem`."""
    path: tuple[str, ...] = ()
    query: dict[str, list[str]] = field(default_factory=dict)
    request_json: Json = None
    response_json: Json = None
    event_data: Json = None
    allowed: frozenset[int] = frozenset()
    """Indexes of the profile's cause rules that are about such an operation."""
    caused: set[tuple[str, str, Term]] = field(default_factory=set)
    """Effects that come once and have come: which, to which session, about what."""
    _parts: dict[str, frozenset[Term]] = field(default_factory=dict)
    _everything: frozenset[Term] | None = None

    @classmethod
    def of_exchange(cls, entry: Exchange, profile: Profile) -> Operation:
        """The operation an exchange is; only an unsafe method has a name."""
        asked, answer = entry.request, entry.response
        request_json = json_of(asked.body)
        unsafe = asked.method not in profile.safe_methods
        return cls(
            number=entry.number,
            session=entry.session,
            began_s=entry.at_s,
            ended_s=None if entry.at_s is None else entry.at_s + (entry.took_s or 0.0),
            name=profile.operation_name(request_json) if unsafe else None,
            path=tuple(unquote(segment) for segment in asked.path.split("/") if segment),
            query=_listed(asked) if "?" in asked.target else {},
            request_json=request_json,
            response_json=None if answer is None else json_of(answer.body),
        )

    @classmethod
    def of_publish(cls, entry: Publish) -> Operation:
        """The operation a publish is; its time is that of the reply, it began before."""
        return cls(entry.number, entry.session, ended_s=entry.at_s)

    @classmethod
    def of_event(cls, event: Event) -> Operation:
        """An event as what may cause another one."""
        seen_s = event.at_s
        return cls(event.number, event.session, seen_s, seen_s, event_data=event.data)

    def part(self, part: RequestPart) -> frozenset[Term]:
        """The terms in one part of the exchange."""
        found = self._parts.get(part.text)
        if found is None:
            found = self._parts[part.text] = frozenset(self._terms_of(part))
        return found

    def everything(self) -> frozenset[Term]:
        """The terms of the whole request, as far as that is not beyond reason."""
        if self._everything is None:
            values = [value for values in self.query.values() for value in values]
            found = set(self.path) | terms(values)
            found |= terms(islice(_leaves(self.request_json), _MAX_LEAVES))
            self._everything = frozenset(found)
        return self._everything

    def compact(self, parts: Iterable[RequestPart]) -> None:
        """Keep what can be asked for, given these parts, and let go of the bodies."""
        for part in parts:
            self.part(part)
        self.everything()
        self.request_json = self.response_json = self.event_data = None
        self.query = {}

    def _terms_of(self, part: RequestPart) -> set[Term]:
        if part.form == "path":
            return set(self.path[-1:] if part.rest == "last" else self.path)
        if part.form == "query":
            return terms(self.query.get(part.rest, ()))
        assert part.path is not None
        wholes = {"json": self.request_json, "answer": self.response_json, "event": self.event_data}
        return terms(part.path.values(wholes[part.form]))


def terms(values: Iterable[Json]) -> set[Term]:
    """The values that can be compared; containers, booleans, null and empty texts say nothing."""
    found: set[Term] = set()
    for value in values:
        if isinstance(value, str):
            last = value.rstrip("/").rpartition("/")[2]
            if 0 < len(last) <= _MAX_TERM:
                found.add(last)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.add(value)
    return found


def _listed(request: Request) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in request.query:
        found.setdefault(name, []).extend(item.strip() for item in value.split(","))
    return found


def _leaves(value: Json) -> Iterator[Json]:
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
        else:
            yield node
