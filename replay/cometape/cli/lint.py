"""`cometape lint`: whether cassettes are fit to be committed."""

from __future__ import annotations

from pathlib import Path

import click

from cometape import last_scan
from cometape.core.causality.inference import infer_causes
from cometape.core.errors import CassetteError, CometapeError, ResidueError
from cometape.profiles import load_profile
from cometape.store.cassette_file import load


@click.command("lint")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILES..."
)
@click.option(
    "--profile",
    metavar="NAME|FILE",
    help="Whose rules.  [default: the profile each cassette names]",
)
@click.pass_context
def command(ctx: click.Context, files: tuple[Path, ...], profile: str | None) -> None:
    """Check cassettes: they load, their causes resolve, no secret is left.

    Says nothing about a file that is in order. Names file, entry and field of everything else on
    standard output, one line each, and ends with the exit code of the worst: 3 a cassette that
    cannot be used, 4 its profile, 6 something that looks like a secret.
    """
    codes = [code for file in files for code in [_check(file, profile)] if code]
    if codes:
        ctx.exit(min(codes))


def _check(file: Path, profile: str | None) -> int:
    """The exit code for one file, whose problems are told."""
    try:
        cassette = load(file)
        rules = load_profile(profile or cassette.header.profile)
        infer_causes(cassette, rules)
    except CometapeError as error:
        if isinstance(error, CassetteError):
            error.path = error.path or str(file)
            click.echo(str(error))
        else:
            click.echo(f"{file}: {error}")
        return error.exit_code
    found = last_scan.scan(cassette, rules)
    for one in found:
        click.echo(f"{file}: {one}")
    if found:
        click.echo(f"  {last_scan.refusal(str(file), found, '').hint}")
    elif cassette.header.residue:
        click.echo(str(_unfinished(file)))
    return ResidueError.exit_code if found or cassette.header.residue else 0


def _unfinished(file: Path) -> ResidueError:
    return ResidueError(
        f"{file}: was not finished when it was recorded: something in it looked like a secret",
        hint=f"`cometape scrub {file}` scans it again and finishes it.",
        reason="unfinished",
    )
