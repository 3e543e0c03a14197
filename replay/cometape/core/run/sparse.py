"""Mappings and sets that are not there yet.

A server may hold ten thousand runs in which little has happened, and an empty dictionary of its own
for each of these would be most of what a run costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")

NOTHING: Mapping[Any, Any] = MappingProxyType({})
"""No mapping yet."""
NOBODY: frozenset[Any] = frozenset()
"""No set yet: every `frozenset()` is a new one, of 216 bytes."""


def plus(known: Mapping[K, V], key: K, value: V) -> dict[K, V]:
    """A mapping with one more value: the same one, if it is one that may change."""
    found = known if isinstance(known, dict) else {}
    found[key] = value
    return found
