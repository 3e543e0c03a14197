"""The written form of a profile: a mapping, as YAML gives it, into a `Profile` or a clear error.

Every error names the source, the key that is wrong and what is allowed there. A profile that
extends another is laid over it: single values replace, lists grow, and rules and identity kinds of
the same name replace the inherited ones; its own rules come first.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, TypeVar, cast, get_args

from .errors import ProfileError
from .json_value import Json
from .place import Place, UnknownWord
from .profile import (
    AllowRule,
    CauseRule,
    Condition,
    DateField,
    DateForm,
    Form,
    IdentityKind,
    PersonalRule,
    Profile,
    SecretRule,
    Shape,
    Where,
)
from .typed_path import TypedPath

_PROFILE_KEYS = (
    "profile",
    "extends",
    "about",
    "bayeux",
    "operation",
    "repeatable",
    "ends_session",
    "safe_methods",
    "session_cookies",
    "subjects",
    "uri_fields",
    "volatile",
    "dates",
    "identities",
    "secrets",
    "personal",
    "allow",
    "causes",
    "without",
)
_IDENTITY_KEYS = ("form", "scope", "issued", "used", "made_by", "operations", "counter")
MIN_START = 1000
"""A fresh integer below that would be taken for a count, a status, an index."""
_SECRET_KEYS = (
    "name",
    "kind",
    "where",
    "names",
    "except",
    "everywhere",
    "numbers",
    "below",
    "named_by",
    "patterns",
)
_PERSONAL_KEYS = (
    "name",
    "kind",
    "where",
    "names",
    "except",
    "paths",
    "shape",
    "everywhere",
    "numbers",
)
_ALLOW_KEYS = ("name", "fields", "values")
_CAUSE_KEYS = (
    "name",
    "channel",
    "event",
    "operations",
    "answer",
    "by_event",
    "by_channel",
    "same",
    "session",
    "within_s",
    "once",
)
_SAME_FORMS = "path:last, path:any, query:<name>, json:<path>, answer:<path>, event:<path>"
_KIND = re.compile(r"[a-z][a-z0-9-]*")

T = TypeVar("T")
Named = TypeVar("Named", IdentityKind, SecretRule, PersonalRule, AllowRule, CauseRule)


def parse_profile(mapping: object, source: str, *, base: Profile | None = None) -> Profile:
    """The profile that `mapping` describes, laid over `base` if there is one.

    `source` names the file in errors. Raises ProfileError.
    """
    top = _Node(mapping, source, "")
    keys = top.mapping(_PROFILE_KEYS)
    without = set(keys.strings("without"))
    inherited = base or Profile(name="")
    bayeux = keys.at("bayeux", {}).mapping(("paths", "dialect"))
    profile = Profile(
        name=keys.required("profile").text(),
        about=keys.at("about", inherited.about).text(),
        bayeux_paths=_joined(
            [path.absolute_path() for path in bayeux.at("paths", []).items()],
            base.bayeux_paths if base else (),
        )
        or inherited.bayeux_paths,
        dialect=bayeux.at("dialect", inherited.dialect).text(),
        operation=keys.at("operation").typed_path() if "operation" in keys else inherited.operation,
        identities=_laid_over(
            [_identity(name, node) for name, node in keys.at("identities", {}).members()],
            inherited.identities,
            without,
        ),
        secrets=_laid_over(
            [_secret(node) for node in keys.at("secrets", []).items()], inherited.secrets, without
        ),
        personal=_laid_over(
            [_personal(node) for node in keys.at("personal", []).items()],
            inherited.personal,
            without,
        ),
        allow=_laid_over(
            [_allow(node) for node in keys.at("allow", []).items()], inherited.allow, without
        ),
        causes=_laid_over(
            [_cause(node) for node in keys.at("causes", []).items()], inherited.causes, without
        ),
        subjects=_joined(keys.paths("subjects"), inherited.subjects),
        uri_fields=_joined(keys.paths("uri_fields"), inherited.uri_fields),
        volatile=_joined(
            [node.place() for node in keys.at("volatile", []).items()], inherited.volatile
        ),
        dates=_joined(
            [node.date_field() for node in keys.at("dates", []).items()], inherited.dates
        ),
        session_cookies=_joined(keys.strings("session_cookies"), inherited.session_cookies),
        repeatable=_joined(keys.strings("repeatable"), inherited.repeatable),
        ends_session=_joined(keys.strings("ends_session"), inherited.ends_session),
        safe_methods=tuple(keys.strings("safe_methods")) or inherited.safe_methods,
    )
    known = {kind.name for kind in inherited.identities}
    for rules in (inherited.secrets, inherited.personal, inherited.allow, inherited.causes):
        known |= {rule.name for rule in rules}
    if without - known:
        keys.at("without").fail(
            f"{sorted(without - known)[0]!r} is no rule or identity kind of the extended profile",
            f"it has {', '.join(sorted(known)) or 'none'}",
        )
    return profile


def extended_name(mapping: object, source: str) -> str | None:
    """The profile that `mapping` says it extends, or None. Raises ProfileError."""
    keys = _Node(mapping, source, "").mapping(_PROFILE_KEYS)
    return keys.at("extends").text() if "extends" in keys else None


def _identity(name: str, node: _Node) -> IdentityKind:
    keys = node.mapping(_IDENTITY_KEYS)
    if not _KIND.fullmatch(name):
        node.fail(f"{name!r} is no name for an identity kind", "write small-letters-and-dashes")
    counter = keys.at("counter", {}).mapping(("start", "step"))
    kind = IdentityKind(
        name=name,
        form=cast(Form, keys.required("form").choice(get_args(Form))),
        scope=cast(Any, keys.at("scope", "session").choice(("session", "run"))),
        issued=tuple(place.place() for place in keys.at("issued", []).items()),
        used=tuple(place.place() for place in keys.at("used", []).items()),
        made_by=cast(Any, keys.at("made_by", "server").choice(("server", "client"))),
        operations=tuple(keys.strings("operations")),
        start=counter.at("start").integer() if "start" in counter else None,
        step=counter.at("step", 1).integer(),
    )
    _check_identity(kind, node)
    return kind


def _check_identity(kind: IdentityKind, node: _Node) -> None:
    by_client = kind.made_by == "client"
    for place in kind.issued:
        if by_client != place.part.startswith(("request.", "publish.")):
            maker, where = ("client", "request or publish") if by_client else ("server", "answer")
            node.fail(
                f"`{place}` is no place where the {maker} hands out an id",
                f"name a place in a {where}, or say otherwise in `made_by`",
            )
    if by_client and not kind.issued:
        node.fail("nothing says where clients make it", "name the places under `issued`")
    if kind.operations and (by_client or not kind.issued):
        node.fail("nothing says where `operations` hand it out", "name the places under `issued`")
    if kind.step < 1 or (kind.start is not None and kind.start < MIN_START):
        node.fail(
            f"a counter rises, from {MIN_START} or more: recordings are full of small numbers",
            f"write `counter: {{start: {MIN_START}, step: 1}}`",
        )


def _secret(node: _Node) -> SecretRule:
    keys = node.mapping(_SECRET_KEYS)
    by_name = "names" in keys or "patterns" not in keys
    return SecretRule(
        name=keys.required("name").text(),
        kind=keys.required("kind").placeholder_kind(),
        where=keys.required("where").places_of_names() if by_name else (),
        names=tuple(name.text() for name in keys.required("names").one_or_more())
        if by_name
        else (),
        exceptions=tuple(keys.strings("except")),
        everywhere=keys.at("everywhere", True).boolean(),
        numbers=keys.at("numbers", True).boolean(),
        below=keys.at("below", True).boolean(),
        named_by=keys.at("named_by").text() if "named_by" in keys else None,
        patterns=tuple(node.pattern() for node in keys.at("patterns", []).items()),
    )


def _personal(node: _Node) -> PersonalRule:
    keys = node.mapping(_PERSONAL_KEYS)
    rule = PersonalRule(
        name=keys.required("name").text(),
        kind=keys.required("kind").placeholder_kind(),
        where=keys.at("where", ["json", "query", "form"]).places_of_names(),
        names=tuple(keys.strings("names")),
        exceptions=tuple(keys.strings("except")),
        paths=tuple(keys.paths("paths")),
        shape=cast(Shape, keys.at("shape").choice(get_args(Shape))) if "shape" in keys else None,
        everywhere=keys.at("everywhere", True).boolean(),
        numbers=keys.at("numbers", False).boolean(),
    )
    if not (rule.names or rule.paths or rule.shape):
        node.fail("this rule finds nothing", "give it `names`, `paths` or a `shape`")
    return rule


def _allow(node: _Node) -> AllowRule:
    keys = node.mapping(_ALLOW_KEYS)
    if "fields" not in keys and "values" not in keys:
        node.fail("this rule would allow everything", "give it `fields`, `values` or both")
    return AllowRule(
        name=keys.required("name").text(),
        fields=tuple(field.text() for field in keys.at("fields", "*").one_or_more()),
        values=keys.at("values").pattern() if "values" in keys else None,
    )


def _cause(node: _Node) -> CauseRule:
    keys = node.mapping(_CAUSE_KEYS)
    rule = CauseRule(
        name=keys.required("name").text(),
        channel=keys.at("channel").absolute_path() if "channel" in keys else None,
        event=tuple(keys.at("event", {}).conditions()),
        operations=tuple(name.text() for name in _names_of_operations(keys)),
        answer=tuple(keys.at("answer", {}).conditions()),
        by_event=tuple(keys.at("by_event", {}).conditions()),
        by_channel=keys.at("by_channel").absolute_path() if "by_channel" in keys else None,
        same=tuple(_same(member) for member in keys.at("same", {}).members()),
        session=cast(Any, keys.at("session", "same").choice(("same", "any"))),
        within_s=keys.at("within_s", 30.0).positive(),
        once=keys.at("once").text() if "once" in keys else None,
    )
    if not rule.event and rule.channel is None:
        node.fail("this rule would take every event", "give it an `event` or a `channel`")
    if rule.is_by_event and (rule.operations or rule.answer):
        node.fail(
            "the cause is an operation (`operations`, `answer`) or an event (`by_event`), not both",
            "make two rules of it",
        )
    for part in (part for _, parts in rule.same for part in parts):
        if part.startswith("event:") is not rule.is_by_event:
            node.fail(
                f"{part!r} is no part of {'an event' if rule.is_by_event else 'an exchange'}",
                "with `by_event` write `event:<path>`, and only there",
            )
    if rule.session == "any" and not rule.same:
        node.fail(
            "`session: any` without `same` would tie unrelated sessions together",
            "say in `same` what event and request have in common",
        )
    return rule


def _names_of_operations(keys: _Keys) -> list[_Node]:
    if "by_event" in keys or "by_channel" in keys:
        return keys.at("operations", []).items()
    return keys.required("operations").one_or_more()


def _same(member: tuple[str, _Node]) -> tuple[TypedPath, tuple[str, ...]]:
    path, parts = member
    return parts.path_named(path), tuple(part.request_part() for part in parts.one_or_more())


def _joined(own: Iterable[T], inherited: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*own, *inherited)))


def _laid_over(
    own: list[Named], inherited: tuple[Named, ...], without: set[str]
) -> tuple[Named, ...]:
    taken = without | {rule.name for rule in own}
    return tuple(own) + tuple(rule for rule in inherited if rule.name not in taken)


class _Node:
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
            self.fail(f"{text!r} is not known here", _suggest(text, allowed))
        return text

    def placeholder_kind(self) -> str:
        text = self.text()
        if not _KIND.fullmatch(text):
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
                _suggest(error.word, error.allowed),
            )
        except ValueError as error:
            what, _, hint = str(error).partition("; ")
            self.fail(what, hint or "docs/profiles.md lists the places")

    def date_field(self) -> DateField:
        place, _, form = self.text().partition(" as ")
        known = _Node(form.strip() or "text", self.source, self.where)
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

    def items(self) -> list[_Node]:
        values = self._is(list, "a list")
        return [
            _Node(value, self.source, f"{self.where}[{index}]")
            for index, value in enumerate(values)
        ]

    def one_or_more(self) -> list[_Node]:
        if not isinstance(self.value, list):
            return [self]
        if not self.value:
            self.fail("the list is empty", "write at least one value")
        return self.items()

    def members(self) -> list[tuple[str, _Node]]:
        found = []
        for key, value in self._is(dict, "a mapping").items():
            where = f"{self.where}.{key}" if self.where else str(key)
            if not isinstance(key, str):
                self.fail(f"the key {key!r} is no text", "put it in quotes")
            found.append((key, _Node(value, self.source, where)))
        return found

    def mapping(self, allowed: tuple[str, ...]) -> _Keys:
        members = dict(self.members())
        for key, node in members.items():
            if key not in allowed:
                node.fail("this key is not known here", _suggest(key, allowed))
        return _Keys(self, members)


class _Keys:
    """The members of a mapping whose keys are all known."""

    def __init__(self, node: _Node, members: Mapping[str, _Node]) -> None:
        self._node = node
        self._members = members

    def __contains__(self, key: str) -> bool:
        return key in self._members

    def at(self, key: str, default: object = None) -> _Node:
        where = f"{self._node.where}.{key}" if self._node.where else key
        return self._members.get(key) or _Node(default, self._node.source, where)

    def required(self, key: str) -> _Node:
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


def _suggest(word: str, allowed: Iterable[str]) -> str:
    choices = list(allowed)
    near = difflib.get_close_matches(word, choices, n=1)
    nearest = f"did you mean `{near[0]}`? " if near else ""
    return f"{nearest}allowed: {', '.join(choices)}"
