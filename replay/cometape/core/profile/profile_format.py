"""The written form of a profile: a mapping, as YAML gives it, into a `Profile` or a clear error.

Every error names the source, the key that is wrong and what is allowed there. A profile that
extends another is laid over it: single values replace, lists grow, and rules and identity kinds of
the same name replace the inherited ones; its own rules come first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, cast, get_args

from cometape.core.faults.profile_fault import ProfileFault
from cometape.core.faults.profile_fault_format import declared_fault
from cometape.core.places.typed_path import TypedPath

from .profile import (
    AllowRule,
    CauseRule,
    Form,
    IdentityKind,
    PersonalRule,
    Profile,
    SecretRule,
    Shape,
)
from .profile_node import KIND_NAME, Keys, Node

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
    "shift_dates",
    "identities",
    "secrets",
    "personal",
    "allow",
    "causes",
    "faults",
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

T = TypeVar("T")
Named = TypeVar("Named", IdentityKind, SecretRule, PersonalRule, AllowRule, CauseRule, ProfileFault)


def parse_profile(mapping: object, source: str, *, base: Profile | None = None) -> Profile:
    """The profile that `mapping` describes, laid over `base` if there is one.

    `source` names the file in errors. Raises ProfileError.
    """
    top = Node(mapping, source, "")
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
        shift_dates=keys.at("shift_dates", inherited.shift_dates).choice(("recorded", "now")),
        session_cookies=_joined(keys.strings("session_cookies"), inherited.session_cookies),
        repeatable=_joined(keys.strings("repeatable"), inherited.repeatable),
        ends_session=_joined(keys.strings("ends_session"), inherited.ends_session),
        safe_methods=tuple(keys.strings("safe_methods")) or inherited.safe_methods,
        faults=_laid_over(
            [declared_fault(name, node) for name, node in keys.at("faults", {}).members()],
            inherited.faults,
            without,
        ),
    )
    known = {kind.name for kind in inherited.identities}
    for rules in (inherited.secrets, inherited.personal, inherited.allow, inherited.causes):
        known |= {rule.name for rule in rules}
    known |= {fault.name for fault in inherited.faults}
    if without - known:
        keys.at("without").fail(
            f"{sorted(without - known)[0]!r} is no rule, fault or identity kind of the extended"
            " profile",
            f"it has {', '.join(sorted(known)) or 'none'}",
        )
    return profile


def extended_name(mapping: object, source: str) -> str | None:
    """The profile that `mapping` says it extends, or None. Raises ProfileError."""
    keys = Node(mapping, source, "").mapping(_PROFILE_KEYS)
    return keys.at("extends").text() if "extends" in keys else None


def _identity(name: str, node: Node) -> IdentityKind:
    keys = node.mapping(_IDENTITY_KEYS)
    if not KIND_NAME.fullmatch(name):
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


def _check_identity(kind: IdentityKind, node: Node) -> None:
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


def _secret(node: Node) -> SecretRule:
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


def _personal(node: Node) -> PersonalRule:
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


def _allow(node: Node) -> AllowRule:
    keys = node.mapping(_ALLOW_KEYS)
    if "fields" not in keys and "values" not in keys:
        node.fail("this rule would allow everything", "give it `fields`, `values` or both")
    return AllowRule(
        name=keys.required("name").text(),
        fields=tuple(field.text() for field in keys.at("fields", "*").one_or_more()),
        values=keys.at("values").pattern() if "values" in keys else None,
    )


def _cause(node: Node) -> CauseRule:
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


def _names_of_operations(keys: Keys) -> list[Node]:
    if "by_event" in keys or "by_channel" in keys:
        return keys.at("operations", []).items()
    return keys.required("operations").one_or_more()


def _same(member: tuple[str, Node]) -> tuple[TypedPath, tuple[str, ...]]:
    path, parts = member
    return parts.path_named(path), tuple(part.request_part() for part in parts.one_or_more())


def _joined(own: Iterable[T], inherited: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*own, *inherited)))


def _laid_over(
    own: list[Named], inherited: tuple[Named, ...], without: set[str]
) -> tuple[Named, ...]:
    taken = without | {rule.name for rule in own}
    return tuple(own) + tuple(rule for rule in inherited if rule.name not in taken)
