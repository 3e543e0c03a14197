"""Rules read from a compact text, from YAML and from JSON; errors name the option and what fits.

lost channel=/v2/me/workitems nth=2
status=503 operation=PullWorkitem times=1 body="come again"
delay=200ms path=/api/v2/me/workbins/* probability=0.3
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import NoReturn

from cometape.core.bayeux import channel as channels

from ..errors import ConfigurationError
from ..json_value import Json
from .fault_kind import KINDS, FaultKind
from .fault_rule import WHERE_KEYS, FaultRule, Turns, Where
from .parameter import Value

HOW_OFTEN_KEYS = ("nth", "times", "probability")
_RANGE = re.compile(r"(\d+)(-(\d+)?)?")
_METHOD = re.compile(r"[A-Z]+")
_CLEAN = "write it as in: lost channel=/v2/me/workitems nth=2"


def read_rule(
    written: Json, kinds: Mapping[str, FaultKind] = KINDS, *, option: str = "--fault"
) -> FaultRule:
    """The rule of a compact text, or of a mapping with the key `fault`.

    `option` names in errors where it was written. Raises ConfigurationError.
    """
    if isinstance(written, str):
        return rule_of_text(written, kinds, option=option)
    if isinstance(written, dict):
        return rule_of(written, kinds, option=option)
    _refuse(option, f"{written!r} is no fault", _CLEAN)


def read_rules(
    written: Json, kinds: Mapping[str, FaultKind] = KINDS, *, option: str = "--faults"
) -> tuple[FaultRule, ...]:
    """The rules of a list, or of a mapping with the one key `faults` and a list under it."""
    if isinstance(written, dict) and list(written) == ["faults"]:
        written = written["faults"]
    if not isinstance(written, list):
        _refuse(option, "it holds no list of faults", "begin each with `- `, one to a line")
    return tuple(
        read_rule(one, kinds, option=f"{option}, number {at}") for at, one in enumerate(written, 1)
    )


def rule_of_text(
    text: str, kinds: Mapping[str, FaultKind] = KINDS, *, option: str = "--fault"
) -> FaultRule:
    """The rule of `NAME[=VALUE] [KEY=VALUE]…`; quotes as in a shell. Raises ConfigurationError."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        _refuse(option, f"{text!r}: {error}", "close the quotes, as in a shell")
    if not words:
        _refuse(option, "it is empty", _CLEAN)
    name, is_given, value = words[0].partition("=")
    kind = _kind(name, kinds, option)
    members: dict[str, Json] = {}
    if is_given:
        if not kind.parameters:
            _refuse(option, f"the fault `{name}` takes no value", f"write just `{name}`")
        members[kind.parameters[0].name] = value
    for word in words[1:]:
        key, is_given, value = word.partition("=")
        if not is_given:
            _refuse(option, f"{word!r} is no KEY=VALUE", _allowed(key, _keys(kind)))
        if key in members:
            _refuse(option, f"`{key}` is given twice", "leave one of them out")
        members[key] = value
    return _rule(kind, members, option)


def rule_of(
    mapping: Mapping[str, Json], kinds: Mapping[str, FaultKind] = KINDS, *, option: str = "fault"
) -> FaultRule:
    """The rule of a mapping, as YAML and JSON give it. Raises ConfigurationError."""
    name = mapping.get("fault")
    if not isinstance(name, str | int):  # YAML takes a bare 402 for a number
        _refuse(option, "it does not say which fault", "add `fault: NAME`")
    members = {str(key): value for key, value in mapping.items() if key != "fault"}
    return _rule(_kind(str(name), kinds, option), members, option)


def _rule(kind: FaultKind, members: Mapping[str, Json], option: str) -> FaultRule:
    allowed = _keys(kind)
    for key in members:
        if key not in allowed:
            _refuse(option, f"`{kind.name}` has no `{key}`", _allowed(key, allowed))
    values: list[tuple[str, Value]] = []
    for parameter in kind.parameters:
        if parameter.name not in members:
            if parameter.default is None:
                _refuse(
                    option,
                    f"`{kind.name}` does not say {parameter.about or parameter.name}",
                    f"write `{kind.name}=…`: {parameter.allowed}",
                )
            continue
        try:
            value = parameter.read(members[parameter.name])
        except (ValueError, TypeError):
            written = members[parameter.name]
            _refuse(option, f"{parameter.name}={written!s}", f"it takes {parameter.allowed}")
        values.append((parameter.name, value))
    return FaultRule(
        kind=kind,
        values=tuple(values),
        where=_where(members, option),
        nth=_turns(members["nth"], option) if "nth" in members else (),
        times=_times(members["times"], option) if "times" in members else None,
        probability=_probability(members["probability"], option)
        if "probability" in members
        else None,
    )


def _where(members: Mapping[str, Json], option: str) -> Where:
    found: dict[str, str] = {}
    entry: int | None = None
    for key in WHERE_KEYS:
        value = members.get(key)
        if value is None:
            continue
        if key == "entry":
            entry = int(value) if isinstance(value, str) and value.isdecimal() else None
            entry = value if isinstance(value, int) and not isinstance(value, bool) else entry
            if entry is None:
                _refuse(option, f"entry={value!s}", "it takes the number of a recorded entry")
            continue
        if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
            _refuse(option, f"{key}={value!s}", "it takes a text")
        found[key] = str(value)
    if "method" in found and not _METHOD.fullmatch(found["method"]):
        _refuse(option, f"method={found['method']}", "it takes a method such as POST")
    if "path" in found and found["path"][0] not in "/*":
        _refuse(option, f"path={found['path']}", "a path begins with a slash")
    if "channel" in found and not channels.is_valid(found["channel"]):
        _refuse(
            option, f"channel={found['channel']}", "a channel is written as in /v2/me/workitems"
        )
    return Where(
        operation=found.get("operation"),
        method=found.get("method"),
        path=found.get("path"),
        channel=found.get("channel"),
        entry=entry,
        session=found.get("session"),
    )


def _turns(written: Json, option: str) -> Turns:
    parts = str(written).split(",") if isinstance(written, str | int) else []
    found: list[tuple[int, int | None]] = []
    for part in parts:
        matched = _RANGE.fullmatch(part)
        first = int(matched[1]) if matched is not None else 0
        last = first if matched is None or matched[2] is None else None
        if matched is not None and matched[3] is not None:
            last = int(matched[3])
        if first < 1 or (last is not None and last < first):
            parts = []
            break
        found.append((first, last))
    if not parts or isinstance(written, bool):
        _refuse(option, f"nth={written!s}", "it takes numbers from 1 up, as in 2, 2-4, 3- or 1,3")
    return tuple(found)


def _times(written: Json, option: str) -> int:
    times = int(written) if isinstance(written, str) and written.isdecimal() else written
    if not isinstance(times, int) or isinstance(times, bool) or times < 1:
        _refuse(option, f"times={written!s}", "it takes a whole number from 1 up")
    return times


def _probability(written: Json, option: str) -> float:
    try:
        share = float(written) if isinstance(written, str | int | float) else -1.0
    except ValueError:
        share = -1.0
    if not 0.0 < share <= 1.0 or isinstance(written, bool):
        _refuse(option, f"probability={written!s}", "it takes a share above 0, at most 1: 0.25")
    return share


def _kind(name: str, kinds: Mapping[str, FaultKind], option: str) -> FaultKind:
    kind = kinds.get(name)
    if kind is None:
        _refuse(option, f"there is no fault {name!r}", _allowed(name, kinds))
    return kind


def _keys(kind: FaultKind) -> tuple[str, ...]:
    return (*(one.name for one in kind.parameters), *WHERE_KEYS, *HOW_OFTEN_KEYS)


def _allowed(word: str, allowed: Iterable[str]) -> str:
    choices = list(allowed)
    near = difflib.get_close_matches(word, choices, n=1)
    nearest = f"Did you mean `{near[0]}`? " if near else ""
    return f"{nearest}Allowed: {', '.join(choices)}."


def _refuse(option: str, what: str, hint: str) -> NoReturn:
    raise ConfigurationError(f"{option}: {what}", hint=hint, reason="bad-fault")
