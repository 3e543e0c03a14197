"""The certificate authority of the recorder: by it a client trusts a proxy that opens its TLS.

It is mitmproxy's own, in `~/.mitmproxy`, so whoever trusts that one already has nothing to do. Made
when it is first needed; only its certificate is ever handed out, never its key.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from mitmproxy.certs import CertStore

from ..core.errors import ConfigurationError

DEFAULT_CONFDIR = Path("~/.mitmproxy")
"""Where mitmproxy keeps its certificate authority; shared, so that it is trusted already."""
_KEY_AND_CERTIFICATE = "mitmproxy-ca.pem"
_KEY_BITS = 2048
"""As mitmproxy makes them."""

BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
"""Environment variables that name a file of trusted certificates: of OpenSSL (Python's `ssl`, Ruby,
…), requests, curl, and Node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certificate authority: the public half of it."""

    folder: Path
    certificate: x509.Certificate

    @property
    def path(self) -> Path:
        """The file with the certificate alone, PEM."""
        return self.folder / "mitmproxy-ca-cert.pem"

    @property
    def name(self) -> str:
        """Its subject: `CN=mitmproxy,O=mitmproxy`."""
        return self.certificate.subject.rfc4514_string()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate as browsers show it: `AB:CD:…`."""
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    @property
    def valid(self) -> tuple[datetime, datetime]:
        """From when to when."""
        return self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc

    @property
    def public_key_pin(self) -> str:
        """SHA-256 of its public key in base64, by which Chrome names it (RFC 7469 §2.4)."""
        key = self.certificate.public_key()
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(der).digest()).decode("ascii")

    def is_valid(self) -> bool:
        """Whether clients accept it now."""
        start, end = self.valid
        return start <= datetime.now(UTC) <= end

    def encoded(self, form: str) -> bytes:
        """The certificate as `pem` or `der`."""
        return self.certificate.public_bytes(Encoding.DER if form == "der" else Encoding.PEM)


def authority_in(folder: Path) -> Authority:
    """The authority of a folder, made if there is none.

    Raises ConfigurationError when it can be neither read nor made.
    """
    folder = folder.expanduser()
    source = folder / _KEY_AND_CERTIFICATE
    try:
        if not source.exists():
            CertStore.create_store(folder, "mitmproxy", _KEY_BITS)
        certificate, *_ = x509.load_pem_x509_certificates(source.read_bytes())
        if not (folder / "mitmproxy-ca-cert.pem").exists():
            (folder / "mitmproxy-ca-cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{source} holds no certificate authority, and none could be made: {error}",
            hint="Choose another folder with --confdir, or move that file away for a new one.",
            reason="bad-authority",
        ) from error
    return Authority(folder=folder, certificate=certificate)


def store_in(authority: Authority) -> CertStore:
    """What signs certificates in an authority's name."""
    return CertStore.from_store(authority.folder, "mitmproxy", _KEY_BITS)


@contextlib.contextmanager
def usable_confdir(wanted: Path) -> Iterator[Path]:
    """The folder of certificates, or, if it cannot be written, one that lasts as long as this."""
    folder = wanted.expanduser()
    if _is_usable(folder):
        yield folder
    else:
        with tempfile.TemporaryDirectory(prefix="cometape-") as made:
            yield Path(made)


def _is_usable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / _KEY_AND_CERTIFICATE).exists():
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError:
        return False
    return True


def bundle(authority: Authority, environment: Mapping[str, str]) -> bytes:
    """What to trust, PEM: the system's certificates, the environment's, and the authority's."""
    sources = [_system_file()]
    sources += [Path(environment[name]) for name in BUNDLE_VARIABLES if environment.get(name)]
    pems: list[bytes] = []
    for source in dict.fromkeys(sources):
        with contextlib.suppress(OSError):  # a variable may name what is not there
            pems.append(source.read_bytes().strip())
    return b"\n".join([*dict.fromkeys(pems), authority.encoded("pem")])


def _system_file() -> Path:
    found = ssl.get_default_verify_paths().openssl_cafile
    for candidate in (found, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/cert.pem"):
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    return Path(certifi.where())  # Mozilla's, as shipped with mitmproxy
