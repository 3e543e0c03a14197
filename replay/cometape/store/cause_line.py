"""The line of an event's document that names its cause, exchanged without parsing the document.

That is most of what is known of a recording only in its end, and it may have a million entries.
"""

from __future__ import annotations

import re
from typing import Literal

_HEAD = re.compile(
    rb"(---\nevent: \d+\nsession: [^\n]*\n(?:at_s: [^\n]*\n)?)(?:cause: [^\n]*\n)?(?=[a-z])"
)


def with_cause(document: bytes, cause: int | Literal["spontaneous"]) -> bytes | None:
    """The document of an event with that cause; None where it is not written as usual."""
    found = _HEAD.match(document)
    if found is None:
        return None
    return b"%bcause: %b\n%b" % (found[1], str(cause).encode(), document[found.end() :])
