"""The options that make things go wrong on purpose, for every command that replays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from cometape.core.errors import CassetteError, ConfigurationError
from cometape.core.faults.fault_kind import kinds_of
from cometape.core.faults.fault_reading import read_rule, read_rules
from cometape.core.faults.fault_rule import FaultRule
from cometape.core.profile.profile import Profile
from cometape.store.yaml_documents import Limits, documents

_LIMITS = Limits(max_bytes=1 << 20, max_depth=32, max_scalar=1 << 16)
"""A list of faults is a page or two."""

Command = Callable[..., Any]


def fault_options(command: Command) -> Command:
    """Give a command `--fault` and `--faults`; `faults_of` reads what they say."""
    for option in (
        click.option(
            "--faults",
            "fault_files",
            type=click.Path(path_type=Path, dir_okay=False),
            multiple=True,
            metavar="FILE",
            help="Faults from a YAML or JSON file, a list. As often as needed.",
        ),
        click.option(
            "--fault",
            "fault_texts",
            multiple=True,
            metavar="SPEC",
            help="Something that goes wrong on purpose: NAME[=VALUE] [KEY=VALUE]…, for example "
            "'lost channel=/v2/me/workitems nth=2' or 'status=503 operation=Pull*'. As often as "
            "needed.",
        ),
    ):
        command = option(command)
    return command


def faults_of(
    texts: Sequence[str], files: Sequence[Path], profiles: Sequence[Profile]
) -> tuple[FaultRule, ...]:
    """The rules of `--fault` and `--faults`, those of files first. Raises ConfigurationError."""
    kinds = kinds_of([fault for profile in profiles for fault in profile.faults])
    rules: list[FaultRule] = []
    for file in files:
        rules += read_rules(_read(file), kinds, option=f"--faults {file}")
    rules += [read_rule(text, kinds) for text in texts]
    return tuple(rules)


def _read(file: Path) -> Any:
    try:
        data = file.read_bytes()
        if len(data) > _LIMITS.max_bytes:
            raise _unusable(file, f"has {len(data)} bytes, at most {_LIMITS.max_bytes} are read")
        found = [value for value, _ in documents(data, str(file), _LIMITS)]
    except OSError as error:
        raise _unusable(file, f"cannot be read: {error.strerror}") from error
    except CassetteError as error:
        place = f"line {error.line}: " if error.line is not None else ""
        raise _unusable(file, f"is not YAML: {place}{error.what}") from error
    if len(found) != 1:
        raise _unusable(file, f"has {len(found)} documents, one is wanted")
    return found[0]


def _unusable(file: Path, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"--faults: {file} {what}",
        hint="write a list of faults, one to a line: - lost channel=/v2/me/workitems nth=2",
        reason="bad-fault",
    )
