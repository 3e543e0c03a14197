"""JSON as this project types it."""

from __future__ import annotations

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
"""A JSON value as `json.loads` builds it (RFC 8259)."""

JsonObject = dict[str, Json]
"""A JSON object, which every Bayeux message is."""
