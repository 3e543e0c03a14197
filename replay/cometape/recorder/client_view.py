"""What a reverse proxy must change in an answer's head, so that the client comes back to it.

Only headers, and only these: a cookie for another domain, or a `Secure` one over plain HTTP, would
never be sent back, and a redirect to the upstream's own address would lead past the recorder. The
cassette holds what the upstream said. Absolute URIs in bodies stay as they are: rewriting them
belongs here, as a second function over `(body, origins)`, called where `Recorder` passes chunks on.
"""

from __future__ import annotations

from ..core.exchange import Headers

_LOCATIONS = ("location", "content-location")


def headers_for_client(
    headers: Headers, *, upstream: str, client: str, secure_client: bool
) -> Headers:
    """The answer's headers as the client must see them.

    `upstream` and `client` are origins, `scheme://host[:port]`: the real one, and that of the
    recorder as the client addresses it.
    """
    return Headers(
        (name, _for_client(name.lower(), value, upstream, client, secure_client))
        for name, value in headers
    )


def _for_client(name: str, value: str, upstream: str, client: str, secure_client: bool) -> str:
    if name == "set-cookie":
        return _cookie(value, secure_client)
    if name in _LOCATIONS and _is_at(value, upstream):
        return client + value[len(upstream) :]
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
