"""What something takes of memory at its worst, as it would in a process of its own."""

from __future__ import annotations

import contextlib
import gc
import tracemalloc
from collections.abc import Iterator


class Peak:
    """Filled in when the block has ended."""

    bytes = 0


@contextlib.contextmanager
def peak_memory() -> Iterator[Peak]:
    """Counts by the allocator what is allocated inside, and tells how much it was at most.

    Objects of other tests are kept apart meanwhile: Python looks for garbage the more seldom the
    more of them there are, and garbage that waits would count.
    """
    peak = Peak()
    gc.collect()
    gc.freeze()
    gc.collect()
    tracemalloc.start()
    try:
        yield peak
        peak.bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.unfreeze()
