"""The cassette format as a table: which keys each document has, in the order they are written.

One table for writer and reader, so that neither can know a key the other does not. A key is left
out when its value is the default. The keys `request` and `response` are tables of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from cometape.core.cassette import (
    Connect,
    Disconnect,
    Entry,
    Event,
    Exchange,
    Handshake,
    Publish,
    Subscribe,
    Unsubscribe,
)

DEFAULT_SESSION = "main"
"""The session of an entry that names none."""
END = "..."
"""The last line of a file whose header says `ends_with: "..."`: without it, it was cut off."""
JSON_TEXT = "_json"
"""`data_json` instead of `data`: JSON text, for the rare value that YAML has no form for."""

FieldKind = Literal[
    "text", "flag", "integer", "seconds", "json", "object", "texts", "cause", "by",
    "request", "response",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a document and the attribute of the record it stands for."""

    key: str
    kind: FieldKind
    default: Any = None
    """Not written when the attribute equals it; what a missing key means."""
    required: bool = False
    attribute: str = ""
    """Name in Python where it differs from the key."""

    @property
    def name(self) -> str:
        """Name of the attribute."""
        return self.attribute or self.key


HEADER_FIELDS = (
    Field("scenario", "text", ""),
    Field("recorded_at", "text"),
    Field("origin", "text"),
    Field("profile", "text", "bayeux"),
    Field("bayeux", "text"),
    Field("allowed", "texts", ()),
    Field("residue", "integer", 0),
    Field("unfinished", "flag", False),
)
"""After `cassette: N`; `profile` is written even when it is the default."""

_ERROR = Field("error", "text")
_OUTCOME = (
    Field("successful", "flag", True),
    _ERROR,
    Field("request_extra", "object"),
    Field("reply_extra", "object"),
)
_CHANNEL = Field("channel", "text", required=True)
_MESSAGE_ID = Field("id", "text", attribute="message_id")
_ADVICE = Field("advice", "object")

ENTRY_FIELDS: dict[str, tuple[type[Entry], tuple[Field, ...]]] = {
    "exchange": (
        Exchange,
        (
            Field("took_s", "seconds"),
            Field("request", "request", required=True),
            Field("response", "response"),
            _ERROR,
        ),
    ),
    "event": (
        Event,
        (
            Field("cause", "cause"),
            _CHANNEL,
            _MESSAGE_ID,
            Field("extra", "object"),
            Field("data", "json", required=True),
        ),
    ),
    "handshake": (
        Handshake,
        (
            Field("connection_types", "texts", ()),
            Field("client_id", "text"),
            _ADVICE,
            *_OUTCOME,
        ),
    ),
    "connect": (
        Connect,
        (Field("connection_type", "text", "long-polling"), _ADVICE, *_OUTCOME),
    ),
    "subscribe": (Subscribe, (_CHANNEL, *_OUTCOME)),
    "unsubscribe": (Unsubscribe, (_CHANNEL, *_OUTCOME)),
    "publish": (
        Publish,
        (_CHANNEL, _MESSAGE_ID, *_OUTCOME, Field("data", "json")),
    ),
    "disconnect": (Disconnect, (Field("by", "by", "client"), *_OUTCOME)),
}
"""First key of the document (its value is the entry's number) → the record and its other keys."""

KIND_OF: dict[type[Entry], str] = {record: kind for kind, (record, _) in ENTRY_FIELDS.items()}
ENTRY_KEYS = ("session", "at_s")
"""What every entry has after its first key."""
BODY_KEYS = ("json", "text", "base64")
REQUEST_KEYS = ("method", "target", "headers", *BODY_KEYS, "json_style")
RESPONSE_KEYS = ("status", "headers", "chunks", *BODY_KEYS, "json_style")
