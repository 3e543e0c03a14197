"""`cometape record`: a recorder between a client and a live system."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cometape.core.errors import ConfigurationError

from .address import address_options
from .origin import origin_of

if TYPE_CHECKING:  # mitmproxy: what is wrong with the arguments is told before it is imported
    from cometape.recorder import RecordingSettings
    from cometape.recorder.proxy import ProxySettings


@click.command("record")
@click.argument("url", required=False)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="The cassette to write (*.yaml).",
)
@click.option(
    "--proxy",
    is_flag=True,
    help="Be a regular proxy (HTTP_PROXY, browser settings) instead of standing in for URL.",
)
@address_options
@click.option("--scenario", default="", metavar="TEXT", help="What this is a recording of.")
@click.option(
    "--profile",
    default="workbins",
    show_default=True,
    metavar="NAME",
    help="What is special about the API: workbins, bayeux, or a YAML file.",
)
@click.option("--overwrite", is_flag=True, help="Replace the cassette if it exists.")
@click.option(
    "--only",
    multiple=True,
    metavar="ORIGIN",
    help="With --proxy: record this origin, let all others pass unrecorded. May be repeated.",
)
@click.option(
    "--bayeux",
    metavar="PATH",
    help="Path of the CometD endpoint, if the profile does not know it.",
)
@click.option("--insecure", is_flag=True, help="Do not verify the live system's certificate.")
@click.option(
    "--ca",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="PEM file with the authority that signed the live system's certificate.",
)
@click.option("--quiet", is_flag=True, help="No table while it records and no summary after it.")
@click.option("--json", "as_json", is_flag=True, help="The summary as one line of JSON.")
def command(
    url: str | None,
    out: Path,
    proxy: bool,
    port: int,
    host: str,
    scenario: str,
    profile: str,
    overwrite: bool,
    only: tuple[str, ...],
    bayeux: str | None,
    insecure: bool,
    ca: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Record traffic between a client and a live system into a cassette.

    The recorder stands in for URL (http://gws.example:8090): point the client at the address it
    prints, "listening on http://HOST:PORT" as the first line on standard output. Secrets are
    replaced before anything reaches the disk; each entry is on disk when the client has its answer.
    Bodies of more than 64 MiB pass through but are not kept. On a terminal a table shows what has
    been recorded. Ctrl-C ends the recording with a summary, and warnings of what a replay of it
    would lack.
    """
    if (url is None) == (not proxy):
        raise click.UsageError(
            "Give the URL of the system to record, or --proxy, not both: "
            "cometape record http://gws.example:8090 -o FILE"
        )
    if only and not proxy:
        raise click.UsageError("--only goes with --proxy: URL is the only origin otherwise.")
    upstream = origin_of(url) if url is not None else None
    origins = [origin_of(one) for one in only]

    from cometape.recorder import RecordingSettings
    from cometape.recorder.proxy import ProxySettings

    settings = RecordingSettings(
        out=out,
        scenario=scenario,
        profile=profile,
        overwrite=overwrite,
        origin=upstream or (origins[0] if len(origins) == 1 else None),
        only=frozenset(origins),
        bayeux=bayeux,
    )
    proxy_settings = ProxySettings(
        upstream=upstream, host=host, port=port, insecure=insecure, trusted_ca=ca
    )
    asyncio.run(_record(settings, proxy_settings, quiet=quiet, as_json=as_json))


async def _record(
    settings: RecordingSettings, proxy: ProxySettings, *, quiet: bool, as_json: bool
) -> None:
    from cometape.recorder import Recorder
    from cometape.recorder.live_table import watched
    from cometape.recorder.proxy import check_port_is_free, run

    check_port_is_free(proxy)  # first, so that nothing is replaced by a recorder that cannot start
    recorder = Recorder(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    try:
        async with watched(recorder, quiet=quiet) as show_at:
            await run(recorder, proxy, listening=lambda url: show_at(_announce(url)), stop=stop)
    except ConfigurationError:
        recorder.abandon()
        raise
    if recorder.summary is not None and as_json:
        click.echo(json.dumps(recorder.summary.as_json()))
    elif recorder.summary is not None and not quiet:
        click.echo(recorder.summary.render())
    if recorder.failure is not None:
        raise recorder.failure


def _announce(url: str) -> str:
    click.echo(f"listening on {url}")
    return url
