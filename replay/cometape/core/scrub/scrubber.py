"""The scrubber: takes secrets out of requests, answers and messages before they reach the disk.

It looks at *places* (a header, cookie, JSON member or parameter with the name of a secret, whatever
its case style), at *shapes* (`Bearer …`, a JWT, `user:password@`) and at *secrets it has met*: one
of 16 characters or more is replaced wherever else it turns up, also percent-encoded or in base64,
a shorter one where it stands by itself (`short_secrets`).
What is no secret keeps its bytes. Scrubbing twice is scrubbing once: each part is gone over until
nothing changes any more.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar
from urllib.parse import quote, unquote, unquote_plus

from cometape.core.profile.profile import Profile, SecretRule, Where

from ..body import Body
from ..credentials import decoded_credentials
from ..exchange import Headers, Request, Response
from ..json_value import Json, JsonObject, is_deeper_than
from . import secret_shapes as shapes
from .encoded_text import BINARY, charset, within_base64, within_percent
from .learnt_secrets import LEARNT_LENGTH
from .met_secrets import Hunted, MetSecrets, would_be_hunted
from .placeholder import ENCODED_PLACEHOLDER, Placeholders, has_placeholder, is_placeholder
from .rule_names import RuleNames
from .short_secrets import SHORTEST

_UNUSUAL = re.compile(r"[={\[<\s./]")
_SUSPICIOUS = re.compile(
    r"[={\[<]|eyJ|://|PRIVATE KEY|(?:bearer|basic|negotiate|ntlm)\s", re.IGNORECASE
)
"""What a string must have for a pair, JSON, a placeholder or a shape of a secret to be in it; the
first is the quicker test, which most strings do not pass."""
_QUOTE = re.compile(r"[:=]\s*u?[\"']|[\"']\s*:")
_MIN_BASE64 = 12
_MAX_PASSES = 8
MAX_DEPTH = 200
"""Deeper JSON is scrubbed as the text it is: going down it would exceed Python's own stack."""
_CACHED_VALUES = 4096
_CACHED_LENGTH = 1024
"""Characters; a longer value is seldom sent twice."""
_SCHEME = re.compile(
    r"(?P<scheme>basic|bearer|digest|dpop|hoba|mutual|negotiate|ntlm|oauth|scram-sha-\d+|vapid|token"
    r"|apikey|hawk|sharedkey|aws4-hmac-sha256)(?P<gap>\s+)(?P<secret>\S.*)",
    re.DOTALL | re.IGNORECASE,
)
"""The registered schemes (IANA, HTTP Authentication Scheme Registry) and what else is common. The
first word of credentials in any other form is a part of the secret."""
_FORM = re.compile(r"[\w.%\[\]$+-]{1,64}=[^\s=]*(?:&[\w.%\[\]$+-]{1,64}=[^\s=]*)*")
_CODE_TYPES = ("html", "javascript", "ecmascript", "css")

T = TypeVar("T")


class Scrubber:
    """Scrubs one recording; equal secrets get equal placeholders throughout it."""

    def __init__(self, profile: Profile, placeholders: Placeholders | None = None) -> None:
        self.placeholders = placeholders or Placeholders()
        self.replaced: Counter[str] = Counter()
        """How many secrets were replaced, by the kind of their placeholder."""
        self._names = RuleNames(profile.secrets)
        self._patterns = [
            (rule, re.compile(text)) for rule in profile.secrets for text in rule.patterns
        ]
        self._any_pattern = _any_of([pattern.pattern for _, pattern in self._patterns])
        self._naming_headers = [
            (rule.named_by, rule) for rule in profile.secrets if rule.named_by is not None
        ]
        self._named_headers: dict[str, SecretRule] = {}
        self._met = MetSecrets()
        """Secrets that are hunted everywhere."""
        self._done: dict[tuple[str, str], tuple[str, Counter[str]]] = {}
        """What became of header values and (without a name) targets, and what was replaced in
        them; true as long as no more is known than then: `_done_with`."""
        self._done_with = (0, 0)
        self._hunted: Hunted | None = None
        """Those that can be in the structure that is being scrubbed; None: look for each text."""

    def request(self, request: Request) -> Request:
        """The request without its secrets."""
        return self._thoroughly(request, self._request)

    def response(self, response: Response) -> Response:
        """The answer without its secrets."""
        for named_by, rule in self._naming_headers:
            for name in response.headers.all(named_by):
                self._named_headers[name.strip().lower()] = rule
        return self._thoroughly(response, self._response)

    def message(self, message: JsonObject) -> JsonObject:
        """A Bayeux message without its secrets: client id, credentials in `ext`, in data, …"""
        return self._thoroughly(message, lambda value: self._structure(value, self._object))

    def json(self, value: Json) -> Json:
        """A JSON value without its secrets."""
        return self._thoroughly(value, lambda value: self._structure(value, self._json))

    def text(self, text: str) -> str:
        """A piece of text (an error, a log line) without its secrets."""
        return self._thoroughly(text, lambda text: self._settled(text, self._text))

    def may_find_met(self, text: str) -> bool:
        """Whether a secret that was met may stand in a text as it is in a file: a quick look."""
        return self._met.may_be_within(text)

    # Going over something until it is clean.

    def _thoroughly(self, value: T, scrub: Callable[[T], T]) -> T:
        """Scrub, and scrub again if a secret was met that may stand in what was done before."""
        for _ in range(_MAX_PASSES):
            known = self._met.count
            value = scrub(value)
            if self._met.count == known:
                break
        return value

    def _settled(self, value: T, scrub: Callable[[T], T]) -> T:
        """Scrub one part until that changes nothing any more, all learnt secrets in mind."""
        self._hunted = None
        for _ in range(_MAX_PASSES):
            scrubbed = scrub(value)
            if scrubbed == value:
                break
            value = scrubbed
        return value

    def _structure(self, value: T, scrub: Callable[[T], T]) -> T:
        """The same for JSON, hunting only what its text has: most messages have no learnt one."""
        for _ in range(_MAX_PASSES):
            text = json.dumps(value, ensure_ascii=False)
            self._hunted = self._met.within_json(text)
            scrubbed = scrub(value)
            if scrubbed is value:
                break
            value = scrubbed
        return value

    # Parts of an exchange.

    def _request(self, request: Request) -> Request:
        return replace(
            request,
            target=self._same("", request.target),
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
        return Headers.of_pairs([(name, self._same(name, value)) for name, value in headers])

    def _same(self, name: str, value: str) -> str:
        """A header's value or (without a name) a target scrubbed, as it was the last time: a
        client sends most of them again."""
        knowledge = self._met.count, len(self._named_headers)
        if knowledge != self._done_with:
            self._done_with = knowledge
            self._done.clear()
        done = self._done.get((name, value))
        if done is None:
            before = self.replaced.copy()
            scrub = partial(self._header, name) if name else self._target
            scrubbed = self._settled(value, scrub)
            done = scrubbed, self.replaced - before
            if len(value) <= _CACHED_LENGTH and len(self._done) < _CACHED_VALUES:
                self._done[name, value] = done
        elif done[1]:
            self.replaced.update(done[1])
        return done[0]

    def _header(self, name: str, value: str) -> str:
        lower = name.lower()
        if lower == "cookie":
            return ";".join(self._cookie(pair) for pair in value.split(";"))
        if lower == "set-cookie":
            pair, separator, attributes = value.partition(";")
            return self._cookie(pair) + separator + self._value(attributes)
        rule = self._named_headers.get(lower) or self._names.rule("header", name)
        return self._value(value) if rule is None else self._secret(rule, value)

    def _cookie(self, pair: str) -> str:
        name, separator, value = pair.partition("=")
        bare = value.strip().strip('"')
        rule = self._names.rule("cookie", name.strip())
        if not separator or not bare or rule is None:
            return self._value(pair)
        return name + separator + value.replace(bare, self._secret(rule, bare), 1)

    def _target(self, target: str) -> str:
        path, mark, query = target.partition("?")
        return self._value(path) + mark + (self._parameters(query, "query") if query else "")

    def _parameters(self, text: str, where: Where) -> str:
        return "&".join(self._parameter(pair, where) for pair in text.split("&"))

    def _parameter(self, pair: str, where: Where) -> str:
        name, separator, value = pair.partition("=")
        rule = self._names.rule(where, unquote_plus(name))
        if not value:
            return self._value(pair)
        if rule is not None:
            secret = unquote(value)  # a raw `+` is as often a `+` of base64 as a space
            return pair if is_placeholder(secret) else name + separator + self._secret(rule, secret)
        plain = unquote(value)
        scrubbed = self._value(plain)
        if scrubbed == plain and "+" in value:  # or is it a space?
            plain = unquote_plus(value)
            scrubbed = self._value(plain)
        if scrubbed == plain:
            return pair
        return name + separator + ENCODED_PLACEHOLDER.sub(r"<\1:\2>", quote(scrubbed, safe=""))

    def _body(self, data: bytes, content_type: str) -> bytes:
        if not data:
            return data
        body = Body.from_bytes(data, content_type)
        if body.form == "json":
            value = self._structure(body.value, self._json)
            return data if value is body.value else replace(body, value=value).to_bytes()
        encoding = charset(data, content_type) if body.form == "base64" else "utf-8"
        text = data.decode(encoding or BINARY)
        scrub = partial(self._body_text, content_type=content_type.lower(), binary=encoding is None)
        scrubbed = self._settled(text, scrub)
        return data if scrubbed == text else scrubbed.encode(encoding or BINARY, "replace")

    def _body_text(self, text: str, *, content_type: str, binary: bool) -> str:
        if content_type.startswith("multipart/"):
            text = shapes.hide_parts(text, partial(self._named, "form"))
        if binary:  # a shape found in an image would be chance; a secret that was met is none
            return self._without_met(text)
        if text.lstrip()[:1] in ("{", "["):
            return self._json_text(text)
        if "x-www-form-urlencoded" in content_type or _FORM.fullmatch(text):
            return self._parameters(text, "form")
        if any(word in content_type for word in _CODE_TYPES):
            return self._code(text)
        return self._text(text, markup="xml" in content_type)

    # Text and JSON.

    def _text(self, text: str, *, markup: bool = False) -> str:
        return shapes.hide_pairs(self._code(text, markup=markup), partial(self._named, "query"))

    def _code(self, text: str, *, markup: bool = False) -> str:
        """Text in which `token=x` may be a statement: only what is quoted or in a URL counts."""
        named = partial(self._named, "json")
        text = shapes.hide_url_pairs(text, partial(self._named, "query"))
        text = shapes.hide_quoted(text, named, self._number, markup=markup)
        text = shapes.hide_markup(text, named)
        return self._without_met(self._without_shapes(text))

    def _json_text(self, text: str) -> str:
        """JSON that cannot be rebuilt byte for byte, or that is inside a string, or is broken."""
        try:
            value: Json = json.loads(text)
        except (ValueError, RecursionError):
            return self._text(text)
        if is_deeper_than(MAX_DEPTH, value):
            return self._text(text)
        exact = shapes.hide_json(text, partial(self._named, "json"), self._number, self._value)
        in_place: Json = json.loads(exact)
        if self._json(in_place) is in_place:
            return exact
        body = Body.from_bytes(text.encode("utf-8", "surrogatepass"), "application/json")
        scrubbed = self._json(value)
        dumped = body.style.dumps(scrubbed)
        try:
            dumped.encode("utf-8")
        except UnicodeEncodeError:  # a lone surrogate, which only an escape can write
            dumped = replace(body.style, ascii=True).dumps(scrubbed)
        return dumped

    def _json(self, value: Json) -> Json:
        """`value` itself if it has no secret, else a new one that shares what has none."""
        if isinstance(value, str):
            return self._value(value)
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list):
            items = [self._json(item) for item in value]
            return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
        return value

    def _object(self, value: JsonObject) -> JsonObject:
        handshake = value.get("channel") == "/meta/handshake" and "successful" not in value
        pair = self._rule_of_pair(value)
        members: JsonObject = {}
        changed = False
        for key, child in value.items():
            rule = self._names.rule("json", key)
            if rule is None and handshake and key != "ext":
                rule = self._names.rule("handshake", key)
            if key == "value" and pair is not None:
                rule = pair
            if rule is not None and (rule.below or not isinstance(child, dict | list)):
                if isinstance(child, str) and self._is_open(child, value):
                    rule = replace(rule, everywhere=False)
                new = self._all(rule, child)
            elif handshake and key == "ext" and isinstance(child, dict):
                new = self._handshake_ext(child)
            else:
                new = self._json(child)
            new_key = self._without_met(key)
            changed = changed or new is not child or new_key != key
            members[new_key] = new
        return members if changed else value

    def _is_open(self, secret: str, value: JsonObject) -> bool:
        """Whether a member without a secret's name says the same: the password `agent7` of the
        user `agent7`, whose name stands in every event."""
        return len(secret) < LEARNT_LENGTH and any(
            child == secret and self._names.rule("json", key) is None
            for key, child in value.items()
        )

    def _rule_of_pair(self, value: JsonObject) -> SecretRule | None:
        """The rule for `value` in `{"name": "Authorization", "value": …}`, a common shape."""
        if "value" not in value:
            return None
        name = value.get("name", value.get("key"))
        return self._names.rule("json", name) if isinstance(name, str) else None

    def _handshake_ext(self, ext: JsonObject) -> JsonObject:
        members: JsonObject = {}
        for key, child in ext.items():
            rule = self._names.rule("json", key) or self._names.rule("handshake", key)
            members[key] = self._json(child) if rule is None else self._all(rule, child)
        return members if any(members[key] is not ext[key] for key in ext) else ext

    def _all(self, rule: SecretRule, value: Json) -> Json:
        """Everything below a secret's name."""
        if isinstance(value, str):
            return self._secret(rule, value) if value.strip() else value
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int | float):
            return self._secret(rule, json.dumps(value)) if rule.numbers else value
        if isinstance(value, list):
            items = [self._all(rule, item) for item in value]
            return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
        members = {key: self._all(rule, child) for key, child in value.items()}
        return members if any(members[key] is not value[key] for key in value) else value

    def _value(self, text: str) -> str:
        """A text in a place whose name says nothing: JSON, a URL, prose."""
        if "%" in text:
            text = within_percent(text, self._value)
        if _UNUSUAL.search(text) is None or _SUSPICIOUS.search(text) is None:
            return self._without_met(self._without_patterns(text))
        if is_placeholder(text):
            return text
        if text[0] in "{[" and text[-1] in "}]":
            scrubbed = self._json_text(text)
        else:
            scrubbed = shapes.hide_pairs(text, partial(self._named, "query"))
            named = partial(self._named, "json")
            if _QUOTE.search(scrubbed) is not None:
                scrubbed = shapes.hide_quoted(scrubbed, named, self._number, markup=False)
            scrubbed = shapes.hide_markup(scrubbed, named)
            scrubbed = self._without_met(self._without_shapes(scrubbed))
        return text if scrubbed == text else scrubbed

    def _without_shapes(self, text: str) -> str:
        return self._without_patterns(shapes.hide_shapes(text, self._hide))

    def _without_patterns(self, text: str) -> str:
        """Text without what the profile knows by its shape."""
        if len(text) >= _MIN_BASE64:
            text = within_base64(text, self._holds_secret, partial(self._hide, "token"))
        if self._any_pattern is None or self._any_pattern.search(text) is None:
            return text
        for rule, pattern in self._patterns:
            hide = partial(self._hide, rule.kind, everywhere=rule.everywhere)
            text = pattern.sub(partial(_without_match, hide), text)
        return text

    def _holds_secret(self, value: Json) -> bool:
        return self._json(value) is not value

    # Secrets.

    def _named(self, where: Where, name: str, value: str) -> str | None:
        rule = self._names.rule(where, name)
        return None if rule is None else self._secret(rule, value)

    def _number(self, name: str, value: str) -> str | None:
        rule = self._names.rule("json", name)
        return self._secret(rule, value) if rule is not None and rule.numbers else None

    def _secret(self, rule: SecretRule, text: str) -> str:
        """What stands in place of a secret found by its name; the scheme of credentials stays."""
        secret = text.strip()
        if not secret or is_placeholder(secret):
            self.placeholders.reserve(text)
            return text
        found = _SCHEME.fullmatch(secret) if rule.kind == "credentials" else None
        if found is None:
            hidden = self._hide(rule.kind, secret, rule.everywhere, guessed="*" in rule.names)
            return text.replace(secret, hidden, 1)
        if is_placeholder(found["secret"]):
            self.placeholders.reserve(text)
            return text
        kind = "token" if found["scheme"].lower() == "bearer" else rule.kind
        return found["scheme"] + found["gap"] + self._hide(kind, found["secret"], rule.everywhere)

    def _hide(
        self, kind: str, secret: str, everywhere: bool = True, *, guessed: bool = False
    ) -> str:
        """The placeholder of a secret. With `everywhere` it is hunted from now on; one that is
        only `guessed` to be one, because a rule covers any name, must be long for that."""
        if is_placeholder(secret):
            self.placeholders.reserve(secret)
            return secret
        basic = decoded_credentials(secret) if kind == "credentials" else None
        placeholder = self.placeholders.of(kind, secret)
        self.replaced[kind] += 1
        if everywhere:
            self._meet(secret, placeholder, guessed=guessed)
            if basic is not None:
                user, password = basic
                self._meet(":".join(basic), placeholder)
                if password != user and would_be_hunted(password):
                    self._meet(password, self.placeholders.of("password", password))
        return placeholder

    def _meet(self, secret: str, placeholder: str, *, guessed: bool = False) -> None:
        known = self._met.count
        self._met.meet(secret, placeholder, guessed=guessed)
        if self._met.count != known:
            self._hunted = None

    def _without_met(self, text: str) -> str:
        if len(text) < SHORTEST:
            return text
        hunted = self._met.within(text) if self._hunted is None else self._hunted
        return hunted.replaced_in(text, self._count)

    def _count(self, placeholder: str, times: int) -> None:
        self.replaced[placeholder[1:].partition(":")[0]] += times


def _any_of(patterns: list[str]) -> re.Pattern[str] | None:
    """A pattern that is where any of them is: most texts have none, and need one look only."""
    try:
        return re.compile("|".join(f"(?:{one})" for one in patterns)) if patterns else None
    except re.error:  # flags or groups that do not go together: then each is tried by itself
        return re.compile("")


def _without_match(hide: Callable[[str], str], found: re.Match[str]) -> str:
    """What a pattern found, its first group (or all of it) hidden."""
    group = 1 if found.re.groups else 0
    secret = found[group]
    if not secret or has_placeholder(secret):
        return found[0]
    start, end = (position - found.start() for position in found.span(group))
    return found[0][:start] + hide(secret) + found[0][end:]
