"""Clients that reach a replay by its real host name, or by TLS, as libraries do."""

from __future__ import annotations

import http.client
import json
import ssl
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer as a client saw it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)

    def all(self, name: str) -> list[str]:
        """Every value under a name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


def trusting(folder: Path) -> ssl.SSLContext:
    """A client's context that trusts the authority in a folder, and nobody else."""
    return ssl.create_default_context(cafile=folder / "mitmproxy-ca-cert.pem")


def ask(
    url: str,
    *,
    proxy: str | None = None,
    context: ssl.SSLContext | None = None,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Seen:
    """One request, through a proxy or not; a tunnel for `https:`, absolute form for `http:`.

    A tunnel that is refused is an answer as well.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    at = urlsplit(proxy) if proxy is not None else parts
    to = (at.hostname or "", at.port or port)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(*to, timeout=PATIENCE_S, context=context)
        if proxy is not None:
            connection.set_tunnel(host, port)
    else:
        connection = http.client.HTTPConnection(*to, timeout=PATIENCE_S)
        if proxy is not None:
            target = url
    with closing(connection):
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        return Seen(answer.status, answer.getheaders(), answer.read())
