"""Whether a cassette may be finished: the last scan, and what is said when it may not."""

from __future__ import annotations

from dataclasses import replace

from cometape.core.profile.profile import Profile

from .core.cassette import Cassette
from .core.errors import ResidueError
from .core.scrub.residue import Residue, find_residue
from .secret_scanner import scanner

_TOLD = 20
"""So many are told one by one."""


def scan(cassette: Cassette, profile: Profile) -> list[Residue]:
    """What looks like a secret in a cassette, in the order of its entries."""
    return list(find_residue(cassette, profile, scanner()))


def marked(cassette: Cassette, found: list[Residue]) -> Cassette:
    """The cassette whose header says how much was found; none: it is finished."""
    return replace(cassette, header=replace(cassette.header, residue=len(found)))


def refusal(path: str, found: list[Residue], done: str) -> ResidueError:
    """The error that names what was found. `done` says what became of the file."""
    lines = [str(one) for one in found[:_TOLD]]
    if len(found) > _TOLD:
        lines.append(f"… and {len(found) - _TOLD} more")
    field = found[0].field
    one = len(found) == 1
    what = "a value looks like a secret" if one else f"{len(found)} values look like secrets"
    return ResidueError(
        f"{path}: {what}; {done}\n  " + "\n  ".join(lines),
        hint=f"If it is one: add a rule to a profile, then `cometape scrub {path} --profile FILE`. "
        f'If not: `cometape scrub {path} --allow "{field}"` (docs/scrubbing.md).',
        reason="residue",
    )
