"""`cometape scrub`: newer rules for an older cassette."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from cometape import last_scan
from cometape.core.cassette import Cassette
from cometape.core.scrub.cleaning import Cleaned, clean
from cometape.profiles import load_profile
from cometape.store.cassette_file import load, save


@click.command("scrub")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to this file and leave the other as it is.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file of -o if it exists.")
@click.option(
    "--pseudonyms",
    is_flag=True,
    help="Replace names, addresses, numbers and what was written, too.",
)
@click.option(
    "--profile",
    metavar="NAME|FILE",
    help="Whose rules.  [default: the profile the cassette names]",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="FIELD",
    help="A field that only looks like a secret; noted in the cassette. May be repeated.",
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
    cassette = load(file)
    rules = load_profile(profile or cassette.header.profile)
    allowed = tuple(dict.fromkeys((*cassette.header.allowed, *allow)))
    noted = Cassette(replace(cassette.header, allowed=allowed), cassette.entries)
    cleaned = clean(noted, rules, pseudonyms=pseudonyms)
    found = last_scan.scan(cleaned.cassette, rules)
    new = last_scan.marked(cleaned.cassette, found)
    target = out or file
    if out is not None or new != cassette:
        save(new, target, overwrite=out is None or overwrite)
    click.echo(f"{target}: {_told(cleaned)}")
    if found:
        raise last_scan.refusal(str(target), found, "the rest was scrubbed")


def _told(cleaned: Cleaned) -> str:
    secrets, personal = cleaned.secrets.total(), cleaned.pseudonyms.total()
    told = " and ".join(
        f"{count} {what}" + ("s" if count > 1 else "")
        for count, what in ((secrets, "secret"), (personal, "personal value"))
        if count
    )
    return f"replaced {told}" if told else "nothing to replace"
