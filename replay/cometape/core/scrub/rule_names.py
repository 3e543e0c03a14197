"""Which rule a name falls under: `accessToken` and `ACCESS_TOKEN` are one name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

from cometape.core.profile.profile import Where

_SEPARATORS = re.compile(r"[-_.:\s\[\](){}$/\\]+")
_MAX_REMEMBERED = 10_000
"""Names are the peer's choice, so the memory of decisions is bounded."""


class NamedPlaces(Protocol):
    """What a rule says about names: a `SecretRule`, a `PersonalRule`."""

    @property
    def where(self) -> tuple[Where, ...]: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def exceptions(self) -> tuple[str, ...]: ...


Rule = TypeVar("Rule", bound=NamedPlaces)


def spelled_plainly(name: str) -> str:
    """A name without case and separators; `*` stays."""
    return _SEPARATORS.sub("", name).casefold()


class _Names:
    """Plain names and patterns of one rule."""

    def __init__(self, names: Iterable[str]) -> None:
        plain = [spelled_plainly(name) for name in names]
        self._exact = {name for name in plain if "*" not in name}
        patterns = [
            ".*".join(re.escape(part) for part in name.split("*")) for name in plain if "*" in name
        ]
        self._pattern = re.compile("|".join(patterns), re.DOTALL) if patterns else None

    def __contains__(self, plain: str) -> bool:
        if plain in self._exact:
            return True
        return self._pattern is not None and self._pattern.fullmatch(plain) is not None


class RuleNames(Generic[Rule]):
    """Decides by name and kind of place; the first rule that has the name wins."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = [(rule, _Names(rule.names), _Names(rule.exceptions)) for rule in rules]
        self._decided: dict[tuple[Where, str], Rule | None] = {}

    def rule(self, where: Where, name: str) -> Rule | None:
        """The rule for a name in a place of that kind, or None if it has none."""
        key = (where, name)
        if key not in self._decided:
            if len(self._decided) >= _MAX_REMEMBERED:
                self._decided.clear()
            self._decided[key] = self._decide(where, spelled_plainly(name))
        return self._decided[key]

    def _decide(self, where: Where, plain: str) -> Rule | None:
        for rule, names, exceptions in self._rules:
            if where in rule.where and plain in names and plain not in exceptions:
                return rule
        return None
