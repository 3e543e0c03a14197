"""Secrets that were met, found again wherever they stand: as quickly among thousands as among ten.

A search for each of them would make every text cost what all clients of a recording have ever
sent. Instead a few short pieces of each secret are noted, one at each remainder of the step with
which texts are sampled: wherever the secret stands in a text, the sample hits one of them.
"""

from __future__ import annotations

import json
import re

from ..recent import Recent
from .placeholder import has_placeholder, spellings

LEARNT_LENGTH = 16
"""A shorter secret may be a part of something else: `short_secrets` are hunted with more care."""
MAX_SPELLINGS = 65_536
"""Spellings that are hunted; the oldest are forgotten first. A thousand clients have some tens
each; a server that gives a new cookie with every answer would fill the memory otherwise."""

_PIECE = 8
_STEP = 4
_SPAN = _PIECE + _STEP - 1
"""Characters that hold a piece at each remainder; a secret is at least as long."""
_NOT_PLAIN = re.compile(r"[^ !#-\[\]-~]+")

assert _SPAN <= LEARNT_LENGTH


class LearntSecrets:
    """Spellings of secrets with the placeholders that stand for them."""

    def __init__(self, max_spellings: int = MAX_SPELLINGS) -> None:
        self.count = 0
        """Spellings learnt so far, forgotten ones included."""
        self._max_spellings = max_spellings
        self._placeholders: Recent[str, str] = Recent(2 * max_spellings)
        self._pieces: dict[str, list[str]] = {}
        self._escaped: dict[str, str] = {}

    def learn(self, secret: str, placeholder: str) -> None:
        """Hunt all spellings of a secret from now on, if it is long enough for that."""
        if len(secret) < LEARNT_LENGTH or secret in self._placeholders or has_placeholder(secret):
            return
        for spelling in spellings(secret):
            if spelling not in self._placeholders:
                self._add(spelling, placeholder)
        while len(self._placeholders) > self._max_spellings:
            self._forget(self._placeholders.pop_oldest()[0])

    def within(self, text: str) -> list[tuple[str, str]]:
        """The spellings that stand in a text, with their placeholders, the longest first."""
        pieces = self._pieces
        likely: dict[str, None] = {}
        for at in range(0, len(text) - _PIECE + 1, _STEP):
            held = pieces.get(text[at : at + _PIECE])
            if held is not None:
                likely |= dict.fromkeys(held)
        if not likely:
            return []
        found = [(one, self._placeholders[one]) for one in likely if one in text]
        found.sort(key=lambda one: (-len(one[0]), one[0]))
        return found

    def within_json(self, text: str) -> list[tuple[str, str]]:
        """The same for JSON text; among them all that JSON would show in another form."""
        found = dict(self.within(text))
        if self._escaped:
            found |= self._escaped
        return sorted(found.items(), key=lambda one: (-len(one[0]), one[0]))

    def may_be_within(self, text: str) -> bool:
        """Whether one may stand in a text that is written as YAML or JSON, escapes and all."""
        at_hand = self._pieces.keys()
        if not at_hand.isdisjoint(
            [text[at : at + _PIECE] for at in range(0, len(text) - _PIECE + 1, _STEP)]
        ) and self.within(text):
            return True
        return any(_longest_plain_part(secret) in text for secret in self._escaped)

    def _add(self, spelling: str, placeholder: str) -> None:
        self.count += 1
        self._placeholders[spelling] = placeholder
        for piece in self._pieces_of(spelling):
            self._pieces.setdefault(piece, []).append(spelling)
        if json.dumps(spelling) != f'"{spelling}"':
            self._escaped[spelling] = placeholder

    def _forget(self, spelling: str) -> None:
        self._escaped.pop(spelling, None)
        for start in (len(spelling) - _SPAN, 0):
            for at in range(start, start + _STEP):
                piece = spelling[at : at + _PIECE]
                held = self._pieces.get(piece)
                if held is not None and spelling in held:
                    held.remove(spelling)
                    if not held:
                        del self._pieces[piece]

    def _pieces_of(self, spelling: str) -> list[str]:
        """Pieces of its end or of its start, whichever fewer others have: JWTs begin alike."""
        choices = [
            [spelling[at : at + _PIECE] for at in range(start, start + _STEP)]
            for start in (len(spelling) - _SPAN, 0)
        ]
        return min(choices, key=lambda pieces: sum(len(self._pieces.get(p, ())) for p in pieces))


def _longest_plain_part(secret: str) -> str:
    """What of a secret stands in a text as it is, however the rest is escaped there."""
    return max(_NOT_PLAIN.split(secret), key=len)
