"""Half of a surrogate pair: JSON can write it (`"\\ud800"`), no encoding of text can.

A client may send one, so a replay must be able to tell of it: in an answer, a report, a journal.
"""

from __future__ import annotations

import re

_LONE = re.compile("[\ud800-\udfff]")


def encodable(text: str) -> str:
    """A text with every half of a surrogate pair as its escape, so that UTF-8 can hold it.

    In JSON text that is the same value: such a half can only stand in a string there.
    """
    return text if text.isascii() else _LONE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"
