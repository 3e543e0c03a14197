"""Uploads: what all bodies that are not complete take together."""

from __future__ import annotations

from .limits import MIB, Limits
from .problem import Refusal


class Uploads:
    """Counts the bytes that clients have sent of bodies whose end has not come yet.

    One client may send 8 MiB, and there may be twenty thousand.
    """

    __slots__ = ("_most", "size")

    def __init__(self, limits: Limits) -> None:
        self._most = limits.max_upload_bytes
        self.size = 0

    def add(self, size: int) -> None:
        """So many more. Raises Refusal where that is too much: whoever sends it has bad luck."""
        self.size += size
        if self.size > self._most:
            raise Refusal(
                503,
                "too-many-uploads",
                f"unfinished bodies exceed {self._most / MIB:g} MiB together; try again later",
            )
