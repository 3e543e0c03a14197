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
"""Of a range: the widest leave every integer within 32 bits. Half of it are the integers of one
series that no other client gets, however wide its range is, and a counter goes on without a gap."""
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_PARTS_OF_EVENTS = frozenset({"event.data", "event.message", "channel"})
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


class _Count:
    """Where a series of integers has got to."""

    __slots__ = ("block", "end", "upcoming")

    def __init__(self) -> None:
        self.block = -1
        self.end = self.upcoming = 0
        """The block is used up there; and what is issued next, if the recording has it not."""


class Issuer:
    """Makes fresh ids for one client; a pure function of what it is built with and asked, in order.

    `who` is the client's user name or other evidence, `occurrence` counts that `who` on this
    server from 1, `recorded` gives (when first needed) integers that must not be issued.

    Integers ascend in order of issue within a range of their own; no two occurrences of one `who`
    share a range, unless a kind counts from a number of its own. A series that has used up its
    half of the range goes on in the same half of another one, further up: two series never meet.
    """

    __slots__ = ("_counts", "_find_recorded", "_occurrence", "_recorded", "_seed", "_who", "_width")

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
        self._recorded: Collection[int] = ()
        self._width = MIN_WIDTH
        self._counts: dict[tuple[str, str], _Count] | None = None
        """By kind and series, once there is an integer."""

    def integer(self, kind: IdentityKind, series: str = "answer") -> int:
        """The next integer of `kind`.

        Ids that only events carry are a `series` of their own: an event's time must not change
        the id that the next answer gets.
        """
        counts = self._counts
        if counts is None:
            counts = self._begin()
        count = counts.get((kind.name, series))
        if count is None:
            count = counts[kind.name, series] = _Count()
        value = count.upcoming
        if value >= count.end or value in self._recorded:
            value = self._go_on(count, kind, series)
        count.upcoming = value + kind.step
        return value

    def _begin(self) -> dict[tuple[str, str], _Count]:
        recorded = self._recorded = self._find_recorded()
        while self._width < 4 * len(recorded) and self._width < MAX_WIDTH:
            self._width *= 10
        self._counts = {}
        return self._counts

    def _go_on(self, count: _Count, kind: IdentityKind, series: str) -> int:
        """The next integer, past those of the recording and the end of a block."""
        value, step, recorded = count.upcoming, kind.step, self._recorded
        while True:
            while value < count.end and value in recorded:
                value += step
            if value < count.end:
                return value
            count.block += 1
            value, count.end = self._block(count.block, kind, series)

    def _block(self, nth: int, kind: IdentityKind, series: str) -> tuple[int, int]:
        """Where the `nth` block of a series begins and ends: half of a range, for ever its own.

        One kind is issued in answers, another in events; a counter begins with what it is for.
        """
        if kind.start is not None:
            half = MAX_WIDTH // 2 * kind.step
            first = "event" if _is_issued_by_events(kind) else "answer"
            begin = kind.start + 2 * half * nth + (0 if series == first else half)
            return begin, begin + half
        # The first rounds through all ranges leave each client its own; after them, to stay
        # within 32 bits, a client goes on in the ranges of others.
        rounds = MAX_WIDTH // self._width
        further = min(nth, rounds - 1) * _BASES + max(nth - rounds + 1, 0)
        offset = int.from_bytes(self._digest(kind.name)[:8], "big")
        base = self._width * (1 + (offset + self._occurrence * _STEP) % _BASES + further)
        half = self._width // 2
        begin = base + 1 + (0 if series == "answer" else half)
        return begin, begin + half

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


def _is_issued_by_events(kind: IdentityKind) -> bool:
    """Whether nothing but events hands out such ids."""
    return bool(kind.issued) and all(place.part in _PARTS_OF_EVENTS for place in kind.issued)


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
