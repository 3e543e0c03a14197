"""Content codings undone for the cassette; the client gets the bytes as they came.

Bounded: a few kilobytes of any of these codings can stand for gigabytes.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from io import BytesIO

import brotli  # type: ignore[import-untyped]
import zstandard

from ..core.exchange import Headers

_STEP = 1024
"""Bytes fed to brotli at a time: its decompressor knows no limit of its own."""


class TooLongError(Exception):
    """The decoded body is longer than the recorder keeps."""


def decode(headers: Headers, body: bytes, limit: int) -> tuple[Headers, bytes]:
    """The body without its content codings, and the headers without `Content-Encoding`.

    A body in a coding nobody here knows, or that is damaged, stays as it is, headers and all. So
    does an empty one (the answer to a HEAD). Raises TooLongError.
    """
    codings = codings_of(headers)
    if not codings or not body or any(name not in _DECODERS for name in codings):
        return headers, body
    decoded = body
    try:
        for name in reversed(codings):  # in the order in which they were applied: RFC 9110 §8.4
            decoded = _DECODERS[name](decoded, limit)
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError):
        return headers, body
    return headers.without("Content-Encoding"), decoded


def encode(headers: Headers, body: bytes) -> bytes:
    """The body in the codings that `headers` name, all of which `decode` has undone."""
    for name in codings_of(headers):
        body = _ENCODERS[name](body)
    return body


def codings_of(headers: Headers) -> list[str]:
    """The codings of `Content-Encoding` in the order in which they were applied."""
    return [
        name.strip().lower()
        for value in headers.all("Content-Encoding")
        for name in value.split(",")
        if name.strip() and name.strip().lower() != "identity"
    ]


def _inflate(body: bytes, limit: int, wbits: int) -> bytes:
    found = bytearray()
    while body:  # gzip allows several members in a row (RFC 1952 §2.2)
        decoder = zlib.decompressobj(wbits)
        found += decoder.decompress(body, limit + 1 - len(found))
        if len(found) > limit:
            raise TooLongError
        if not decoder.eof:
            raise EOFError("the coded body ends early")
        body = decoder.unused_data if wbits > 15 else b""
    return bytes(found)


def _gzip(body: bytes, limit: int) -> bytes:
    return _inflate(body, limit, 16 + zlib.MAX_WBITS)


def _deflate(body: bytes, limit: int) -> bytes:
    try:
        return _inflate(body, limit, zlib.MAX_WBITS)
    except zlib.error:  # some servers leave the zlib header out
        return _inflate(body, limit, -zlib.MAX_WBITS)


def _brotli(body: bytes, limit: int) -> bytes:
    decoder = brotli.Decompressor()
    found = bytearray()
    for at in range(0, len(body), _STEP):
        found += decoder.process(body[at : at + _STEP])
        if len(found) > limit:
            raise TooLongError
    if not decoder.is_finished():
        raise EOFError("the coded body ends early")
    return bytes(found)


def _zstd(body: bytes, limit: int) -> bytes:
    reader = zstandard.ZstdDecompressor().stream_reader(BytesIO(body), read_across_frames=True)
    found = reader.read(limit + 1)
    if len(found) > limit:
        raise TooLongError
    return bytes(found)


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}

_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda body: gzip.compress(body, mtime=0),
    "x-gzip": lambda body: gzip.compress(body, mtime=0),
    "deflate": zlib.compress,
    "br": lambda body: bytes(brotli.compress(body, quality=4)),
    "zstd": zstandard.compress,
}
CODINGS = frozenset(_DECODERS)
"""The codings that can be undone."""
