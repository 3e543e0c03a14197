"""Identities: ids that a server issues afresh, and the binding recorded value → live value.

Rewriting goes by typed path (the profile says "this field is a reference id") or by placeholder
(`<session:1>` says itself what it is), never by looks: a 17 that is no reference id stays 17.

Fresh ids are not random. They are derived from the seed, who the client is, how many times that
client has come to this server, the kind, and the order of issue; so the same client gets the same
ids in every run with the same seed, whoever else is on the server.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection
from typing import NamedTuple

from ..profile import Form, IdentityKind

PLACEHOLDER = re.compile(r"<([a-z][a-z0-9-]*):(\d+)>")
"""What stands where a secret stood: `<session:1>`; group 1 is the kind."""

_BASES = 9973
"""How many ranges of integers there are; prime, so that any step goes through all of them."""
_STEP = 7919
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX = re.compile(r"[0-9a-fA-F]+")
MIN_TOKEN = 25
"""Characters of an unguessable token in base 36; CometD's own client ids have 25 to 28."""


class Identity(NamedTuple):
    """One recorded id: what kind, whose, and the value it had (a number as its digits).

    A tuple, because it is a key that is looked up several times for every answer and event.
    """

    kind: str
    session: str
    """Recorded session it belongs to; empty for a kind whose scope is the run."""
    recorded: str


class Issuer:
    """Makes fresh ids for one client; a pure function of what it is built with and asked, in order.

    `who` is the client's user name or other evidence, `occurrence` counts that `who` on this
    server from 1, `recorded` gives (when first needed) integers that must not be issued.

    Integers ascend in order of issue within a range of their own; no two occurrences of one `who`
    share a range.
    """

    def __init__(
        self,
        seed: int,
        who: str,
        occurrence: int = 1,
        recorded: Callable[[], Collection[int]] = frozenset,
    ) -> None:
        self._root = f"{seed}\x00{who}"
        self._occurrence = occurrence
        self._find_recorded = recorded
        self._recorded: Collection[int] | None = None
        self._width = 1000
        self._issued: dict[tuple[str, str], int] = {}

    def integer(self, kind: str, series: str = "answer") -> int:
        """The next integer of `kind`.

        Ids that only events carry are a `series` of their own: an event's time must not change
        the id that the next answer gets.
        """
        if self._recorded is None:
            self._recorded = self._find_recorded()
            while self._width < 4 * len(self._recorded):
                self._width *= 10
        latest = self._issued.get((kind, series))
        value = (self._start(kind, series) if latest is None else latest) + 1
        while value in self._recorded:
            value += 1
        self._issued[kind, series] = value
        return value

    def _start(self, kind: str, series: str) -> int:
        offset = int.from_bytes(self._digest(kind)[:8], "big")
        base = self._width * (1 + (offset + self._occurrence * _STEP) % _BASES)
        return base if series == "answer" else base + self._width // 2

    def text(self, kind: str, form: Form, recorded: str, nth: int) -> str:
        """The `nth` string for one recorded value: a UUID for a UUID, hex for hex, else base 36."""
        digest = self._digest(kind, str(self._occurrence), recorded, str(nth))
        placeholder = PLACEHOLDER.fullmatch(recorded) is not None
        if _UUID.fullmatch(recorded) or (placeholder and form == "uuid"):
            return _cased(_uuid(digest), recorded)
        if form == "hex":
            length = len(recorded) if _HEX.fullmatch(recorded) else 32
            return _cased(_stretch(digest, length, "0123456789abcdef"), recorded)
        length = len(recorded) if form == "text" and not placeholder else 0
        return _stretch(digest, max(length, MIN_TOKEN + 1), _BASE36)

    def _digest(self, *parts: str) -> bytes:
        return hashlib.sha256("\x00".join((self._root, *parts)).encode("utf-8")).digest()


class Binding:
    """The one-to-one map of recorded ids to live ids, for one client (or one run)."""

    def __init__(self, kinds: Collection[IdentityKind], issuer: Callable[[], Issuer]) -> None:
        """`issuer` is asked for one when the first id is needed."""
        self._kinds = {kind.name: kind for kind in kinds}
        self._new_issuer = issuer
        self._issuer: Issuer | None = None
        self._live: dict[Identity, str] = {}
        self._identities: dict[tuple[str, str], Identity] = {}
        self._nth: dict[Identity, int] = {}

    def live(self, identity: Identity, series: str = "answer") -> str:
        """The live value, issued at the first asking."""
        found = self._live.get(identity)
        return found if found is not None else self.renew(identity, series)

    def renew(self, identity: Identity, series: str = "answer") -> str:
        """A new live value; later askings get this one, `recorded` still knows the older ones."""
        kind = self._kinds[identity.kind]
        issuer = self._issuer = self._issuer or self._new_issuer()
        while True:
            nth = self._nth[identity] = self._nth.get(identity, -1) + 1
            if kind.form == "integer":
                value = str(issuer.integer(kind.name, series))
            else:
                value = issuer.text(kind.name, kind.form, identity.recorded, nth)
            taken = self._identities.get((identity.kind, value))
            if taken is None and value != identity.recorded:
                break
        self._live[identity] = value
        self._identities[identity.kind, value] = identity
        return value

    def known(self, identity: Identity) -> str | None:
        """The live value if one was issued."""
        return self._live.get(identity)

    def recorded(self, kind: str, live: str) -> str | None:
        """The recorded value behind a live one, or None when this binding never issued it."""
        found = self._identities.get((kind, live))
        return found.recorded if found is not None else None

    @property
    def pairs(self) -> dict[Identity, str]:
        """Every identity issued so far with its live value."""
        return dict(self._live)


def _stretch(digest: bytes, length: int, alphabet: str) -> str:
    number = 0
    characters: list[str] = []
    block = 0
    while len(characters) < length:
        if number < len(alphabet) ** 4:
            number = int.from_bytes(hashlib.sha256(digest + bytes([block % 256])).digest(), "big")
            block += 1
        number, rest = divmod(number, len(alphabet))
        characters.append(alphabet[rest])
    return "".join(characters)


def _uuid(digest: bytes) -> str:
    """Version 4, variant 1 (RFC 9562 §5.4), as the recorded ones are."""
    text = digest.hex()
    variant = "89ab"[digest[10] % 4]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def _cased(text: str, like: str) -> str:
    return text.upper() if like != like.lower() and like == like.upper() else text
