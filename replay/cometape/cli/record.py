"""`cometape record`: a recorder between a client and a live system."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cometape import end_signals
from cometape.core.errors import ConfigurationError

from .address import address_options
from .after_dashes import BeforeDashes, after_dashes
from .making_options import making_options
from .origin import origin_of
from .upstream_proxy import other_proxy_of

if TYPE_CHECKING:  # mitmproxy: what is wrong with the arguments is told before it is imported
    from cometape.recorder import RecordingSettings
    from cometape.recorder.capture_filter import CaptureFilter
    from cometape.recorder.child import RecordedCommand
    from cometape.recorder.proxy import ProxySettings


@click.command("record", cls=BeforeDashes)
@click.argument("url", required=False)
@making_options
@click.option(
    "--proxy",
    is_flag=True,
    help="Be a regular proxy (HTTP_PROXY, browser settings) instead of standing in for URL.",
)
@address_options
@click.option(
    "--profile",
    default="workbins",
    show_default=True,
    metavar="NAME",
    help="What is special about the API: workbins, bayeux, or a YAML file.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="ORIGIN",
    help="With --proxy: record this origin, let all others pass unrecorded. May be repeated.",
)
@click.option("--insecure", is_flag=True, help="Do not verify the live system's certificate.")
@click.option(
    "--ca",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="PEM file with the authority that signed the live system's certificate.",
)
@click.option(
    "--include",
    multiple=True,
    metavar="EXPRESSION",
    help="Record only what this matches (mitmproxy's filter language). May be repeated.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="EXPRESSION",
    help="Let pass unrecorded what this matches. May be repeated.",
)
@click.option(
    "--upstream-proxy",
    metavar="URL",
    envvar="COMETAPE_UPSTREAM_PROXY",
    help="Go out through another proxy: http://[USER:PASSWORD@]HOST:PORT. Better kept, with its "
    "password, in the variable COMETAPE_UPSTREAM_PROXY.",
)
@click.option(
    "--public",
    multiple=True,
    metavar="ORIGIN",
    help="Another address by which URL calls itself in redirects. May be repeated.",
)
@click.option("--http2", is_flag=True, help="Speak HTTP/2 over TLS with whoever can.")
@click.option(
    "--confdir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("~/.mitmproxy"),
    show_default=True,
    metavar="FOLDER",
    help="Where the recorder's certificate authority is: see cometape ca.",
)
@click.option("--quiet", is_flag=True, help="No table while it records and no summary after it.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="The summary as one line of JSON: the last of standard output; with -- COMMAND, "
    "whose own that is, a line of standard error.",
)
def command(
    url: str | None,
    out: Path,
    proxy: bool,
    port: int,
    host: str,
    scenario: str,
    profile: str,
    overwrite: bool,
    pseudonyms: bool,
    allow: tuple[str, ...],
    only: tuple[str, ...],
    bayeux: str | None,
    insecure: bool,
    ca: Path | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    upstream_proxy: str | None,
    public: tuple[str, ...],
    http2: bool,
    confdir: Path,
    quiet: bool,
    as_json: bool,
) -> None:
    """Record traffic between a client and a live system into a cassette.

    The recorder stands in for URL (http://gws.example:8090): point the client at the address it
    prints, "listening on http://HOST:PORT" as the first line on standard output. Secrets are
    replaced before anything reaches the disk; each entry is on disk when the client has its answer.
    Bodies of more than 8 MiB pass through but are not kept. On a terminal a table shows what has
    been recorded. Ctrl-C ends the recording with a summary, and warnings of what a replay of it
    would lack.

    With -- COMMAND the command is run in an environment by which its traffic is recorded
    (COMETAPE_URL, with --proxy also HTTP_PROXY and the like, trusted certificates). The recording
    ends with it, and so does this, with its exit code; what there is to say goes to standard error.
    """
    child = after_dashes()
    if child == ():
        raise click.UsageError("After -- there must be a command to run.")
    if (url is None) == (not proxy):
        raise click.UsageError(
            "Give the URL of the system to record, or --proxy, not both: "
            "cometape record http://gws.example:8090 -o FILE"
        )
    if only and not proxy:
        raise click.UsageError("--only goes with --proxy: URL is the only origin otherwise.")
    if public and proxy:
        raise click.UsageError("--public goes with URL; clients of a --proxy use true addresses.")
    upstream = origin_of(url) if url is not None else None
    origins = [origin_of(one) for one in only]
    publics = tuple(origin_of(one) for one in public)
    other_proxy = other_proxy_of(upstream_proxy) if upstream_proxy else None

    from cometape.recorder import RecordingSettings
    from cometape.recorder.capture_filter import CaptureFilter
    from cometape.recorder.proxy import ProxySettings

    settings = RecordingSettings(
        out=out,
        scenario=scenario,
        profile=profile,
        overwrite=overwrite,
        origin=upstream or (origins[0] if len(origins) == 1 else None),
        only=frozenset(origins),
        bayeux=bayeux,
        pseudonyms=pseudonyms,
        allow=allow,
    )
    proxy_settings = ProxySettings(
        upstream=upstream,
        host=host,
        port=port,
        insecure=insecure,
        trusted_ca=ca,
        confdir=confdir,
        http2=http2,
        public=publics,
        upstream_proxy=other_proxy,
    )
    chosen = CaptureFilter(include, exclude)
    recording = _record(
        settings, proxy_settings, chosen, child=child or (), quiet=quiet, as_json=as_json
    )
    click.get_current_context().exit(asyncio.run(recording))


NOTHING_RECORDED = 1
"""The exit code where a command passed and never came to the recorder."""


async def _record(
    settings: RecordingSettings,
    proxy: ProxySettings,
    chosen: CaptureFilter,
    *,
    child: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> int:
    from cometape.mitm.authority import usable_confdir
    from cometape.recorder import Recorder
    from cometape.recorder.child import RecordedCommand
    from cometape.recorder.live_table import watched
    from cometape.recorder.proxy import check_port_is_free, run

    def say(text: str) -> None:
        click.echo(text, err=bool(child))  # standard output is the command's

    code = 0
    stop = asyncio.Event()
    check_port_is_free(proxy)  # first, so that nothing is replaced by a recorder that cannot start
    with usable_confdir(proxy.confdir) as confdir:
        proxy = replace(proxy, confdir=confdir)
        attended = None
        if child:
            is_proxy = proxy.upstream is None
            attended = RecordedCommand(child, confdir=confdir, is_proxy=is_proxy, stop=stop)
        recorder = Recorder(settings, chosen)

        def listening(url: str) -> None:
            say(f"listening on {url}")
            gc.freeze()  # modules and options need not be walked again and again
            show_at(url)
            if attended is not None:
                attended.start(url)

        with end_signals.handled(_end_signals(stop, attended)):
            try:
                async with watched(recorder, quiet=quiet or bool(child)) as show_at:
                    await run(recorder, proxy, listening=listening, stop=stop)
            except ConfigurationError:
                recorder.abandon()
                raise
            if attended is not None:
                code = await attended.ended()
    if recorder.summary is not None and as_json:
        say(json.dumps(recorder.summary.as_json()))
    elif recorder.summary is not None and not quiet:
        say(recorder.summary.render())
    if recorder.failure is not None and code == 0:
        raise recorder.failure
    if recorder.failure is not None:
        say(f"cometape: {recorder.failure}")
    if child and code == 0 and recorder.summary is not None and recorder.summary.is_empty:
        say(f"cometape: nothing of {child[0]} was recorded; did it use COMETAPE_URL?")
        return NOTHING_RECORDED
    return code


def _end_signals(
    stop: asyncio.Event, attended: RecordedCommand | None
) -> dict[signal.Signals, Callable[[], object]]:
    """Whom each signal is for: the recording, or the command that is recorded."""
    if attended is None:
        return {signal.SIGINT: stop.set, signal.SIGTERM: stop.set}
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)  # nohup has it ignored, and so it must stay
    return {number: partial(attended.signal, number) for number in numbers}
