"""The small parts of a HAR file: dates, bodies as text, cookies, lists of names and values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:+-]+)", re.IGNORECASE)
_ENDLESS = 1e18
_YEAR_5138_S = 1e11


def encoded(text: str, content_type: str) -> bytes:
    """A body's text in the charset of its content type; UTF-8 where that is none, or cannot."""
    for charset in (charset_of(content_type), "utf-8"):
        try:
            return text.encode(charset)
        except (LookupError, UnicodeEncodeError):
            continue
    return text.encode("utf-8", "surrogatepass")


def charset_of(content_type: str) -> str:
    """The charset parameter of a content type, else UTF-8."""
    found = _CHARSET.search(content_type)
    return found[1] if found is not None else "utf-8"


def named_values(value: Any) -> Iterator[tuple[str, str]]:
    """The pairs of a list of `{name, value}`; anything else in it is passed over."""
    for one in value if isinstance(value, list) else ():
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            yield one["name"], text_of(one.get("value")) or ""


def set_cookies(value: Any) -> Iterator[tuple[str, str]]:
    """`Set-Cookie` headers from the cookies of a response."""
    for one in value if isinstance(value, list) else ():
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            continue
        words = [f"{one['name']}={text_of(one.get('value')) or ''}"]
        for key, word in (("path", "Path"), ("domain", "Domain"), ("sameSite", "SameSite")):
            if text_of(one.get(key)):
                words.append(f"{word}={one[key]}")
        words += [
            word for key, word in (("httpOnly", "HttpOnly"), ("secure", "Secure")) if one.get(key)
        ]
        yield "Set-Cookie", "; ".join(words)


def date_of(value: Any) -> datetime | None:
    """ISO 8601; without an offset it is taken for UTC."""
    if not isinstance(value, str):
        return None
    try:
        date = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    try:
        return date.astimezone(UTC)
    except OverflowError:
        return None


def epoch_s(value: Any) -> float | None:
    """Seconds since 1970 of a WebSocket message's time; some count milli- or microseconds."""
    seconds = number_of(value)
    while seconds is not None and abs(seconds) > _YEAR_5138_S:
        seconds /= 1000
    return seconds


def number_of(value: Any) -> float | None:
    """The value if it is a number that can be a time: JSON readers let infinities and NaN pass."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _ENDLESS:
        return float(value)
    return None


def text_of(value: Any) -> str | None:
    """The value if it is text."""
    return value if isinstance(value, str) else None
