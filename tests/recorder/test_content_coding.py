"""Content codings are undone for the cassette, within bounds, or left as they are."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard

from cometape.core.exchange import Headers
from cometape.recorder.content_coding import TooLongError, decode

LIMIT = 10_000
PLAIN = b"twenty bytes of text" * 10
RAW_DEFLATE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
RAW = RAW_DEFLATE.compress(PLAIN) + RAW_DEFLATE.flush()


def gzipped(data: bytes) -> bytes:
    """Without the time in its header: the ids of tests must be the same in every process."""
    return gzip.compress(data, mtime=0)


def coded(coding: str) -> Headers:
    return Headers([("A", "b"), ("content-encoding", coding)])


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzipped(PLAIN)),
        ("GZIP", gzipped(PLAIN[:50]) + gzipped(PLAIN[50:])),
        ("deflate", zlib.compress(PLAIN)),
        ("deflate", RAW),
        ("br", brotli.compress(PLAIN)),
        ("zstd", zstandard.compress(PLAIN)),
        ("deflate, gzip", gzipped(zlib.compress(PLAIN))),
        ("identity, gzip", gzipped(PLAIN)),
    ],
)
def test_a_coding_is_undone_and_its_header_dropped(coding: str, body: bytes) -> None:
    assert decode(coded(coding), body, LIMIT) == (Headers([("A", "b")]), PLAIN)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"not gzip"),
        ("gzip", gzipped(PLAIN)[:-4]),
        ("br", b"\xff\xff\xff"),
        ("br", brotli.compress(PLAIN)[:-2]),
        ("zstd", b"nope"),
        ("compress", b"anything"),
        ("gzip", b""),
    ],
)
def test_what_cannot_be_undone_stays_as_it_is(coding: str, body: bytes) -> None:
    assert decode(coded(coding), body, LIMIT) == (coded(coding), body)


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzipped),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstandard.compress),
    ],
)
def test_more_than_the_limit_is_refused(coding: str, encode: Callable[[bytes], bytes]) -> None:
    assert decode(coded(coding), encode(bytes(LIMIT)), LIMIT)[1] == bytes(LIMIT)
    with pytest.raises(TooLongError):
        decode(coded(coding), encode(bytes(50 * LIMIT)), LIMIT)
