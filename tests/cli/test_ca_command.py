"""`cometape ca`: shows, exports and explains the certificate, and never its key."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from cometape.cli import main
from real_clients import unavailable


@pytest.fixture(scope="module")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authority")


def ca(confdir: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["ca", "--confdir", str(confdir), *arguments])


def certificate(confdir: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((confdir / "mitmproxy-ca-cert.pem").read_bytes())


def test_it_shows_where_it_is_what_it_is_and_how_long(confdir: Path) -> None:
    done = ca(confdir)  # made now, for it was not there
    assert done.exit_code == 0
    shown = certificate(confdir)
    assert str(confdir / "mitmproxy-ca-cert.pem") in done.output
    assert shown.fingerprint(hashes.SHA256()).hex(":").upper() in done.output
    assert f"to {shown.not_valid_after_utc:%Y-%m-%d}" in done.output
    assert "NOT VALID" not in done.output


@pytest.mark.parametrize(
    "word",
    [
        "--cacert",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "keytool -importcert",
        "Chrome",
        "Firefox",
    ],
)
def test_it_explains_every_kind_of_client(confdir: Path, word: str) -> None:
    assert word in ca(confdir).output


def test_it_is_made_once(confdir: Path) -> None:
    assert ca(confdir).output == ca(confdir).output


def test_it_exports_the_certificate_alone(confdir: Path, tmp_path: Path) -> None:
    out = tmp_path / "ca.pem"
    assert ca(confdir, "--out", str(out)).exit_code == 0
    assert x509.load_pem_x509_certificate(out.read_bytes()) == certificate(confdir)
    assert b"PRIVATE" not in out.read_bytes()
    out = tmp_path / "ca.der"
    assert ca(confdir, "--out", str(out), "--format", "der").exit_code == 0
    assert x509.load_der_x509_certificate(out.read_bytes()) == certificate(confdir)


def test_a_dash_is_standard_output(confdir: Path) -> None:
    done = ca(confdir, "--out", "-")
    assert x509.load_pem_x509_certificate(done.stdout_bytes) == certificate(confdir)


def test_a_bundle_has_what_the_system_trusts_as_well(confdir: Path, tmp_path: Path) -> None:
    out = tmp_path / "trusted.pem"
    assert ca(confdir, "--bundle", "--out", str(out)).exit_code == 0
    # Each is not parsed: some that systems trust have serial numbers that X.509 forbids.
    trusted = out.read_bytes().split(b"-----BEGIN CERTIFICATE-----")[1:]
    last = b"-----BEGIN CERTIFICATE-----" + trusted[-1]
    assert x509.load_pem_x509_certificate(last) == certificate(confdir)
    assert len(trusted) > 20


@pytest.mark.parametrize("arguments", [["--bundle"], ["--bundle", "--format", "der", "--out", "x"]])
def test_a_bundle_is_a_file_of_text(confdir: Path, arguments: list[str]) -> None:
    assert ca(confdir, *arguments).exit_code == 2


def test_an_existing_file_is_left_alone(confdir: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    out.write_text("mine")
    done = ca(confdir, "--out", str(out))
    assert (done.exit_code, out.read_text()) == (2, "mine")
    assert "--overwrite" in done.stderr
    assert ca(confdir, "--out", str(out), "--overwrite").exit_code == 0
    assert ca(confdir, "--out", str(out)).exit_code == 0, "it is the same already"


def test_a_file_that_cannot_be_written_is_told(confdir: Path, tmp_path: Path) -> None:
    done = ca(confdir, "--out", str(tmp_path / "missing" / "x"))
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr


def test_a_file_that_is_no_authority_is_told(tmp_path: Path) -> None:
    (tmp_path / "mitmproxy-ca.pem").write_text("nonsense")
    done = ca(tmp_path)
    assert done.exit_code == 2
    assert str(tmp_path / "mitmproxy-ca.pem") in done.stderr
    assert "--confdir" in done.stderr


def test_java_takes_it(confdir: Path, tmp_path: Path) -> None:
    if shutil.which("keytool") is None:
        unavailable("Java is not installed: `apt-get install default-jre-headless`")
    ca(confdir)
    done = subprocess.run(
        [
            *("keytool", "-importcert", "-noprompt", "-alias", "cometape"),
            *("-file", str(confdir / "mitmproxy-ca-cert.pem")),
            *("-keystore", str(tmp_path / "trusted.jks"), "-storepass", "changeit"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
