"""The cassettes that runs may be made of: those that were named at the start, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cometape.core.playbook.playbook import Playbook

from ..json_value import JsonObject
from .problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """One cassette, as it was last read."""

    name: str
    """The name of its file without the ending; unique."""
    file: str
    """As it was named at the start."""
    playbook: Playbook
    version: int = 1
    """1, and one more each time the file has changed."""
    damage: str | None = None
    """Why the file as it is now cannot be used; `playbook` is that of before."""

    def json(self) -> JsonObject:
        """For a machine."""
        return {
            "cassette": self.name,
            "file": self.file,
            "scenario": self.playbook.header.scenario,
            "entries": len(self.playbook.index.numbers),
            "sessions": list(self.playbook.sessions),
            "version": self.version,
            "damage": self.damage,
        }


class Shelf:
    """Cassettes by name, in the order in which they were named."""

    def __init__(self, cassettes: list[Shelved]) -> None:
        self._cassettes = {one.name: one for one in cassettes}

    def __iter__(self) -> Iterator[Shelved]:
        return iter(tuple(self._cassettes.values()))

    def get(self, name: str | None) -> Shelved:
        """The cassette of a name (or file name), the first where none is given. Raises Problem."""
        if name is None:
            return next(iter(self))
        for one in self:
            if name in (one.name, one.file):
                return one
        raise Problem(
            "no-cassette",
            f"no cassette {name!r} was named at the start",
            hint=f"There are: {', '.join(self._cassettes)}.",
        )

    def reload(self, name: str, playbook: Playbook) -> None:
        """The file of a cassette has changed."""
        old = self._cassettes[name]
        self._cassettes[name] = replace(
            old, playbook=playbook, version=old.version + 1, damage=None
        )

    def damaged(self, name: str, damage: str) -> None:
        """The file of a cassette has changed into what cannot be used."""
        self._cassettes[name] = replace(self._cassettes[name], damage=damage)
