"""A value of a written profile, with where it stands: what it must be, or an error that says so."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, cast, get_args

from cometape.core.errors import ProfileError
from cometape.core.json_value import Json
from cometape.core.places.place import Place, UnknownWord
from cometape.core.places.typed_path import TypedPath

from .profile import Condition, DateField, DateForm, Where

KIND_NAME = re.compile(r"[a-z][a-z0-9-]*")
_SAME_FORMS = "path:last, path:any, query:<name>, json:<path>, answer:<path>, event:<path>"


class Node:
    """A value of the written profile together with where it stands, for errors."""

    def __init__(self, value: object, source: str, where: str) -> None:
        self.value = value
        self.source = source
        self.where = where

    def fail(self, what: str, hint: str) -> NoReturn:
        place = f" at `{self.where}`" if self.where else ""
        raise ProfileError(
            f"profile {self.source}{place}: {what}", hint=hint, reason="profile-invalid"
        )

    def _is(self, wanted: type | tuple[type, ...], words: str) -> Any:
        number_meant = wanted is not bool and isinstance(self.value, bool)
        if number_meant or not isinstance(self.value, wanted):
            self.fail(f"{_shown(self.value)} stands where {words} is wanted", f"write {words} here")
        return self.value

    def text(self) -> str:
        return cast(str, self._is(str, "a text"))

    def boolean(self) -> bool:
        return cast(bool, self._is(bool, "`true` or `false`"))

    def positive(self) -> float:
        number = float(self._is((int, float), "a number of seconds above 0"))
        if not 0 < number < float("inf"):
            self.fail(f"{number} is not above 0", "write a number of seconds above 0 here")
        return number

    def choice(self, allowed: tuple[str, ...]) -> str:
        text = self.text()
        if text not in allowed:
            self.fail(f"{text!r} is not known here", suggest(text, allowed))
        return text

    def placeholder_kind(self) -> str:
        text = self.text()
        if not KIND_NAME.fullmatch(text):
            self.fail(f"{text!r} is no placeholder kind", "write small-letters-and-dashes")
        return text

    def places_of_names(self) -> tuple[Where, ...]:
        return tuple(cast(Where, one.choice(get_args(Where))) for one in self.one_or_more())

    def pattern(self) -> str:
        text = self.text()
        try:
            fits_nothing = re.compile(text).fullmatch("") is None
        except re.error as error:
            self.fail(f"{text!r} is no regular expression: {error}", "see Python's module `re`")
        if not fits_nothing:
            self.fail(f"{text!r} fits an empty text", "write what must be there")
        return text

    def absolute_path(self) -> str:
        text = self.text()
        if not text.startswith("/"):
            self.fail(f"{text!r} does not begin with a slash", "write it as in `/cometd`")
        return text

    def typed_path(self) -> TypedPath:
        return self.path_named(self.text())

    def path_named(self, text: str) -> TypedPath:
        try:
            return TypedPath.parse(text)
        except ValueError as error:
            self.fail(str(error), "write keys joined by dots, as in `workitem.id` or `**.uri`")

    def request_part(self) -> str:
        text = self.text()
        form, _, rest = text.partition(":")
        if form in ("json", "answer", "event") and rest:
            self.path_named(rest)
        elif text not in ("path:last", "path:any") and not (form == "query" and rest):
            self.fail(f"{text!r} names no part of a request", f"write one of {_SAME_FORMS}")
        return text

    def place(self) -> Place:
        return self.place_named(self.text())

    def place_named(self, text: str) -> Place:
        try:
            return Place.parse(text)
        except UnknownWord as error:
            self.fail(
                f"{error.word!r} is no part of a request, answer or event",
                suggest(error.word, error.allowed),
            )
        except ValueError as error:
            what, _, hint = str(error).partition("; ")
            self.fail(what, hint or "docs/profiles.md lists the places")

    def date_field(self) -> DateField:
        place, _, form = self.text().partition(" as ")
        known = Node(form.strip() or "text", self.source, self.where)
        return DateField(
            place=self.place_named(place), form=cast(DateForm, known.choice(get_args(DateForm)))
        )

    def integer(self) -> int:
        return cast(int, self._is(int, "a whole number"))

    def conditions(self) -> list[Condition]:
        return [
            (node.path_named(path), tuple(value.scalar() for value in node.one_or_more()))
            for path, node in self.members()
        ]

    def scalar(self) -> Json:
        if self.value is not None and not isinstance(self.value, str | int | float | bool):
            self.fail("a single value is wanted", "write a text, a number, true, false or null")
        return self.value

    def items(self) -> list[Node]:
        values = self._is(list, "a list")
        return [
            Node(value, self.source, f"{self.where}[{index}]") for index, value in enumerate(values)
        ]

    def one_or_more(self) -> list[Node]:
        if not isinstance(self.value, list):
            return [self]
        if not self.value:
            self.fail("the list is empty", "write at least one value")
        return self.items()

    def members(self) -> list[tuple[str, Node]]:
        found = []
        for key, value in self._is(dict, "a mapping").items():
            where = f"{self.where}.{key}" if self.where else str(key)
            if not isinstance(key, str):
                self.fail(f"the key {key!r} is no text", "put it in quotes")
            found.append((key, Node(value, self.source, where)))
        return found

    def mapping(self, allowed: tuple[str, ...]) -> Keys:
        members = dict(self.members())
        for key, node in members.items():
            if key not in allowed:
                node.fail("this key is not known here", suggest(key, allowed))
        return Keys(self, members)


class Keys:
    """The members of a mapping whose keys are all known."""

    def __init__(self, node: Node, members: Mapping[str, Node]) -> None:
        self._node = node
        self._members = members

    def __contains__(self, key: str) -> bool:
        return key in self._members

    def at(self, key: str, default: object = None) -> Node:
        where = f"{self._node.where}.{key}" if self._node.where else key
        return self._members.get(key) or Node(default, self._node.source, where)

    def required(self, key: str) -> Node:
        if key not in self._members:
            self._node.fail(f"the key `{key}` is missing", f"add `{key}: …`")
        return self._members[key]

    def strings(self, key: str) -> list[str]:
        return [node.text() for node in self.at(key, []).items()]

    def paths(self, key: str) -> list[TypedPath]:
        return [node.typed_path() for node in self.at(key, []).items()]


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f"{value!r:.60}"


def suggest(word: str, allowed: Iterable[str]) -> str:
    choices = list(allowed)
    near = difflib.get_close_matches(word, choices, n=1)
    nearest = f"did you mean `{near[0]}`? " if near else ""
    return f"{nearest}allowed: {', '.join(choices)}"
