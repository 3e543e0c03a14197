"""Dates: the written forms of an API, told by their looks, and shifted without changing their look.

    2014-04-17T04:03:21Z               ISO 8601; also with fractions and an offset (userData)
    2016-04-08 15:05:57.000+0300       a local time with its offset (`receivedDate`)
    Thu, 17 Apr 2014 04:03:21 GMT      HTTP (RFC 9110 §5.6.7)

Whole seconds are added, so fractions, offsets and separators stay as they were written.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from cometape.core.profile.profile import DateForm

_WRITTEN = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)(?P<gap>[T ])(?P<time>\d\d:\d\d:\d\d)"
    r"(?P<rest>(?:[.,]\d{1,9})? ?(?:Z|[+-]\d\d:?\d\d)?)"
)
_HTTP = re.compile(r"[A-Z][a-z]{2}, \d\d[ -][A-Z][a-z]{2}[ -]\d{4} \d\d:\d\d:\d\d GMT")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def is_date(text: str, form: DateForm = "text") -> bool:
    """Whether a text is a date in that form."""
    return shifted(text, 0, form) is not None


def shifted(text: str, seconds: int, form: DateForm = "text") -> str | None:
    """The date so many seconds later, written in the same way; None: this is no date."""
    if form != "text":
        if not re.fullmatch(r"[1-9]\d{0,17}", text):
            return None
        return str(max(0, int(text) + seconds * (1000 if form == "epoch-ms" else 1)))
    try:
        found = _WRITTEN.fullmatch(text)
        if found is not None:
            moment = datetime.fromisoformat(f"{found['date']}T{found['time']}")
            moment += timedelta(seconds=seconds)
            return f"{moment:%Y-%m-%d}{found['gap']}{moment:%H:%M:%S}{found['rest']}".zfill(
                len(text)
            )
        if _HTTP.fullmatch(text):
            return _shifted_http(text, seconds)
    except (ValueError, OverflowError):  # a 31st of February; a year beyond 9999
        return None
    return None


def epoch_s(text: str) -> int | None:
    """Seconds since 1970 of a date as cassettes write it, `2026-03-01T09:15:00Z`, or None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _shifted_http(text: str, seconds: int) -> str:
    """Without the names of a locale, in which `strftime` would write."""
    dash = text[7]
    month = _MONTHS.index(text[8:11]) + 1
    written = f"{text[12:16]}-{month:02}-{text[5:7]}T{text[17:25]}"
    moment = datetime.fromisoformat(written) + timedelta(seconds=seconds)
    day, name = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment.day:02}{dash}{name}{dash}{moment:%Y %H:%M:%S} GMT"
