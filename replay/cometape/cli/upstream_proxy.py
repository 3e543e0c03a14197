"""The proxy through which a recorder goes out, as given on the command line."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from cometape.core.errors import ConfigurationError

from .origin import origin_of

if TYPE_CHECKING:  # mitmproxy
    from cometape.recorder.proxy import UpstreamProxy


def other_proxy_of(url: str) -> UpstreamProxy:
    """The proxy of --upstream-proxy. Raises ConfigurationError."""
    from cometape.recorder.proxy import UpstreamProxy

    scheme, _, rest = url.rpartition("://")
    user, at, address = rest.rpartition("@")
    try:
        parts = urlsplit(origin_of(f"{scheme or 'http'}://{address}"))
    except ConfigurationError as error:
        raise ConfigurationError(
            f"--upstream-proxy {address!r} is not the URL of a proxy",
            hint="For example: --upstream-proxy http://proxy.example:3128",
            reason="bad-url",
        ) from error
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(
            f"--upstream-proxy {address!r}: no address is known for the host {parts.hostname!r}:"
            f" {getattr(error, 'strerror', None) or error}",
            hint="Every request would end with 502. Write it as a URL of a host that this machine"
            " can find: http://proxy.example:3128",
            reason="bad-url",
        ) from error
    return UpstreamProxy(
        scheme="https" if parts.scheme == "https" else "http",
        host=parts.hostname or "",
        port=port,
        credentials=unquote(user) if at else None,
    )
