"""Templates: a recorded text, cut where something must be fresh.

A slot is an identity, the origin of an absolute URI, an attribute of a cookie that not every client
would take, or, where a replay shifts them, a date. Everything between the slots is as recorded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cometape.core.bayeux.message import WrittenMessage
from cometape.core.exchange import Headers, Response
from cometape.core.places.inner_text import Coding, encoded
from cometape.core.profile.profile import DateForm

from .dates import shifted
from .identity import Identity


@dataclass(frozen=True, slots=True)
class IdentitySlot:
    """Where a live id goes."""

    identity: Identity
    coding: tuple[Coding, ...] = ()
    """How it is written there, the innermost first."""


@dataclass(frozen=True, slots=True)
class OriginSlot:
    """Where the origin that the client used goes."""

    slash: str = "/"
    """How this text writes a slash: `/` or `\\/`."""
    coding: tuple[Coding, ...] = ()


@dataclass(frozen=True, slots=True)
class DateSlot:
    """Where a recorded date goes, shifted."""

    recorded: str
    form: DateForm = "text"
    coding: tuple[Coding, ...] = ()


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
        host = origin.partition("://")[2].partition(":")[0].lower()
        domain = value.strip().lstrip(".").lower()
        return self.text if f".{host}".endswith(f".{domain}") else ""


class Form:
    """A text of which all is known but its ids: what a template is for one origin and one shift.

    Filling it in is one formatting of a string, however many pieces its template has.
    """

    __slots__ = ("_codings", "_keys", "_only", "_text")

    def __init__(self, pieces: Sequence[str | IdentitySlot]) -> None:
        slots = [piece for piece in pieces if not isinstance(piece, str)]
        self._text = "".join(
            piece.replace("%", "%%") if isinstance(piece, str) else "%s" for piece in pieces
        )
        self._keys = [(slot.identity.kind, slot.identity.recorded) for slot in slots]
        self._codings = [slot.coding for slot in slots] if any(s.coding for s in slots) else None
        self._only = self._keys[0] if len(self._keys) == 1 and self._codings is None else None
        """What most have: one id, as it is."""

    def fill(self, issued: Mapping[tuple[str, str], str]) -> str:
        """The text with ids by kind and recorded value. Raises KeyError where one is not there."""
        if self._only is not None:
            return self._text % issued[self._only]
        live = tuple([issued[key] for key in self._keys])
        if self._codings is not None:
            live = tuple(map(encoded, live, self._codings))
        return self._text % live


Piece = str | IdentitySlot | OriginSlot | AttributeSlot | DateSlot
Lookup = Callable[[Identity], str]
"""Gives the live value of an identity."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with slots."""

    pieces: tuple[Piece, ...]

    def fill(self, lookup: Lookup, origin: str, shift_s: int = 0) -> str:
        """The text with live values: `origin` as `http://127.0.0.1:8080`, dates `shift_s` later."""
        texts: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                texts.append(piece)
            elif isinstance(piece, IdentitySlot):
                live = lookup(piece.identity)
                texts.append(encoded(live, piece.coding) if piece.coding else live)
            elif isinstance(piece, OriginSlot):
                texts.append(encoded(origin, piece.coding).replace("/", piece.slash))
            elif isinstance(piece, AttributeSlot):
                texts.append(piece.fill(origin))
            else:
                date = shifted(piece.recorded, shift_s, piece.form) or piece.recorded
                texts.append(encoded(date, piece.coding))
        return "".join(texts)

    def form(self, origin: str, shift_s: int = 0) -> Form:
        """What of it is the same for all who come to one origin, as text."""
        return Form(
            [
                piece
                if isinstance(piece, IdentitySlot)
                else Template((piece,)).fill(_no_identity, origin, shift_s)
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

    def fill(self, lookup: Lookup, origin: str, shift_s: int = 0) -> Response:
        """The response with live values."""
        headers, body = self.fixed_headers, self.body
        if headers is None:
            filled = [(name, value.fill(lookup, origin, shift_s)) for name, value in self.headers]
            headers = Headers.of_pairs(filled)
        return Response(
            status=self.status,
            headers=headers,
            body=body
            if isinstance(body, bytes)
            else body.fill(lookup, origin, shift_s).encode("utf-8"),
        )

    def form(self, origin: str, shift_s: int = 0) -> ResponseForm:
        """What of it is the same for all who come to one origin."""
        headers = [(name, value.form(origin, shift_s)) for name, value in self.headers]
        body = self.body
        return ResponseForm(
            self.status,
            self.fixed_headers if self.fixed_headers is not None else headers,
            body if isinstance(body, bytes) else body.form(origin, shift_s),
        )


class ResponseForm:
    """A response of which all is known but its ids."""

    __slots__ = ("_body", "_headers", "_status")

    def __init__(
        self, status: int, headers: Headers | list[tuple[str, Form]], body: Form | bytes
    ) -> None:
        self._status = status
        self._headers = headers
        self._body = body

    def fill(self, issued: Mapping[tuple[str, str], str]) -> Response:
        """The response with ids by kind and recorded value. Raises KeyError as `Form.fill`."""
        headers, body = self._headers, self._body
        if not isinstance(headers, Headers):
            headers = Headers.of_pairs([(name, form.fill(issued)) for name, form in headers])
        if not isinstance(body, bytes):
            body = body.fill(issued).encode("utf-8")
        return Response(status=self._status, headers=headers, body=body)


def _no_identity(identity: Identity) -> str:
    raise AssertionError(identity)


@dataclass(frozen=True, slots=True)
class EventTemplate:
    """The message of a recorded event, ready to be pushed with fresh ids.

    Events are many and large, and most of each is as it was recorded: it is written as JSON once.
    """

    message: Template
    identities: tuple[Identity, ...]
    """All of them, integers ascending."""
    channel: Template | None = None
    """The name of its channel, where ids are in it."""

    def fill(
        self, lookup: Lookup, origin: str, message_id: str | None = None, shift_s: int = 0
    ) -> WrittenMessage:
        """The message with live values, and with an id where it answers a remote call."""
        text = self.message.fill(lookup, origin, shift_s)
        if message_id is not None:
            text = f'{text[:-1]},"id":{json.dumps(message_id)}}}'
        return WrittenMessage(text)
