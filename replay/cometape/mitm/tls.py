"""Certificates for a replay server that speaks TLS itself.

They are signed by the authority that the recorder's clients trust already (`cometape ca`), and made
for whatever name a client asks for (SNI), so that a name that leads to this machine needs no
preparation. Or the user brings one.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import ssl
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from mitmproxy.certs import CertStore

from ..core.errors import ConfigurationError
from .authority import authority_in, store_in

MAX_NAMES = 200
"""Names that certificates are made for at the asking of clients; further ones get the first one."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def context_of_file(certificate: Path) -> ssl.SSLContext:
    """Of the user's own certificate: a PEM file with key, certificate and chain.

    Raises ConfigurationError when it cannot be used.
    """
    context = _context()
    try:
        context.load_cert_chain(certificate, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise ConfigurationError(
            f"{certificate} is no certificate with its key: {error}",
            hint="Give a PEM file with an unencrypted private key, the certificate and its chain;"
            " or no --certificate, for one by the authority of `cometape ca`.",
            reason="bad-certificate",
        ) from error
    return context


def context_by_authority(confdir: Path, names: Iterable[str]) -> ssl.SSLContext:
    """Of certificates made here: one for `names` and loopback, others for what clients ask for.

    Raises ConfigurationError when the folder can hold no authority.
    """
    authority = authority_in(confdir)
    store = store_in(authority)
    first = _context()
    own = dict.fromkeys((*names, *_LOOPBACK, socket.gethostname()))
    _load(first, store, [name for name in own if name])
    made: dict[str, ssl.SSLContext] = {}

    def by_name(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: object) -> None:
        if name is None or name in own:
            return
        if name not in made and len(made) < MAX_NAMES:
            with contextlib.suppress(ValueError):  # no host name: the first certificate will do
                context = _context()
                _load(context, store, [name])
                made[name] = context
        connection.context = made.get(name, first)

    first.sni_callback = by_name
    return first


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load(context: ssl.SSLContext, store: CertStore, names: list[str]) -> None:
    entry = store.get_cert(names[0], [_general_name(name) for name in names])
    key = entry.privatekey.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    chain = b"".join(each.to_pem() for each in (entry.cert, *entry.chain_certs))
    # Python's ssl reads keys from files alone; this one is for nobody else, and gone at once.
    with tempfile.TemporaryDirectory(prefix="cometape-") as folder:
        path = Path(folder) / "tls.pem"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(key + chain)
        context.load_cert_chain(path)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode("ascii"))


def _no_password() -> str:
    raise ValueError("its private key is encrypted")
