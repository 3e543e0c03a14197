"""Parameters of faults: typed values with units, written and read in one way everywhere."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal

from ..json_value import Json

Form = Literal["duration", "status", "share", "count", "word", "text", "json"]
"""`duration`: seconds, written with a unit; `share`: more than 0, less than 1; `word`: one of
`choices`; `json`: a JSON object."""

Value = float | int | str
"""A duration in seconds, a share, a count, a status, a word or a text (JSON is kept as text)."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}
MAX_DURATION_S = 3600.0
"""An hour: longer than any client waits, and a slip of the pen beyond it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a kind of fault."""

    name: str
    form: Form
    default: Value | None = None
    """None: it must be given."""
    choices: tuple[str, ...] = ()
    about: str = ""

    @property
    def allowed(self) -> str:
        """What may be written for it, in words."""
        match self.form:
            case "duration":
                return "a duration with its unit, as in 200ms, 1.5s or 2m (60m at most)"
            case "status":
                return "an HTTP status from 200 to 599"
            case "share":
                return "a share above 0 and below 1, as in 0.5"
            case "count":
                return "a whole number from 1 up"
            case "word":
                return " or ".join(self.choices)
            case "json":
                return """a JSON object, as in '{"referenceId": null}'"""
        return "a text"

    def read(self, written: Json) -> Value:
        """The value that was written. Raises ValueError when it is not one of this form."""
        text = written if isinstance(written, str) else None
        match self.form:
            case "duration":
                return duration_s(text or "")
            case "status":
                return _integer(written, 200, 599)
            case "count":
                return _integer(written, 1, 1_000_000)
            case "share":
                share = float(written) if isinstance(written, str | int | float) else 0.0
                if not 0.0 < share < 1.0:
                    raise ValueError(written)
                return share
            case "word":
                if text not in self.choices:
                    raise ValueError(written)
                assert text is not None
                return text
            case "json":
                value = json.loads(text) if text is not None else written
                if not isinstance(value, dict):
                    raise ValueError(written)
                return json.dumps(value, ensure_ascii=False)
        if text is None:
            raise ValueError(written)
        return text

    def write(self, value: Value) -> str:
        """The value as `read` takes it."""
        if self.form == "duration":
            assert not isinstance(value, str)
            return duration_text(value)
        return f"{value:g}" if isinstance(value, float) else str(value)


def duration_s(text: str) -> float:
    """Seconds of `200ms`, `1.5s`, `2m`. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(text)
    seconds = round(float(found[1]) * _SECONDS[found[2]], 6)
    if seconds > MAX_DURATION_S:
        raise ValueError(text)
    return seconds


def duration_text(seconds: float) -> str:
    """`duration_s` backwards: milliseconds below a second."""
    if 0 < seconds < 1:
        return f"{round(seconds * 1000, 3):g}ms"
    return f"{round(seconds, 6):.12g}s"


def _integer(written: Json, least: int, most: int) -> int:
    value = int(written) if isinstance(written, str) and written.isdecimal() else written
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(written)
    return value
