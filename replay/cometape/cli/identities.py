"""`cometape identities`: the ids of a cassette, and what its profile lacks."""

from __future__ import annotations

import json
from pathlib import Path

import click
import yaml

from cometape.core.discovery.known import known_identities
from cometape.core.discovery.proposals import proposals
from cometape.core.discovery.snippet import snippet
from cometape.core.errors import ConfigurationError
from cometape.core.json_value import JsonObject
from cometape.core.lone_surrogate import encodable
from cometape.inspector.identity_table import identities_as_json, identity_table

from .cassette_argument import cassette_options, understood
from .inspect import console

MAX_ENTRIES = 20_000
"""How many are looked at unless told: ids of one kind look alike, and each has a line in memory."""


@click.command("identities")
@cassette_options
@click.option("--json", "as_json", is_flag=True, help="For machines; see docs/identities.md.")
@click.option(
    "--profile-out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.yaml",
    help="Write the proposed profile to this file, which must not exist.",
)
@click.option(
    "--entries",
    type=click.IntRange(min=1),
    default=MAX_ENTRIES,
    show_default=True,
    metavar="N",
    help="Look at the first N entries.",
)
def command(
    file: Path,
    profile: str | None,
    recover: bool,
    as_json: bool,
    profile_out: Path | None,
    entries: int,
) -> None:
    """Show the ids that a replay makes fresh, and propose what the profile lacks.

    Known are the kinds of the profile: where they stand, with which values, in which sessions, and
    from which entry to which each value leads. Proposed is what behaves as an id, a date or an
    address and is declared nowhere, with the evidence, and as a profile to be pasted.
    """
    catalogue, rules = understood(file, profile, recover)
    cassette = catalogue.cassette(entries)
    known = known_identities(cassette, rules)
    proposed = proposals(cassette, rules)
    name = profile_out.stem if profile_out is not None else f"{rules.name}-more"
    extends = profile if profile is not None and "/" in profile else rules.name
    written = snippet(proposed, rules, name, extends=extends) if proposed else None
    if as_json:
        found = identities_as_json(known, proposed, written, file=str(file), profile=rules.name)
        found |= {"looked_at": len(cassette.entries), "entries": len(catalogue)}
        click.echo(encodable(json.dumps(found, indent=2, ensure_ascii=False)))
    else:
        output = console()
        if len(cassette.entries) < len(catalogue):
            of_all = f"Of the first {entries:,} of {len(catalogue):,} entries; --entries N: of N."
            output.print(of_all + "\n")
        output.print(identity_table(known, proposed, rules.name))
        if written is not None and profile_out is None:
            output.print("\nAs a profile (--profile-out FILE.yaml writes it):\n")
            click.echo(_yaml(written), nl=False)
    if profile_out is not None and written is not None:
        _save(_yaml(written), profile_out)
        if not as_json:
            click.echo(
                f"\n{profile_out} is written: cometape replay {file} --profile {profile_out}"
            )


def _yaml(written: JsonObject) -> str:
    text: str = yaml.safe_dump(written, sort_keys=False, allow_unicode=True, width=100)
    return text


def _save(text: str, path: Path) -> None:
    """Write a new file. Raises ConfigurationError."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError(
            f"--profile-out: {path} cannot be written: {error.strerror}",
            hint="Name a file that does not exist, in a folder that does.",
            reason="bad-option",
        ) from error
