"""Failed tries: exchanges without an answer, each with the later try that was answered.

A replay smooths over what failed: the try that succeeded is the answer, and what the failed one
brought about all the same (the system had done it; only the answer was lost) comes after that.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from .recordings import Follower

if TYPE_CHECKING:
    from .playbook import Playbook


class FailedTries:
    """Those of one cassette."""

    def __init__(self, playbook: Playbook) -> None:
        self._playbook = playbook

    @cached_property
    def succeeded_by(self) -> Mapping[int, int | None]:
        """By number; None where no later try of the same session was answered, or it was a read."""
        playbook = self._playbook
        found: dict[int, int | None] = {}
        for number in playbook.unanswered_numbers():
            like = playbook.matches(playbook.shape_of(number))
            recordings = like.by_session.get(playbook.session_of(number))
            numbers = recordings.numbers if recordings and like.are_operations else ()
            found[number] = next((one for one in numbers if one > number), None)
        return found

    @cached_property
    def brought_about(self) -> Mapping[int, tuple[Follower, ...]]:
        """By the number of the try that was answered, the events of the failed ones before it."""
        found: dict[int, tuple[Follower, ...]] = {}
        for number, succeeded in self.succeeded_by.items():
            followers = self._playbook.followers(number)
            if succeeded is not None and followers:
                found[succeeded] = (*found.get(succeeded, ()), *followers)
        return found

    def stands_in_for(self, number: int) -> int | None:
        """The entry that plays an entry's part: itself, but for failed tries; None for nobody."""
        return self.succeeded_by.get(number, number)
