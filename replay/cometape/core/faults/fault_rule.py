"""A rule: which fault, where it applies, how often."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, fields
from functools import lru_cache

from cometape.core.bayeux import channel as channels

from ..json_value import Json, JsonObject
from .fault_kind import FaultKind, Scope
from .parameter import Value

_PLAIN = re.compile(r"[^\s\"'\\#]+")

Who = object
"""Whoever is counted apart: any hashable, compared by equality."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Something a fault may befall: an answer that is due, or an event on its way."""

    scope: Scope
    who: Who
    """The live client."""
    session: str | None = None
    """The recorded session it has taken."""
    method: str | None = None
    path: str | None = None
    """Without the query; of an event, those of its cause."""
    operation: str | None = None
    channels: tuple[str, ...] = ()
    """Of the event, or of the Bayeux messages of a request."""
    entry: int | None = None
    """Number of the recorded exchange or event."""
    is_bayeux: bool = False
    """A request of the Bayeux protocol."""
    over_socket: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What an occasion must be like; a field that is None says nothing. `*` stands for any text."""

    operation: str | None = None
    method: str | None = None
    path: str | None = None
    channel: str | None = None
    """A Bayeux channel or pattern (`/v2/me/*`, `/**`)."""
    entry: int | None = None
    session: str | None = None

    def fits(self, occasion: Occasion) -> bool:
        """Whether it is meant. Bayeux requests are, only where channel or path name them."""
        if occasion.is_bayeux and self.channel is None and self.path is None:
            return False
        return (
            (self.channel is None or _any_channel(self.channel, occasion.channels))
            and _alike(self.operation, occasion.operation)
            and (self.method is None or self.method == occasion.method)
            and _alike(self.path, occasion.path)
            and self.entry in (None, occasion.entry)
            and _alike(self.session, occasion.session)
        )


WHERE_KEYS = tuple(field.name for field in fields(Where))

Turns = tuple[tuple[int, int | None], ...]
"""Ranges of occasions, counted from 1; an end of None is open: `2-4` is (2, 4), `3-` (3, None)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """One fault on purpose. `fault_reading` makes it of text; `str` gives that text back."""

    kind: FaultKind
    values: tuple[tuple[str, Value], ...] = ()
    """Parameters that were given, in the order of the kind's."""
    where: Where = Where()
    nth: Turns = ()
    """Which occasions that fit, counted for each client; empty: all of them."""
    times: int | None = None
    """How often at most, for each client."""
    probability: float | None = None
    """Of those occasions, this share, drawn from the seed of the replay."""

    def value(self, name: str) -> Value:
        """A parameter as given, or its default."""
        for key, value in self.values:
            if key == name:
                return value
        parameter = self.kind.parameter(name)
        assert parameter is not None, name
        assert parameter.default is not None, name
        return parameter.default

    def number(self, name: str) -> float:
        """A parameter that is a number: seconds, a share, a count, a status."""
        value = self.value(name)
        assert not isinstance(value, str)
        return value

    def is_turn(self, nth: int) -> bool:
        """Whether the `nth` occasion that fits is one of those meant."""
        return not self.nth or any(
            first <= nth and (last is None or nth <= last) for first, last in self.nth
        )

    def __str__(self) -> str:
        pairs = [(key, self._written(key, value)) for key, value in self.values]
        head = self.kind.name
        if pairs and pairs[0][0] == self.kind.parameters[0].name:
            head += f"={pairs.pop(0)[1]}"
        pairs += [
            (key, str(value))
            for key in WHERE_KEYS
            if (value := getattr(self.where, key)) is not None
        ]
        if self.nth:
            pairs.append(("nth", turns_text(self.nth)))
        if self.times is not None:
            pairs.append(("times", str(self.times)))
        if self.probability is not None:
            pairs.append(("probability", f"{self.probability:g}"))
        words = [head, *(f"{key}={value}" for key, value in pairs)]
        return " ".join(_quoted(word) for word in words)

    def json(self) -> JsonObject:
        """For a machine, and as YAML: what `fault_reading.rule_of` takes."""
        found: dict[str, Json] = {"fault": self.kind.name}
        found.update((key, self._written(key, value)) for key, value in self.values)
        for key in WHERE_KEYS:
            value = getattr(self.where, key)
            if value is not None:
                found[key] = value
        if self.nth:
            found["nth"] = turns_text(self.nth)
        if self.times is not None:
            found["times"] = self.times
        if self.probability is not None:
            found["probability"] = self.probability
        return found

    def _written(self, key: str, value: Value) -> str:
        parameter = self.kind.parameter(key)
        assert parameter is not None
        return parameter.write(value)


def turns_text(turns: Turns) -> str:
    """`2`, `2-4`, `3-`, `1,5-`."""
    return ",".join(
        str(first) if last == first else f"{first}-{'' if last is None else last}"
        for first, last in turns
    )


def _quoted(word: str) -> str:
    return word if _PLAIN.fullmatch(word) else shlex.quote(word)


def _alike(pattern: str | None, value: str | None) -> bool:
    if pattern is None or value is None:
        return pattern is None
    return _compiled(pattern).fullmatch(value) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def _any_channel(pattern: str, found: tuple[str, ...]) -> bool:
    return any(channels.matches(pattern, channel) for channel in found)
