"""What a reverse proxy must change in heads, so that the client stays on it and the system is asked
as if there were none.

Only headers that name an origin, and cookies: one for another domain, or a `Secure` one over plain
HTTP, would never be sent back. The cassette holds what the system was asked and what it said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from ..core.exchange import Headers

_LOCATIONS = ("location", "content-location")
_WITH_URIS = ("link", "refresh", "content-security-policy", "content-security-policy-report-only")
"""Headers in which URIs stand among other words."""
_ELSEWHERE = ("alt-svc", "strict-transport-security")
"""Headers by which a browser would leave the recorder, or never come back to it without TLS."""
CLIENT_NAMES = frozenset(
    (*_LOCATIONS, *_WITH_URIS, *_ELSEWHERE, "set-cookie", "access-control-allow-origin")
)
"""All that `headers_for_client` looks at, in lower case."""
UPSTREAM_NAMES = frozenset(("origin", "referer"))
"""All that `headers_for_upstream` looks at."""
_URI = re.compile(r"https?://[^/?#\s<>\"',;]+", re.IGNORECASE)


def headers_for_client(
    headers: Headers,
    *,
    own: Collection[str],
    client: str,
    secure_client: bool,
    created: bool = False,
) -> Headers:
    """The answer's headers as the client must see them.

    `own` are the origins of the system, `scheme://host[:port]` in lower case, and `client` is that
    of the recorder as the client addresses it. The `Location` of something `created` (201) is part
    of the system whatever its origin; that of a redirect may lead to another one.
    """

    def moved(value: str) -> str:
        return _URI.sub(lambda uri: client if uri.group().lower() in own else uri.group(), value)

    return Headers(
        (name, _for_client(name.lower(), value, moved, client, secure_client, created))
        for name, value in headers
        if name.lower() not in _ELSEWHERE
    )


def headers_for_upstream(headers: Headers, *, upstream: str, client: str) -> Headers:
    """The request's headers as they are without a recorder: `Origin` and `Referer`."""

    def back(name: str, value: str) -> str:
        if name.lower() not in UPSTREAM_NAMES or not _is_at(value, client):
            return value
        return upstream + value[len(client) :]

    return Headers((name, back(name, value)) for name, value in headers)


def _for_client(
    name: str,
    value: str,
    moved: Callable[[str], str],
    client: str,
    secure_client: bool,
    created: bool,
) -> str:
    if name == "set-cookie":
        return _cookie(value, secure_client)
    if name in _LOCATIONS:
        found = _URI.match(value)
        if found is None:
            return value
        return (
            client + value[found.end() :]
            if created
            else moved(found.group()) + value[found.end() :]
        )
    if name == "access-control-allow-origin" or name in _WITH_URIS:
        return moved(value)
    return value


def _is_at(uri: str, origin: str) -> bool:
    rest = uri[len(origin) :]
    return uri.lower().startswith(origin.lower()) and (not rest or rest[0] in "/?#")


def _cookie(value: str, secure_client: bool) -> str:
    pair, *attributes = value.split(";")
    kept = []
    for attribute in attributes:
        word = attribute.strip().lower().replace(" ", "")
        # `SameSite=None` is refused without `Secure` (RFC 6265bis §5.6).
        insecure = word in ("secure", "samesite=none", "partitioned")
        if word.startswith("domain=") or (insecure and not secure_client):
            continue
        kept.append(attribute)
    return ";".join([pair, *kept])
