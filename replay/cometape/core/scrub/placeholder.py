"""Placeholders: what stands in a cassette where a secret stood, `<token:1>`.

Equal secrets become equal placeholders, so what was linked stays linked: a token that an answer
issues and a later request carries has the same number in both.
"""

from __future__ import annotations

import base64
import re
from urllib.parse import quote, quote_plus, unquote

from ..recent import Recent

MAX_SPELLINGS = 200_000
"""Spellings of secrets whose placeholder is remembered, those used last; a secret that comes again
after so many others gets a new placeholder."""
_PLACEHOLDER = re.compile(r"<([a-z][a-z0-9-]*):([1-9][0-9]{0,8})>")
ENCODED_PLACEHOLDER = re.compile(r"%3C([a-z0-9-]+)%3A(\d+)%3E")
"""One that was percent-encoded with what stands around it; in a cassette it is to be readable."""


def is_placeholder(text: str) -> bool:
    """Whether all of `text` is one placeholder."""
    return _PLACEHOLDER.fullmatch(text) is not None


def placeholder_kind(text: str) -> str | None:
    """`token` of `<token:1>`; None of anything else."""
    found = _PLACEHOLDER.fullmatch(text)
    return found[1] if found is not None else None


def has_placeholder(text: str) -> bool:
    """Whether a placeholder is somewhere in `text`."""
    return "<" in text and _PLACEHOLDER.search(text) is not None


def without_placeholders(text: str) -> str:
    """The text with blanks where placeholders stand."""
    return _PLACEHOLDER.sub(" ", text)


def spellings(secret: str) -> list[str]:
    """The secret and the other ways in which the same secret is commonly written.

    Percent-encoded (RFC 3986 §2.1) and form-encoded, and base64 (RFC 4648 §4 and §5) without its
    padding, which is a part of the padded form too. A short secret has no base64 spelling: that
    would be a word somebody else may use.
    """
    data = secret.encode("utf-8", "surrogatepass")
    percent = quote(data, safe="")
    standard = base64.b64encode(data).decode("ascii").rstrip("=")
    found = [
        secret,
        percent,
        re.sub("%..", lambda code: code[0].lower(), percent),
        quote(data, safe="/"),
        quote_plus(data),
    ]
    if len(secret) >= 8:
        found += [standard, standard.replace("+", "-").replace("/", "_")]
    return list(dict.fromkeys(found))


class Placeholders:
    """Hands out placeholders and remembers which secret has which; keeps the secrets in memory."""

    def __init__(self) -> None:
        self._by_secret: Recent[str, str] = Recent(MAX_SPELLINGS)
        self._last: dict[str, int] = {}

    def of(self, kind: str, secret: str) -> str:
        """The placeholder of a secret; a placeholder stays what it is.

        The kind is that under which the secret was first seen. Another spelling of a known secret
        (see `spellings`) is the same secret.
        """
        if is_placeholder(secret) or is_placeholder(unquote(secret)):
            self.reserve(unquote(secret))
            return unquote(secret)
        known = self._by_secret.get(secret) or self._by_secret.get(secret.rstrip("="))
        if known is not None:
            return known
        number = self._last[kind] = self._last.get(kind, 0) + 1
        placeholder = f"<{kind}:{number}>"
        for spelling in spellings(secret):
            self._by_secret.setdefault(spelling, placeholder)
        return placeholder

    def known(self, secret: str) -> str | None:
        """The placeholder of a secret that has one, or None."""
        return self._by_secret.get(secret)

    def reserve(self, text: str) -> None:
        """Give no number out again that a placeholder in `text` has: it is somebody else's."""
        for kind, number in _PLACEHOLDER.findall(text):
            self._last[kind] = max(self._last.get(kind, 0), int(number))
