"""Repeats: which operations may be answered again when their recordings are used up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cometape.core.playbook.recordings import Playable


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
        if operation.repeatable or self.names == ("*",):
            return True
        request = f"{operation.shape.method} {operation.shape.path}"
        return any(self._pattern.fullmatch(one) for one in (operation.name, request) if one)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        texts = (".*".join(map(re.escape, name.split("*"))) for name in self.names)
        return re.compile("|".join(texts))


NO_REPEATS = Repeats()
