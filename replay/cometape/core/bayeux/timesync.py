"""The timesync extension: tells a client how far its clock is from the server's.

The client sends `ext.timesync {tc, l, o}` (its time, the lag and the offset it believes in); the
reply carries `{tc, ts, p, a}`: its time, the server's at receipt, the milliseconds spent (a hold
included) and how wrong the client still is. CometD Java answers only a client that knows no lag
yet or is off by 25 ms or more (CometD manual: time synchronization; seen on the wire).
"""

from __future__ import annotations

from ..json_value import Json, JsonObject
from .reply import add_ext

TOLERANCE_MS = 25


def add(reply: JsonObject, message: JsonObject, received_s: float, answered_s: float) -> None:
    """Give a reply its part of the extension. Times are the server's, seconds since 1970."""
    if "ext" in message:
        sync = answer_to(message, round(received_s * 1000), round(answered_s * 1000))
        if sync is not None:
            add_ext(reply, "timesync", sync)


def answer_to(message: JsonObject, received_ms: int, answered_ms: int) -> JsonObject | None:
    """The `ext.timesync` of a reply, or None where none was asked for or none is needed.

    Times are the server's, in milliseconds since 1970 as far as it knows.
    """
    ext = message.get("ext")
    asked = ext.get("timesync") if isinstance(ext, dict) else None
    if not isinstance(asked, dict):
        return None
    client_ms, lag_ms, offset_ms = (_number(asked.get(name)) for name in ("tc", "l", "o"))
    accuracy_ms = client_ms + offset_ms + lag_ms - received_ms
    if lag_ms != 0 and abs(accuracy_ms) < TOLERANCE_MS:
        return None
    return {
        "tc": asked.get("tc"),
        "ts": received_ms,
        "p": answered_ms - received_ms,
        "a": accuracy_ms,
    }


def _number(value: Json) -> int:
    return int(value) if isinstance(value, int | float) else 0
