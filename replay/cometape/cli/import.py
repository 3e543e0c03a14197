"""`cometape import`: a cassette of what other programs recorded.

The module is named as the command, like all; `import` being a keyword, `importlib` imports it.
"""

from __future__ import annotations

from pathlib import Path

import click

from cometape import last_scan
from cometape.core.errors import CassetteError
from cometape.interchange.importing import ImportSettings, assemble
from cometape.interchange.reading import MAX_BYTES, read
from cometape.profiles import load_profile
from cometape.store import cassette_file

from .making_options import making_options
from .origin import origin_of
from .progress import telling

_PROFILE = "workbins"


@click.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@making_options
@click.option(
    "--profile",
    metavar="NAME|FILE",
    help="What is special about the API.  [default: the one an exported file names, or workbins]",
)
@click.option(
    "--only",
    multiple=True,
    metavar="ORIGIN",
    help="Import this origin, leave all others out. May be repeated.",
)
def command(
    files: tuple[Path, ...],
    out: Path,
    scenario: str,
    profile: str | None,
    only: tuple[str, ...],
    bayeux: str | None,
    pseudonyms: bool,
    allow: tuple[str, ...],
    overwrite: bool,
) -> None:
    """Make a cassette of HAR files, mitmproxy flows or vcrpy cassettes.

    The format is told by the content of FILE, not by its name. Several files of one scenario (an
    agent's browser and a supervisor's) are put together by their times. Sessions, CometD, causes
    and secrets are found as in a recording: secrets are replaced before anything is written, and
    the cassette is written whole or not at all.
    """
    origins = frozenset(origin_of(one) for one in only)
    told = telling(f"importing {files[0].name}")  # from now on: reading takes a while, too
    sources = [read(_content(file), str(file)) for file in files]
    name = profile or next((one.profile for one in sources if one.profile), None) or _PROFILE
    settings = ImportSettings(
        profile_name=name,
        scenario=scenario,
        bayeux=bayeux,
        only=origins,
        pseudonyms=pseudonyms,
        allowed=allow,
    )
    known = load_profile(name)
    imported = assemble(sources, known, settings, told)
    found = last_scan.scan(imported.cassette, known)
    cassette_file.save(last_scan.marked(imported.cassette, found), out, overwrite=overwrite)
    click.echo(imported.render(str(out), len(files)))
    if found:
        raise last_scan.refusal(str(out), found, "it is kept, but not finished")


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise CassetteError(
            "there is no such file", reason="missing", path=str(file), hint="Look at its name."
        ) from None
    except OSError as error:
        raise CassetteError(
            f"cannot be read: {error.strerror}", reason="unreadable", path=str(file)
        ) from error
