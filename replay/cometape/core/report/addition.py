"""The exchange that would answer a miss, for the end of the cassette, in YAML.

Appended and asked again, the request is answered (a law of the tests): so it is exact, or is not
proposed at all. What YAML cannot hold as structure, or only in a way that few readers share, stands
as JSON text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from cometape.core.json_value import Json, is_deeper_than, json_beginning
from cometape.core.playbook.matching import PUBLISH, Shape

MAX_CHARACTERS = 16_384
"""Of the body, and of the whole: a longer one is recorded, not copied out of an answer."""
_PLAIN_CHARACTERS = 2000
_PLAIN_DEPTH = 24
"""Up to which JSON is written as structure; beyond that nobody reads it."""
_MAX_KEY = 200
"""Characters of a key; YAML allows 1,024 in one line (YAML 1.2 §7.4.2)."""
_MAX_DIGITS = 18
_JSON_TYPE = "application/json"
_FORM_TYPE = "application/x-www-form-urlencoded"
_SAFE = ":@!$&'()*+,;=~<>-._"
"""What stands as it is in a segment of a path (RFC 3986 §3.3), and the marks of placeholders."""
_ESCAPED = re.compile(
    "[\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]"
)
"""Not printable in YAML, a line break to some reader, or invisible."""
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Addition:
    """An exchange, or why there is none."""

    text: str = ""
    """Its document, `---` first; the answer is to be filled in."""
    lacking: str = ""
    """Why it is not written."""


def exchange_to_add(shape: Shape, session: str, number: int) -> Addition:
    """The exchange (or publish) with that number that answers a request of a recorded session."""
    body, is_whole = json_beginning(shape.body, MAX_CHARACTERS)
    if is_whole:
        if shape.method == PUBLISH:
            lines = [
                f"publish: {number}",
                f"session: {_quoted(session)}",
                _field("channel", shape.path),
                _field("data", shape.body),
            ]
        else:
            lines = [
                f"exchange: {number}",
                f"session: {_quoted(session)}",
                "request:",
                f"  method: {_quoted(shape.method)}",
                f"  target: {_quoted(_target(shape))}",
                *(f"  {line}" for line in _body(shape, body)),
                "response:",
                "  status: 200",
                "  json: {}",
            ]
        text = "\n".join(["---", *lines, ""])
        if len(text) <= 2 * MAX_CHARACTERS:
            return Addition(text)
    return Addition(
        lacking=f"it would have more than {MAX_CHARACTERS:,} characters; record this request"
    )


def _target(shape: Shape) -> str:
    path = "/".join(quote(segment, safe=_SAFE) for segment in shape.segments)
    return f"{path}?{urlencode(shape.query)}" if shape.query else path


def _body(shape: Shape, body: str) -> list[str]:
    """The headers that say what the body is, where it does not itself, and the body."""
    if shape.body_form == "none":
        return []
    if shape.body_form == "text":
        return [f"text: {_quoted(str(shape.body))}"]
    if shape.body_form == "form":
        pairs = shape.body if isinstance(shape.body, list) else []
        text = urlencode([(str(one[0]), str(one[1])) for one in pairs if isinstance(one, list)])
        return [f"headers: [[Content-Type, {_FORM_TYPE}]]", f"text: {_quoted(text or '&')}"]
    if isinstance(shape.body, dict | list) and _is_plain(shape.body):
        return [f"json: {_escaped(body)}"]
    # A text, a number or null alone is JSON by its type only.
    headers = [f"headers: [[Content-Type, {_JSON_TYPE}]]"]
    return [*headers, f"text: {_quoted(json.dumps(shape.body))}"]


def _field(key: str, value: Json) -> str:
    """A key of an entry; what has no form in YAML as JSON text under `<key>_json`."""
    if _is_plain(value):
        return f"{key}: {_escaped(json.dumps(value, ensure_ascii=False))}"
    return f"{key}_json: {_quoted(json.dumps(value))}"


def _is_plain(value: Json) -> bool:
    """Whether every reader of YAML takes the JSON of a value for that value."""
    text, is_whole = json_beginning(value, _PLAIN_CHARACTERS)
    if not is_whole or _HALF.search(text) or is_deeper_than(_PLAIN_DEPTH, value):
        return False
    left = [value]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            if any(len(key) > _MAX_KEY for key in node):
                return False
            left.extend(node.values())
        elif isinstance(node, list):
            left.extend(node)
        elif isinstance(node, int | float) and not isinstance(node, bool):
            digits = repr(node)  # neither `1e-07`, which YAML 1.1 takes for a text, nor `inf`
            if len(digits) > _MAX_DIGITS or "e" in digits or "n" in digits:
                return False
    return True


def _quoted(text: str) -> str:
    """A text in double quotes; without halves of surrogate pairs, which YAML has no form for."""
    return _escaped(json.dumps(text, ensure_ascii=False))


def _escaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
