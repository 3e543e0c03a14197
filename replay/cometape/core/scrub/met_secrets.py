"""Secrets that were met, whatever their length: hunted from then on wherever they turn up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .learnt_secrets import LEARNT_LENGTH, LearntSecrets
from .short_secrets import ShortSecret, ShortSecrets, is_hunted


@dataclass(frozen=True, slots=True)
class Hunted:
    """Those that may stand in some text."""

    long: list[tuple[str, str]]
    short: list[ShortSecret]

    def replaced_in(self, text: str, count: Callable[[str, int], None]) -> str:
        """The text without them; `count` is told placeholders, and how often each was put in."""
        for secret, placeholder in self.long:
            if secret in text:
                count(placeholder, text.count(secret))
                text = text.replace(secret, placeholder)
        for one in self.short:
            text, times = one.replaced_in(text)
            if times:
                count(one.placeholder, times)
        return text


class MetSecrets:
    """Long ones are found anywhere, short ones where they stand by themselves."""

    def __init__(self) -> None:
        self._long = LearntSecrets()
        self._short = ShortSecrets()

    @property
    def count(self) -> int:
        """Spellings met so far, forgotten ones included: grows when there is more to hunt."""
        return self._long.count + self._short.count

    def meet(self, secret: str, placeholder: str, *, guessed: bool = False) -> None:
        """Hunt a secret from now on; one that is only `guessed` to be one must be long for that."""
        if len(secret) >= LEARNT_LENGTH:
            self._long.learn(secret, placeholder)
        elif not guessed:
            self._short.learn(secret, placeholder)

    def within(self, text: str) -> Hunted:
        """Those that may stand in a text."""
        return Hunted(self._long.within(text), self._short.within(text))

    def within_json(self, text: str) -> Hunted:
        """Those that may stand in what is written as JSON here."""
        return Hunted(self._long.within_json(text), self._short.within(text))

    def may_be_within(self, text: str) -> bool:
        """Whether one may stand in a text that is written as YAML or JSON, escapes and all."""
        return self._long.may_be_within(text) or bool(self._short.within(text))


def would_be_hunted(secret: str) -> bool:
    """Whether `meet` has an effect."""
    return len(secret) >= LEARNT_LENGTH or is_hunted(secret)
