"""What a call of the control API sends: fields of its JSON body and of its query, checked."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from ..exchange import Request
from ..json_value import Json, JsonObject
from .problem import Problem

_WHOLE = re.compile(r"-?[0-9]{1,30}")
_DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
"""What a number is in a query. `float` takes more: `1_0`, ` 7`, `1e3`, digits of other scripts."""


class Fields:
    """The fields of one call. Whoever reads them says what they must be; `end` finds the rest."""

    def __init__(self, values: Mapping[str, Json], reason: str) -> None:
        self._left = dict(values)
        self._reason = reason

    @classmethod
    def of_body(cls, request: Request) -> Fields:
        """A JSON object; none at all is an empty one. Raises Problem."""
        if not request.body:
            return cls({}, "bad-body")
        given = (request.headers.first("Content-Type") or "").partition(";")[0].strip().lower()
        if given != "application/json":
            raise Problem(
                "not-json",
                f"the body is {given or 'of no content type'}",
                hint="Send JSON, with `Content-Type: application/json`.",
            )
        try:
            body = json.loads(request.body, parse_constant=_no_number, parse_float=_finite)
        except (ValueError, RecursionError) as error:
            raise Problem("bad-json", f"the body is not JSON: {error}") from None
        if not isinstance(body, dict):
            raise Problem("bad-body", "the body is not a JSON object", hint="Send {…}.")
        return cls(body, "bad-body")

    @classmethod
    def of_query(cls, request: Request) -> Fields:
        """The query. Raises Problem for a name that stands twice."""
        found: JsonObject = {}
        for name, value in request.query:
            if name in found:
                raise Problem("bad-query", f"{name!r} stands twice in the query")
            found[name] = value
        return cls(found, "bad-query")

    def has(self, name: str) -> bool:
        """Whether a field is there, and not yet read."""
        return name in self._left

    def text(self, name: str, *, longest: int = 1000) -> str | None:
        """A text that is not empty, or None where the field is absent."""
        if name not in self._left:
            return None
        value = self._left.pop(name)
        if not isinstance(value, str) or not 0 < len(value) <= longest:
            raise self.wrong(name, f"a text of 1 to {longest} characters")
        return value

    def number(self, name: str, least: float, most: float) -> float | None:
        """A number within bounds; a query says it in decimal digits."""
        if name not in self._left:
            return None
        value = self._left.pop(name)
        if isinstance(value, str) and self._reason == "bad-query":
            if _WHOLE.fullmatch(value):
                value = int(value)
            elif _DECIMAL.fullmatch(value):
                value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(name, "a number")
        if not least <= value <= most:
            raise self.wrong(name, f"a number from {least:g} to {most:g}")
        return value

    def whole(self, name: str, least: int, most: int) -> int | None:
        """A whole number within bounds."""
        value = self.number(name, least, most)
        if value is not None and value != int(value):
            raise self.wrong(name, "a whole number")
        return None if value is None else int(value)

    def flag(self, name: str) -> bool | None:
        """True or false."""
        if name not in self._left:
            return None
        value = self._left.pop(name)
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def flag_or_texts(self, name: str) -> bool | list[str] | None:
        """True or false, or a list of texts."""
        value = self._left.get(name)
        if not isinstance(value, list):
            return self.flag(name)
        del self._left[name]
        texts = [one for one in value if isinstance(one, str) and one]
        if len(texts) != len(value):
            raise self.wrong(name, "true, false or a list of texts")
        return texts

    def any(self, name: str) -> Json:
        """Any JSON; the field must be there."""
        if name not in self._left:
            raise self.wrong(name, "given")
        return self._left.pop(name)

    def required(self, name: str, value: str | None) -> str:
        """What was read as `value`, which must be there."""
        if value is None:
            raise self.wrong(name, "given")
        return value

    def end(self) -> None:
        """Raises Problem for a field that nobody has read."""
        if self._left:
            what = "query parameter" if self._reason == "bad-query" else "field"
            names = ", ".join(map(repr, self._left))
            raise Problem(self._reason, f"there is no such {what}: {names}", hint="/openapi.json")

    def wrong(self, name: str, wanted: str) -> Problem:
        """The problem that a field is not what it must be."""
        return Problem(self._reason, f"{name!r} must be {wanted}", hint="/openapi.json")


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"{number} is too large a number")
    return value
