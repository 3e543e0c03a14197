"""Mappings of bounded size: what was not used for the longest time is forgotten first.

A recording can last for weeks, and so can a replay. What a core remembers by connection, cookie or
client id must not grow with it; the limits are so high that what is forgotten is over.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The `most` keys that were set last."""

    __slots__ = ("_kept", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[K]:
        return iter(self._kept)

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def __getitem__(self, key: K) -> V:
        return self._kept[key]

    def __setitem__(self, key: K, value: V) -> None:
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def get(self, key: K) -> V | None:
        """The value under a key, or None; being asked for does not keep it longer."""
        return self._kept.get(key)

    def setdefault(self, key: K, value: V) -> V:
        """The value under a key, set now if there was none; either way it is used last."""
        found = self._kept.get(key)
        self[key] = found if found is not None else value
        return self._kept[key]

    def take(self, key: K) -> V | None:
        """The value under a key, or None; it is forgotten."""
        return self._kept.pop(key, None)

    def pop_oldest(self) -> tuple[K, V]:
        """Forget what was set first, and say what it was."""
        return self._kept.popitem(last=False)


class Lately(Generic[K, V]):
    """At least the `most` keys that were set or asked for last, and at most twice as many.

    Two generations: what is asked for moves to the younger one, and when that is full the older
    one is forgotten. An entry costs what it costs in a `dict`, a third of `Recent`'s.
    """

    __slots__ = ("_most", "_old", "_young")

    def __init__(self, most: int) -> None:
        self._most = most
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys()) if self._old else len(self._young)

    def __setitem__(self, key: K, value: V) -> None:
        if len(self._young) >= self._most and key not in self._young:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def get(self, key: K) -> V | None:
        """The value under a key, or None; being asked for keeps it longer."""
        found = self._young.get(key)
        if found is None and self._old:
            found = self._old.get(key)
            if found is not None:
                self[key] = found
        return found

    def forget(self, is_over: Callable[[V], bool]) -> None:
        """Forget the keys of such values."""
        self._young = {key: value for key, value in self._young.items() if not is_over(value)}
        self._old = {key: value for key, value in self._old.items() if not is_over(value)}
