"""A readable difference of two requests: unified, aware of JSON, and short whatever their size.

Members are compared by name and lists by what is in them, so that only what differs is shown, with
what is beside it; equal parts are folded (`"userData": {…}`).
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from itertools import chain, islice

from cometape.core.json_value import Json, JsonObject
from cometape.core.playbook.difference import Patience, head_differences, value_differences
from cometape.core.playbook.matching import Shape

MAX_LINES = 30
"""Lines of a difference; more are counted."""
_COUNTED = 1000
"""Up to which they are."""
_VALUES = 50_000
"""Values that are compared; then the difference ends."""
_WIDTH = 88
"""Characters of a line's content; longer values are cut."""
_ALIGNED = 200
"""Items up to which two lists are aligned by what is in them, not by position."""
_BESIDE = 2
"""Equal members or lines shown before and after what differs."""

Line = tuple[str, str]
"""` `, `-` or `+`, and the text."""
Part = tuple[bool, Iterable[Line]]
"""Whether it differs, and its lines, made when they are asked for."""


def request_diff(recorded: Shape, live: Shape) -> list[str]:
    """How `live` differs from `recorded`, as lines of a unified difference without its head."""
    found = [f"{mark} {text}".rstrip() for mark, text in islice(_lines(recorded, live), _COUNTED)]
    more = len(found) - MAX_LINES
    if more <= 0:
        return found
    least = "more than " if len(found) == _COUNTED else ""
    return [*found[:MAX_LINES], f"  … and {least}{more} more lines"]


def _lines(recorded: Shape, live: Shape) -> Iterator[Line]:
    """All of them: they are made one by one, for nobody asks for the last ones of many."""
    one, other = _request_lines(recorded, live)
    yield from [(" ", other)] if one == other else [("-", one), ("+", other)]
    if recorded.body_form == live.body_form == "json":
        patience = Patience(_VALUES)
        if not _are_equal(recorded.body, live.body, patience):
            yield from _value("", recorded.body, live.body, "", Patience(_VALUES))
    elif recorded.body_form == live.body_form == "text":
        yield from _texts(str(recorded.body), str(live.body))
    elif recorded.body_form == live.body_form == "form":
        yield from _texts(_form_lines(recorded.body), _form_lines(live.body))
    else:
        yield from (("-", line) for line in _body_lines(recorded))
        yield from (("+", line) for line in _body_lines(live))


def _request_lines(recorded: Shape, live: Shape) -> tuple[str, str]:
    """The request line, where its placeholders fit as it was sent."""
    fits = next(head_differences(recorded, live), None) is None
    return _cut(str(live if fits else recorded), 200), _cut(str(live), 200)


def _value(key: str, recorded: Json, live: Json, indent: str, patience: Patience) -> Iterator[Line]:
    if patience.left < 0:
        yield (" ", f"{indent}… not compared any further")
    elif isinstance(recorded, dict) and isinstance(live, dict):
        yield (" ", f"{indent}{key}{{")
        members = _members(recorded, live, indent + "  ", patience)
        yield from _with_little_beside(members, f"{indent}  … {{}} equal members")
        yield (" ", f"{indent}}}")
    elif isinstance(recorded, list) and isinstance(live, list):
        yield (" ", f"{indent}{key}[")
        items = _items(recorded, live, indent + "  ", patience)
        yield from _with_little_beside(items, f"{indent}  … {{}} equal items")
        yield (" ", f"{indent}]")
    else:
        one, other = _apart(recorded, live)
        yield from (("-", f"{indent}{key}{one}"), ("+", f"{indent}{key}{other}"))


def _members(
    recorded: JsonObject, live: JsonObject, indent: str, patience: Patience
) -> Iterator[Part]:
    for name in chain(recorded, (name for name in live if name not in recorded)):
        label = f"{_cut(json.dumps(name, ensure_ascii=False))}: "
        if name not in live:
            yield True, _folded_line("-", f"{indent}{label}", recorded[name])
        elif name not in recorded:
            yield True, _folded_line("+", f"{indent}{label}", live[name])
        else:
            yield _pair(label, recorded[name], live[name], indent, patience)
        if patience.left < 0:
            return


def _items(
    recorded: list[Json], live: list[Json], indent: str, patience: Patience
) -> Iterator[Part]:
    if max(len(recorded), len(live)) > _ALIGNED:
        blocks = [("replace", 0, len(recorded), 0, len(live))]
    else:
        mine, theirs = (
            [json.dumps(item, sort_keys=True) for item in items] for items in (recorded, live)
        )
        blocks = [*SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes()]
    for _, start, end, live_start, live_end in blocks:
        both = min(end - start, live_end - live_start)
        for at in range(both):
            yield _pair("", recorded[start + at], live[live_start + at], indent, patience)
            if patience.left < 0:
                return
        for item in islice(recorded, start + both, end):
            yield True, _folded_line("-", indent, item)
        for item in islice(live, live_start + both, live_end):
            yield True, _folded_line("+", indent, item)


def _pair(label: str, recorded: Json, live: Json, indent: str, patience: Patience) -> Part:
    if _are_equal(recorded, live, patience):
        return False, _folded_line(" ", f"{indent}{label}", live)
    return True, _value(label, recorded, live, indent, patience)


def _are_equal(recorded: Json, live: Json, patience: Patience) -> bool:
    return next(value_differences(recorded, live, "", patience), None) is None


def _folded_line(mark: str, before: str, value: Json) -> Iterator[Line]:
    yield mark, f"{before}{_folded(value)}"


def _with_little_beside(parts: Iterable[Part], folded: str) -> Iterator[Line]:
    """All parts that differ, and of the equal ones those next to them."""
    before: deque[Iterable[Line]] = deque()
    left_out = 0
    after = 0
    for differs, lines in parts:
        if differs:
            if left_out:
                yield " ", folded.format(left_out)
            yield from chain.from_iterable(before)
            before.clear()
            left_out = 0
            yield from lines
            after = _BESIDE
        elif after:
            yield from lines
            after -= 1
        else:
            before.append(lines)
            if len(before) > _BESIDE:
                before.popleft()
                left_out += 1
    left_out += len(before)
    if left_out:
        yield " ", folded.format(left_out)


def _texts(recorded: str, live: str) -> list[Line]:
    """Two texts, compared line by line."""
    mine, theirs = (text.splitlines()[:_ALIGNED] for text in (recorded, live))
    if len(mine) == len(theirs) == 1:
        one, other = _apart(recorded, live, quoted=False)
        return [(" ", other)] if recorded == live else [("-", one), ("+", other)]
    parts: list[Part] = []
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    for kind, start, end, live_start, live_end in matcher.get_opcodes():
        if kind == "equal":
            parts += [(False, [(" ", _cut(line))]) for line in mine[start:end]]
        else:
            lines = [("-", _cut(line)) for line in mine[start:end]]
            lines += [("+", _cut(line)) for line in theirs[live_start:live_end]]
            parts.append((True, lines))
    return list(_with_little_beside(parts, "… {} equal lines"))


def _body_lines(shape: Shape) -> list[str]:
    if shape.body_form == "none":
        return ["(no body)"]
    if shape.body_form == "form":
        return _form_lines(shape.body).splitlines()
    return [_folded(shape.body)] if shape.body_form == "json" else [_cut(str(shape.body))]


def _form_lines(body: Json) -> str:
    pairs = body[: _ALIGNED + 1] if isinstance(body, list) else []
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
