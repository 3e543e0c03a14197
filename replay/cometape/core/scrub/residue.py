"""Residue: what still looks like a secret in a cassette that was scrubbed.

Two ways lead to it. What the profile's rules would replace (the cassette was edited by hand, or is
older than a rule), and what a secret scanner takes for one although no rule knows it. Rules of the
profile's `allow`, and the fields that a cassette's header allows, say what is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..cassette import Cassette
from ..profile import Profile
from .cleaning import scrub_entry
from .entry_texts import texts_of
from .placeholder import has_placeholder, without_placeholders
from .scrubber import Scrubber

Scan = Callable[[str], Iterable[tuple[str, str]]]
"""What a scanner finds in a text: what each looks like, and itself."""

_SHORTEST = 12
"""No scanner takes less for a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Residue:
    """One thing that looks like a secret."""

    entry: int | None
    """Number of the entry; None: the cassette's header."""
    field: str
    """As `entry_texts` names it; what `allow` is compared with."""
    looks_like: str
    shown: str
    """Its beginning and its length: it may be a secret, so it is not told."""

    def __str__(self) -> str:
        place = "header" if self.entry is None else f"entry {self.entry}"
        return f"{place}: {self.field} looks like {self.looks_like}: {self.shown}"


def find_residue(cassette: Cassette, profile: Profile, scan: Scan) -> Iterator[Residue]:
    """What looks like a secret, in the order of the entries, each field once."""
    allowed = _Allowed(profile, cassette.header.allowed)
    scrubber = Scrubber(profile)
    header = cassette.header.scenario
    harmless: set[str] = set()
    """Texts that were looked at as a whole and found good; most texts come many times."""

    def residue(number: int | None, field: str, text: str) -> Iterator[Residue]:
        if len(text) < _SHORTEST or text in harmless:
            return
        rest = allowed.rest(field, text)
        found = next(iter(scan(rest)), None) if len(rest) >= _SHORTEST else None
        if found is not None:
            yield Residue(entry=number, field=field, looks_like=found[0], shown=_shown(found[1]))
        elif rest == text:
            harmless.add(text)

    if scrubber.text(header) != header:
        yield Residue(entry=None, field="scenario", looks_like=_BY_RULE, shown=_shown(header))
    else:
        yield from residue(None, "scenario", header)
    for entry in cassette.entries:
        texts = list(texts_of(entry))
        clean = scrub_entry(entry, scrubber)
        told: set[str] = set()
        if clean is not entry:
            for (field, text), (_, new) in zip(texts, texts_of(clean), strict=False):
                if text != new and field not in told and allowed.rest(field, text):
                    told.add(field)
                    yield Residue(
                        entry=entry.number, field=field, looks_like=_BY_RULE, shown=_shown(text)
                    )
        for field, text in texts:
            if field not in told:
                for one in residue(entry.number, field, text):
                    told.add(field)
                    yield one


_BY_RULE = "a secret that the profile knows (cometape scrub replaces it)"


class _Allowed:
    """What is no secret, by the profile's rules and by the header of the cassette."""

    def __init__(self, profile: Profile, fields: Iterable[str]) -> None:
        self._rules = [
            (_pattern(rule.fields), re.compile(rule.values) if rule.values else None)
            for rule in profile.allow
        ]
        own = tuple(fields)
        if own:
            self._rules.append((_pattern(own), None))
        self._of_field: dict[str, tuple[re.Pattern[str] | None, ...]] = {}

    def rest(self, field: str, text: str) -> str:
        """The text less what may stand in that field."""
        field = _INDEX.sub(".0", field)
        rules = self._of_field.get(field)
        if rules is None:
            rules = tuple(values for fields, values in self._rules if fields.fullmatch(field))
            self._of_field[field] = rules
        if has_placeholder(text):
            text = without_placeholders(text)
        for values in rules:
            if values is None:
                return ""
            text = values.sub(" ", text)
        return text


_INDEX = re.compile(r"\.\d+(?=\.|$)")
"""Items of an array share their rules; so the memory of fields is bounded by the API."""


def _pattern(fields: Iterable[str]) -> re.Pattern[str]:
    alike = (_INDEX.sub(".0", field) for field in fields)
    globs = (".*".join(map(re.escape, field.split("*"))) for field in alike)
    return re.compile("|".join(globs), re.DOTALL | re.IGNORECASE)


def _shown(text: str) -> str:
    return f"{text[:4]}… ({len(text)} characters)"
