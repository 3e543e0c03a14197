"""Standard output where its encoding has no sign for what is in a cassette.

A cassette holds texts of any language, names of files any bytes; a pipe in a container has often
ASCII. What cannot be written is written as JSON escapes it, so JSON stays JSON, and nobody gets a
traceback instead of an answer.
"""

from __future__ import annotations

import codecs
import io
import json
import sys

_HANDLER = "cometape.escape"


def escape_what_has_no_sign() -> None:
    """From now on standard output and standard error take any text."""
    codecs.register_error(_HANDLER, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
