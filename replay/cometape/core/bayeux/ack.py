"""The acknowledgement extension: events that got lost with a response are sent again.

Every connect reply carries a batch number, `ext.ack`; every connect request carries the last one
the client has processed. Events stay here until the batch they were first sent in is acknowledged
(CometD manual: acknowledged messages; the trace in C91).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ..json_value import JsonObject
from .message import Outgoing


class AckState:
    """What one session has been sent and has not acknowledged."""

    __slots__ = ("_sent", "batch")

    def __init__(self) -> None:
        self.batch = 0
        """Number of the last connect reply; numbers rise by one with every reply."""
        self._sent: deque[tuple[int, Outgoing]] = deque()

    def __len__(self) -> int:
        return len(self._sent)

    def acknowledge(self, batch: int | None) -> list[Outgoing]:
        """The client has processed `batch`; what was sent after it must be sent again.

        None, from a connect that says nothing, acknowledges nothing and misses nothing.
        """
        if batch is None:
            return []
        sent = self._sent
        while sent and sent[0][0] <= batch:
            sent.popleft()
        return [message for _, message in sent]

    def send(self, events: Iterable[Outgoing]) -> int:
        """Keep `events` that go out for the first time with the next reply; give its number."""
        self.batch += 1
        self._sent.extend((self.batch, event) for event in events)
        return self.batch


def acknowledged(message: JsonObject) -> int | None:
    """The batch number in a connect's `ext.ack`, or None where there is none."""
    ext = message.get("ext")
    number = ext.get("ack") if isinstance(ext, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def is_wanted(handshake: JsonObject) -> bool:
    """Whether a handshake asks for the extension: `ext: {ack: true}`, or an object in its place."""
    ext = handshake.get("ext")
    wanted = ext.get("ack") if isinstance(ext, dict) else None
    return wanted is True or isinstance(wanted, dict)
