"""Certificates for upstreams of a test, and an upstream that speaks TLS."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from mitmproxy.certs import CertStore

from odd_origin import Caller, odd_origin


def authority_in(folder: Path) -> Path:
    """A new authority that nobody trusts; the file of its certificate."""
    CertStore.create_store(folder, "mitmproxy", 2048)
    return folder / "mitmproxy-ca-cert.pem"


def context_for(folder: Path) -> ssl.SSLContext:
    """What a server of the name `localhost` needs, signed by the authority in `folder`."""
    store = CertStore.from_store(str(folder), "mitmproxy", 2048)
    entry = store.get_cert("localhost", [x509.DNSName("localhost")])
    pem = folder / "localhost.pem"
    pem.write_bytes(
        entry.cert.to_pem()
        + (folder / "mitmproxy-ca.pem").read_bytes().partition(b"-----BEGIN CERT")[0]
    )
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(pem)
    return made


@contextlib.contextmanager
def tls_origin(context: ssl.SSLContext) -> Iterator[str]:
    """An upstream that says over TLS what it was asked, one request per connection."""

    def behave(caller: Caller) -> None:
        with context.wrap_socket(caller.socket, server_side=True) as secure:
            inner = Caller(secure)
            head = inner.request().partition(b"\r\n")[0]
            body = b'{"asked":"%s"}' % head
            inner.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            inner.is_gone()

    with odd_origin(behave) as url:
        yield url.replace("http://127.0.0.1", "https://localhost")
