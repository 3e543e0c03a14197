"""What a value looks like: a UUID, a hexadecimal token, a point in time, an id of some system."""

from __future__ import annotations

import re
from typing import Literal

from cometape.core.identity.dates import is_date
from cometape.core.profile.profile import Form

Shape = Literal["uuid", "jwt", "hex", "date", "epoch-ms", "epoch-s", "id", "number"]

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*")
_HEX = re.compile(r"(?=.*\d)(?:[0-9a-f]{12,64}|[0-9A-F]{12,64})")
_ID = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w.:-]{6,128}")
_VERSION = re.compile(r"v?\d+(\.\d+)*")
_PLACEHOLDER = re.compile(r"<[a-z][a-z0-9-]*:\d+>")
_EPOCH_S = range(1_000_000_000, 4_000_000_000)
"""2001 to 2096."""


def shape_of(value: str | int) -> Shape | None:
    """What a value looks like, or None: a word, a text, anything."""
    text = str(value)
    if text.isdecimal() and len(text) < 18:
        if int(text) in _EPOCH_S:
            return "epoch-s"
        if int(text) // 1000 in _EPOCH_S:
            return "epoch-ms"
        return "number"
    if isinstance(value, int):
        return None
    if _UUID.fullmatch(text):
        return "uuid"
    if is_date(text):
        return "date"
    if _JWT.fullmatch(text):
        return "jwt"
    if _HEX.fullmatch(text):
        return "hex"
    if _ID.fullmatch(text) and not _VERSION.fullmatch(text):
        return "id"
    return None


def is_id(value: str | int) -> bool:
    """Whether a text could be the id of something: no word, no number, no time."""
    return isinstance(value, str) and shape_of(value) in ("uuid", "hex", "jwt", "id")


def is_placeholder(value: str | int) -> bool:
    """Whether a secret stood there."""
    return isinstance(value, str) and _PLACEHOLDER.fullmatch(value) is not None


def form_of(value: str | int) -> Form:
    """The form that fresh ids in the place of such a one should have."""
    if isinstance(value, int):
        return "integer"
    if is_placeholder(value):
        return "text"
    shape = shape_of(value)
    return "uuid" if shape == "uuid" else "hex" if shape == "hex" else "shape"
