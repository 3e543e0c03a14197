"""Rewriters: a recorded answer or event as a template with slots for what must be fresh.

A slot is an identity (found by typed path, or by placeholder) or the origin of an absolute URI
(found by typed path; of `Location` always). Everything between the slots is the recorded text,
byte for byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..cassette import Event, Exchange
from ..exchange import Headers, Response
from ..json_text import scalars
from ..json_value import Json
from ..profile import IdentityKind, Part, Place, Profile
from ..typed_path import Location
from .event_template import EventTemplate
from .identity import PLACEHOLDER, Identity

ORIGIN = re.compile(r'^https?:(?P<slash>\\?/)(?:\\?/)[^/\\?#"\s]+', re.IGNORECASE)
"""The origin of an absolute URI, also where JSON escapes its slashes: `http:\\/\\/host`."""

NOT_REPLAYED = (
    *("Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "TE", "Trailer"),
    *("Transfer-Encoding", "Upgrade", "Content-Length", "Content-Encoding", "Alt-Svc"),
    "Strict-Transport-Security",
)
"""Headers of one connection (RFC 9110 §7.6.1), of a coding the body no longer has, or that would
send the client to another address than this one."""


@dataclass(frozen=True, slots=True)
class IdentitySlot:
    """Where a live id goes."""

    identity: Identity


@dataclass(frozen=True, slots=True)
class OriginSlot:
    """Where the origin that the client used goes."""

    slash: str = "/"
    """How this text writes a slash: `/` or `\\/`."""


@dataclass(frozen=True, slots=True)
class AttributeSlot:
    """An attribute of a cookie, there only for clients that would keep the cookie with it.

    RFC 6265 §5.3 has a client drop a cookie of another domain, and browsers drop one that is
    `Secure`, or asks to be (`SameSite=None`), when they came without TLS.
    """

    text: str
    """`; Secure`, as recorded."""

    def fill(self, origin: str) -> str:
        """The attribute, or nothing, for a client that came to `origin`."""
        name, _, value = self.text.strip("; ").partition("=")
        if name.lower() != "domain":
            return self.text if origin.startswith("https:") else ""
        host = urlsplit(origin).hostname or ""
        domain = value.strip().lstrip(".").lower()
        return self.text if f".{host}".endswith(f".{domain}") else ""


Piece = str | IdentitySlot | OriginSlot | AttributeSlot
Lookup = Callable[[Identity], str]
"""Gives the live value of an identity."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with slots."""

    pieces: tuple[Piece, ...]

    def fill(self, lookup: Lookup, origin: str) -> str:
        """The text with live values; `origin` as `http://127.0.0.1:8080`."""
        return "".join(
            [
                piece
                if isinstance(piece, str)
                else lookup(piece.identity)
                if isinstance(piece, IdentitySlot)
                else origin.replace("/", piece.slash)
                if isinstance(piece, OriginSlot)
                else piece.fill(origin)
                for piece in self.pieces
            ]
        )

    @property
    def identities(self) -> list[Identity]:
        """The identities it has slots for."""
        return [piece.identity for piece in self.pieces if isinstance(piece, IdentitySlot)]

    @property
    def fixed(self) -> bool:
        """Whether it has no slots at all."""
        return all(isinstance(piece, str) for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class ResponseTemplate:
    """A recorded response, ready to be answered with fresh ids."""

    status: int
    headers: tuple[tuple[str, Template], ...]
    body: Template | bytes
    """Bytes where there is nothing to rewrite."""
    identities: tuple[Identity, ...]
    """All of them, integers ascending: issuing them in this order keeps their order."""
    cookies: tuple[tuple[str, Identity], ...]
    """Cookies whose value is an identity: by these the client is known again."""
    fixed_headers: Headers | None
    """The headers, where there is nothing to rewrite in them."""

    def fill(self, lookup: Lookup, origin: str) -> Response:
        """The response with live values."""
        headers, body = self.fixed_headers, self.body
        if headers is None:
            filled = [(name, value.fill(lookup, origin)) for name, value in self.headers]
            headers = Headers.of_pairs(filled)
        return Response(
            status=self.status,
            headers=headers,
            body=body if isinstance(body, bytes) else body.fill(lookup, origin).encode("utf-8"),
        )


class Rewriter:
    """Compiles the recorded responses and events of one cassette."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._kinds = {kind.name: kind for kind in profile.identities}

    def response(self, exchange: Exchange) -> ResponseTemplate:
        """The template of an exchange's response. Raises ValueError when it has none."""
        response = exchange.response
        if response is None:
            raise ValueError(f"exchange {exchange.number} has no response")
        body = self._body(response.body, exchange.session)
        cookies: list[tuple[str, Identity]] = []
        headers = [
            (name, self._header(name, value, exchange, response.headers, cookies))
            for name, value in response.headers.without(*NOT_REPLAYED)
        ]
        found = [identity for _, template in headers for identity in template.identities]
        found += body.identities if isinstance(body, Template) else []
        return ResponseTemplate(
            status=response.status,
            headers=tuple(headers),
            body=body,
            identities=tuple(sorted(dict.fromkeys(found), key=_in_order)),
            cookies=tuple(cookies),
            fixed_headers=(
                Headers((name, "".join(map(str, template.pieces))) for name, template in headers)
                if all(template.fixed for _, template in headers)
                else None
            ),
        )

    def event(self, event: Event) -> EventTemplate:
        """The template of an event's message."""
        roles = self._roles("event.data", event.data)
        slots: list[tuple[Location, Template, bool]] = []
        for location, value in _walk(event.data):
            role = roles.get(location)
            if isinstance(value, str):
                template = self._text(value, role, event.session)
            elif isinstance(role, IdentityKind) and role.fits(value):
                template = Template((self._slot(role, str(value), event.session),))
            else:
                continue
            if not template.fixed:
                slots.append((location, template, not isinstance(value, str)))
        found = dict.fromkeys(one for _, template, _ in slots for one in template.identities)
        return EventTemplate.of(event, slots, tuple(sorted(found, key=_in_order)))

    def _header(
        self,
        name: str,
        value: str,
        exchange: Exchange,
        headers: Headers,
        cookies: list[tuple[str, Identity]],
    ) -> Template:
        lower = name.lower()
        if lower == "set-cookie":
            return self._cookie(value, exchange.session, cookies)
        if lower in ("location", "content-location"):
            return self._text(value, "uri", exchange.session)
        for kind, place in self._places("response.header"):
            wanted = place.name if place.named_by is None else headers.first(place.named_by)
            if wanted is not None and wanted.lower() == lower and kind.fits(value):
                return Template((self._slot(kind, value, exchange.session),))
        return self._text(value, None, exchange.session)

    def _cookie(self, value: str, session: str, cookies: list[tuple[str, Identity]]) -> Template:
        """A `Set-Cookie` that a client of this server accepts."""
        pair, *attributes = value.split(";")
        rest = [
            AttributeSlot(f";{attribute}") if _is_of_the_host(attribute) else f";{attribute}"
            for attribute in attributes
        ]
        name, separator, content = pair.partition("=")
        template = self._text(content, None, session)
        for kind, place in self._places("response.cookie"):
            if place.name == name.strip() and content and template.fixed and kind.fits(content):
                template = Template((self._slot(kind, content, session),))
        identities = template.identities
        if len(template.pieces) == 1 and identities:
            cookies.append((name.strip(), identities[0]))
        return Template((f"{name}{separator}", *template.pieces, *rest))

    def _body(self, body: bytes, session: str) -> Template | bytes:
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return body
        try:
            value: Json = json.loads(text) if text.lstrip()[:1] in ("{", "[") else None
            found = list(scalars(text)) if value is not None else []
        except (ValueError, RecursionError):  # not JSON after all
            value, found = None, []
        if value is None:
            template = self._text(text, None, session)
            return body if template.fixed else template
        pieces: list[Piece] = []
        at = 0
        roles = self._roles("response.json", value)
        for location, start, end, value in found:
            role = roles.get(location)
            if isinstance(value, str):
                inner = self._text(text[start + 1 : end - 1], role, session)
                if not inner.fixed:
                    pieces += (text[at : start + 1], *inner.pieces)
                    at = end - 1
            elif isinstance(role, IdentityKind) and role.fits(value):
                pieces += (text[at:start], self._slot(role, str(value), session))
                at = end
        template = Template((*pieces, text[at:]))
        return body if template.fixed else template

    def _text(self, text: str, role: IdentityKind | str | None, session: str) -> Template:
        """A string: an identity as a whole, a URI, or text in which placeholders may stand."""
        if isinstance(role, IdentityKind) and role.fits(text):
            return Template((self._slot(role, text, session),))
        pieces: list[Piece] = []
        at = 0
        if role == "uri":
            origin = ORIGIN.match(text)
            if origin is not None:
                pieces.append(OriginSlot(origin["slash"]))
                at = origin.end()
        for found in PLACEHOLDER.finditer(text, at):
            kind = self._kinds.get(found[1])
            if kind is not None:
                pieces += (text[at : found.start()], self._slot(kind, found[0], session))
                at = found.end()
        return Template(tuple(piece for piece in (*pieces, text[at:]) if piece))

    def _slot(self, kind: IdentityKind, recorded: str, session: str) -> IdentitySlot:
        # A placeholder's number is unique in its cassette: whoever it is seen by, it is one value.
        alone = kind.scope == "session" and PLACEHOLDER.fullmatch(recorded) is None
        return IdentitySlot(Identity(kind.name, session if alone else "", recorded))

    def _places(self, part: Part) -> Iterator[tuple[IdentityKind, Place]]:
        for kind in self._profile.identities:
            for place in (*kind.issued, *kind.used):
                if place.part == part:
                    yield kind, place

    def _roles(self, part: Part, value: Json) -> dict[Location, IdentityKind | str]:
        roles: dict[Location, IdentityKind | str] = {}
        for path in self._profile.uri_fields:
            roles.update((location, "uri") for location, _ in path.find(value))
        for kind, place in self._places(part):
            if place.path is not None:
                roles.update((location, kind) for location, _ in place.path.find(value))
        return roles


def _is_of_the_host(attribute: str) -> bool:
    """Whether a cookie's attribute names the recorded host, or its TLS."""
    name = attribute.strip().partition("=")[0].lower()
    return name in ("domain", "secure") or attribute.replace(" ", "").lower() == "samesite=none"


def _in_order(identity: Identity) -> tuple[int, str]:
    return (int(identity.recorded) if identity.recorded.isdecimal() else -1, identity.recorded)


def _walk(value: Json, at: Location = ()) -> Iterator[tuple[Location, Json]]:
    """Every scalar of a value."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _walk(child, (*at, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _walk(child, (*at, index))
    else:
        yield at, value
