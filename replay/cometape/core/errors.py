"""The errors a caller can act on, cut by what can be done about them.

    CometapeError
    ├── CassetteError          the file is not a cassette we can use: mend or re-record it
    ├── ProfileError           the profile is wrong: mend it
    ├── ConfigurationError     a flag, option or argument is wrong: change it
    ├── ProtocolError          the peer broke a rule of HTTP or Bayeux: its fault, not ours
    └── ResidueError           a cassette still holds what looks like a secret: look at it

A message has four parts: what happened, what was looked for, what came nearest, what to do next.
Every error carries a machine-readable `reason` from a closed set, listed in `docs/errors.md`.
"""

from __future__ import annotations


class CometapeError(Exception):
    """Base of all errors raised on purpose.

    `what` is one sentence; `hint` says what to do next; `reason` is a stable word for machines.
    `exit_code` is what the command line ends with (documented in `docs/errors.md`).
    """

    exit_code = 1

    def __init__(self, what: str, *, hint: str = "", reason: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.what}\n  {self.hint}" if self.hint else self.what


class CassetteError(CometapeError):
    """A cassette cannot be read, or must not be written; names file, line, entry and next step."""

    exit_code = 3

    def __init__(
        self,
        what: str,
        *,
        hint: str = "",
        reason: str = "invalid",
        path: str = "",
        line: int | None = None,
        entry: int | None = None,
    ) -> None:
        super().__init__(what, hint=hint, reason=reason)
        self.path = path
        self.line = line
        """1-based line of the file, where known."""
        self.entry = entry
        """Number of the entry, where known."""

    def __str__(self) -> str:
        place = self.path + (f":{self.line}" if self.line is not None else "")
        place += f" (entry {self.entry})" if self.entry is not None else ""
        return f"{place}: {super().__str__()}" if place else super().__str__()


class ProfileError(CometapeError):
    """A profile does not say what a profile must say."""

    exit_code = 4


class ConfigurationError(CometapeError):
    """A flag, option, marker or argument cannot be used as given."""

    exit_code = 2


class ProtocolError(CometapeError):
    """The peer sent something that HTTP or Bayeux does not allow."""

    exit_code = 5


class ResidueError(CometapeError):
    """A cassette is kept, but not finished: something in it looks like a secret."""

    exit_code = 6
