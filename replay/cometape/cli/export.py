"""`cometape export`: a cassette as a file that other programs read."""

from __future__ import annotations

from pathlib import Path

import click

from cometape.core.errors import ConfigurationError
from cometape.interchange import har_export
from cometape.store import cassette_file

from .cassette_argument import cassette_options, understood

_BY_NAME = {".har": "har", ".flow": "flow", ".flows": "flow", ".mitm": "flow", ".dump": "flow"}


@click.command("export")
@cassette_options
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="The file to write: *.har or *.flow.",
)
@click.option(
    "--format",
    "wanted",
    type=click.Choice(["har", "flow"]),
    help="HAR 1.2, or mitmproxy flows.  [default: by the name of the file to write]",
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
def command(
    file: Path,
    profile: str | None,
    recover: bool,
    out: Path,
    wanted: str | None,
    overwrite: bool,
) -> None:
    """Write a cassette as HAR, or as mitmproxy flows.

    FILE is the cassette. A HAR file opens in the developer tools of browsers, flows in mitmproxy
    and mitmweb. CometD is written as the polls, or the WebSocket, that could have carried it, so
    `cometape import` reads the same scenario back. Placeholders stay: the secrets are gone.
    """
    form = wanted or _BY_NAME.get(out.suffix.lower())
    if form is None:
        raise ConfigurationError(
            f"the name {out.name!r} does not say in which format to write",
            hint="Name it *.har or *.flow, or add --format har or --format flow.",
            reason="bad-option",
        )
    catalogue, known = understood(file, profile, recover)
    cassette = catalogue.cassette()
    if form == "har":
        data = har_export.dump(cassette, known)
    else:
        from cometape.interchange import flows  # mitmproxy takes most of a second to import

        data = flows.dump(cassette, known)
    cassette_file.write(data, out, overwrite=overwrite)
    click.echo(f"exported {file} to {out}: {len(cassette.entries)} entries, {len(data)} bytes")
