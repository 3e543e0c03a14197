"""Who may call the control API: programs of this machine, and whoever knows the token.

A web page must not: every browser on this machine can reach a loopback address, so whatever a page
could send is refused. A page of another origin gives itself away by `Origin` or `Sec-Fetch-Site`,
one that had its name point here (DNS rebinding) by `Host`; bodies must be JSON, which a page could
not send without a preflight, and preflights get no leave.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass

from ..exchange import Headers, Request
from .problem import Problem

LOOPBACK = frozenset(("127.0.0.1", "localhost", "[::1]"))
"""Names by which this machine calls itself."""
_PORT = re.compile(r":\d*\Z")
_FROM_PAGES = frozenset(("cross-site", "same-site"))
"""Fetch Metadata: the request was made by a page that is not ours (W3C, `Sec-Fetch-Site`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What is asked of callers."""

    token: str | None = None
    """The bearer token (RFC 6750) that must be presented; None: none is asked for."""
    hosts: frozenset[str] | None = LOOPBACK
    """What `Host` may say, without the port; None: anything, where a token guards."""

    def check(self, request: Request, *, is_open: bool = False) -> None:
        """Raises Problem for who may not call; `is_open` endpoints ask for no token."""
        headers = request.headers
        host = _PORT.sub("", headers.first("Host") or "").lower()
        if self.hosts is not None and host not in self.hosts:
            raise Problem(
                "foreign-host",
                f"this server is not called {host!r}",
                hint=f"Call it by its address: {', '.join(sorted(self.hosts))}.",
            )
        foreign = (headers.first("Sec-Fetch-Site") or "").lower() in _FROM_PAGES
        if foreign or headers.first("Origin") is not None:
            raise Problem(
                "foreign-origin",
                "web pages may not call the control API",
                hint="Call it from a program, without the header Origin.",
            )
        if self.token is None or is_open:
            return
        scheme, _, given = (headers.first("Authorization") or "").partition(" ")
        known = hmac.compare_digest(given.strip().encode(), self.token.encode())
        if scheme.lower() != "bearer" or not known:
            raise Problem(
                "unauthorized",
                "the control API asks for its token",
                hint="Send it as `Authorization: Bearer TOKEN`.",
                headers=Headers([("WWW-Authenticate", 'Bearer realm="cometape"')]),
            )
