"""HTTP Basic credentials (RFC 7617): user and password."""

from __future__ import annotations

import base64
import binascii


def basic_credentials(authorization: str) -> tuple[str, str] | None:
    """User and password of an `Authorization` value with the scheme Basic, or None."""
    scheme, _, rest = authorization.strip().partition(" ")
    return decoded_credentials(rest.strip()) if scheme.lower() == "basic" else None


def decoded_credentials(encoded: str) -> tuple[str, str] | None:
    """User and password of the base64 part alone, or None if it is not such.

    UTF-8 where that is what it is, else ISO-8859-1, which older clients send (RFC 7617 §2.1).
    """
    try:
        data = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("iso-8859-1")
    user, separator, password = text.partition(":")
    if not separator or any(ord(character) < 32 or ord(character) == 127 for character in text):
        return None
    return user, password
