"""JSON values as block YAML: what fits on one line in flow style, everything longer in blocks.

An emitter for exactly what a cassette holds (mappings with text keys, sequences, scalars) is six to
ten times as fast as a general one, and its output is a fixed function of the value: equal values
give equal bytes, so a cassette that is loaded and saved again shows no diff.
"""

from __future__ import annotations

from cometape.core.json_value import Json

from .yaml_scalar import Unwritable, block_string, flow_string, is_literal, number

WIDTH = 100
"""Columns; a collection that fits is written on one line."""
MAX_DEPTH = 80
"""Levels; deeper values are `Unwritable`. Stays below what the reader accepts (100)."""
MAX_SIMPLE_KEY = 1000
"""YAML reads `key: value` on one line up to a key of 1024 characters; longer ones want `? key`."""


def block_mapping(out: list[str], mapping: dict[str, Json], pad: str, depth: int = 1) -> None:
    """Append the lines of a mapping, each after `pad`. Raises Unwritable."""
    for key, value in mapping.items():
        name = flow_string(key)
        if len(name) > MAX_SIMPLE_KEY:
            out.append(f"{pad}? {name}")
            block_value(out, f"{pad}:", value, pad, depth)
        else:
            block_value(out, f"{pad}{name}:", value, pad, depth)


def block_value(out: list[str], head: str, value: Json, pad: str, depth: int) -> None:
    """Append `head value`, where `head` is `key:` or `-` behind `pad`. Raises Unwritable."""
    if isinstance(value, str):
        if "\n" in value and is_literal(value):
            _literal(out, head, value, pad)
        else:
            out.append(f"{head} {block_string(value)}")
    elif isinstance(value, dict | list) and value:
        if depth > MAX_DEPTH:
            raise Unwritable(f"more than {MAX_DEPTH} levels")
        flow = _flow(value, WIDTH - len(head) - 1, depth)
        if flow is not None:
            out.append(f"{head} {flow}")
        else:
            _block(out, head, value, pad, depth)
    else:
        out.append(f"{head} {_small(value)}")


def _block(
    out: list[str], head: str, value: dict[str, Json] | list[Json], pad: str, depth: int
) -> None:
    deeper = pad + "  "
    start = len(out)
    if not head.endswith("-"):
        out.append(head)
        start = -1
    if isinstance(value, dict):
        block_mapping(out, value, deeper, depth + 1)
    else:
        for item in value:
            block_value(out, f"{deeper}-", item, deeper, depth + 1)
    if start >= 0:  # an item of a sequence begins on the line of its dash
        out[start] = f"{head} {out[start][len(deeper) :]}"


def _literal(out: list[str], head: str, text: str, pad: str) -> None:
    out.append(f"{head} |" if text.endswith("\n") else f"{head} |-")
    for line in text.removesuffix("\n").split("\n"):
        out.append(f"{pad}  {line}" if line else "")


def _small(value: Json) -> str:
    """Everything that is one token: null, booleans, numbers, empty collections."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int | float):
        return number(value)
    return "{}" if isinstance(value, dict) else "[]"


def _flow(value: Json, room: int, depth: int) -> str | None:
    """`value` on one line, or None when it takes more than `room` columns or has lines of text."""
    if isinstance(value, str):
        if len(value) > room or ("\n" in value and is_literal(value)):
            return None
        text = flow_string(value)
    elif isinstance(value, dict | list) and value:
        if depth > MAX_DEPTH:
            raise Unwritable(f"more than {MAX_DEPTH} levels")
        if 3 * len(value) > room:  # "1, " is the shortest an item can be
            return None
        parts = _flow_parts(value, room - 2, depth + 1)
        if parts is None:
            return None
        text = f"{{{', '.join(parts)}}}" if isinstance(value, dict) else f"[{', '.join(parts)}]"
    else:
        text = _small(value)
    return text if len(text) <= room else None


def _flow_parts(value: dict[str, Json] | list[Json], room: int, depth: int) -> list[str] | None:
    parts: list[str] = []
    if isinstance(value, dict):
        for key, item in value.items():
            name = flow_string(key)
            text = _flow(item, room - len(name) - 2, depth)
            if text is None:
                return None
            parts.append(f"{name}: {text}")
            room -= len(name) + len(text) + 4
    else:
        for item in value:
            text = _flow(item, room, depth)
            if text is None:
                return None
            parts.append(text)
            room -= len(text) + 2
    return parts
