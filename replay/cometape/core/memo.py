"""A memo: values made when first asked for, of which only those asked for lately are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Memo(Generic[Key, Value]):
    """Values by key, made when first asked for; of many only those asked for lately stay.

    Two generations: what is asked for moves to the younger one, and when that is full the older
    one is let go. A hit costs one look-up, and threads that share it can at worst make a value
    twice.
    """

    __slots__ = ("_filled", "_make", "_most", "_old", "_size", "_young")

    def __init__(
        self,
        make: Callable[[Key], Value],
        most: int,
        size: Callable[[Value], int] | None = None,
    ) -> None:
        """Keeps twice `most` values at most; or values of so much together, by their `size`."""
        self._make = make
        self._most = most
        self._size = size
        self._filled = 0
        self._young: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}

    def __call__(self, key: Key) -> Value:
        """The value of a key."""
        found = self._young.get(key)
        return found if found is not None else self._renewed(key)

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def _renewed(self, key: Key) -> Value:
        found = self._old.get(key)
        if found is None:
            found = self._make(key)
        if self._filled >= self._most:
            self._old, self._young, self._filled = self._young, {}, 0
        self._young[key] = found
        self._filled += 1 if self._size is None else self._size(found)
        return found
