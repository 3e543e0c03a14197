"""Proposals: what a profile lacks, as far as a recording shows it, with the evidence.

A value is taken for an id that changes from run to run when it behaves as one: an answer hands it
out and an event carries it, a client makes it up and gets it back, an operation brings it forth and
later requests name it. Looks alone (a UUID, a hexadecimal token) propose nothing: configuration has
UUIDs as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from cometape.core.places.typed_path import TypedPath
from cometape.core.profile.profile import Form, Profile

from ..cassette import Cassette
from .coverage import Coverage
from .shapes import form_of, is_id, is_placeholder
from .sightings import Sighting, sightings
from .volatile import date_fields, uri_fields, volatile_fields

What = Literal["identity", "volatile", "dates", "uri_fields", "operation"]


@dataclass(slots=True, kw_only=True)
class Proposal:
    """Something that a profile should say."""

    what: What
    name: str
    """Of the kind; of anything else the place or path."""
    form: Form | None = None
    scope: Literal["session", "run"] = "run"
    made_by: Literal["server", "client"] = "server"
    operations: tuple[str, ...] = ()
    issued: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    entries: tuple[int, ...] = ()
    """Where to look."""
    evidence: list[str] = field(default_factory=list)


_ID_NAME = re.compile(r"(?:^|[a-z0-9_-])(?:ids?|numbers?|refs?|keys?|tickets?|tokens?)$", re.I)
_MADE_NAME = re.compile(
    r"(?:request|correlation|client|trace|transaction|idempotency|message|nonce|conversation)"
    r"[-_]?(?:request|message)?[-_]?(?:id|key|token|ref)$",
    re.IGNORECASE,
)
_OPERATION = re.compile(r"[A-Za-z][A-Za-z_]{2,39}")
MAX_SHOWN = 4


def proposals(cassette: Cassette, profile: Profile) -> list[Proposal]:
    """What the profile lacks for a cassette whose causes are inferred; the surest first."""
    operation = None if profile.operation is not None else _operation(cassette, profile)
    understood = profile
    if operation is not None:
        understood = replace(profile, operation=TypedPath.parse(operation.name))
    seen = list(sightings(cassette.entries, understood))
    coverage = Coverage(profile)
    fresh = [one for one in seen if not (coverage.is_identity(one) or coverage.is_volatile(one))]
    found = _Identities(profile, fresh).all()
    taken = {place for one in found for place in (*one.issued, *one.used)}
    rest = [one for one in fresh if one.place not in taken]
    others = [operation] if operation is not None else []
    for name, entries, evidence in volatile_fields(rest, cassette):
        others.append(Proposal(what="volatile", name=name, entries=entries, evidence=evidence))
    for name, entries, evidence in date_fields(rest, coverage, cassette.header.recorded_at):
        others.append(Proposal(what="dates", name=name, entries=entries, evidence=evidence))
    for name, entries, evidence in uri_fields(seen, coverage):
        others.append(Proposal(what="uri_fields", name=name, entries=entries, evidence=evidence))
    return [*found, *others]


class _Identities:
    """Looks for kinds of ids among the sightings that no declared place explains."""

    def __init__(self, profile: Profile, seen: Sequence[Sighting]) -> None:
        self._profile = profile
        self._by_place: dict[str, list[Sighting]] = {}
        self._by_value: dict[str | int, list[Sighting]] = {}
        for one in seen:
            self._by_place.setdefault(one.place, []).append(one)
            self._by_value.setdefault(one.value, []).append(one)
        self._found: list[Proposal] = []
        self._taken: set[str] = set()

    def all(self) -> list[Proposal]:
        """Each kind once; what one explains is not looked at again."""
        self._cookies_and_tokens()
        self._correlations()
        self._made_by_clients()
        self._created()
        for one in self._found:
            self._follow(one)
        self._join()
        return self._found

    def _add(self, proposal: Proposal) -> None:
        names = {one.name for one in self._found}
        if proposal.name in names:
            proposal.name = next(
                name for n in range(2, 99) if (name := f"{proposal.name}-{n}") not in names
            )
        self._found.append(proposal)
        self._taken |= {*proposal.issued, *proposal.used}

    # ---------------------------------------------------------------- what all kinds have

    def _values(self, proposal: Proposal) -> set[str | int]:
        """The ids that are issued by a kind; numbers and placeholders may mean anything."""
        seen = [one for place in proposal.issued for one in self._by_place.get(place, ())]
        if proposal.operations:
            seen = [one for one in seen if one.operation in proposal.operations]
        return {one.value for one in seen if isinstance(one.value, str) and is_id(one.value)}

    def _follow(self, proposal: Proposal) -> None:
        """Wherever an id of a kind stands, it is used: else it would be as recorded there."""
        standing = [one for value in self._values(proposal) for one in self._by_value[value]]
        standing.sort(key=lambda one: one.entry)
        known = {*proposal.issued, *proposal.used}
        used = dict.fromkeys(one.place for one in standing if one.place not in known)
        proposal.used += tuple(used)
        self._taken |= used.keys()

    def _join(self) -> None:
        """Of kinds that have a value or a place in common one is made: equal ids stay equal."""
        kinds: list[Proposal] = []
        for one in self._found:
            same = [
                kind
                for kind in kinds
                if (kind.made_by, kind.scope) == (one.made_by, one.scope)
                and (kind.form == "integer") == (one.form == "integer")
                and not {*kind.issued, *kind.used}.isdisjoint((*one.issued, *one.used))
            ]
            for other in same[1:]:
                self._unite(same[0], other)
                kinds.remove(other)
            if same:
                self._unite(same[0], one)
            else:
                kinds.append(one)
        self._found = kinds

    def _unite(self, kind: Proposal, other: Proposal) -> None:
        names = {*self._operations_of(kind), *self._operations_of(other)}
        is_created = bool(kind.operations or other.operations) and None not in names
        kind.operations = tuple(sorted(filter(None, names))) if is_created else ()
        kind.form = kind.form if kind.form == other.form else "shape"
        kind.issued = tuple(dict.fromkeys((*kind.issued, *other.issued)))
        used = dict.fromkeys((*kind.used, *other.used))
        kind.used = tuple(place for place in used if place not in kind.issued)
        kind.entries = tuple(sorted({*kind.entries, *other.entries}))
        kind.evidence += [line for line in other.evidence if line not in kind.evidence]

    def _operations_of(self, kind: Proposal) -> Iterable[str | None]:
        """Which operations bring forth ids of a kind; None where something else does too."""
        if kind.operations:
            return kind.operations
        return (one.operation for place in kind.issued for one in self._by_place.get(place, ()))

    # ---------------------------------------------------------------- cookies, tokens in headers

    def _cookies_and_tokens(self) -> None:
        for issued_part, used_part, word in (
            ("response.cookie", "request.cookie", "cookie"),
            ("response.header", "request.header", "header"),
        ):
            for place, given in self._by_place.items():
                if given[0].part != issued_part:
                    continue
                later = [
                    one
                    for value in dict.fromkeys(sighting.value for sighting in given)
                    for one in self._by_value[value]
                    if one.part == used_part and one.entry > given[0].entry
                ]
                later = [one for one in later if one.name.lower() == given[0].name.lower()]
                token = is_placeholder(given[0].value) or is_id(given[0].value)
                if not later or not token:
                    continue
                kind = _kind_of_placeholder(given[0].value) or _kind_name(given[0].name)
                self._extend(
                    Proposal(
                        what="identity",
                        name=kind,
                        form=form_of(given[0].value),
                        issued=(place,),
                        used=(later[0].place,),
                        entries=tuple(dict.fromkeys(x.entry for x in (given[0], *later))),
                        evidence=[
                            f"the {word} {given[0].name} is set by the answer to {given[0].entry} "
                            f"and sent in {_numbers(one.entry for one in later)}"
                        ],
                    )
                )

    def _extend(self, proposal: Proposal) -> None:
        """A kind of that name is there: it gets more places."""
        same = next((one for one in self._found if one.name == proposal.name), None)
        if same is not None and same.form == proposal.form:
            same.issued += proposal.issued
            same.used += proposal.used
            same.entries += proposal.entries
            same.evidence += proposal.evidence
            self._taken |= {*proposal.issued, *proposal.used}
            return
        inherited = self._profile.kind(proposal.name)
        if inherited is not None:
            proposal.form, proposal.scope = inherited.form, inherited.scope
            proposal.issued = (*map(str, inherited.issued), *proposal.issued)
            proposal.used = (*map(str, inherited.used), *proposal.used)
        self._add(proposal)

    # ---------------------------------------------------------------- answers and their events

    def _correlations(self) -> None:
        for place, given in list(self._by_place.items()):
            if given[0].part != "response.json" or place in self._taken:
                continue
            linked = self._linked(given)
            if not linked:
                continue
            values = list(dict.fromkeys(one.value for one in given))
            exchanges = {one.entry for one in given}
            name = linked[0].name
            numbers = all(isinstance(value, int) for value in values)
            # Two sessions may count alike; else the same in two answers is a state, or a thing.
            different = {(one.session, one.value) for one in given} if numbers else values
            if len(different) < len(given):
                continue
            rises = len(given) > 2 and _rises(given)
            if numbers and not (_ID_NAME.search(name) and (rises or len(exchanges) < 3)):
                continue
            if not numbers and (len(exchanges) > 1) != (len(values) > 1):
                continue
            events = dict.fromkeys(one.place for one in linked)
            others = [
                other
                for other, sighted in self._by_place.items()
                if sighted[0].part == "response.json"
                and other != place
                and _stem(other) == _stem(place)
                and self._linked(sighted)
            ]
            self._add(
                Proposal(
                    what="identity",
                    name=_kind_name(name),
                    form=form_of(values[0]),
                    scope="session" if numbers else "run",
                    issued=(place, *others),
                    used=tuple(events),
                    entries=tuple(sorted({*exchanges, *(one.entry for one in linked)})),
                    evidence=[
                        *_pairs(given, linked),
                        *([f"it rises: {_shown(values)}"] if rises else []),
                        f"every answer that has one has another: {len(values)} values",
                    ],
                )
            )

    def _linked(self, given: Sequence[Sighting]) -> list[Sighting]:
        """The sightings in later events of what answers handed out first."""
        found: list[Sighting] = []
        for one in given:
            if one.operation is None and not _ID_NAME.search(one.name):
                continue
            if isinstance(one.value, str) and not is_id(one.value):
                continue
            seen = self._by_value[one.value]
            if isinstance(one.value, str) and any(other.entry < one.entry for other in seen):
                continue
            for other in seen:
                if other.half != "event" or other.entry <= one.entry or other.steps:
                    continue
                same_name = _stem(other.place) == _stem(one.place)
                if isinstance(one.value, int) and not same_name:
                    continue
                if isinstance(one.value, int) and other.session != one.session:
                    continue
                found.append(other)
        if found and any(
            other.half == "request" and other.part in ("request.json", "request.path", "channel")
            for one in given
            for other in self._by_value[one.value]
            if isinstance(one.value, str)
        ):
            return []  # later requests name it: it is a thing
        return found

    # ---------------------------------------------------------------- made up by clients

    def _made_by_clients(self) -> None:
        for place, sent in list(self._by_place.items()):
            part = sent[0].part
            if part not in ("request.json", "request.query", "request.form", "request.header"):
                continue
            if place in self._taken or not all(is_id(one.value) for one in sent):
                continue
            values = list(dict.fromkeys(one.value for one in sent))
            made = [one for one in sent if self._by_value[one.value][0].entry == one.entry]
            if len(values) < len(sent) or len(made) < len(sent):
                continue
            if len(sent) < 2 and not _MADE_NAME.search(sent[0].name):
                continue
            echoes = [
                other
                for one in sent
                for other in self._by_value[one.value]
                if other.half in ("response", "event") and other.cause == one.entry
            ]
            if not echoes:
                continue
            again = [
                other
                for one in sent
                for other in self._by_value[one.value]
                if other.half == "request" and other.entry > one.entry
            ]
            self._add(
                Proposal(
                    what="identity",
                    name=_kind_name(sent[0].name),
                    form=form_of(values[0]),
                    made_by="client",
                    issued=(place,),
                    used=tuple(dict.fromkeys(one.place for one in (*echoes, *again))),
                    entries=tuple(dict.fromkeys(one.entry for one in (*sent, *echoes))),
                    evidence=[
                        f"first seen in requests, another in each: {_shown(values)}",
                        *_pairs(sent, echoes),
                    ],
                )
            )

    # ---------------------------------------------------------------- created

    def _created(self) -> None:
        found: dict[tuple[str, str], list[Sighting]] = {}
        for value, seen in self._by_value.items():
            first = seen[0]
            if not is_id(value) or first.half not in ("response", "event"):
                continue
            if first.operation is None or first.part in ("response.cookie", "response.header"):
                continue
            named = [one for one in seen if one.half == "request" and one.entry > first.entry]
            named = [one for one in named if one.part != "request.cookie"]
            if named and first.place not in self._taken:
                found.setdefault((first.place, first.operation), []).append(first)
        by_place: dict[str, list[Sighting]] = {}
        for (place, _), firsts in found.items():
            by_place.setdefault(place, []).extend(firsts)
        explained: set[str | int] = set()
        for place, firsts in by_place.items():
            new = [one for one in firsts if one.value not in explained]
            if not new:
                continue
            explained |= {one.value for one in new}
            everywhere = [other for one in new for other in self._by_value[one.value]]
            self._add(
                Proposal(
                    what="identity",
                    name=_kind_name(_thing(place)),
                    form=form_of(new[0].value),
                    operations=tuple(dict.fromkeys(str(one.operation) for one in new)),
                    issued=(place,),
                    used=tuple(
                        dict.fromkeys(one.place for one in everywhere if one.place != place)
                    ),
                    entries=tuple(dict.fromkeys(one.entry for one in everywhere)),
                    evidence=[
                        f"{one.value} comes forth in {one.entry}, after {one.operation}, and "
                        f"requests name it: {_numbers(_requests(self._by_value[one.value]))}"
                        for one in new[:MAX_SHOWN]
                    ],
                )
            )


def _operation(cassette: Cassette, profile: Profile) -> Proposal | None:
    """The field of requests that names what is asked for."""
    found: dict[str, list[Sighting]] = {}
    requests: set[int] = set()
    for one in sightings(cassette.entries, profile):
        if one.part == "request.json":
            requests.add(one.entry)
            on_top = len(one.location) == 1 and not one.steps
            if on_top and isinstance(one.value, str) and _OPERATION.fullmatch(one.value):
                found.setdefault(str(one.location[0]), []).append(one)
    for name, sighted in found.items():
        values = list(dict.fromkeys(str(one.value) for one in sighted))
        is_word = re.search(r"op(?:eration)?|action|command|method|verb", name, re.IGNORECASE)
        if is_word and len(sighted) >= 2 and len(sighted) * 5 >= len(requests) * 4:
            return Proposal(
                what="operation",
                name=name,
                entries=tuple(one.entry for one in sighted),
                evidence=[f"{len(sighted)} of {len(requests)} requests have it: {_shown(values)}"],
            )
    return None


def _rises(given: Sequence[Sighting]) -> bool:
    by_session: dict[str, list[int]] = {}
    for one in given:
        by_session.setdefault(one.session, []).append(int(one.value))
    return all(a < b for values in by_session.values() for a, b in pairwise(values))


def _pairs(given: Sequence[Sighting], later: Sequence[Sighting]) -> list[str]:
    lines = []
    for one in given:
        others = [other for other in later if other.value == one.value]
        if others:
            lines.append(f"{one.value}: {one.entry} → {_numbers(x.entry for x in others)}")
    return lines[:MAX_SHOWN]


def _requests(seen: Iterable[Sighting]) -> Iterable[int]:
    return (one.entry for one in seen if one.half == "request")


def _numbers(entries: Iterable[int]) -> str:
    numbers = sorted(set(entries))
    more = f" and {len(numbers) - MAX_SHOWN} more" if len(numbers) > MAX_SHOWN else ""
    return ", ".join(map(str, numbers[:MAX_SHOWN])) + more


def _shown(values: Sequence[str | int]) -> str:
    more = ", …" if len(values) > MAX_SHOWN else ""
    return ", ".join(map(str, values[:MAX_SHOWN])) + more


def _stem(place: str) -> str:
    """What a place calls its value: `referenceid` of `referenceId` and of `referenceIds.*`."""
    words = re.findall(r"[A-Za-z][\w-]*", place.partition(" ")[2].partition(" > ")[0])
    return words[-1].lower().removesuffix("s") if words else ""


def _thing(place: str) -> str:
    """`workitem` of `event.data workitem.id`."""
    words = re.findall(r"[A-Za-z][\w-]*", place.partition(" ")[2].partition(" > ")[0])
    plain = [word for word in words if word.lower() not in ("id", "uri", "url", "data", "result")]
    return plain[-1] if plain else "thing"


def _kind_name(words: str) -> str:
    """`reference-id` of `referenceId`."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", words).lower()
    name = re.sub(r"[^a-z0-9]+", "-", split).strip("-")
    return name if name[:1].isalpha() else f"kind-{name or 'of-id'}"


def _kind_of_placeholder(value: str | int) -> str | None:
    return str(value)[1:].partition(":")[0] if is_placeholder(value) else None
