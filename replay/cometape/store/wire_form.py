"""What of an entry goes over the wire as it stands, and which form it has there.

A recording has it, having been on the wire; a cassette written by hand may not. What no client
could ever ask for or be given is refused when it is read: a replay would wait for it to its end.
Nothing is refused here that a recorder may have seen, however odd: CometD takes channels with an
empty segment, and a refused subscription may name anything.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

MAX_NUMBER = (1 << 63) - 1
"""The highest number of an entry: indexes keep them in eight bytes."""
FINAL_STATUS = range(200, 600)
"""RFC 9110 §15.2: an interim answer, 100 to 199, is followed by the one that counts."""
_NEVER_IN_A_HEADER = re.compile(r"[\0\r\n]")
"""RFC 9110 §5.5: what would end the field, or is read differently by everybody."""
_METHOD = re.compile(r"[^\0-\x20\x7f]+")
"""Looser than a token (RFC 9110 §5.6.2): servers refuse other signs, and refusals are recorded."""
_TARGET_BREAKS = re.compile(r"[\0\r\n]")


def is_header_text(text: str) -> bool:
    """Whether a header's name or value stays within its line."""
    return _NEVER_IN_A_HEADER.search(text) is None


def is_method(text: str) -> bool:
    """Whether a request line can begin with it."""
    return _METHOD.fullmatch(text) is not None


def is_target(text: str) -> bool:
    """Whether a client can ask for it (RFC 9112 §3.2): a path, `*`, or an absolute URL."""
    if _TARGET_BREAKS.search(text):
        return False
    if text.startswith("/") or text == "*":
        return True
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def is_origin(text: str) -> bool:
    """Whether it is `http://host:port` or `https://host`, with no path."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_channel(text: str) -> bool:
    """Whether something can be published on it and delivered."""
    return text.startswith("/")
