"""The identities of a cassette, known and proposed, as tables and for machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cometape.core.discovery.known import KnownKind, KnownValue
from cometape.core.discovery.proposals import Proposal
from cometape.core.json_value import JsonObject

from .wording import printable

MAX_LINES = 6
"""Values shown of one kind; the JSON has all."""


def identity_table(
    known: Sequence[KnownKind], proposed: Sequence[Proposal], profile: str
) -> RenderableType:
    """Everything `cometape identities` prints but the profile."""
    parts: list[RenderableType] = [_known(known, profile) if known else _none(profile)]
    if proposed:
        parts += ["", _proposed(proposed)]
    else:
        parts += ["", Text(f"Nothing to propose: profile {profile} explains what is seen.")]
    return Group(*parts)


def identities_as_json(
    known: Sequence[KnownKind],
    proposed: Sequence[Proposal],
    written: JsonObject | None,
    *,
    file: str,
    profile: str,
) -> JsonObject:
    """The same for machines; `docs/identities.md` names every key."""
    return {
        "identities": 1,
        "file": file,
        "profile": profile,
        "known": [
            {
                "kind": one.kind.name,
                "form": one.kind.form,
                "scope": one.kind.scope,
                "made_by": one.kind.made_by,
                "sessions": list(one.sessions),
                "places": dict(one.places),
                "left_alone": dict(one.left_alone),
                "values": [{"value": v.value, "entries": list(v.entries)} for v in _values(one)],
            }
            for one in known
        ],
        "proposed": [
            {
                "what": one.what,
                "name": one.name,
                "form": one.form,
                "scope": one.scope if one.what == "identity" else None,
                "made_by": one.made_by if one.what == "identity" else None,
                "operations": list(one.operations),
                "issued": list(one.issued),
                "used": list(one.used),
                "entries": [*sorted(set(one.entries))],
                "evidence": list(one.evidence),
            }
            for one in proposed
        ],
        "snippet": written,
    }


def _values(known: KnownKind) -> list[KnownValue]:
    return list(known.values.values())


def _new_table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="dim",
    )


def _none(profile: str) -> Text:
    return Text(f"No identity that profile {profile} knows.", style="dim")


def _known(known: Sequence[KnownKind], profile: str) -> Table:
    found = _new_table(f"Known to profile {profile}")
    found.add_column("kind", no_wrap=True)
    found.add_column("sessions", overflow="fold")
    found.add_column("places", overflow="fold", ratio=1)
    found.add_column("values: entries", overflow="fold", ratio=1)
    for one in known:
        how = f"{one.kind.form}, per {one.kind.scope}"
        if one.kind.made_by == "client":
            how += ", made by clients"
        elif one.kind.is_created:
            how += f", created by {', '.join(one.kind.operations)}"
        found.add_row(
            Text(f"{one.kind.name}\n").append(how, style="dim"),
            Text(printable(", ".join(one.sessions))),
            Text("\n".join([*_counted(one.places), *_left_alone(one)])),
            _lines([f"{v.value}: {_chain(v.entries)}" for v in _values(one)]),
        )
    return found


def _counted(places: Mapping[str, int]) -> list[str]:
    return [f"{place} ({n})" for place, n in places.items()]


def _left_alone(known: KnownKind) -> list[str]:
    """What looks like an id of a kind, and will be as recorded all the same."""
    places = _counted(known.left_alone)
    return ["left alone, being texts and no numbers:", *places] if places else []


def _proposed(proposed: Sequence[Proposal]) -> Table:
    found = _new_table("Proposed")
    found.add_column("what", no_wrap=True)
    found.add_column("name and places", overflow="fold", ratio=1)
    found.add_column("evidence (numbers of entries)", overflow="fold", ratio=1)
    for one in proposed:
        about = Text(printable(one.name))
        if one.what == "identity":
            made = ", made by clients" if one.made_by == "client" else ""
            created = f", created by {', '.join(one.operations)}" if one.operations else ""
            about.append(f" ({one.form}, per {one.scope}{made}{created})", style="dim")
            for place in (*one.issued, *one.used):
                about.append(f"\n  {printable(place)}")
        found.add_row(Text(one.what.replace("_", " ")), about, _lines(one.evidence))
    return found


def _lines(lines: Sequence[str]) -> Text:
    more = [f"… and {len(lines) - MAX_LINES} more"] if len(lines) > MAX_LINES else []
    return Text("\n".join(map(printable, [*lines[:MAX_LINES], *more])))


def _chain(entries: Sequence[int]) -> str:
    shown = " → ".join(map(str, entries[:MAX_LINES]))
    return f"{shown} → …" if len(entries) > MAX_LINES else shown
