"""JSON of a foreign file, with errors that say where."""

from __future__ import annotations

import json
from typing import Any

from ..core.errors import CassetteError


def parse(data: bytes, name: str) -> Any:
    """The JSON document of a file. Raises CassetteError naming the line."""
    try:
        return json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        cut = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
        raise CassetteError(
            "cut off: the JSON ends in the middle" if cut else f"not JSON: {error.msg}",
            hint="Export it once more; nothing was written.",
            reason="truncated" if cut else "bad-json",
            path=name,
            line=error.lineno,
        ) from error
    except UnicodeDecodeError as error:
        raise CassetteError(
            "not text in UTF-8", hint="Export it once more.", reason="binary", path=name
        ) from error
    except RecursionError as error:
        raise CassetteError(
            "the JSON is nested too deeply",
            hint="Is it the right file?",
            reason="too-deep",
            path=name,
        ) from error
