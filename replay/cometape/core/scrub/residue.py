"""Residue: what still looks like a secret in a cassette that was scrubbed.

Two ways lead to it. What the profile's rules would replace (the cassette was edited by hand, or is
older than a rule), and what a secret scanner takes for one although no rule knows it. Rules of the
profile's `allow`, and the fields that a cassette's header allows, say what is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cometape.core.profile.profile import Profile

from ..cassette import Cassette, Entry, Header
from .cleaning import scrub_entry
from .entry_texts import texts_of
from .placeholder import has_placeholder, without_placeholders
from .scrubber import Scrubber


class Scan(Protocol):
    """A secret scanner."""

    def __call__(self, text: str) -> Iterable[tuple[str, str]]:
        """What it finds in a text: what each looks like, and itself."""
        ...

    def suspects(self, text: str) -> bool:
        """Whether a closer look is worth while: quick, and never False where it would find."""
        ...


_SHORTEST = 12
"""No scanner takes less for a secret."""
_LONGEST_REMEMBERED = 1024
"""Characters; a longer text hardly comes again, and a few of them would fill the memory."""
_REMEMBERED = 65_536
"""Texts that were found good are remembered, until there are so many; most come many times."""


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
    looking = ResidueScan(profile, cassette.header.allowed, scan)
    yield from looking.header(cassette.header)
    for entry in cassette.entries:
        yield from looking.entry(entry)


class ResidueScan:
    """Looks at one entry after the other; its memory does not grow with them."""

    def __init__(
        self, profile: Profile, allowed: Iterable[str], scan: Scan, *, scrubbed: bool = False
    ) -> None:
        """`allowed` are the header's fields; entries that are `scrubbed` break no rule."""
        self._allowed = _Allowed(profile, allowed)
        self._scan = scan
        self._scrubber = Scrubber(profile)
        self._scrubbed = scrubbed
        self._harmless: set[str] = set()
        """Texts that were looked at as a whole and found good."""
        self._harmless_there: set[tuple[str, str]] = set()
        """Fields and texts of which a part is allowed there, and the rest good."""

    def header(self, header: Header) -> Iterator[Residue]:
        """What looks like a secret in the words of whoever recorded."""
        scenario = header.scenario
        if self._scrubber.text(scenario) != scenario:
            yield Residue(entry=None, field="scenario", looks_like=_BY_RULE, shown=_shown(scenario))
        else:
            yield from self._residue(None, "scenario", scenario)

    def entry(self, entry: Entry) -> list[Residue]:
        """What looks like a secret in an entry, each field once."""
        found: dict[str, Residue] = {}
        texts: Iterable[tuple[str, str]] = texts_of(entry)
        if not self._scrubbed:
            texts = list(texts)
            clean = scrub_entry(entry, self._scrubber)
            if clean is not entry:
                for (field, text), (_, new) in zip(texts, texts_of(clean), strict=False):
                    if text != new and field not in found and self._allowed.rest(field, text):
                        found[field] = Residue(
                            entry=entry.number, field=field, looks_like=_BY_RULE, shown=_shown(text)
                        )
        harmless = self._harmless
        for field, text in texts:
            if len(text) >= _SHORTEST and text not in harmless and field not in found:
                for one in self._residue(entry.number, field, text):
                    found[field] = one
        return list(found.values())

    def _residue(self, number: int | None, field: str, text: str) -> Iterator[Residue]:
        if not self._scan.suspects(text):
            _note(self._harmless, text, len(text))
            return
        if (field, text) in self._harmless_there:
            return
        rest = self._allowed.rest(field, text)
        found = next(iter(self._scan(rest)), None) if len(rest) >= _SHORTEST else None
        if found is not None:
            yield Residue(entry=number, field=field, looks_like=found[0], shown=_shown(found[1]))
        elif rest == text:
            _note(self._harmless, text, len(text))
        else:
            _note(self._harmless_there, (field, text), len(text))


T = TypeVar("T")


def _note(harmless: set[T], text: T, length: int) -> None:
    if length > _LONGEST_REMEMBERED:
        return
    if len(harmless) >= _REMEMBERED:
        harmless.clear()
    harmless.add(text)


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
            if len(self._of_field) >= _REMEMBERED:
                self._of_field.clear()
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
