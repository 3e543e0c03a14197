"""Rewriters: recorded answers and events compiled into templates with slots for what must be fresh.

A slot is an identity (found at a declared place, or by placeholder), the origin of an absolute URI
(of a declared field; of `Location` always) or, where a replay shifts them, a date of a declared
field. Everything between the slots is the recorded text, byte for byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Literal

from cometape.core.bayeux.message import render_message
from cometape.core.cassette import Event, Exchange, Handshake
from cometape.core.exchange import Headers
from cometape.core.json_value import JsonObject
from cometape.core.places.inner_text import Claim, Spot, spots
from cometape.core.places.place import InJson, InOrigin, Part, Place
from cometape.core.places.typed_path import TypedPath
from cometape.core.profile.profile import DateForm, IdentityKind, Profile

from .dates import is_date
from .identity import PLACEHOLDER, Identity
from .template import (
    AttributeSlot,
    DateSlot,
    EventTemplate,
    IdentitySlot,
    OriginSlot,
    Piece,
    ResponseTemplate,
    Template,
)

NOT_REPLAYED = (
    *("Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "TE", "Trailer"),
    *("Transfer-Encoding", "Upgrade", "Content-Length", "Content-Encoding", "Alt-Svc"),
    "Strict-Transport-Security",
)
"""Headers of one connection (RFC 9110 §7.6.1), of a coding the body no longer has, or that would
send the client to another address than this one."""


MAX_LOOKED_FOR = 200
"""Created ids that are looked for in a text before its fields are."""
Role = IdentityKind | Literal["uri"] | tuple[DateForm]
"""What a value is: an identity, an absolute URI, a date."""

_JSONP = re.compile(r"\s*(?:/\*\*/)?\s*(?P<name>[\w$.\[\]]+)\s*\(\s*(?=[{\[])")
_EXPIRES = re.compile(r"(\s*expires\s*=\s*)(.*)", re.IGNORECASE | re.DOTALL)
_DATA, _CHANNEL = TypedPath.parse("data"), TypedPath.parse("channel")
_SLASHES = re.compile(r"https?:([\\/]+)", re.IGNORECASE)


class Rewriter:
    """Compiles the recorded responses and events of one cassette."""

    def __init__(
        self,
        profile: Profile,
        *,
        created: Callable[[], Mapping[str, frozenset[str]]] = dict,
        dates: bool = False,
    ) -> None:
        """`created` are the recorded ids of created things, by kind; `dates`: they are shifted."""
        self._profile = profile
        self._kinds = {kind.name: kind for kind in profile.identities}
        self._created = created
        self._dates = dates

    @cached_property
    def _by_part(self) -> dict[Part, list[tuple[Role, Place]]]:
        """What can stand where; created things only where the recording has any."""
        found: dict[Part, list[tuple[Role, Place]]] = {}
        for kind in self._profile.identities:
            if kind.is_created and not self._created().get(kind.name):
                continue
            for place in dict.fromkeys((*kind.issued, *kind.used)):
                found.setdefault(place.part, []).append((kind, place))
        if self._dates:
            for field in self._profile.dates:
                found.setdefault(field.place.part, []).append(((field.form,), field.place))
        return found

    @cached_property
    def _body_claims(self) -> list[Claim[Role]]:
        uris = self._profile.uri_fields
        return [
            *((role, place.steps) for role, place in self._places("response.json")),
            *(("uri", (InJson(path), InOrigin())) for path in uris),
        ]

    @cached_property
    def _event_claims(self) -> list[Claim[Role]]:
        uris = self._profile.uri_fields
        return [
            *(
                (role, (InJson(_DATA.joined(place.path), place.key), *place.inside))
                for role, place in self._places("event.data")
                if place.path is not None
            ),
            *((role, place.steps) for role, place in self._places("event.message")),
            *((role, (InJson(_CHANNEL), *steps)) for role, steps in self._channel_claims),
            *(("uri", (InJson(_DATA.joined(path)), InOrigin())) for path in uris),
        ]

    @cached_property
    def _channel_claims(self) -> list[Claim[Role]]:
        return [(role, place.steps) for role, place in self._places("channel")]

    def _claims_on(self, text: str, claims: Sequence[Claim[Role]]) -> Sequence[Claim[Role]]:
        """Less those on created ids none of which is in the text: to look for each costs a walk."""
        absent = {
            name
            for name, ids in self._created().items()
            if len(ids) <= MAX_LOOKED_FOR
            and all(one.isascii() and one.isalnum() and one not in text for one in ids)
        }
        if not absent:
            return claims
        return [
            claim
            for claim in claims
            if not (isinstance(claim[0], IdentityKind) and claim[0].name in absent)
        ]

    def response(self, exchange: Exchange) -> ResponseTemplate:
        """The template of an exchange's response. Raises ValueError when it has none."""
        response = exchange.response
        if response is None:
            raise ValueError(f"exchange {exchange.number} has no response")
        body = self._body(response.body, exchange.session)
        cookies: list[tuple[str, Identity]] = []
        headers = [
            (name, self._header(name, value, exchange.session, response.headers, cookies))
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
        """The template of an event's message: its channel, its data, other fields it has."""
        channel: JsonObject = {"channel": event.channel}
        message = {**channel, "data": event.data, **(event.extra or {})}
        text = render_message(message)
        head = len(render_message(channel)) - 1
        named = self._text(event.channel, self._channel_claims, event.session)
        if named.identities:  # it is rewritten as well
            head = 0
        if text[:head] + "}" != render_message(channel):  # it was escaped for the data's sake
            head = 0
        found = spots(text, self._claims_on(text, self._event_claims))
        moved = [replace(one, start=one.start - head, end=one.end - head) for one in found]
        template = self._compiled(text[head:], moved, event.session)
        identities = dict.fromkeys(template.identities)
        return EventTemplate(
            Template((text[:head], *template.pieces)),
            tuple(sorted(identities, key=_in_order)),
            named if named.identities else None,
        )

    def reply(self, handshake: Handshake) -> Template:
        """The template of what the reply to a handshake says beside the protocol, as JSON."""
        claims: list[Claim[Role]] = [
            (role, place.steps) for role, place in self._places("handshake.reply")
        ]
        return self._text(json.dumps(handshake.reply_extra or {}), claims, handshake.session)

    # ---------------------------------------------------------------- texts

    def _header(
        self,
        name: str,
        value: str,
        session: str,
        headers: Headers,
        cookies: list[tuple[str, Identity]],
    ) -> Template:
        lower = name.lower()
        if lower == "set-cookie":
            return self._cookie(value, session, cookies)
        claims: list[Claim[Role]] = []
        for role, place in self._places("response.header"):
            wanted = place.name if place.named_by is None else headers.first(place.named_by)
            if wanted is not None and wanted.lower() == lower:
                claims.append((role, place.steps))
        if lower in ("location", "content-location"):
            claims.append(("uri", (InOrigin(),)))
        return self._text(value, claims, session)

    def _cookie(self, value: str, session: str, cookies: list[tuple[str, Identity]]) -> Template:
        """A `Set-Cookie` that a client of this server accepts."""
        pair, *attributes = value.split(";")
        name, separator, content = pair.partition("=")
        claims: list[Claim[Role]] = [
            (role, place.steps)
            for role, place in self._places("response.cookie")
            if place.name == name.strip()
        ]
        template = self._text(content, claims, session)
        identities = template.identities
        if len(template.pieces) == 1 and identities:
            cookies.append((name.strip(), identities[0]))
        rest: list[Piece] = []
        for attribute in attributes:
            expires = _EXPIRES.fullmatch(attribute) if self._dates else None
            if expires is not None and is_date(expires[2]):
                rest += (f";{expires[1]}", DateSlot(expires[2]))
            elif _is_of_the_host(attribute):
                rest.append(AttributeSlot(f";{attribute}"))
            else:
                rest.append(f";{attribute}")
        return Template((f"{name}{separator}", *template.pieces, *rest))

    def _body(self, body: bytes, session: str) -> Template | bytes:
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return body
        call = _JSONP.match(text)
        if call is None:
            template = self._text(text, self._claims_on(text, self._body_claims), session)
        else:  # JSON in a call of a function of the client's choice
            end = text.rfind(")")
            callback: list[Spot[Role]] = [
                Spot(role, call.start("name"), call.end("name"), call["name"], True, (), ())
                for role, place in self._places("response.callback")
            ]
            inner = spots(text[call.end() : end], self._body_claims) if end > 0 else []
            moved = [
                replace(one, start=one.start + call.end(), end=one.end + call.end())
                for one in inner
            ]
            template = self._compiled(text, [*callback[:1], *moved], session)
        return body if template.fixed else template

    def _text(self, text: str, claims: Sequence[Claim[Role]], session: str) -> Template:
        return self._compiled(text, spots(text, claims), session)

    def _compiled(self, text: str, found: Iterable[Spot[Role]], session: str) -> Template:
        """A text with what was found in it, and with the placeholders that stand elsewhere."""
        pieces: list[Piece] = []
        at = 0
        for spot in found:
            piece = self._piece(spot, text, session)
            if piece is not None:
                pieces += (*self._placeholders(text[at : spot.start]), piece)
                at = spot.end
        pieces += self._placeholders(text[at:])
        return Template(tuple(piece for piece in pieces if piece))

    def _placeholders(self, text: str) -> list[Piece]:
        pieces: list[Piece] = []
        at = 0
        for found in PLACEHOLDER.finditer(text) if "<" in text else ():
            kind = self._kinds.get(found[1])
            if kind is not None:
                # Unique in its cassette: whoever it is seen by, it is one value.
                pieces += (
                    text[at : found.start()],
                    IdentitySlot(Identity(kind.name, "", found[0])),
                )
                at = found.end()
        return [*pieces, text[at:]]

    def _piece(self, spot: Spot[Role], text: str, session: str) -> Piece | None:
        role, value = spot.tag, spot.value
        if isinstance(role, IdentityKind):
            recorded = role.read(value, textual=spot.textual)
            if recorded is None:
                return None
            if role.is_created and str(recorded) not in self._created().get(role.name, ()):
                return None
            placeholder = isinstance(recorded, str) and PLACEHOLDER.fullmatch(recorded)
            alone = role.scope == "session" and not placeholder
            identity = Identity(role.name, session if alone else "", str(recorded))
            return IdentitySlot(identity, spot.coding if isinstance(value, str) else ())
        if role == "uri":
            slashes = _SLASHES.match(text[spot.start : spot.end])
            if slashes is None:
                return None
            return OriginSlot(slashes[1][: len(slashes[1]) // 2], spot.coding)
        if isinstance(value, bool) or not isinstance(value, str | int):
            return None
        form = role[0]
        written = isinstance(value, str)
        if not is_date(str(value), form) or (form == "text") > written:
            return None
        return DateSlot(str(value), form, spot.coding if written else ())

    def _places(self, part: Part) -> Sequence[tuple[Role, Place]]:
        return self._by_part.get(part, ())


def _is_of_the_host(attribute: str) -> bool:
    """Whether a cookie's attribute names the recorded host, or its TLS."""
    name = attribute.strip().partition("=")[0].lower()
    return name in ("domain", "secure") or attribute.replace(" ", "").lower() == "samesite=none"


def _in_order(identity: Identity) -> tuple[int, str]:
    return (int(identity.recorded) if identity.recorded.isdecimal() else -1, identity.recorded)
