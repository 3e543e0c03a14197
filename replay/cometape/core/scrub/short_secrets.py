"""Secrets of a few characters that were met, found again where they stand by themselves.

A password has seldom sixteen characters, and what is so short may be a part of an ordinary word or
of an id. So it is replaced only where nothing goes on before it or after it; one that is itself a
word (`swordfish`) only where it is all of a value, since in a sentence it may be just that word;
one of digits alone, and one that is somebody's user name as well, nowhere but in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..recent import Recent
from .placeholder import has_placeholder, spellings

SHORTEST = 6
"""Characters; what is shorter turns up by chance."""
MAX_SHORT = 16_384
"""Spellings that are hunted; the oldest are forgotten first."""

_WORD = re.compile(r"[^\W_]+")
_ESCAPE = re.compile(r"\\+(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)|%[0-9a-fA-F]{2}")
_GOES_ON = r"[\w-]"
"""What makes a longer word, or an id, of what stands beside it."""
_BEHIND_ESCAPE = r"(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4})|(?<=%[0-9a-fA-F]{2})"
"""A line's end, say, in a text that could not be decoded."""


@dataclass(frozen=True, slots=True)
class ShortSecret:
    """One spelling of a secret, and how it is found."""

    spelling: str
    placeholder: str
    alone: re.Pattern[str] | None
    """Finds it where nothing goes on beside it; None: it has to be all of a text."""

    def replaced_in(self, text: str) -> tuple[str, int]:
        """The text without it, and how many times it was there."""
        if self.spelling not in text:
            return text, 0
        if self.alone is not None:
            return self.alone.subn(lambda found: self.placeholder, text)
        return (self.placeholder, 1) if text == self.spelling else (text, 0)


class ShortSecrets:
    """Spellings of short secrets with the placeholders that stand for them."""

    def __init__(self, most: int = MAX_SHORT) -> None:
        self.count = 0
        """Spellings learnt so far, forgotten ones included."""
        self._most = most
        self._known: Recent[str, tuple[ShortSecret, str]] = Recent(2 * most)
        """With the word by which each is searched."""
        self._by_word: dict[str, list[ShortSecret]] = {}

    def learn(self, secret: str, placeholder: str) -> None:
        """Hunt all spellings of a secret from now on, if it is such that it can be hunted."""
        if secret in self._known or not is_hunted(secret):
            return
        for spelling in spellings(secret):
            if spelling not in self._known and len(spelling) >= SHORTEST:
                self._add(spelling, placeholder)
        while len(self._known) > self._most:
            self._forget(*self._known.pop_oldest()[1])

    def within(self, text: str) -> list[ShortSecret]:
        """Those that may stand in a text, escapes of JSON, YAML and URLs in mind; the longest
        first."""
        if not self._by_word:
            return []
        found = {id(one): one for one in self._among(_WORD.findall(text))}
        if "\\" in text or "%" in text:
            found |= {id(one): one for one in self._among(_WORD.findall(_ESCAPE.sub(" ", text)))}
        return sorted(found.values(), key=lambda one: (-len(one.spelling), one.spelling))

    def _among(self, words: Iterable[str]) -> Iterable[ShortSecret]:
        by_word = self._by_word
        for word in by_word.keys() & words:
            yield from by_word[word]

    def _add(self, spelling: str, placeholder: str) -> None:
        self.count += 1
        one = ShortSecret(spelling, placeholder, None if _is_word(spelling) else _alone(spelling))
        word = self._rarest_word(spelling)
        self._known[spelling] = one, word
        self._by_word.setdefault(word, []).append(one)

    def _rarest_word(self, spelling: str) -> str:
        """The word in it that fewest others have: `password-1` and `password-2` begin alike."""
        words: list[str] = _WORD.findall(spelling)
        return min(words, key=lambda word: (len(self._by_word.get(word, ())), -len(word)))

    def _forget(self, one: ShortSecret, word: str) -> None:
        held = self._by_word[word]
        held.remove(one)
        if not held:
            del self._by_word[word]


def is_hunted(secret: str) -> bool:
    """Whether a short secret can be told from what else may be written so."""
    return (
        len(secret) >= SHORTEST
        and not has_placeholder(secret)
        and not secret.replace(" ", "").isdigit()
        and _WORD.search(secret) is not None
    )


def _is_word(text: str) -> bool:
    return text.isalpha() and (text.islower() or text.isupper() or text.istitle())


def _alone(spelling: str) -> re.Pattern[str]:
    before = f"(?:(?<!{_GOES_ON})|{_BEHIND_ESCAPE})" if re.match(_GOES_ON, spelling[0]) else ""
    after = f"(?!{_GOES_ON})" if re.match(_GOES_ON, spelling[-1]) else ""
    return re.compile(before + re.escape(spelling) + after)
