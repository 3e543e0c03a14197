"""`cometape scrub`: newer rules for an older cassette."""

from __future__ import annotations

from pathlib import Path

import click

from cometape import file_review, last_scan

from .making_options import scrubbing_options
from .progress import telling


@click.command("scrub")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@scrubbing_options
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to this file and leave the other as it is.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file of -o if it exists.")
@click.option(
    "--profile",
    metavar="NAME|FILE",
    help="Whose rules.  [default: the profile the cassette names]",
)
def command(
    file: Path,
    out: Path | None,
    overwrite: bool,
    pseudonyms: bool,
    profile: str | None,
    allow: tuple[str, ...],
) -> None:
    """Apply the rules of today to a cassette recorded earlier.

    The file is replaced as a whole, or left as it is when there is nothing to do. Placeholders
    that are there already keep their numbers. What still looks like a secret afterwards is named,
    and the command ends with 6; FIELD is as it is named there, with * for any text.
    """
    target = out or file
    scrubbed = file_review.scrub(
        file,
        target,
        profile=profile,
        allow=allow,
        pseudonyms=pseudonyms,
        overwrite=out is None or overwrite,
        progress=telling(f"scrubbing {file.name}"),
    )
    click.echo(f"{target}: {_told(scrubbed)}")
    if scrubbed.residue:
        raise last_scan.refusal(str(target), list(scrubbed.residue), "the rest was scrubbed")


def _told(scrubbed: file_review.Scrubbed) -> str:
    secrets, personal = scrubbed.secrets.total(), scrubbed.pseudonyms.total()
    told = " and ".join(
        f"{count} {what}" + ("s" if count > 1 else "")
        for count, what in ((secrets, "secret"), (personal, "personal value"))
        if count
    )
    done = [f"replaced {told}"] if told else []
    if scrubbed.was_unfinished:
        done.append("finished it: it had no last scan")
    if scrubbed.newly_allowed:
        done.append(f"allowed {', '.join(scrubbed.newly_allowed)}")
    return "; ".join(done) or "nothing to replace"
