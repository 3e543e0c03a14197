"""Places: where in an exchange, an event or a publish a value can stand, as profiles name them.

    response.json referenceIds.*                    every member of `referenceIds`
    response.json items.* > key                     the keys under which they stand
    event.data workitem.uri > url /**/{}            the last segment of the path of that URI
    request.query workbinIds > list                 each item of `A,B`
    event.data note > json item.id                  `id` in JSON that stands in a text
    response.header X-State > json a > json b       and again in a text in that
    request.path /api/v2/me/workitems/{}            a segment of the path
    channel /v2/workbins/{}                         a segment of the name of a channel

A place is a part, which one of it, and any number of `>` steps into the text that is found there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import and_, or_
from typing import Literal, cast, get_args

from .typed_path import TypedPath

Part = Literal[
    "request.json",
    "response.json",
    "event.data",
    "publish.data",
    "event.message",
    "request.header",
    "response.header",
    "request.cookie",
    "response.cookie",
    "request.query",
    "request.form",
    "request.path",
    "response.callback",
    "handshake.reply",
    "channel",
]
"""Where in an exchange, event or publish a value can be. `event.message`: the fields of an event's
message beside `data`, as `ext`; `handshake.reply`: those of the reply to a handshake.
`response.callback`: the name of the function that JSONP calls. `channel`: the name of a channel
that is subscribed to or published on, or on which events come."""

JSON_PARTS = frozenset({"request.json", "response.json", "event.data", "publish.data"}) | {
    "event.message",
    "handshake.reply",
}

EXAMPLES: dict[str, str] = {
    "request.json": "request.json id",
    "response.json": "response.json referenceIds.*",
    "event.data": "event.data referenceId",
    "publish.data": "publish.data orderId",
    "event.message": "event.message ext.requestId",
    "request.header": "request.header X-CSRF-TOKEN",
    "response.header": "response.header X-CSRF-TOKEN",
    "request.cookie": "request.cookie JSESSIONID",
    "response.cookie": "response.cookie JSESSIONID",
    "request.query": "request.query clientId",
    "request.form": "request.form orderId",
    "request.path": "request.path /api/v2/me/workitems/{}",
    "response.callback": "response.callback",
    "handshake.reply": "handshake.reply ext.sessionId",
    "channel": "channel /v2/workbins/{}",
}


@dataclass(frozen=True, slots=True)
class InJson:
    """Into a text that is JSON: the values a path leads to, or the keys under which they stand."""

    path: TypedPath
    key: bool = False

    def __str__(self) -> str:
        return f"json {self.path}" + (" > key" if self.key else "")


@dataclass(frozen=True, slots=True)
class InPath:
    """Into a URL: the segment of its path (or the part of one) that `{}` of a template names."""

    template: str
    """`*` is any segment, `**` any number of them, `{}` the one meant, also in `order-{}.pdf`."""

    def __str__(self) -> str:
        return f"url {self.template}"

    def find(self, path: str) -> Iterator[tuple[int, int, int]]:
        """What `{}` can be in a path: index of the segment, where it starts and ends in the path.

        Of several possible ones the first comes first.
        """
        segments, words = path.split("/"), self.template.split("/")
        at = next((at for at, word in enumerate(words) if "{}" in word), None)
        if at is None or len(segments) < len(words) - words.count("**"):
            return
        before, _, after = words[at].partition("{}")
        heads = _ends(words[:at], segments)
        tails = _ends(words[:at:-1], segments[::-1])
        start = 0
        for index, segment in enumerate(segments):
            if (
                heads[index]
                and tails[len(segments) - 1 - index]
                and len(segment) > len(before) + len(after)
                and segment.startswith(before)
                and segment.endswith(after)
            ):
                yield index, start + len(before), start + len(segment) - len(after)
            start += len(segment) + 1


@dataclass(frozen=True, slots=True)
class InQuery:
    """Into a URL: the values of a parameter of its query."""

    name: str

    def __str__(self) -> str:
        return f"url ?{self.name}"


@dataclass(frozen=True, slots=True)
class InForm:
    """Into a text that is a form, `a=1&b=2`: the values of one field."""

    name: str

    def __str__(self) -> str:
        return f"form {self.name}"


@dataclass(frozen=True, slots=True)
class InList:
    """Into a text that is a list: each item, less the spaces around it."""

    separator: str = ","

    def __str__(self) -> str:
        return "list" if self.separator == "," else f"list {self.separator}"


@dataclass(frozen=True, slots=True)
class InOrigin:
    """Into an absolute HTTP URL: its scheme and authority. Profiles write `uri_fields` instead."""

    def __str__(self) -> str:
        return "origin"


Step = InJson | InPath | InQuery | InForm | InList | InOrigin


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place in an exchange, event or publish."""

    part: Part
    path: TypedPath | None = None
    """For `*.json`, `*.data` and `event.message`."""
    name: str | None = None
    """Name of a header, cookie, query parameter or form field; for `request.path` and `channel` a
    template in which `{}` is the segment meant and `*` any other: `/api/v2/me/workitems/{}`."""
    named_by: str | None = None
    """Instead of `name`: the response header whose value is that name (`X-CSRF-HEADER`)."""
    key: bool = False
    """Of JSON: not the value is meant but the key under which it stands."""
    inside: tuple[Step, ...] = ()
    """Steps into the text that is found."""

    def __str__(self) -> str:
        which = self.path if self.path is not None else self.name
        if self.named_by is not None:
            which = f"named-by {self.named_by}"
        head = self.part if which is None else f"{self.part} {which}"
        return " > ".join((head, *(["key"] if self.key else ()), *map(str, self.inside)))

    @property
    def steps(self) -> tuple[Step, ...]:
        """The way to it from the text it stands in: the target or the body of a request, the body
        of an answer, the value of a header or cookie."""
        name = self.name or ""
        if self.path is not None:
            return (InJson(self.path, self.key), *self.inside)
        if self.part in ("request.path", "channel"):
            return (InPath(name), *self.inside)
        if self.part == "request.query":
            return (InQuery(name), *self.inside)
        if self.part == "request.form":
            return (InForm(name), *self.inside)
        return self.inside

    @classmethod
    def parse(cls, text: str) -> Place:
        """The place that `text` names. Raises ValueError saying what is wrong and what is right."""
        head, *steps = (piece.strip() for piece in text.split(" > "))
        part, _, which = head.partition(" ")
        which = which.strip()
        if part not in get_args(Part):
            raise UnknownWord(part, get_args(Part))
        known = cast(Part, part)
        if part == "response.callback":
            if which:
                raise ValueError(f"{which!r}: an answer has one callback; write only {part!r}")
            return cls(part=known, inside=_steps(steps))
        if not which:
            raise ValueError(f"{part!r} does not say which; write it as in `{EXAMPLES[part]}`")
        if part in JSON_PARTS:
            key = steps[:1] == ["key"]
            path = TypedPath.parse(which)
            return cls(part=known, path=path, key=key, inside=_steps(steps[key:]))
        if which.startswith("named-by "):
            if not part.endswith(".header"):
                raise ValueError("only the name of a header can be named by another")
            named_by = which.removeprefix("named-by ").strip()
            return cls(part=known, named_by=named_by, inside=_steps(steps))
        if part in ("request.path", "channel"):
            _check_template(which, EXAMPLES[part].partition(" ")[2])
        return cls(part=known, name=which, inside=_steps(steps))


class UnknownWord(ValueError):
    """A word that is none of those allowed."""

    def __init__(self, word: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{word!r} is not known here; allowed: {', '.join(allowed)}")
        self.word = word
        self.allowed = allowed


def _steps(texts: list[str]) -> tuple[Step, ...]:
    found: list[Step] = []
    for text in texts:
        verb, _, rest = text.partition(" ")
        rest = rest.strip()
        last = found[-1] if found else None
        if verb == "key" and isinstance(last, InJson) and not last.key:
            found[-1] = InJson(last.path, key=True)
        elif verb == "json" and rest:
            found.append(InJson(TypedPath.parse(rest)))
        elif verb == "url" and rest.startswith("?") and rest != "?":
            found.append(InQuery(rest[1:]))
        elif verb == "url" and rest:
            _check_template(rest, "/**/{}")
            found.append(InPath(rest))
        elif verb == "form" and rest:
            found.append(InForm(rest))
        elif verb == "list":
            found.append(InList(rest or ","))
        else:
            raise ValueError(
                f"{text!r} is no step into a text; write `key` after JSON, `json <path>`,"
                " `url /a/{}`, `url ?name`, `form <name>` or `list <separator>`"
            )
    return tuple(found)


def _check_template(template: str, example: str) -> None:
    if not (template.startswith("/") and template.count("{}") == 1):
        raise ValueError(f"{template!r} is no path with one `{{}}`; write it as in `{example}`")


def _ends(template: Sequence[str], segments: Sequence[str]) -> list[bool]:
    """Whether a template without `{}` fits the first so many segments, by their number.

    It goes once through the segments for each word of the template: who asks for a path of ten
    thousand segments must not make others wait.
    """
    fits = [True] + [False] * len(segments)
    for wanted in template:
        if wanted == "**":
            fits = list(accumulate(fits, or_))
        elif wanted == "*":
            fits = [False, *fits[:-1]]
        else:
            here = (one == wanted for one in segments)
            fits = [False, *map(and_, fits[:-1], here)]
    return fits
