"""The options of `cometape replay` about its control API."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cometape.core.control.access import LOOPBACK, Access
from cometape.core.errors import ConfigurationError

F = TypeVar("F", bound=Callable[..., Any])

OPENAPI = Path(__file__).parents[1] / "server" / "openapi.json"
"""The description of the API, as it is served at `/openapi.json`."""
_LEAST_TOKEN = 16
"""Characters that a token must have: fewer can be tried out."""


def control_options(command: F) -> F:
    """Add `--control`, `--control-port`, `--control-host`, `--control-token` and `--openapi`."""
    for decorate in (
        click.option(
            "--openapi",
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_openapi,
            help="Print the description of the control API (OpenAPI 3.1), and end.",
        ),
        click.option(
            "--control-token",
            envvar="COMETAPE_CONTROL_TOKEN",
            show_envvar=True,
            metavar="TOKEN",
            help="The bearer token to ask for.  [default: none on loopback, else one is made]",
        ),
        click.option(
            "--control-host",
            default="127.0.0.1",
            show_default=True,
            metavar="ADDRESS",
            help="The address of the control API; other than on loopback it asks for a token.",
        ),
        click.option(
            "--control-port",
            type=click.IntRange(0, 65535),
            default=0,
            show_default="a free one",
            metavar="N",
            help="The port of the control API.",
        ),
        click.option(
            "--control/--no-control",
            default=True,
            show_default=True,
            help="Serve the control API, by which tests make runs, verify them, advance the clock.",
        ),
    ):
        command = decorate(command)
    return command


def access_to(host: str, token: str | None) -> Access:
    """Who may call a control API that listens on `host`; elsewhere than on loopback, a token is
    made where none is given.

    Raises:
        ConfigurationError: the token is too short, or nothing that a header can carry.
    """
    if token is not None and (len(token) < _LEAST_TOKEN or not token.isascii() or " " in token):
        raise ConfigurationError(
            "--control-token is too easily guessed, or holds what no header can carry",
            hint=f"Use {_LEAST_TOKEN} or more characters of ASCII without spaces, for example"
            f" {secrets.token_urlsafe(24)}",
            reason="bad-option",
        )
    if _is_loopback(host):
        name = f"[{host}]" if ":" in host else host.lower()
        return Access(token=token, hosts=LOOPBACK | {name})
    # By which name others reach this machine is not known here; the token keeps pages out.
    return Access(token=token or secrets.token_urlsafe(24), hosts=None)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _print_openapi(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        click.echo(OPENAPI.read_text(encoding="utf-8"), nl=False)
        context.exit()
