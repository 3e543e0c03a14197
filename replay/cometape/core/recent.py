"""A mapping of bounded size: what was not used for the longest time is forgotten first.

A recording can last for weeks. What a core remembers by connection, cookie or client id must not
grow with it; the limits are so high that what is forgotten is over.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
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
