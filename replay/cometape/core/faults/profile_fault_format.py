"""The written form of a profile's faults; `docs/faults.md` explains every key."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ..json_value import Json
from .fault_kind import KINDS
from .parameter import Parameter
from .profile_fault import EventChange, ProfileFault, declared_answer

if TYPE_CHECKING:
    from cometape.core.profile.profile_node import Keys, Node

_FAULT_KEYS = ("about", "answer", "events")
_ANSWER_KEYS = ("status", "headers", "body", "json", "methods", "ends_session")
_EVENT_KEYS = ("when", "patch", "lost")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_STATUS = Parameter(name="status", form="status")


def declared_fault(name: str, node: Node) -> ProfileFault:
    """One fault of a profile. Raises ProfileError, by `node`."""
    keys = node.mapping(_FAULT_KEYS)
    if not _NAME.fullmatch(name):
        node.fail(f"{name!r} is no name for a fault", "write small-letters-and-dashes")
    if name in KINDS:
        node.fail(f"{name!r} is the name of a built-in fault", "choose another name")
    if ("answer" in keys) == ("events" in keys):
        node.fail("a fault is an `answer`, or changes `events`", "give it one of the two")
    about = keys.required("about").text()
    if "events" in keys:
        changes = tuple(_event_change(one) for one in keys.at("events").items())
        return ProfileFault(name=name, about=about, events=changes)
    answer = keys.at("answer").mapping(_ANSWER_KEYS)
    return ProfileFault(
        name=name,
        about=about,
        answer=declared_answer(
            _status(answer.required("status")),
            _headers(answer),
            text=answer.at("body").text() if "body" in answer else None,
            json_body=_json(answer.at("json").value),
        ),
        methods=tuple(answer.strings("methods")),
        ends_session=answer.at("ends_session", False).boolean(),
    )


def _event_change(node: Node) -> EventChange:
    keys = node.mapping(_EVENT_KEYS)
    is_lost = keys.at("lost", False).boolean()
    if is_lost == ("patch" in keys):
        node.fail("such events are `lost`, or get a `patch`", "give one of the two")
    patch = keys.at("patch").value
    if not is_lost and not isinstance(patch, dict):
        keys.at("patch").fail("a JSON merge patch is a mapping", "write what shall be different")
    return EventChange(
        when=tuple(keys.at("when", {}).conditions()),
        patch=None if is_lost else json.dumps(patch, ensure_ascii=False),
    )


def _status(node: Node) -> int:
    try:
        return int(_STATUS.read(_json(node.value)))
    except ValueError:
        node.fail(f"{node.value!r} is no status", f"it takes {_STATUS.allowed}")


def _headers(answer: Keys) -> list[tuple[str, str]]:
    return [(name, value.text()) for name, value in answer.at("headers", {}).members()]


def _json(value: Any) -> Json:
    """What a safe YAML loader made of it, which is JSON but for dates."""
    found: Json = value
    return found
