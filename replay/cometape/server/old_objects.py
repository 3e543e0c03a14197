"""Old objects, kept apart from garbage collection: a pause for all of them is felt by every client.

Ten thousand clients that wait are 160,000 objects, and to walk them takes a tenth of a second, in
which no event is sent. What has survived a full collection is not walked by the next ones, until
there is half as much again: then it may well hold garbage, and is walked once more.
"""

from __future__ import annotations

import gc
from typing import Any

THRESHOLDS = (10_000, 50, 50)
"""Of a process that serves: what it makes is seldom garbage in cycles, and a twentieth of its time
went into looking for some."""
SLACK = 100_000
"""Objects that may be added at any rate before the old ones are walked again."""


class OldObjects:
    """What survived in this process; for a process that does nothing but serve."""

    def __init__(self, slack: int = SLACK) -> None:
        """From now on they are kept apart, those that are there already as well."""
        self._thresholds = gc.get_threshold()
        gc.set_threshold(*THRESHOLDS)
        self._slack = slack
        self._walking = True
        self._most = 0
        self._set_apart()
        gc.callbacks.append(self._on_collection)

    def release(self) -> None:
        """From now on everything is walked again, as often as before."""
        gc.set_threshold(*self._thresholds)
        gc.callbacks.remove(self._on_collection)
        gc.unfreeze()

    def _on_collection(self, phase: str, info: dict[str, Any]) -> None:
        if info["generation"] < 2:
            return
        if phase == "stop":
            self._set_apart()
        elif gc.get_freeze_count() > self._most:
            gc.unfreeze()
            self._walking = True

    def _set_apart(self) -> None:
        gc.freeze()
        if self._walking:
            self._walking = False
            count = gc.get_freeze_count()
            self._most = count + max(count // 2, self._slack)
