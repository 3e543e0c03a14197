"""Identities: ids that a server issues afresh, and the binding recorded value → live value.

Rewriting goes by declared place (the profile says "this field is a reference id") or by placeholder
(`<session:1>` says itself what it is), never by looks: a 17 that is no reference id stays 17.

Fresh ids are not random. They are derived from the seed, who the client is, how many times that
client has come to this server, the kind, and the order of issue; so the same client gets the same
ids in every run with the same seed, whoever else is on the server.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from cometape.core.profile.profile import IdentityKind

PLACEHOLDER = re.compile(r"<([a-z][a-z0-9-]*):(\d+)>")
"""What stands where a secret stood: `<session:1>`; group 1 is the kind."""

_BASES = 9973
"""How many ranges of integers there are; prime, so that any step goes through all of them."""
_STEP = 7919
MIN_WIDTH = 1000
MAX_WIDTH = 100_000
"""Of a range: the widest leave every integer within 32 bits."""
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX = re.compile(r"[0-9a-fA-F]+")
MIN_TOKEN = 25
"""Characters of an unguessable token in base 36; CometD's own client ids have 25 to 28."""
FORMER = 10_000
"""At least so many live values are remembered of those that others have replaced, the latest ones,
and at most twice as many; what an id means at the moment is always known. A client may loop over an
operation for weeks."""
_FEW = 4
"""So few ids stand one after the other and are looked through: mappings take 600 bytes."""
_CROWDED = 500
"""Attempts after which a shape is taken to be used up, and ids get longer than the recorded."""


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
    share a range, unless a kind counts from a number of its own.
    """

    __slots__ = ("_find_recorded", "_issued", "_occurrence", "_recorded", "_seed", "_who", "_width")

    def __init__(
        self,
        seed: int,
        who: str,
        occurrence: int = 1,
        recorded: Callable[[], Collection[int]] = frozenset,
    ) -> None:
        self._seed = seed
        self._who = who
        self._occurrence = occurrence
        self._find_recorded = recorded
        self._recorded: Collection[int] | None = None
        self._width = MIN_WIDTH
        self._issued: dict[tuple[str, str], int] | None = None
        """The latest integers by kind and series, once there is one."""

    def integer(self, kind: IdentityKind, series: str = "answer") -> int:
        """The next integer of `kind`.

        Ids that only events carry are a `series` of their own: an event's time must not change
        the id that the next answer gets.
        """
        if self._recorded is None:
            self._recorded = self._find_recorded()
            while self._width < 4 * len(self._recorded) and self._width < MAX_WIDTH:
                self._width *= 10
        issued = self._issued
        if issued is None:
            issued = self._issued = {}
        latest = issued.get((kind.name, series))
        if latest is not None:
            value = latest + kind.step
        elif kind.start is not None:
            value = kind.start
        else:
            value = self._start(kind.name, series) + 1
        while value in self._recorded:
            value += kind.step
        issued[kind.name, series] = value
        return value

    def _start(self, kind: str, series: str) -> int:
        offset = int.from_bytes(self._digest(kind)[:8], "big")
        base = self._width * (1 + (offset + self._occurrence * _STEP) % _BASES)
        return base if series == "answer" else base + self._width // 2

    def text(self, kind: IdentityKind, recorded: str, nth: int) -> str:
        """The `nth` string for one recorded value: a UUID for a UUID, else as the form says."""
        form = kind.form
        digest = self._digest(kind.name, str(self._occurrence), recorded, str(nth))
        placeholder = PLACEHOLDER.fullmatch(recorded) is not None
        if _UUID.fullmatch(recorded) or (placeholder and form == "uuid"):
            return _cased(_uuid(digest), recorded)
        if form == "hex":
            length = len(recorded) if _HEX.fullmatch(recorded) else 32
            return _cased(_stretch(digest, length, "0123456789abcdef"), recorded)
        if form == "shape" and not placeholder:
            longer = _stretch(digest, 1 + nth // _CROWDED, _BASE36) if nth >= _CROWDED else ""
            return _shaped(digest, recorded) + longer
        length = len(recorded) if form == "text" and not placeholder else 0
        return _stretch(digest, max(length, MIN_TOKEN + 1), _BASE36)

    def _digest(self, *parts: str) -> bytes:
        text = "\x00".join((str(self._seed), self._who, *parts))
        return hashlib.sha256(text.encode("utf-8")).digest()


class Ledger:
    """Recorded ids and their live values, both ways.

    There is one for every client and every run of a server, so it is small while it knows little;
    and it does not grow without end: of live values that were replaced, the oldest are forgotten.
    They go by generations, for that costs nothing when one is entered.
    """

    __slots__ = ("_behind", "_few", "_live", "_most", "_older")

    def __init__(self) -> None:
        self._few: tuple[Any, ...] = ()
        """While there are few, and nothing was replaced: an id, its live value, the next id, …"""
        self._live: dict[Identity, str] | None = None
        """Else: live values."""
        self._behind: dict[tuple[str, str], Identity] | None = None
        """And ids by kind and live value, also former ones."""
        self._older: dict[tuple[str, str], Identity] | None = None
        """The same of the generation before."""
        self._most = FORMER
        """How many a generation may hold."""

    def enter(self, identity: Identity, live: str) -> None:
        """From now on `live` is the live value; `behind` still knows the latest `FORMER`."""
        mapped, behind = self._live, self._behind
        if mapped is None or behind is None:
            if len(self._few) < 2 * _FEW and identity not in self._few:
                self._few += (identity, live)
                return
            mapped, behind = self._map()
        mapped[identity] = live
        behind[identity[0], live] = identity
        if len(behind) > self._most:
            self._begin_generation(mapped)

    def begin_anew(self) -> None:
        """A new run has begun: what belongs to a session gets new live values in it.

        The old ones are still known by what they are.
        """
        mapped, _ = self._map()
        self._live = {one: live for one, live in mapped.items() if not one.session}

    def known(self, identity: Identity) -> str | None:
        """The live value, if there is one."""
        if self._live is not None:
            return self._live.get(identity)
        few = self._few
        return few[few.index(identity) + 1] if identity in few else None

    def behind(self, kind: str, live: str) -> Identity | None:
        """The identity that has, or had, this live value."""
        if self._behind is not None:
            key = kind, live
            known = self._behind.get(key)
            if known is None and self._older is not None:
                known = self._older.get(key)
            return known
        found = None
        for one, value in self._pairs():  # of equal ones the latest
            if value == live and one.kind == kind:
                found = one
        return found

    def same(self, text: str) -> str:
        """A text that may be a live value: the same object then, for there are thousands."""
        return next((live for _, live in self._pairs() if live == text), text)

    def _pairs(self) -> Iterable[tuple[Identity, str]]:
        if self._live is not None:
            return self._live.items()
        return zip(self._few[::2], self._few[1::2], strict=True)

    def _map(self) -> tuple[dict[Identity, str], dict[tuple[str, str], Identity]]:
        """Live values by ids and ids by live values, from now on in mappings."""
        if self._live is None or self._behind is None:
            self._behind = {(one.kind, live): one for one, live in self._pairs()}
            self._live, self._few = dict(self._pairs()), ()
        return self._live, self._behind

    def _begin_generation(self, mapped: Mapping[Identity, str]) -> None:
        """The generation is full: the one before is forgotten, but for what is live."""
        self._older = self._behind
        self._behind = {(one.kind, live): one for one, live in mapped.items()}
        self._most = len(mapped) + max(FORMER, len(mapped))


class Binding(Ledger):
    """The one-to-one map of recorded ids to the live ids that were issued to one client."""

    __slots__ = ("_issuer", "_kinds", "_nth")

    def __init__(self, kinds: Mapping[str, IdentityKind], issuer: Callable[[], Issuer]) -> None:
        """`kinds` by name; `issuer` is asked for one when the first id is needed."""
        super().__init__()
        self._kinds = kinds
        self._issuer: Issuer | Callable[[], Issuer] = issuer
        self._nth: dict[Identity, int] | None = None
        """How often each was tried; what is not in it and has a live value, once."""

    def begin_anew(self) -> None:
        """A new run has begun (`Ledger.begin_anew`): the same ids are not issued again."""
        self._nth = {**{one: 1 for one, _ in self._pairs()}, **(self._nth or {})}
        super().begin_anew()

    def live(self, identity: Identity, series: str = "answer") -> str:
        """The live value, issued at the first asking."""
        found = self.known(identity)
        return found if found is not None else self.renew(identity, series)

    def renew(
        self,
        identity: Identity,
        series: str = "answer",
        others: Ledger | None = None,
        taken: Collection[str] = (),
    ) -> str:
        """A new live value, none of `others` and none that is `taken`; later askings get it."""
        name, recorded = identity[0], identity[2]
        kind = self._kinds[name]
        issuer = self._issuer
        if not isinstance(issuer, Issuer):
            issuer = self._issuer = issuer()
        is_integer = kind.form == "integer"
        tried = 0 if is_integer else self._tried(identity)
        while True:
            if is_integer:
                value = str(issuer.integer(kind, series))
            else:
                value = issuer.text(kind, recorded, tried)
                tried += 1
            if value == recorded or value in taken or self.behind(name, value) is not None:
                continue
            if others is None or others.behind(name, value) is None:
                break
        if tried > 1:
            if self._nth is None:
                self._nth = {}
            self._nth[identity] = tried
        self.enter(identity, value)
        return value

    def _tried(self, identity: Identity) -> int:
        tried = self._nth.get(identity) if self._nth is not None else None
        return int(self.known(identity) is not None) if tried is None else tried

    def recorded(self, kind: str, live: str) -> str | None:
        """The recorded value behind a live one, or None when this binding never issued it."""
        found = self.behind(kind, live)
        return found.recorded if found is not None else None


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


def _shaped(digest: bytes, like: str) -> str:
    """A digit for a digit and a letter for a letter, in its case; hexadecimal stays so."""
    letters = "abcdef" if _HEX.fullmatch(like) else _BASE36[10:]
    fresh = iter(_stretch(digest, len(like), "0123456789"))
    signs = iter(_stretch(digest[::-1], len(like), letters))
    found: list[str] = []
    for at, character in enumerate(like):
        digit, letter = next(fresh), next(signs)
        if character.isdecimal():
            leads = at == 0 and like.isdecimal() and character != "0"
            found.append("123456789"[int(digit) % 9] if leads else digit)
        elif character.isalpha():
            found.append(letter.upper() if character.isupper() else letter)
        else:
            found.append(character)
    return "".join(found)
