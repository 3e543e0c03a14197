"""Repeats: which operations may be answered again when their recordings are used up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from cometape.core.errors import ConfigurationError
from cometape.core.playbook.playbook import Playbook
from cometape.core.playbook.recordings import Playable

_LISTED = 12
"""Operations that are listed where a name fits none."""


@dataclass(frozen=True)
class Repeats:
    """A choice of operations; those that the profile calls `repeatable` always may."""

    names: tuple[str, ...] = ()
    """Names of operations, or `POST /path` where they have none; `*` stands for any text."""

    @classmethod
    def of(cls, choice: bool | Sequence[str]) -> Repeats:
        """All (True), none, or the operations named."""
        if isinstance(choice, bool):
            return cls(("*",) if choice else ())
        return cls((choice,) if isinstance(choice, str) else tuple(choice))

    def allow(self, operation: Playable) -> bool:
        """Whether an operation may be answered again."""
        return operation.repeatable or self.fits(operation)

    def fits(self, operation: Playable) -> bool:
        """Whether an operation is one of those named."""
        if self.names == ("*",):
            return True
        request = f"{operation.shape.method} {operation.shape.path}"
        return any(self._pattern.fullmatch(one) for one in (operation.name, request) if one)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        texts = (".*".join(map(re.escape, name.split("*"))) for name in self.names)
        return re.compile("|".join(texts))


NO_REPEATS = Repeats()


def check_names(names: Sequence[str], playbooks: Sequence[Playbook]) -> None:
    """Raises ConfigurationError for a name that fits no operation of any of the cassettes."""
    left = {name: Repeats.of(name) for name in names}
    known: dict[str, None] = {}
    for operation in _operations(playbooks):
        known[operation.name or f"{operation.shape.method} {operation.shape.path}"] = None
        left = {name: one for name, one in left.items() if not one.fits(operation)}
        if not left:
            return
    if left:
        name = next(iter(left))
        near = get_close_matches(name, known, n=1)
        shown = ", ".join(list(known)[:_LISTED]) + (", …" if len(known) > _LISTED else "")
        raise ConfigurationError(
            f"--repeat: no operation of the cassette is {name!r}",
            hint=(f"Did you mean {near[0]!r}? " if near else "")
            + (f"Its operations: {shown}." if known else "No operation was recorded."),
            reason="bad-option",
        )


def _operations(playbooks: Iterable[Playbook]) -> Iterator[Playable]:
    """One of each kind, and of each session."""
    for playbook in playbooks:
        for number, _ in playbook.paths():
            found = playbook.playable(number)
            if found is not None and found.is_operation:
                yield found
