"""Which format a file has, told by its content and not by its name; then what it holds."""

from __future__ import annotations

import re
import zlib
from typing import Any

from cometape.interchange import har, vcr

from ..core.errors import CassetteError
from .json_document import parse
from .source import Source

MAX_BYTES = 512 * 1024 * 1024
"""The limit of a cassette; a longer file is refused."""

_TNETSTRING = re.compile(rb"\d{1,12}:")
"""How a flow begins: its length (tnetstrings.org)."""
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
"""How zlib's output begins (RFC 1950 §2.2): mitmproxy compresses a HAR it saves as `.zhar`."""
_CASSETTE = re.compile(rb"^cassette:", re.MULTILINE)
_KNOWN = {
    b"PK\x03\x04": "an archive (.zip, .saz): unpack it, or export as HAR from the program itself",
    b"\x1f\x8b": "compressed with gzip: unpack it first (gunzip)",
    b"\x0a\x0d\x0d\x0a": "a packet capture (.pcapng): bytes of connections, often encrypted",
    b"\xd4\xc3\xb2\xa1": "a packet capture (.pcap): bytes of connections, often encrypted",
    b"\xa1\xb2\xc3\xd4": "a packet capture (.pcap): bytes of connections, often encrypted",
    b"<?xml": "XML (a Charles session?): in Charles, File > Export Session, HTTP Archive (.har)",
    b"SQLite": "a database",
}
_ALLOWED = (
    "HAR (browsers, Charles, Proxyman, Fiddler), mitmproxy flows (mitmdump -w), vcrpy cassettes"
)


def read(data: bytes, name: str) -> Source:
    """What a file of any known format holds. Raises CassetteError naming file, entry and remedy."""
    if not data.strip():
        raise CassetteError(
            "nothing is in it", hint="Export or record it once more.", reason="empty", path=name
        )
    if len(data) > MAX_BYTES:
        raise CassetteError(
            f"longer than {MAX_BYTES} bytes",
            hint="Export fewer requests: a scenario of its own for each test.",
            reason="too-large",
            path=name,
        )
    for start, what in _KNOWN.items():
        if data.startswith(start):
            raise _unknown(name, what)
    if data[:2] in _ZLIB:
        data = _inflated(data, name)
    if _TNETSTRING.match(data):
        from cometape.interchange import flows

        return flows.read(data, name)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        document = parse(data, name)
        if isinstance(document, dict) and "log" in document:
            return har.read(document, name)
        return _of_interactions(document, name)
    if b"\x00" in data[:4096]:
        raise _unknown(name, "binary, and no flow file")
    if _CASSETTE.search(data[:4096]):
        raise _unknown(name, "a cassette of cometape already: `cometape inspect` shows it")
    return _of_interactions(vcr.parse(data, name), name)


def _of_interactions(document: Any, name: str) -> Source:
    if isinstance(document, dict):
        if "interactions" in document:
            return vcr.read(document, name)
        if "http_interactions" in document:
            raise _unknown(name, "a cassette of VCR for Ruby, which is not read")
        if "constants" in document and "events" in document:
            raise _unknown(name, "a NetLog of Chrome: export HAR in its developer tools instead")
    elif isinstance(document, list) and document and isinstance(document[0], dict):
        if "request" in document[0] and "response" in document[0] and "host" not in document[0]:
            return vcr.read(document, name)  # says what to do with an old one
        raise _unknown(name, "a list (a Charles JSON session?): export it as HAR")
    raise _unknown(name, "neither HAR nor flows nor a vcrpy cassette")


def _inflated(data: bytes, name: str) -> bytes:
    decoder = zlib.decompressobj()
    try:
        found = decoder.decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise _unknown(name, "binary, and no flow file") from error
    if len(found) > MAX_BYTES or not decoder.eof:
        raise CassetteError(
            "its compressed content is cut off or too long",
            hint="Export it once more.",
            reason="truncated",
            path=name,
        )
    return found


def _unknown(name: str, what: str) -> CassetteError:
    return CassetteError(
        f"cannot be imported: it is {what}",
        hint=f"What is read: {_ALLOWED}.",
        reason="not-importable",
        path=name,
    )
