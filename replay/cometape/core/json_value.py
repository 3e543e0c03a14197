"""JSON as this project types it."""

from __future__ import annotations

import json

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
"""A JSON value as `json.loads` builds it (RFC 8259)."""

JsonObject = dict[str, Json]
"""A JSON object, which every Bayeux message is."""


def is_deeper_than(limit: int, value: Json) -> bool:
    """Whether arrays and objects are nested more than `limit` levels; without recursion."""
    level: list[Json] = [value]
    for _ in range(limit):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return True


def json_beginning(value: Json, most: int) -> tuple[str, bool]:
    """The first `most` characters of a value as JSON text, and whether they are all of it.

    It takes as long as `most` says, however large the value is.
    """
    pieces: list[str] = []
    length = 0
    for piece in _ENCODER.iterencode(value):
        pieces.append(piece)
        length += len(piece)
        if length > most:
            return "".join(pieces)[:most], False
    return "".join(pieces), True


_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False)
