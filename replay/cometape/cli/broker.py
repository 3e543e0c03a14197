"""`cometape broker`: a plain CometD server."""

from __future__ import annotations

import secrets
import time

import click

from cometape.core.bayeux.dialect import DIALECTS
from cometape.core.bayeux.settings import Settings
from cometape.core.broker import Broker
from cometape.core.cors import CorsService
from cometape.core.errors import ConfigurationError
from cometape.server.listener import serve

from .address import address_options
from .bayeux_options import bayeux_options
from .seconds import Seconds


@click.command("broker")
@address_options
@bayeux_options(max_interval_s=10.0)
@click.option(
    "--path",
    default="/cometd",
    show_default=True,
    metavar="PATH",
    help="Where clients find the CometD server; paths below it belong to it too.",
)
@click.option(
    "--interval-s",
    type=Seconds(),
    default=0.0,
    show_default=True,
    metavar="S",
    help="How long clients are advised to wait between two connects.",
)
@click.option(
    "--dialect",
    type=click.Choice(list(DIALECTS)),
    default="cometd3",
    show_default=True,
    help="In whose words errors are told.",
)
def command(
    port: int,
    host: str,
    path: str,
    timeout_s: float,
    max_interval_s: float,
    interval_s: float,
    dialect: str,
) -> None:
    """Run a plain CometD server, without any cassette.

    What is published on a channel reaches its subscribers, by long-polling, callback-polling and
    WebSocket; /service/echo answers its sender. The first line on standard output is
    "listening on http://HOST:PORT"; Ctrl-C ends it.
    """
    if not path.startswith("/"):
        raise ConfigurationError(
            f"--path is {path!r}", hint=f"It must begin with a slash: /{path}", reason="bad-option"
        )
    settings = Settings(
        timeout_ms=round(timeout_s * 1000),
        max_interval_ms=round(max_interval_s * 1000),
        interval_ms=round(interval_s * 1000),
        dialect=dialect,
        wall_offset_s=time.time() - time.monotonic(),
    )
    # No client of a broker that ran before may find its session under an id that is another's now.
    seed = secrets.token_hex(16)
    serve(CorsService(Broker(settings, path=path, seed=seed)), host=host, port=port)
