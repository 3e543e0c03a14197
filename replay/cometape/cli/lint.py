"""`cometape lint`: whether cassettes are fit to be committed."""

from __future__ import annotations

from pathlib import Path

import click

from cometape import file_review, last_scan
from cometape.core.cassette import UNFINISHED, Header
from cometape.core.errors import CassetteError, CometapeError, ResidueError

from .progress import telling


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
        reviewed = file_review.review(file, profile, telling(f"looking through {file.name}"))
    except CometapeError as error:
        if isinstance(error, CassetteError):
            error.path = error.path or str(file)
            click.echo(str(error))
        else:
            click.echo(f"{file}: {error}")
        return error.exit_code
    found, header = list(reviewed.residue), reviewed.header
    for one in found:
        click.echo(f"{file}: {one}")
    if found:
        click.echo(f"  {last_scan.refusal(str(file), found, '').hint}")
    elif header.residue or header.unfinished:
        click.echo(str(_unfinished(file, header)))
    return ResidueError.exit_code if found or header.residue or header.unfinished else 0


def _unfinished(file: Path, header: Header) -> ResidueError:
    looked = "was not finished when it was recorded: something in it looked like a secret"
    return ResidueError(
        f"{file}: {looked if header.residue else UNFINISHED}",
        hint=f"`cometape scrub {file}` scans it again and finishes it.",
        reason="unfinished",
    )
