"""Which format a file has is told by its content; what is not read is named, with the remedy."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from cometape.core.errors import CassetteError
from cometape.interchange.reading import read

SAMPLE = (Path(__file__).parent / "samples" / "chrome.har").read_bytes()
CASSETTE = (Path(__file__).parents[2] / "cassettes" / "pull_workitem.yaml").read_bytes()


@pytest.mark.parametrize(
    ("data", "reason", "words"),
    [
        (b"  \n", "empty", "nothing is in it"),
        (CASSETTE, "not-importable", "a cassette of cometape already"),
        (b"PK\x03\x04....", "not-importable", "an archive"),
        (b"\x1f\x8b\x08", "not-importable", "gunzip"),
        (b"\x0a\x0d\x0d\x0a\x00", "not-importable", "a packet capture"),
        (b"<?xml version='1.0'?><charles/>", "not-importable", "HTTP Archive"),
        (b'{"constants":{},"events":[]}', "not-importable", "a NetLog of Chrome"),
        (b'[{"status":"COMPLETE","host":"a"}]', "not-importable", "a Charles JSON session"),
        (b'{"http_interactions":[]}', "not-importable", "VCR for Ruby"),
        (b"http_interactions: []\n", "not-importable", "VCR for Ruby"),
        (b'{"a": 1}', "not-importable", "neither HAR nor flows"),
        (b"just text", "not-importable", "neither HAR nor flows"),
        (b"\x00\x01\x02", "not-importable", "binary"),
        (b"\x78\x9cnot zlib", "not-importable", "binary"),
        (b'{"log": {"version": "1.2"}}', "bad-har", "no list `log.entries`"),
        (b'{"log": {"entries": []} x', "bad-json", "not JSON"),
        (SAMPLE[:3000], "truncated", "cut off"),
        (b"{" * 3 + b'"a"' + b"[" * 200_000, "truncated", ""),
        (b"interactions: [\n", "not-yaml", "not YAML"),
        (b"interactions: " + b"[" * 200 + b"]" * 200, "too-deep", "more than 100 levels"),
        (b'{"log": {"entries": [7]}}', "bad-har", "(entry 1)"),
        (b'{"log": {"entries": [{}]}}', "bad-har", "`request` is no object"),
        (b'{"interactions": [{"request": {}}]}', "bad-vcr", "(entry 1)"),
        (b"5:abc", "bad-flow", "(entry 1)"),
        (b'[{"request": {}, "response": {}}]', "bad-vcr", "before 1.0"),
    ],
)
def test_what_cannot_be_imported_says_why_and_what_to_do(
    data: bytes, reason: str, words: str
) -> None:
    with pytest.raises(CassetteError) as caught:
        read(data, "calls.bin")
    error = caught.value
    assert error.path == "calls.bin"
    if words:
        assert error.reason == reason
        assert words in str(error)
    assert error.hint


def test_a_byte_order_mark_and_the_compressed_har_of_mitmproxy_are_no_hindrance() -> None:
    count = len(read(SAMPLE, "a").traffic)
    assert len(read(b"\xef\xbb\xbf" + SAMPLE, "a").traffic) == count
    assert len(read(zlib.compress(SAMPLE, 9), "a").traffic) == count


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://[::1/x"},
        {"url": "https://gws.example:notaport/"},
        {"url": "https:///nohost"},
        {"method": None},
        {"headers": {"a": "b"}},
        {"headers": [7]},
        {"headers": [{"name": 7, "value": "x"}]},
        {"postData": {"mimeType": "a/b", "text": "!!!", "encoding": "base64"}},
    ],
)
def test_an_entry_that_is_wrong_is_named(change: dict[str, object]) -> None:
    document = json.loads(SAMPLE)
    document["log"]["entries"][2]["request"].update(change)
    with pytest.raises(CassetteError, match=r"^calls.har \(entry 3\)") as caught:
        read(json.dumps(document).encode(), "calls.har")
    assert caught.value.reason == "bad-har"
