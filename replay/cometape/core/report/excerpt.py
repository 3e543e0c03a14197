"""How much is told of a value: whole where it is small, its beginning as a text where it is not.

What a client sends may have megabytes. A miss of it is told to the client, on the terminal and in
reports, and kept: each time an excerpt.
"""

from __future__ import annotations

from cometape.core.json_value import Json, is_deeper_than, json_beginning

_DEPTH = 32
"""Deeper values are told in one line: indented, they would have more blanks than content."""


def excerpt(value: Json, most: int, *, length: int | None = None) -> Json:
    """A value, or a text with its beginning if its JSON has more than `most` characters.

    `length` is that of the whole, where it is known; it is told.
    """
    if isinstance(value, str):
        text, is_whole = value[:most], len(value) <= most
    else:
        text, is_whole = json_beginning(value, most)
        if is_whole and is_deeper_than(_DEPTH, value):
            return text
    if is_whole:
        return value
    return f"{text}… ({length:,} characters)" if length is not None else f"{text}…"
