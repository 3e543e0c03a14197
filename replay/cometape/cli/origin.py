"""Origins given on the command line: what to record, what to import."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from cometape.core.errors import ConfigurationError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[\w-]{1,63}(\.[\w-]{1,63})*\.?|[0-9a-fA-F:.]+")
"""A name (RFC 1123, and the underscore that intranets use) or an address."""


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of a URL. Raises ConfigurationError for any other."""
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _bad_url(url, str(error)) from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise _bad_url(url, "it must begin with http:// or https://")
    if not _HOST.fullmatch(parts.hostname or "") or parts.username is not None:
        raise _bad_url(url, "it must name a host, and no user")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _bad_url(url, "leave the path out, all paths are recorded")
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    own = port in (None, _DEFAULT_PORTS[parts.scheme])
    return f"{parts.scheme}://{host}" + ("" if own else f":{port}")


def _bad_url(url: str, why: str) -> ConfigurationError:
    # A user and password in it must not be told again.
    shown = url if "@" not in url else f"…@{url.rpartition('@')[2]}"
    return ConfigurationError(
        f"{shown!r} is not the URL of a system to record: {why}",
        hint="For example: cometape record https://gws.example:8090 -o pull_workitem.yaml",
        reason="bad-url",
    )
