"""When the bytes of an answer came: enough to show how it was streamed, however long it was.

What a server writes at once arrives in pieces that say nothing (TCP cuts where it likes), so bytes
that come close together count as one chunk; an answer that streams for hours is kept more coarsely.
"""

from __future__ import annotations

TOGETHER_S = 0.005
"""Bytes that come within this of a chunk's first ones belong to it, seconds."""
MAX_CHUNKS = 256
"""Chunks kept of one answer; where there are more, neighbours are joined."""

Chunk = tuple[float, int]
"""Seconds since the exchange began, and how many bytes came."""


class ChunkTimes:
    """Collects the chunks of one body."""

    __slots__ = ("_chunks", "_together_s")

    def __init__(self) -> None:
        self._chunks: list[Chunk] = []
        self._together_s = TOGETHER_S

    def add(self, after_s: float, size: int) -> None:
        """So many bytes came, so long after the exchange began."""
        chunks = self._chunks
        if chunks and after_s - chunks[-1][0] < self._together_s:
            chunks[-1] = chunks[-1][0], chunks[-1][1] + size
            return
        chunks.append((after_s, size))
        if len(chunks) > MAX_CHUNKS:
            self._together_s = max(2 * self._together_s, 2 * (after_s - chunks[0][0]) / MAX_CHUNKS)
            self._chunks = []
            for at_s, bytes_ in chunks:
                self.add(at_s, bytes_)

    def chunks(self) -> tuple[Chunk, ...]:
        """The chunks, times to the millisecond; nothing where all came at once."""
        if len(self._chunks) < 2:
            return ()
        return tuple((round(at_s, 3), size) for at_s, size in self._chunks)
