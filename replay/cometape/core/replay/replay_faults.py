"""The faults of one replay: rules are added and removed while it runs, and are counted."""

from __future__ import annotations

from collections.abc import Callable

from cometape.core.profile.profile import Profile

from ..faults.fault_kind import KINDS, kinds_of
from ..faults.fault_ledger import FaultLedger, FaultTally
from ..faults.fault_reading import read_rule
from ..faults.fault_rule import FaultRule
from ..json_value import Json, JsonObject

__all__ = ["KINDS", "FaultRule", "FaultTally", "ReplayFaults"]


class ReplayFaults:
    """What goes wrong on purpose in a replay. Nothing of it costs anything before the first rule.

    To be called by whoever the replay belongs to (`Listener.perform`, `BackgroundServer.call`).
    """

    def __init__(
        self, profile: Profile, seed: int, arm: Callable[[], None], disarm: Callable[[], None]
    ) -> None:
        """`arm` puts the faults in the way of the replay, `disarm` takes them out again."""
        self.kinds = kinds_of(profile.faults)
        """The built-in kinds of faults and the profile's, by name."""
        self.ledger = FaultLedger(seed)
        self._arm = arm
        self._disarm = disarm

    def add(self, rule: FaultRule | Json, *, option: str = "fault") -> int:
        """One more rule: as it is, as a compact text, or as a mapping. Its number.

        `option` names in an error where it was written. Raises ConfigurationError.
        """
        made = rule if isinstance(rule, FaultRule) else read_rule(rule, self.kinds, option=option)
        if not self.ledger:
            self._arm()
        return self.ledger.add(made)

    def remove(self, number: int) -> bool:
        """A rule is in force no longer; False when there is none of that number."""
        found = self.ledger.remove(number)
        if found and not self.ledger:
            self._disarm()
        return found

    def clear(self) -> None:
        """No rule is in force any longer; what is on its way (late events) still comes."""
        for number in self.ledger.rules:
            self.remove(number)

    @property
    def rules(self) -> dict[int, FaultRule]:
        """The rules in force, by number."""
        return self.ledger.rules

    @property
    def tallies(self) -> tuple[FaultTally, ...]:
        """What became of each rule so far."""
        return self.ledger.tallies()

    def json(self) -> list[JsonObject]:
        """The rules in force with their number and counts, for a machine."""
        counts = {tally.number: tally for tally in self.tallies}
        return [
            {**rule.json(), **counts[number].json()} for number, rule in self.ledger.rules.items()
        ]
