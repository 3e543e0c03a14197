"""The ledger: which rule fires on which occasion, counted for each client and drawn from a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field

from ..json_value import JsonObject
from .fault_rule import FaultRule, Occasion, Who


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultTally:
    """What became of one rule so far."""

    number: int
    """By which the rule is removed; never given again."""
    rule: str
    """Its text."""
    fitted: int
    """Occasions where it applied."""
    fired: int

    def __str__(self) -> str:
        if self.fired:
            often = "once" if self.fired == 1 else f"{self.fired} times"
            return f"{self.rule}: fired {often}"
        if self.fitted:
            return f"{self.rule}: never fired, though it fitted {self.fitted} times"
        return f"{self.rule}: never fired; nothing came that it fits"

    def json(self) -> JsonObject:
        """For a machine."""
        return {
            "number": self.number,
            "rule": self.rule,
            "fitted": self.fitted,
            "fired": self.fired,
        }


@dataclass(slots=True)
class _Account:
    rule: FaultRule
    fitted: dict[Who, int] = field(default_factory=dict)
    fired: dict[Who, int] = field(default_factory=dict)


class FaultLedger:
    """The rules in force, in the order in which they were added, and their counts."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._accounts: dict[int, _Account] = {}
        self._gone: list[FaultTally] = []
        """Of rules that were removed after they had fired."""
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._accounts)

    @property
    def rules(self) -> dict[int, FaultRule]:
        """The rules in force, by number."""
        return {number: account.rule for number, account in self._accounts.items()}

    def add(self, rule: FaultRule) -> int:
        """One more rule; its number."""
        self._count += 1
        self._accounts[self._count] = _Account(rule)
        return self._count

    def remove(self, number: int) -> bool:
        """A rule is in force no longer; False when there is none of that number."""
        account = self._accounts.pop(number, None)
        if account is None:
            return False
        tally = _tally(number, account)
        if tally.fired:
            self._gone.append(tally)
        return True

    def firing(self, occasion: Occasion, *, spared: Collection[str] = ()) -> list[FaultRule]:
        """The rules that fire now, in their order; every call counts as one occasion.

        Rules of the kinds `spared` do not, though they may fit.
        """
        found = []
        for account in self._accounts.values():
            rule = account.rule
            if not _befalls(rule, occasion):
                continue
            nth = account.fitted[occasion.who] = account.fitted.get(occasion.who, 0) + 1
            fired = account.fired.get(occasion.who, 0)
            if rule.kind.name in spared or not rule.is_turn(nth):
                continue
            if rule.times is not None and fired >= rule.times:
                continue
            if rule.probability is not None and not self._is_drawn(rule, occasion, nth):
                continue
            account.fired[occasion.who] = fired + 1
            found.append(rule)
        return found

    def tallies(self) -> tuple[FaultTally, ...]:
        """What became of every rule, removed ones that fired included."""
        return (*self._gone, *(_tally(n, account) for n, account in self._accounts.items()))

    def _is_drawn(self, rule: FaultRule, occasion: Occasion, nth: int) -> bool:
        """From the seed, the rule, the recorded session and its count: nobody else matters."""
        assert rule.probability is not None
        root = f"{self._seed}\x00{rule}\x00{occasion.session}\x00{nth}"
        draw = int.from_bytes(hashlib.sha256(root.encode()).digest()[:8], "big")
        return draw < rule.probability * 2**64


def _befalls(rule: FaultRule, occasion: Occasion) -> bool:
    kind = rule.kind
    if kind.scope != occasion.scope or (occasion.over_socket and kind.over_http_only):
        return False
    methods = kind.declared.methods if kind.declared is not None else ()
    return (not methods or occasion.method in methods) and rule.where.fits(occasion)


def _tally(number: int, account: _Account) -> FaultTally:
    return FaultTally(
        number=number,
        rule=str(account.rule),
        fitted=sum(account.fitted.values()),
        fired=sum(account.fired.values()),
    )
