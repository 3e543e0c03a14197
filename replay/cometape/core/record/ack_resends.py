"""Events that the ack extension sent again: recorded once.

CometD manual, acknowledgment extension: a connect carries `ext.ack`, the number of the last batch
the client has; its reply carries the number of the batch it completes. Events of batches above the
acknowledged one come again, first and in their old order, in front of newer ones.
"""

from __future__ import annotations

from collections import deque

from ..json_value import Json, JsonObject

MAX_UNACKNOWLEDGED = 4096
"""Events of a session that can come again."""


class AckResends:
    """Per Bayeux session: which events can still come again, and which have."""

    def __init__(self) -> None:
        self._is_used = False
        """Whether a connect ever asked with `ext.ack`: until then no event can come again."""
        self._unacknowledged: deque[tuple[int | None, JsonObject]] = deque()
        """Events with the number of their batch; None while its connect is unanswered."""
        self._expected: deque[JsonObject] = deque()

    def acknowledged(self, number: Json) -> None:
        """The client asked with `ext.ack`: batches up to it never come again, later ones do."""
        if type(number) is not int:
            return
        self._is_used = True
        while self._unacknowledged and _at_most(self._unacknowledged[0][0], number):
            self._unacknowledged.popleft()
        self._expected = deque(event for _, event in self._unacknowledged)

    def completed(self, number: Json) -> None:
        """A connect was answered with `ext.ack`: the events so far belong to that batch."""
        if type(number) is not int:
            self._unacknowledged.clear()  # the extension is not in use
            return
        self._unacknowledged = deque(
            (number if batch is None else batch, event) for batch, event in self._unacknowledged
        )

    def is_resent(self, event: JsonObject) -> bool:
        """Whether this event has come before. An event is told by all it carries."""
        if not self._is_used:
            return False
        if self._expected and self._expected[0] == event:
            self._expected.popleft()
            # It now travels under the new batch's number, like everything in this answer.
            self._unacknowledged.popleft()
            self._unacknowledged.append((None, event))
            return True
        self._expected.clear()
        self._unacknowledged.append((None, event))
        if len(self._unacknowledged) > MAX_UNACKNOWLEDGED:
            self._unacknowledged.popleft()
        return False


def _at_most(batch: int | None, number: int) -> bool:
    return batch is not None and batch <= number
