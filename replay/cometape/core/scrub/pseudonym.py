"""Pseudonyms: what stands where personal data stood, `<person:1>`, `<e-mail:2>`.

They are placeholders as secrets have them: equal values have equal ones throughout a cassette, and
in a request they fit any live value. Only where a placeholder could not stand, in the name of a
session and in a channel, is it written `user-1`; so a client that logs in as `user-1` takes that
session in a replay.

A value is personal by its place (the profile's `personal` rules), by its looks (an e-mail address,
a phone number) and wherever else it turns up once it was met: as a word of a text, or, if it could
be an ordinary word, as a whole value or path segment only.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote, unquote, unquote_plus

from cometape.core.profile.profile import PersonalRule, Profile

from ..body import Body
from ..cassette import BayeuxEntry, Entry, Event, Exchange, Publish, Subscribe, Unsubscribe
from ..exchange import Headers, Request, Response
from ..json_value import Json, JsonObject
from ..recent import Recent
from . import secret_shapes as shapes
from .placeholder import ENCODED_PLACEHOLDER, Placeholders, has_placeholder, is_placeholder
from .rule_names import RuleNames

MAX_VALUES = 65_536
"""Personal values that are looked for wherever they turn up; the oldest are forgotten first."""
USER_KIND = "user"
"""Rules of this kind also name sessions: a recorded session is called after its user."""

_ANONYMOUS = re.compile(r"session-\d+|main")
_SHAPES = {
    "e-mail": re.compile(
        r"(?<![\w.+/%-])[\w.+-]+(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.IGNORECASE
    ),
    "phone": re.compile(r"(?<![\w+])(?:\+|%2B)[1-9](?:[ ().-]{0,2}\d){6,14}(?!\w)", re.IGNORECASE),
}
_WORD = re.compile(r"\w+(?:[.+'-]\w+)*")
_WORDS_IN_A_NAME = 4
_ORDINARY = re.compile(r"[^\W\d_]*|\d{1,6}|.{0,3}", re.DOTALL)
"""What may stand in a text without meaning the person: one word, a short number."""
_MAX_PASSES = 4

T = TypeVar("T")


class Pseudonyms:
    """Puts pseudonyms in the place of one recording's personal data. The entries are scrubbed."""

    def __init__(self, profile: Profile, placeholders: Placeholders | None = None) -> None:
        self.replaced: Counter[str] = Counter()
        """How many values were replaced, by the kind of their pseudonym."""
        self.placeholders = placeholders or Placeholders()
        self._names = RuleNames(profile.personal)
        self._paths = [(rule, path) for rule in profile.personal for path in rule.paths]
        self._shapes = [
            (rule, _SHAPES[rule.shape]) for rule in profile.personal if rule.shape is not None
        ]
        self._user = next((rule for rule in profile.personal if rule.kind == USER_KIND), None)
        kinds = "|".join(re.escape(rule.kind) for rule in profile.personal)
        self._written = re.compile(rf"(?P<kind>{kinds})-(?P<number>[1-9]\d*)(?:-\d+)?")
        self._values: Recent[str, str] = Recent(MAX_VALUES)
        """Whole values that are replaced wherever they turn up, with their pseudonyms."""
        self._words: Recent[str, str] = Recent(MAX_VALUES)
        """Those of them that are replaced inside a text, too."""
        self._met = 0
        """How many values were met so far."""

    def entry(self, entry: Entry) -> Entry:
        """The entry with pseudonyms instead of personal data."""
        for _ in range(_MAX_PASSES):
            known = self._met
            entry = self._entry(entry)
            if self._met == known:  # else what was just met may stand further up
                break
        return entry

    def session(self, name: str) -> str:
        """The name of a session, which is that of its user: `agent7-2` becomes `user-1-2`."""
        if self._user is None or _ANONYMOUS.fullmatch(name):
            return name
        written = self._written.fullmatch(name)
        if written is not None:
            self.placeholders.reserve(f"<{written['kind']}:{written['number']}>")
            return name
        stem, dash, number = name.rpartition("-")
        if dash and number.isdecimal() and stem in self._values:
            return f"{_plainly(self._values[stem])}-{number}"
        return _plainly(self._pseudonym(self._user, name))

    def first_words(self) -> frozenset[str]:
        """The first word of each value that is looked for: a text without any of them has none."""
        found = (_WORD.search(value) for value in self._values)
        return frozenset(word[0] for word in found if word is not None)

    # Parts of an entry.

    def _entry(self, entry: Entry) -> Entry:
        changes: dict[str, Any] = {"session": self.session(entry.session)}
        if isinstance(entry, Exchange):
            changes["request"] = self._request(entry.request)
            if entry.response is not None:
                changes["response"] = self._response(entry.response)
            changes["error"] = self._optional(entry.error, self._text)
        if isinstance(entry, Event | Publish):
            changes["data"] = self._json(entry.data)
        if isinstance(entry, Event):
            changes["extra"] = self._optional(entry.extra, self._object)
        if isinstance(entry, Event | Publish | Subscribe | Unsubscribe):
            changes["channel"] = self._channel(entry.channel)
        if isinstance(entry, BayeuxEntry):
            changes["error"] = self._optional(entry.error, self._text)
            changes["request_extra"] = self._optional(entry.request_extra, self._object)
            changes["reply_extra"] = self._optional(entry.reply_extra, self._object)
        return replace(entry, **changes)

    def _optional(self, value: T | None, change: Callable[[T], T]) -> T | None:
        return None if value is None else change(value)

    def _channel(self, channel: str) -> str:
        """A channel whose segments are not personal: `/chat/agent7` becomes `/chat/user-1`."""
        segments = channel.split("/")
        return "/".join(
            _plainly(self._values[part]) if part in self._values else part for part in segments
        )

    def _request(self, request: Request) -> Request:
        return replace(
            request,
            target=self._target(request.target),
            headers=self._headers(request.headers),
            body=self._body(request.body, request.headers.first("Content-Type") or ""),
        )

    def _response(self, response: Response) -> Response:
        return replace(
            response,
            headers=self._headers(response.headers),
            body=self._body(response.body, response.headers.first("Content-Type") or ""),
        )

    def _headers(self, headers: Headers) -> Headers:
        return Headers((name, self._header(name, value)) for name, value in headers)

    def _header(self, name: str, value: str) -> str:
        rule = self._names.rule("header", name)
        return self._text(value) if rule is None else self._pseudonym(rule, value)

    def _target(self, target: str) -> str:
        path, mark, query = target.partition("?")
        return self._path(path) + mark + self._parameters(query, "query")

    def _path(self, path: str) -> str:
        return "/".join(self._segment(segment) for segment in path.split("/"))

    def _segment(self, segment: str) -> str:
        plain = unquote(segment)
        new = self._text(plain)
        return segment if new == plain else new

    def _parameters(self, text: str, where: str) -> str:
        return "&".join(self._parameter(pair, where) for pair in text.split("&"))

    def _parameter(self, pair: str, where: str) -> str:
        name, separator, value = pair.partition("=")
        rule = self._names.rule("form" if where == "form" else "query", unquote_plus(name))
        if not value:
            return pair
        plain = unquote_plus(value)
        new = self._text(plain) if rule is None else self._pseudonym(rule, plain)
        if new == plain:
            return pair
        return name + separator + ENCODED_PLACEHOLDER.sub(r"<\1:\2>", quote(new, safe=""))

    def _body(self, data: bytes, content_type: str) -> bytes:
        if not data:
            return data
        body = Body.from_bytes(data, content_type)
        if body.form == "base64":
            return data
        if body.form == "json":
            value = self._json(body.value)
            return data if value == body.value else replace(body, value=value).to_bytes()
        text = data.decode("utf-8")
        new = self._body_text(text, content_type.lower())
        return data if new == text else new.encode("utf-8")

    def _body_text(self, text: str, content_type: str) -> str:
        if text.lstrip()[:1] in ("{", "["):
            return self._json_text(text)
        if "x-www-form-urlencoded" in content_type:
            return self._parameters(text, "form")
        named = partial(self._named, "json")
        if content_type.startswith("multipart/"):
            text = shapes.hide_parts(text, partial(self._named, "form"))
        markup = "xml" in content_type or "html" in content_type
        text = shapes.hide_quoted(text, named, self._number, markup=markup)
        return self._text(shapes.hide_markup(text, named))

    # JSON and text.

    def _json(self, value: Json) -> Json:
        for rule, path in self._paths:
            value = path.rewrite(value, partial(self._below, rule))
        return self._walk(value)

    def _object(self, value: JsonObject) -> JsonObject:
        new = self._json(value)
        assert isinstance(new, dict)
        return new

    def _walk(self, value: Json) -> Json:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self._walk(item) for item in value]
        if isinstance(value, dict):
            members: JsonObject = {}
            for key, child in value.items():
                rule = self._names.rule("json", key)
                new = self._walk(child) if rule is None else self._below(rule, child)
                members[self._words_and_shapes(key)] = new
            return members
        return value

    def _below(self, rule: PersonalRule, value: Json) -> Json:
        """A value in a personal place. What is in an object there has names of its own."""
        if isinstance(value, str):
            return self._pseudonym(rule, value)
        if isinstance(value, list):
            return [self._below(rule, item) for item in value]
        if isinstance(value, dict):
            return self._walk(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and rule.numbers:
            return self._pseudonym(rule, json.dumps(value))
        return value

    def _json_text(self, text: str) -> str:
        """JSON that cannot be rebuilt byte for byte, or that is inside a string, or is broken."""
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return self._words_and_shapes(
                shapes.hide_quoted(text, partial(self._named, "json"), self._number, markup=False)
            )
        exact = shapes.hide_json(text, partial(self._named, "json"), self._number, self._text)
        value: Json = json.loads(exact)
        new = self._json(value)
        if new == value:
            return exact
        style = Body.from_bytes(text.encode("utf-8", "surrogatepass"), "application/json").style
        dumped = style.dumps(new)
        return dumped if dumped.isprintable() else replace(style, ascii=True).dumps(new)

    def _named(self, where: str, name: str, value: str) -> str | None:
        rule = self._names.rule("form" if where == "form" else "json", name)
        return None if rule is None else self._pseudonym(rule, value)

    def _number(self, name: str, value: str) -> str | None:
        rule = self._names.rule("json", name)
        return self._pseudonym(rule, value) if rule is not None and rule.numbers else None

    def _text(self, text: str) -> str:
        """A text in a place whose name says nothing."""
        known = self._values.get(text)
        if known is not None:
            self.replaced[_kind(known)] += 1
            return known
        if len(text) < 4 or is_placeholder(text):
            self.placeholders.reserve(text)
            return text
        if text[0] in "{[" and text[-1] in "}]":
            return self._json_text(text)
        if self._values and (text[0] == "/" or "://" in text):
            text = "/".join(self._values.get(part) or part for part in text.split("/"))
        return self._words_and_shapes(text)

    def _words_and_shapes(self, text: str) -> str:
        for rule, pattern in self._shapes:
            text = pattern.sub(partial(self._looks, rule), text)
        return self._without_words(text) if self._words else text

    def _looks(self, rule: PersonalRule, found: re.Match[str]) -> str:
        return self._pseudonym(rule, unquote(found[0]))

    def _without_words(self, text: str) -> str:
        """Text without the names that were met, the longest first."""
        spans = [found.span() for found in _WORD.finditer(text)]
        pieces: list[str] = []
        at = index = 0
        while index < len(spans):
            start = spans[index][0]
            step = 1
            for last in range(min(index + _WORDS_IN_A_NAME, len(spans)) - 1, index - 1, -1):
                known = self._words.get(text[start : spans[last][1]])
                if known is not None:
                    self.replaced[_kind(known)] += 1
                    pieces += (text[at:start], known)
                    at = spans[last][1]
                    step = last - index + 1
                    break
            index += step
        return "".join((*pieces, text[at:])) if pieces else text

    def _pseudonym(self, rule: PersonalRule, text: str) -> str:
        value = text.strip()
        if not value or is_placeholder(value):
            self.placeholders.reserve(value)
            return text
        self.placeholders.reserve(value)
        found = self.placeholders.of(rule.kind, value)
        self.replaced[rule.kind] += 1
        if rule.everywhere and not has_placeholder(value):
            self._met += value not in self._values
            self._values.setdefault(value, found)
            if _ORDINARY.fullmatch(value) is None:
                self._words.setdefault(value, found)
        return text.replace(value, found, 1)


def _kind(pseudonym: str) -> str:
    return pseudonym[1:].partition(":")[0]


def _plainly(pseudonym: str) -> str:
    """`user-1` for `<user:1>`, where `<` and `:` cannot stand."""
    return pseudonym[1:-1].replace(":", "-")
