"""The timestamp extension: messages that say when they were sent, in a field `timestamp`.

Clients that have it (CometD's `TimeStampExtension`) stamp what they send; who stamps is answered
with stamps. What is published keeps the stamp of whoever published it, as any field of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

from ..json_value import JsonObject

FIELD = "timestamp"


def add(reply: JsonObject, message: JsonObject, answered_s: float) -> None:
    """Stamp the reply to a message that is stamped; `answered_s` is since 1970."""
    if FIELD in message:
        moment = datetime.fromtimestamp(int(answered_s), UTC)
        reply[FIELD] = format_datetime(moment, usegmt=True)
