"""Ids a server issues: they look as unguessable as CometD's, and a seed gives the same again."""

from __future__ import annotations

from hashlib import sha256

LENGTH = 28
"""CometD Java's client ids have 25 to 28 base-36 digits."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def issued_id(seed: int | str, kind: str, number: int) -> str:
    """The `number`-th id of a `kind` (`client`, `browser`, …) under `seed`: a pure function.

    28 base-36 digits hold 144 bits of the hash, more than the 128 that Bayeux asks of a client id.
    """
    value = int.from_bytes(sha256(f"{seed}:{kind}:{number}".encode()).digest(), "big")
    digits = []
    for _ in range(LENGTH):
        value, digit = divmod(value, 36)
        digits.append(_DIGITS[digit])
    return "".join(digits)
