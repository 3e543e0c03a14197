"""What a recording leaves out on purpose, and what it could not record: for its summary."""

from __future__ import annotations

from collections import Counter

MAX_KINDS = 200
"""Notices told apart: some name what a client sent, and clients can send anything."""
OTHERS = "something else"


class Notices:
    """Counts of what was skipped and what went wrong, by their words, in order of appearance."""

    def __init__(self) -> None:
        self.skips: Counter[str] = Counter()
        """What is noise: idle polls, events that came again, …"""
        self.problems: Counter[str] = Counter()
        """What the user should know: one sentence each, without secrets."""

    def skipped(self, what: str) -> None:
        """One more of `what` is not in the cassette, and should not be."""
        _count(self.skips, what)

    def problem(self, what: str) -> None:
        """One more of `what` went wrong."""
        _count(self.problems, what)


def _count(counts: Counter[str], what: str) -> None:
    counts[what if what in counts or len(counts) < MAX_KINDS else OTHERS] += 1
