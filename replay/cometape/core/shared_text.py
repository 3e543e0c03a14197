"""Shared texts: what thousands of clients say alike is one text in memory.

An origin, a channel, a line of the journal: each is some 70 bytes, and a client that does nothing
but wait is to cost a few thousand.
"""

from __future__ import annotations

from .memo import Memo

MAX_LENGTH = 256
"""Characters; longer texts are not shared, so that nobody can fill the memory with them."""
_MOST = 1000

_TEXTS: Memo[str, str] = Memo(lambda text: text, _MOST)


def shared(text: str) -> str:
    """The same text, and the same object for all who have it, while it is often asked for."""
    return _TEXTS(text) if len(text) <= MAX_LENGTH else text
