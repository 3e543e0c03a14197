"""Typed paths: "this field", in JSON, so that values are found by where they are, never by looks.

    referenceId            the key `referenceId` of an object
    referenceIds.*         every member of the object or array `referenceIds`
    workitem.userData.0    index 0 of an array
    **.accessToken         `accessToken` at any depth, the top included
    **.*Uri                any key that ends in `Uri`, at any depth
    userData."a.b"         the key `a.b`; inside quotes `\\"` and `\\\\` stand for `"` and `\\`

A bare integer is an index of an array; a key that looks like one is quoted: `"0"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from cometape.core.json_value import Json

Location = tuple[str | int, ...]
"""Keys and indexes that lead from a value to a part of it."""

_SEGMENT = re.compile(r'"(?P<quoted>(?:[^"\\]|\\["\\])*)"|(?P<bare>[^."\\]+)')
_BARE_KEY = re.compile(r'[^."\\*]+')


@dataclass(frozen=True, slots=True)
class Segment:
    """One step of a path."""

    form: Literal["key", "index", "any", "deep", "glob"]
    key: str = ""
    """The key (`key`), or the pattern in which `*` stands for any text (`glob`)."""
    index: int = 0
    pattern: re.Pattern[str] | None = field(default=None, compare=False, repr=False)

    def takes(self, step: str | int) -> bool:
        """Whether this segment matches one key or index."""
        if self.form == "key":
            return step == self.key
        if self.form == "index":
            return step == self.index and isinstance(step, int)
        if self.form == "glob":
            assert self.pattern is not None
            return isinstance(step, str) and self.pattern.fullmatch(step) is not None
        return True

    def __str__(self) -> str:
        if self.form == "key":
            plain = _BARE_KEY.fullmatch(self.key) and not self.key.isdecimal()
            if plain and self.key.strip() == self.key:
                return self.key
            escaped = self.key.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        return {"index": str(self.index), "any": "*", "deep": "**", "glob": self.key}[self.form]


@dataclass(frozen=True, slots=True)
class TypedPath:
    """A parsed path; make one with `TypedPath.parse`."""

    segments: tuple[Segment, ...]
    _is_plain: bool = field(init=False, compare=False, repr=False)
    """Whether there is no `**` in it."""
    _reached: tuple[tuple[int, ...], ...] = field(init=False, compare=False, repr=False)
    """Which states each state is at the same time (see `_step`)."""

    def __post_init__(self) -> None:
        """Prepare what walking needs."""
        deep = [segment.form == "deep" for segment in self.segments]
        reached = []
        for state in range(len(deep) + 1):
            states = [state]
            while states[-1] < len(deep) and deep[states[-1]]:
                states.append(states[-1] + 1)
            reached.append(tuple(states))
        object.__setattr__(self, "_is_plain", not any(deep))
        object.__setattr__(self, "_reached", tuple(reached))

    @classmethod
    def parse(cls, text: str) -> TypedPath:
        """Parse the dotted form. Raises ValueError saying what is wrong with `text`."""
        segments: list[Segment] = []
        position = 0
        while True:
            found = _SEGMENT.match(text, position)
            if found is None:
                raise ValueError(f"typed path {text!r}: a key is missing at character {position}")
            segments.append(_segment(found))
            position = found.end()
            if position == len(text):
                return cls(tuple(segments))
            if text[position] != ".":
                raise ValueError(f"typed path {text!r}: a dot is missing at character {position}")
            position += 1

    def __str__(self) -> str:
        return ".".join(str(segment) for segment in self.segments)

    def joined(self, below: TypedPath) -> TypedPath:
        """The path that leads on from here by another one."""
        return TypedPath((*self.segments, *below.segments))

    def find(self, value: Json) -> Iterator[tuple[Location, Json]]:
        """Every place in `value` this path leads to, once each, in document order."""
        if self._is_plain:
            return self._follow(value, 0, ())
        return self._find(value, self._reached[0], ())

    def leads_to(self, location: Location) -> bool:
        """Whether `find` would find this location in a value that has it."""
        states = self._reached[0]
        for step in location:
            states = self._step(states, step)
        return bool(states) and states[-1] == len(self.segments)

    def values(self, value: Json) -> list[Json]:
        """What is at those places."""
        return [found for _, found in self.find(value)]

    def rewrite(self, value: Json, change: Callable[[Json], Json]) -> Json:
        """A value with `change` applied at every such place; untouched parts are shared.

        Where one place lies inside another (`**`), the inner one is changed first.
        """
        if self._is_plain and next(self._follow(value, 0, ()), None) is None:
            return value
        return self._rewrite(value, self._reached[0], change)

    def _follow(self, value: Json, at: int, location: Location) -> Iterator[tuple[Location, Json]]:
        """The same for a path without `**`: one segment a step."""
        if at == len(self.segments):
            yield location, value
            return
        segment = self.segments[at]
        if segment.form == "key":
            if isinstance(value, dict) and segment.key in value:
                yield from self._follow(value[segment.key], at + 1, (*location, segment.key))
        else:
            for step, child in self._children(value, ()):
                if segment.takes(step):
                    yield from self._follow(child, at + 1, (*location, step))

    def _find(
        self, value: Json, states: tuple[int, ...], at: Location
    ) -> Iterator[tuple[Location, Json]]:
        if states and states[-1] == len(self.segments):
            yield at, value
        for step, child in self._children(value, states):
            below = self._step(states, step)
            if below:
                yield from self._find(child, below, (*at, step))

    def _rewrite(
        self, value: Json, states: tuple[int, ...], change: Callable[[Json], Json]
    ) -> Json:
        changed: dict[str | int, Json] = {}
        for step, child in self._children(value, states):
            below = self._step(states, step)
            if below:
                new = self._rewrite(child, below, change)
                if new is not child:
                    changed[step] = new
        if changed and isinstance(value, dict):
            value = {key: changed.get(key, child) for key, child in value.items()}
        elif changed and isinstance(value, list):
            value = [changed.get(index, child) for index, child in enumerate(value)]
        return change(value) if states and states[-1] == len(self.segments) else value

    # A path is a small automaton. A state is the number of segments passed; `**` passes any number
    # of steps, none included. Following all states at once yields each place once however many
    # ways lead to it, and in the time of one walk.

    def _step(self, states: tuple[int, ...], step: str | int) -> tuple[int, ...]:
        passed: set[int] = set()
        for state in states:
            if state < len(self.segments):
                segment = self.segments[state]
                if segment.form == "deep":
                    passed.update(self._reached[state])
                elif segment.takes(step):
                    passed.update(self._reached[state + 1])
        return tuple(sorted(passed)) if len(passed) > 1 else tuple(passed)

    def _children(self, value: Json, states: tuple[int, ...]) -> Iterator[tuple[str | int, Json]]:
        if isinstance(value, dict):
            if len(states) == 1 and states[0] < len(self.segments):
                segment = self.segments[states[0]]
                if segment.form == "key":  # the common case: look up instead of walking
                    return iter([(segment.key, value[segment.key])] if segment.key in value else [])
            return iter(value.items())
        return iter(enumerate(value)) if isinstance(value, list) else iter(())


def without(value: Json, location: Location) -> Json:
    """The value less what is at `location`, which must be there; the rest is shared."""
    if not location:
        return None
    step, rest = location[0], location[1:]
    if isinstance(value, dict):
        if not rest:
            return {key: child for key, child in value.items() if key != step}
        return {key: without(child, rest) if key == step else child for key, child in value.items()}
    if isinstance(value, list):
        return [
            without(child, rest) if index == step else child for index, child in enumerate(value)
        ]
    return value


def _segment(found: re.Match[str]) -> Segment:
    bare: str | None = found["bare"]
    if bare is None:
        return Segment("key", re.sub(r"\\(.)", r"\1", found["quoted"]))
    if bare == "**":
        return Segment("deep")
    if bare == "*":
        return Segment("any")
    if bare.isascii() and bare.isdecimal():
        return Segment("index", index=int(bare))
    if "*" in bare:
        pattern = ".*".join(re.escape(part) for part in bare.split("*"))
        return Segment("glob", bare, pattern=re.compile(pattern, re.DOTALL))
    return Segment("key", bare)
