"""What an event is, in a few words."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cometape.core.json_value import Json

_WORDS = ("messageType", "type", "event", "name")


def summary(data: Json, words: Sequence[str] = _WORDS) -> str:
    """Its message type, or the start of its data."""
    if isinstance(data, dict):
        for word in words:
            value = data.get(word)
            if isinstance(value, str):
                return value
    text = json.dumps(data, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"
