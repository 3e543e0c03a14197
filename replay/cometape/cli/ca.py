"""`cometape ca`: the certificate by which clients trust the recorder as a proxy."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cometape.core.errors import ConfigurationError

if TYPE_CHECKING:  # mitmproxy
    from cometape.mitm.authority import Authority

HOW_TO_TRUST = """\
By itself: cometape record --proxy -o FILE -- COMMAND sets all of this for COMMAND.

curl     curl --cacert {path} …
         or CURL_CA_BUNDLE={bundle}
Python   SSL_CERT_FILE={bundle}          (ssl, httpx, aiohttp, urllib)
         REQUESTS_CA_BUNDLE={bundle}     (requests)
Node     NODE_EXTRA_CA_CERTS={path}
         and NODE_USE_ENV_PROXY=1 for HTTP_PROXY, from Node 22.21
Java     cp "$JAVA_HOME/lib/security/cacerts" trusted.jks
         keytool -importcert -noprompt -alias cometape -file {path} \\
                 -keystore trusted.jks -storepass changeit
         java -Djavax.net.ssl.trustStore=trusted.jks -Dhttps.proxyHost=127.0.0.1 \\
              -Dhttps.proxyPort=PORT -Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=PORT …
Chrome   Settings, Privacy and security, Security, Manage certificates, Authorities, Import
         or for one run: --proxy-server=http://127.0.0.1:PORT \\
              --ignore-certificate-errors-spki-list={pin} \\
              --user-data-dir=$(mktemp -d)
Firefox  Settings, Privacy & Security, View Certificates, Authorities, Import
System   macOS: security add-trusted-cert -k ~/Library/Keychains/login.keychain-db {path}
         Windows: certutil -user -addstore Root {path}
         Debian: copy to /usr/local/share/ca-certificates/*.crt, then update-ca-certificates

{bundle} replaces the certificates that are trusted otherwise, so it must hold those, too:
cometape ca --bundle --out {bundle}

Whoever has the key beside it can read your traffic: trust it on machines for testing alone, and
take it out of browsers and systems when you are done.
"""


@click.command("ca")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the certificate, never its key, to a file; - is standard output.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["pem", "der"]),
    default="pem",
    show_default=True,
    help="PEM is text, DER (for Windows, Java) is not.",
)
@click.option("--bundle", is_flag=True, help="Write what the system trusts before it (PEM).")
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists and differs.")
@click.option(
    "--confdir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("~/.mitmproxy"),
    show_default=True,
    metavar="FOLDER",
    help="Where the authority is, and is made if there is none.",
)
def command(out: Path | None, form: str, bundle: bool, overwrite: bool, confdir: Path) -> None:
    """Show, export and explain the certificate that clients of a proxy must trust.

    A proxy that records TLS shows its clients certificates of its own, signed by this authority,
    which is mitmproxy's. A recorder that stands in for one URL needs none of this: its clients
    speak plain HTTP to it.
    """
    if bundle and form != "pem":
        raise click.UsageError("--bundle is PEM: one DER file holds one certificate.")
    if bundle and out is None:
        raise click.UsageError("--bundle goes with --out FILE.")

    from cometape.mitm.authority import authority_in
    from cometape.mitm.authority import bundle as bundle_of

    authority = authority_in(confdir)
    if out is None:
        click.echo(_description(authority))
        return
    data = bundle_of(authority, os.environ) if bundle else authority.encoded(form)
    if str(out) == "-":
        sys.stdout.buffer.write(data)
        return
    _write(out, data, overwrite=overwrite)
    click.echo(f"wrote {out}\nSHA-256 {authority.fingerprint}")


def _description(authority: Authority) -> str:
    start, end = authority.valid
    trouble = "" if authority.is_valid() else "  NOT VALID NOW: move it away for a new one"
    facts = [
        f"certificate  {authority.path}",
        f"subject      {authority.name}",
        f"SHA-256      {authority.fingerprint}",
        f"valid        {start:%Y-%m-%d} to {end:%Y-%m-%d}{trouble}",
    ]
    explained = HOW_TO_TRUST.format(
        path=authority.path, bundle="trusted.pem", pin=authority.public_key_pin
    )
    return "\n".join([*facts, "", explained.rstrip()])


def _write(out: Path, data: bytes, *, overwrite: bool) -> None:
    try:
        if out.exists() and not overwrite and out.read_bytes() != data:
            raise ConfigurationError(
                f"{out} exists, and is left as it is",
                hint="Choose another name, or say --overwrite.",
                reason="exists",
            )
        out.write_bytes(data)
    except OSError as error:
        raise ConfigurationError(
            f"{out} cannot be written: {error.strerror or error}",
            hint="Choose another file, or - for standard output.",
            reason="unwritable",
        ) from error
