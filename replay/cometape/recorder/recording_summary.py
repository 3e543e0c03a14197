"""What is said of a recording when it is over: for people as text, for machines as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..core.json_value import JsonObject
from ..core.record.closing_warnings import RecordingWarning
from ..inspector.wording import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a recording holds."""

    out: Path
    exchanges: int = 0
    sessions: tuple[str, ...] = ()
    bayeux: int = 0
    """Entries that are neither exchange nor event: handshakes, subscriptions, …"""
    events: int = 0
    caused: int = 0
    """Events whose cause was found."""
    secrets: int = 0
    """Secrets replaced, each occurrence counted."""
    skipped: dict[str, int] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)
    """What went wrong, in words, and how often."""
    warnings: tuple[RecordingWarning, ...] = ()
    """What a replay of it will lack."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was recorded."""
        return not (self.exchanges or self.bayeux or self.events)

    def render(self) -> str:
        """The summary as lines of text."""
        spontaneous = self.events - self.caused
        lines = [
            f"recorded {self.out}",
            f"  exchanges         {self.exchanges}",
            f"  sessions          {len(self.sessions)}{_in_brackets(self.sessions)}",
            f"  bayeux entries    {self.bayeux}",
            f"  events            {self.events}",
            f"  causes found      {self.caused}"
            + (f" ({spontaneous} spontaneous)" if spontaneous else ""),
            f"  secrets replaced  {self.secrets}",
        ]
        if self.skipped:
            lines.append("  left out          " + _counted(self.skipped))
        told = {warning.what for warning in self.warnings}  # there with the entries' numbers
        problems = {what: count for what, count in self.problems.items() if what not in told}
        lines.append(f"  problems          {sum(problems.values())}")
        lines += [
            f"    {f'{count} times: ' if count > 1 else ''}{what}"
            for what, count in problems.items()
        ]
        if self.warnings:
            lines.append(f"  warnings          {len(self.warnings)}")
            for warning in self.warnings:
                lines += [f"    {line}" for line in warning.render().splitlines()]
        return "\n".join(map(printable, lines))

    def as_json(self) -> JsonObject:
        """The summary for machines; `docs/recording.md` names the keys."""
        return {
            "cassette": str(self.out),
            "exchanges": self.exchanges,
            "sessions": list(self.sessions),
            "bayeux_entries": self.bayeux,
            "events": self.events,
            "caused": self.caused,
            "secrets_replaced": self.secrets,
            "left_out": dict(self.skipped),
            "problems": dict(self.problems),
            "warnings": [
                {
                    "kind": warning.kind,
                    "what": warning.what,
                    "times": warning.times,
                    "entries": list(warning.entries),
                }
                for warning in self.warnings
            ],
        }


def _in_brackets(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    return f" ({shown})" if names else ""


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items())
