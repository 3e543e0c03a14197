"""Text inside an encoding: a body in another charset, a URL inside a URL, JSON in base64."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from urllib.parse import quote, unquote

from ..json_value import Json
from .placeholder import ENCODED_PLACEHOLDER

_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_TEXTUAL = re.compile(r"text/|json|xml|javascript|ecmascript|form-urlencoded")
_CHARSET = re.compile(r"charset=\"?([\w.:-]+)")
BINARY = "iso-8859-1"
"""Reads any bytes, and writes them back."""

_PERCENT_WORD = re.compile(r"[^\s&?=#/\"'<>;,]*%[0-9A-Fa-f]{2}[^\s&?=#/\"'<>;,]*")
_BASE64_JSON = re.compile(r"(?<![A-Za-z0-9+/_-])(?:e[yw]|W[1w3y])[A-Za-z0-9+/_-]{6,}={0,2}")
"""What begins with `{` or `[` and then a quote, white space or a bracket begins so in base64 (RFC
4648 §4)."""
_BASE64_MARK = re.compile(r"e[yw]|W[1w3y]")


def charset(data: bytes, content_type: str) -> str | None:
    """The encoding of a text that is not UTF-8; None: these bytes are no text.

    A byte order mark decides, then the content type (RFC 9110 §8.3.2); a textual type without a
    charset is read byte by byte.
    """
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return name if _reads(data, name) else None
    lower = content_type.lower()
    named = _CHARSET.search(lower)
    if named is not None and _reads(data, named[1]):
        return named[1]
    if _TEXTUAL.search(lower):
        return BINARY
    return None


def _reads(data: bytes, name: str) -> bool:
    """Whether the bytes are text in that encoding, and the text gives them back."""
    try:
        return data.decode(name).encode(name) == data
    except (LookupError, ValueError, AttributeError):  # `rot13` and the like are no charsets
        return False


def within_percent(text: str, scrub: Callable[[str], str]) -> str:
    """Scrub what is percent-encoded in a text, word by word; the text itself if nothing is."""
    if "%" not in text:
        return text

    def one(found: re.Match[str]) -> str:
        plain = unquote(found[0])
        new = scrub(plain) if plain != found[0] else plain
        if new == plain:
            return found[0]
        return ENCODED_PLACEHOLDER.sub(r"<\1:\2>", quote(new, safe=""))

    new = _PERCENT_WORD.sub(one, text)
    return text if new == text else new


def within_base64(
    text: str, holds_secret: Callable[[Json], bool], hide: Callable[[str], str]
) -> str:
    """Hide base64 of a JSON object or array that holds a secret, as a whole; else `text` itself."""

    def one(found: re.Match[str]) -> str:
        value = _json_in(found[0])
        return hide(found[0]) if value is not None and holds_secret(value) else found[0]

    if _BASE64_MARK.search(text) is None:
        return text
    new = _BASE64_JSON.sub(one, text)
    return text if new == text else new


def _json_in(word: str) -> Json:
    standard = word.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
        value: Json = json.loads(data.decode("utf-8"))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None
