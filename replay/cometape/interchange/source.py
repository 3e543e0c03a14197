"""What a file of another program holds: traffic, and what the file says about itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import SplitResult, quote, urlsplit

from ..core.errors import CassetteError
from ..core.exchange import Headers
from ..core.record.capture import without_framing
from ..core.record.traffic import Traffic
from ..recorder.content_coding import CODINGS, TooLongError, decode

NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands where a format wants a date and the cassette has none."""
MAX_BODY_BYTES = 64 * 1024 * 1024
"""What a compressed body may unfold to, as in a recording."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_TARGET_SAFE = "/?#[]@!$&'()*+,;=:%-._~\"<>\\^`{|} "


@dataclass(slots=True, kw_only=True)
class Source:
    """One file, read."""

    name: str
    format: Literal["har", "flow", "vcr"]
    started: datetime | None
    """The zero of the times of `traffic`; None where the file has no times, only an order."""
    traffic: list[Traffic] = field(default_factory=list)
    writer: str = ""
    """Name of the program that wrote it, where that matters and is known."""
    scenario: str = ""
    recorded: bool = True
    """Whether `started` is when it was recorded; an export of an undated cassette says no."""
    profile: str | None = None
    """The profile an exported cassette named."""
    bayeux: str | None = None
    allowed: tuple[str, ...] = ()
    """Fields of an exported cassette that only look like secrets."""
    skipped: Counter[str] = field(default_factory=Counter)
    """What is no part of a cassette, by its words."""
    problems: dict[str, list[int]] = field(default_factory=dict)
    """What is missing in the file, by its words (no traffic in them), with the entries (from 1)."""

    def problem(self, what: str, number: int) -> None:
        """An entry lacks something that the user should know of."""
        self.problems.setdefault(what, []).append(number)


class UnusableUrlError(ValueError):
    """A URL that is not of HTTP or of a WebSocket: `data:`, `blob:`, `chrome-extension:`."""


def origin_and_target(url: str) -> tuple[str, str]:
    """`scheme://host[:port]` and path with query of an absolute URL; user and fragment are left.

    Raises UnusableUrlError for any other scheme, ValueError for what is no URL.
    """
    parts: SplitResult = urlsplit(url)
    scheme = _SCHEMES.get(parts.scheme.lower())
    if scheme is None:
        raise UnusableUrlError(parts.scheme or "no scheme")
    host = parts.hostname
    if not host:
        raise ValueError("it names no host")
    port = parts.port
    host = f"[{host}]" if ":" in host else host
    own = port in (None, _DEFAULT_PORTS[scheme])
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not target.isascii():
        target = quote(target, safe=_TARGET_SAFE)
    return f"{scheme}://{host}" + ("" if own else f":{port}"), target


def as_on_wire(headers: Headers, body: bytes) -> tuple[Headers, bytes]:
    """Headers and body as a recorder has them, of bytes that are those on the wire.

    Without framing, and without content coding where that can be undone. Raises TooLongError.
    """
    headers, body = decode(headers, body, MAX_BODY_BYTES)
    return without_framing(headers), body


def uncoded(headers: Headers, body: bytes) -> tuple[Headers, bytes]:
    """The same, of a body that its writer may have decoded already.

    Most programs write the decoded body and leave `Content-Encoding` in the headers, others both as
    they were; the body itself tells. Raises TooLongError.
    """
    headers, body = as_on_wire(headers, body)
    words = ",".join(headers.all("Content-Encoding")).lower().split(",")
    if body and all(word.strip() in ("", "identity", *CODINGS) for word in words):
        headers = headers.without("Content-Encoding")
    return headers, body


def bad_entry(name: str, number: int, what: str, *, hint: str = "", reason: str) -> CassetteError:
    """An entry of a file that cannot be understood; entries count from 1."""
    return CassetteError(
        what,
        hint=hint or "Remove that entry from the file, or export it anew.",
        reason=reason,
        path=name,
        entry=number,
    )


def too_long(name: str, number: int) -> CassetteError:
    """A compressed body that is longer than is kept."""
    return bad_entry(
        name, number, f"its body unfolds to more than {MAX_BODY_BYTES} bytes", reason="too-large"
    )


__all__ = [
    "MAX_BODY_BYTES",
    "NO_DATE",
    "Source",
    "TooLongError",
    "UnusableUrlError",
    "as_on_wire",
    "bad_entry",
    "origin_and_target",
    "too_long",
    "uncoded",
]
