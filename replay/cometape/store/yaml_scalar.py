"""One scalar as YAML text that every YAML 1.1 and 1.2 reader takes for the same value.

A string stays plain only if no reader can mistake it: not for a number (`1e3`, `0x1F`, `12:30`,
`1_000`), a boolean (`No`, `on`), a null, a date, a merge key. Everything else stands in double
quotes with JSON's escapes, which YAML shares; what is not printable, or invisible to a reviewer, is
escaped. Measured over 141 awkward values: PyYAML (C and Python) and ruamel.yaml read all of them
back alike; both dialects disagree about plain `1e3` and `No`, so neither is ever written plain.

Half of a surrogate pair has no form in YAML at all: `Unwritable`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from json.encoder import encode_basestring  # CPython's own, in C


class Unwritable(ValueError):
    """The value has no form in YAML (half of a surrogate pair), or none that is read back."""


_WORDS = frozenset(
    ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity")
)
"""What some reader resolves to a boolean, a null or a number; compared in lower case."""

PLAIN_IN_BLOCK = re.compile(
    r"(?:[^\W\d_]|[/_$(]|<(?=\w))"  # a letter of any script, or a mark that starts nothing in YAML
    r"(?:[\w/.\-+@*%=&;~$()!?<>|^'\",]|:(?=[^\s,\[\]{}:])|\ (?=[\w/.\-+@*%=&;~$()!?<>|^'\",]))*"
)
PLAIN_IN_FLOW = re.compile(
    # Less `,` (it ends the value) and `:` and `?` (libyaml before 0.2.5, and readers like it).
    r"(?:[^\W\d_]|[/_$(]|<(?=\w))"
    r"(?:[\w/.\-+@*%=&;~$()!<>|^'\"]|\ (?=[\w/.\-+@*%=&;~$()!<>|^'\"]))*"
)
PLAIN_ID = re.compile(
    r"(?!0[xXoObB])[0-9][0-9A-Za-z]*[G-Zg-z][0-9A-Za-z]*"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)
"""Digits first, as in `02F0ASAK8EAFA00W`, with a letter that no notation of numbers has; UUIDs."""

_ESCAPED = re.compile(
    "[\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]"
)
"""Not printable in YAML, a line break to some reader, or invisible (bidirectional marks)."""
_SURROGATE = re.compile("[\ud800-\udfff]")
NEVER_RAW = re.compile(f"[\0-\t\v-\x1f\ud800-\udfff{_ESCAPED.pattern[1:]}")
"""What stands nowhere in what is written here."""

_LITERAL_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
    "\ud800-\udfff]"
    r"|[ \t](?:\n|\Z)"  # trailing blanks, which editors remove
    r"|\n\n\Z"
    r"|\A[ \t\n]"  # would need an indentation indicator
    r"|^\t",
    re.MULTILINE,
)

_PLAIN_LENGTH = 400
"""Longer texts are whole bodies, seldom plain: they are quoted without a look at each character."""
_CACHED_LENGTH = 64
"""Longer strings are seldom written twice and would only fill the cache."""


def is_literal(text: str) -> bool:
    """Whether `text` has several lines and a literal block (`|`) gives exactly it back."""
    return "\n" in text[:-1] and not _LITERAL_FORBIDDEN.search(text)


def block_string(text: str) -> str:
    """`text` on one line where block style stands (after `key: `). Raises Unwritable."""
    return _short_block_string(text) if len(text) <= _CACHED_LENGTH else _block_string(text)


def flow_string(text: str) -> str:
    """`text` on one line, also between `[]` and `{}`, also as a key. Raises Unwritable."""
    return _short_flow_string(text) if len(text) <= _CACHED_LENGTH else _flow_string(text)


def _block_string(text: str) -> str:
    if len(text) > _PLAIN_LENGTH:
        return _quoted(text)
    if PLAIN_IN_BLOCK.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return text if PLAIN_ID.fullmatch(text) else _quoted(text)


def _flow_string(text: str) -> str:
    if len(text) > _PLAIN_LENGTH:
        return _quoted(text)
    if PLAIN_IN_FLOW.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return text if PLAIN_ID.fullmatch(text) else _quoted(text)


_short_block_string = lru_cache(4096)(_block_string)
_short_flow_string = lru_cache(4096)(_flow_string)


def _quoted(text: str) -> str:
    quoted = encode_basestring(text)
    if quoted.isascii() and "\x7f" not in quoted:
        return quoted
    if _SURROGATE.search(quoted):
        raise Unwritable("half of a surrogate pair has no form in YAML")
    return _ESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", quoted)


def number(value: int | float) -> str:
    """A number; floats always with a dot, which YAML 1.1 asks for (`1.0e+16`)."""
    if isinstance(value, int):
        return str(value)
    text = repr(value)
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent}"
    return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(text, text)
