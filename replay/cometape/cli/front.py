"""How clients reach a replay by another way than its plain address: TLS, or a proxy before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from cometape.core.cassette import Header
from cometape.core.errors import ConfigurationError

from .origin import origin_of

if TYPE_CHECKING:  # mitmproxy, which takes most of a second to import
    import ssl

    from cometape.mitm.replay_proxy import ReplayProxy

F = TypeVar("F", bound=Callable[..., Any])


def front_options(command: F) -> F:
    """Add `--proxy`, `--origin`, `--tls`, `--certificate` and `--confdir` to a command."""
    options = (
        click.option(
            "--proxy",
            is_flag=True,
            help="Be an HTTP(S) proxy (HTTP_PROXY, browser settings) for clients that insist on "
            "the real host name; hosts that were not recorded are refused.",
        ),
        click.option(
            "--origin",
            "origins",
            multiple=True,
            metavar="ORIGIN",
            help="With --proxy: another address of the recorded system (https://gws.example). "
            "May be repeated.",
        ),
        click.option(
            "--tls",
            is_flag=True,
            help="Speak HTTPS, with a certificate by the authority of cometape ca.",
        ),
        click.option(
            "--certificate",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            metavar="FILE",
            help="With --tls: a PEM file with your own key, certificate and chain.",
        ),
        click.option(
            "--confdir",
            type=click.Path(path_type=Path, file_okay=False),
            default=Path("~/.mitmproxy"),
            show_default=True,
            metavar="FOLDER",
            help="Where the certificate authority is: see cometape ca.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def check_front(
    *, proxy: bool, origins: tuple[str, ...], tls: bool, certificate: Path | None
) -> None:
    """Raises UsageError for options that do not go together."""
    if proxy and tls:
        raise click.UsageError("Give --proxy or --tls, not both: a proxy opens TLS by itself.")
    if origins and not proxy:
        raise click.UsageError("--origin goes with --proxy: without one the host does not matter.")
    if certificate is not None and not tls:
        raise click.UsageError("--certificate goes with --tls.")


@dataclass(slots=True)
class Refusals:
    """Requests through a proxy for hosts that were not recorded."""

    hosts: dict[str, int] = field(default_factory=dict)

    def add(self, host: str) -> None:
        """One more; the first for a host is told at once, on standard error."""
        self.hosts[host] = self.hosts.get(host, 0) + 1
        if self.hosts[host] == 1:
            click.echo(f"refused: {host} is no recorded host", err=True)

    def text(self) -> str:
        """For the end of a replay."""
        told = ", ".join(f"{host} ({times})" for host, times in sorted(self.hosts.items()))
        return f"refused, for they were not recorded: {told}"


def proxy_for(
    header: Header,
    origins: tuple[str, ...],
    *,
    host: str,
    port: int,
    confdir: Path,
    refusals: Refusals,
) -> ReplayProxy:
    """The proxy in front of a replay of a cassette with this header.

    Raises ConfigurationError when nothing says which hosts it stands for.
    """
    known = [header.origin] if header.origin else []
    known += [origin_of(one) for one in origins]
    if not known:
        raise ConfigurationError(
            "the cassette does not say which system it is of, so no host would be let through",
            hint="Name it: --origin https://gws.example; or write `origin:` into the cassette's"
            " header.",
            reason="no-origin",
        )
    from cometape.mitm.embedding import Address
    from cometape.mitm.replay_proxy import ReplayProxy

    return ReplayProxy(
        hosts=frozenset(str(urlsplit(one).hostname) for one in known),
        address=Address(host=host, port=port),
        confdir=confdir,
        refused=refusals.add,
    )


def tls_for(
    header: Header, certificate: Path | None, *, host: str, confdir: Path
) -> ssl.SSLContext:
    """What a replay of a cassette with this header needs to speak TLS."""
    from cometape.mitm.authority import usable_confdir
    from cometape.mitm.tls import context_by_authority, context_of_file

    if certificate is not None:
        return context_of_file(certificate)
    recorded = urlsplit(header.origin or "").hostname
    with usable_confdir(confdir) as folder:
        return context_by_authority(folder, [host, *([recorded] if recorded else [])])
