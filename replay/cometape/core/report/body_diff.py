"""A readable difference of two requests: unified, aware of JSON, and short whatever their size.

Members are compared by name and lists by what is in them, so that only what differs is shown, with
what is beside it; equal parts are folded (`"userData": {…}`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from cometape.core.json_value import Json
from cometape.core.playbook.matching import Shape, differences, value_differences

MAX_LINES = 30
"""Lines of a difference; more are counted."""
_WIDTH = 88
"""Characters of a line's content; longer values are cut."""
_ALIGNED = 200
"""Items up to which two lists are aligned by what is in them, not by position."""
_BESIDE = 2
"""Equal members or lines shown before and after what differs."""

Line = tuple[str, str]
"""` `, `-` or `+`, and the text."""


def request_diff(recorded: Shape, live: Shape) -> list[str]:
    """How `live` differs from `recorded`, as lines of a unified difference without its head."""
    found: list[Line] = []
    for one, other in _request_lines(recorded, live):
        found += [(" ", other)] if one == other else [("-", one), ("+", other)]
    if recorded.body_form == live.body_form == "json":
        if differences(recorded, live) and value_differences(recorded.body, live.body, ""):
            found += _value("", recorded.body, live.body, "")
    elif recorded.body_form == live.body_form == "text":
        found += _texts(str(recorded.body), str(live.body))
    elif recorded.body_form == live.body_form == "form":
        found += _texts(_form_lines(recorded.body), _form_lines(live.body))
    else:
        found += [("-", line) for line in _body_lines(recorded)]
        found += [("+", line) for line in _body_lines(live)]
    lines = [f"{mark} {text}".rstrip() for mark, text in found]
    more = len(lines) - MAX_LINES
    return lines if more <= 0 else [*lines[:MAX_LINES], f"  … and {more} more lines"]


def _request_lines(recorded: Shape, live: Shape) -> Iterator[tuple[str, str]]:
    """The request line, where its placeholders fit as it was sent."""
    fits = not any(one.facet in ("method", "path", "query") for one in differences(recorded, live))
    yield (_cut(str(live if fits else recorded), 200), _cut(str(live), 200))


def _value(key: str, recorded: Json, live: Json, indent: str) -> list[Line]:
    if isinstance(recorded, dict) and isinstance(live, dict):
        members: list[list[Line]] = []
        for name in dict.fromkeys((*recorded, *live)):
            label = f"{json.dumps(name, ensure_ascii=False)}: "
            if name not in live:
                members.append([("-", f"{indent}  {label}{_folded(recorded[name])}")])
            elif name not in recorded:
                members.append([("+", f"{indent}  {label}{_folded(live[name])}")])
            else:
                members.append(_pair(label, recorded[name], live[name], indent + "  "))
        inner = _with_little_beside(members, f"{indent}  … {{}} equal members")
        return [(" ", f"{indent}{key}{{"), *inner, (" ", f"{indent}}}")]
    if isinstance(recorded, list) and isinstance(live, list):
        inner = _with_little_beside(_items(recorded, live, indent), f"{indent}  … {{}} equal items")
        return [(" ", f"{indent}{key}["), *inner, (" ", f"{indent}]")]
    one, other = _apart(recorded, live)
    return [("-", f"{indent}{key}{one}"), ("+", f"{indent}{key}{other}")]


def _pair(label: str, recorded: Json, live: Json, indent: str) -> list[Line]:
    if not value_differences(recorded, live, ""):
        return [(" ", f"{indent}{label}{_folded(live)}")]
    return _value(label, recorded, live, indent)


def _items(recorded: list[Json], live: list[Json], indent: str) -> list[list[Line]]:
    inner = indent + "  "
    if max(len(recorded), len(live)) > _ALIGNED:
        blocks = [("replace", 0, len(recorded), 0, len(live))]
    else:
        mine, theirs = (
            [json.dumps(item, sort_keys=True) for item in items] for items in (recorded, live)
        )
        blocks = [*SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes()]
    found: list[list[Line]] = []
    for _, start, end, live_start, live_end in blocks:
        both = min(end - start, live_end - live_start)
        found += [
            _pair("", one, other, inner)
            for one, other in zip(
                recorded[start : start + both], live[live_start : live_start + both], strict=True
            )
        ]
        found += [[("-", f"{inner}{_folded(item)}")] for item in recorded[start + both : end]]
        found += [[("+", f"{inner}{_folded(item)}")] for item in live[live_start + both : live_end]]
    return found


def _with_little_beside(parts: Sequence[list[Line]], folded: str) -> Iterator[Line]:
    """All parts that differ, and of the equal ones those next to them."""
    differing = [at for at, part in enumerate(parts) if any(mark != " " for mark, _ in part)]
    shown = {at + step for at in differing for step in range(-_BESIDE, _BESIDE + 1)}
    at = 0
    while at < len(parts):
        if at in shown:
            yield from parts[at]
            at += 1
            continue
        start = at
        while at < len(parts) and at not in shown:
            at += 1
        yield " ", folded.format(at - start)


def _texts(recorded: str, live: str) -> list[Line]:
    """Two texts, compared line by line."""
    mine, theirs = (text.splitlines()[:_ALIGNED] for text in (recorded, live))
    if len(mine) == len(theirs) == 1:
        one, other = _apart(recorded, live, quoted=False)
        return [(" ", other)] if recorded == live else [("-", one), ("+", other)]
    parts: list[list[Line]] = []
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    for kind, start, end, live_start, live_end in matcher.get_opcodes():
        if kind == "equal":
            parts += [[(" ", _cut(line))] for line in mine[start:end]]
        else:
            parts.append(
                [("-", _cut(line)) for line in mine[start:end]]
                + [("+", _cut(line)) for line in theirs[live_start:live_end]]
            )
    return list(_with_little_beside(parts, "… {} equal lines"))


def _body_lines(shape: Shape) -> list[str]:
    if shape.body_form == "none":
        return ["(no body)"]
    if shape.body_form == "form":
        return _form_lines(shape.body).splitlines()
    return [_folded(shape.body)] if shape.body_form == "json" else [_cut(str(shape.body))]


def _form_lines(body: Json) -> str:
    pairs = body if isinstance(body, list) else []
    return "\n".join("=".join(map(str, pair)) for pair in pairs if isinstance(pair, list))


def _folded(value: Json) -> str:
    """A value in one line, its inside left out where that would be too long."""
    if isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False) if _is_small(value) else ""
        if text and len(text) <= _WIDTH // 2:
            return text
        return ("{…}" if value else "{}") if isinstance(value, dict) else ("[…]" if value else "[]")
    return _cut(json.dumps(value, ensure_ascii=False))


def _is_small(value: Json, room: int = 20) -> bool:
    waiting = [value]
    seen = 0
    while waiting and seen <= room:
        node = waiting.pop()
        seen += 1
        if isinstance(node, dict):
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return seen <= room


def _apart(recorded: Json, live: Json, *, quoted: bool = True) -> tuple[str, str]:
    """Two values that differ, each in one line in which the difference can be seen."""
    texts = [
        value if isinstance(value, str) and not quoted else _inline(value)
        for value in (recorded, live)
    ]
    if max(map(len, texts)) <= _WIDTH:
        return texts[0], texts[1]
    start = _common_start(*texts)
    start = max(0, start - 20) if start > _WIDTH // 2 else 0
    one, other = (("…" if start else "") + _cut(text[start:]) for text in texts)
    return one, other


def _inline(value: Json) -> str:
    if isinstance(value, dict | list):
        return _folded(value)
    return json.dumps(value, ensure_ascii=False)


def _common_start(one: str, other: str) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _cut(text: str, width: int = _WIDTH) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
